//! One file descriptor that a worker keeps back, to have one when there is none.
//!
//! Without it a client that connects while every descriptor is taken would wait in the kernel's
//! queue for as long as that lasts, and never learn why. Given up for a moment, the descriptor is
//! what such a client is accepted with, told, and let go.

use std::cell::RefCell;
use std::fs::File;
use std::rc::Rc;

/// The descriptor, while nobody uses it.
#[derive(Debug, Default)]
pub(super) struct Reserve(RefCell<Option<File>>);

/// The descriptor is given up; dropping this takes one again. It has to be dropped where the client
/// is let go, without a wait between the two: whoever ran in between could have taken it.
#[derive(Debug)]
pub(super) struct Spent(Rc<Reserve>);

impl Reserve {
    /// Takes a descriptor; without one where there is none already now.
    pub(super) fn new() -> Rc<Self> {
        let reserve = Rc::new(Self::default());
        reserve.refill();
        reserve
    }

    /// Gives the descriptor up; none where it is in use, or could not be taken again.
    pub(super) fn spend(self: &Rc<Self>) -> Option<Spent> {
        let kept = self.0.take()?;
        drop(kept);
        Some(Spent(Rc::clone(self)))
    }

    /// Takes a descriptor where it has none.
    pub(super) fn refill(&self) {
        let mut kept = self.0.borrow_mut();
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

/// A file that needs no disk and holds nothing.
const NOTHING: &str = "/dev/null";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_descriptor_is_spent_by_one_at_a_time() {
        let reserve = Reserve::new();
        let spent = reserve.spend().unwrap();
        assert!(reserve.spend().is_none(), "it is in use");
        drop(spent);
        assert!(reserve.spend().is_some(), "and back again");
        assert!(
            Rc::new(Reserve::default()).spend().is_none(),
            "nothing can be given that is not there"
        );
    }
}
