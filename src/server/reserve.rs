//! One file descriptor that a worker keeps back, to have one when there is none, and what tells that
//! this is about to be so.
//!
//! Without it a client that connects while every descriptor is taken would wait in the kernel's
//! queue for as long as that lasts, and never learn why. Given up for a moment, the descriptor is
//! what such a client is accepted with, told, and let go.
//!
//! A request under way that needs a connection to its upstream cannot wait for one: so room is made
//! while there are a few left. The system gives the lowest number that is free, which says how many
//! are.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::rc::Rc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use crate::base::clock::{self, Instant};

/// The descriptor, while nobody uses it.
#[derive(Debug)]
pub(super) struct Reserve {
    kept: RefCell<Option<File>>,
    /// The first number that no descriptor gets.
    limit: Cell<u64>,
    /// When nobody could make room.
    in_vain: Cell<Option<Instant>>,
}

/// The descriptor is given up; dropping this takes one again. It has to be dropped where the client
/// is let go, without a wait between the two: whoever ran in between could have taken it.
#[derive(Debug)]
pub(super) struct Spent(Rc<Reserve>);

impl Reserve {
    /// Takes a descriptor; without one where there is none already now.
    pub(super) fn new() -> Rc<Self> {
        let reserve = Rc::new(Self::bare(limit()));
        reserve.refill();
        reserve
    }

    fn bare(limit: u64) -> Self {
        Self { kept: RefCell::default(), limit: Cell::new(limit), in_vain: Cell::default() }
    }

    /// Has room made where few are left, now that this one is taken; `make_room` says whether anybody
    /// could.
    #[inline]
    pub(super) fn keep_some(&self, taken: BorrowedFd<'_>, make_room: impl FnOnce() -> bool) {
        let above = u64::try_from(taken.as_raw_fd()).unwrap_or_default() + FEW;
        if above >= self.limit.get() {
            self.regain(above, limit(), clock::now(), make_room);
        }
    }

    #[cold]
    fn regain(&self, above: u64, limit: u64, now: Instant, make_room: impl FnOnce() -> bool) {
        // It may have been raised since.
        self.limit.set(limit);
        // Where nobody could a moment ago, looking at them all once more is for nothing.
        let since = self.in_vain.get().map(|last| now.saturating_duration_since(last));
        if above < limit || since.is_some_and(|since| since < MOMENT) {
            return;
        }
        self.in_vain.set((!make_room()).then_some(now));
    }

    /// Gives the descriptor up; none where it is in use, or could not be taken again.
    pub(super) fn spend(self: &Rc<Self>) -> Option<Spent> {
        let kept = self.kept.take()?;
        drop(kept);
        Some(Spent(Rc::clone(self)))
    }

    /// Takes a descriptor where it has none.
    pub(super) fn refill(&self) {
        let mut kept = self.kept.borrow_mut();
        if kept.is_none() {
            *kept = File::open(NOTHING).ok();
        }
    }
}

impl Drop for Spent {
    fn drop(&mut self) {
        self.0.refill();
    }
}

/// The limit of descriptors as it is now.
fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// A file that needs no disk and holds nothing.
const NOTHING: &str = "/dev/null";
/// Descriptors that are few: each client that is taken in may need another one at once, for its
/// upstream, and several are taken in together.
const FEW: u64 = 4;
/// How long nobody is asked again after nobody could make room.
const MOMENT: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn one_descriptor_is_spent_by_one_at_a_time() {
        let reserve = Reserve::new();
        let spent = reserve.spend().unwrap();
        assert!(reserve.spend().is_none(), "it is in use");
        drop(spent);
        assert!(reserve.spend().is_some(), "and back again");
        assert!(
            Rc::new(Reserve::bare(0)).spend().is_none(),
            "nothing can be given that is not there"
        );
    }

    #[test]
    fn room_is_made_once_few_are_left_and_not_again_at_once_where_nobody_could() {
        let file = File::open(NOTHING).unwrap();
        let number = u64::try_from(file.as_raw_fd()).unwrap();
        for least in [0, 1] {
            let reserve = Reserve::bare(number + FEW + least);
            reserve.keep_some(file.as_fd(), || unreachable!("more were given, or are left"));
        }

        let reserve = Reserve::bare(100);
        let start = clock::now();
        let asked = |above, time, could| {
            let mut asked = false;
            let make_room = || {
                asked = true;
                could
            };
            reserve.regain(above, 100, start + Duration::from_millis(time), make_room);
            asked
        };
        assert!(!asked(99, 0, true));
        assert!(asked(100, 0, true) && asked(102, 0, true), "as often as somebody can");
        assert!(asked(101, 1, false));
        assert!(!asked(101, 2, true) && !asked(101, 10, true), "nobody could just now");
        assert!(asked(101, 11, false) && !asked(101, 20, true) && asked(101, 21, true));
        assert!(asked(101, 22, true));
    }
}
