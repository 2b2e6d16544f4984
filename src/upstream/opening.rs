//! Opening a connection that many will share: one request does it, the others wait for the outcome,
//! success or failure alike, so that a slow upstream is not stormed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Notify;

use super::error::UpstreamError;

/// The connection of an endpoint that is being opened, if one is.
#[derive(Default)]
pub(super) struct Slot(RefCell<Option<Rc<Opening>>>);

/// How a request that found no connection goes on.
pub(super) enum Turn {
    /// It opens one and tells the others.
    Lead(Lead),
    /// It waits for somebody else's.
    Follow(Rc<Opening>),
    /// Too many wait already.
    Crowded,
}

/// A connection that somebody is opening.
pub(super) struct Opening {
    outcome: RefCell<Option<Result<(), UpstreamError>>>,
    over: Notify,
    waiting: Cell<usize>,
}

/// The duty to say how it ended, kept even if the request is given up.
pub(super) struct Lead {
    slot: Rc<Slot>,
    opening: Rc<Opening>,
}

impl Slot {
    /// Decides who opens the connection.
    pub(super) fn turn(self: &Rc<Self>) -> Turn {
        let mut slot = self.0.borrow_mut();
        if let Some(opening) = &*slot {
            if opening.waiting.get() >= WAITING {
                return Turn::Crowded;
            }
            return Turn::Follow(Rc::clone(opening));
        }
        let opening = Rc::new(Opening {
            outcome: RefCell::new(None),
            over: Notify::new(),
            waiting: Cell::new(0),
        });
        *slot = Some(Rc::clone(&opening));
        Turn::Lead(Lead { slot: Rc::clone(self), opening })
    }
}

impl Opening {
    /// Waits for the end. No outcome means that whoever opened it gave up; then look again.
    pub(super) async fn outcome(&self) -> Option<Result<(), UpstreamError>> {
        let _place = Waiting::new(&self.waiting);
        self.over.notified().await;
        self.outcome.borrow().clone()
    }
}

impl Lead {
    /// Tells those who wait.
    pub(super) fn finish(self, outcome: Result<(), UpstreamError>) {
        *self.opening.outcome.borrow_mut() = Some(outcome);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        *self.slot.0.borrow_mut() = None;
        self.opening.over.notify_waiters();
    }
}

struct Waiting<'a>(&'a Cell<usize>);

impl<'a> Waiting<'a> {
    fn new(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Requests that may wait for one connection.
const WAITING: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_leads_the_others_follow_and_too_many_are_turned_away() {
        let slot = Rc::new(Slot::default());
        let Turn::Lead(lead) = slot.turn() else { panic!("the first leads") };
        let Turn::Follow(opening) = slot.turn() else { panic!("the second follows") };
        opening.waiting.set(WAITING);
        assert!(matches!(slot.turn(), Turn::Crowded));
        lead.finish(Ok(()));
        assert_eq!(*opening.outcome.borrow(), Some(Ok(())));
        assert!(matches!(slot.turn(), Turn::Lead(_)), "after the end somebody leads again");
    }
}
