//! Who waits for room in a scope: a short queue with an end for each who waits.
//!
//! While the queue is a passing matter it is fair: first come, first served, and who could not be
//! served within `wait` is refused at once. A queue that has not been empty for a while is no
//! passing matter: then the newest goes first, because its client still listens, and the patience
//! shrinks to a tenth, because a standing queue serves nobody sooner (Facebook's adaptive LIFO and
//! controlled delay). Who is displaced by a newer one is told at once.
//!
//! Entered only where a scope is full, so its lock is on no healthy request's way.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::oneshot;

use super::permit::Permit;
use crate::base::clock::Instant;
use crate::observe::Shed;

/// Those who wait. Bounded by the depth.
#[derive(Debug, Default)]
pub(super) struct Queue {
    ordinary: VecDeque<Waiter>,
    reserved: VecDeque<Waiter>,
    next: u64,
    /// Since when it has not been empty.
    standing: Option<Instant>,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    told: oneshot::Sender<Verdict>,
}

/// What who waits is told.
pub(super) type Verdict = Result<Permit, Shed>;

/// Whose requests they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Everybody's.
    Ordinary,
    /// Of routes for which room is kept.
    Reserved,
}

/// Bounds of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    /// How many may wait.
    pub(super) depth: usize,
    /// For how long each.
    pub(super) wait: Duration,
}

/// A place in the queue.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) ticket: u64,
    pub(super) until: Instant,
    pub(super) verdict: oneshot::Receiver<Verdict>,
    /// Who has to go for it.
    pub(super) displaced: Option<oneshot::Sender<Verdict>>,
}

impl Queue {
    /// Joins the queue, where a place becomes free every `each`.
    ///
    /// # Errors
    /// There is no room, or the wait would be too long.
    pub(super) fn join(
        &mut self,
        class: Class,
        now: Instant,
        each: Duration,
        patience: Patience,
    ) -> Result<Joined, Shed> {
        let Patience { depth, wait } = patience;
        if depth == 0 || wait.is_zero() {
            return Err(Shed::QueueFull);
        }
        let pressed = self.is_pressed(now, patience);
        let wait = if pressed { (wait / 10).max(LEAST_WAIT).min(wait) } else { wait };
        let waiting = self.of(class).len();
        let until_served = each.saturating_mul(u32::try_from(waiting + 1).unwrap_or(u32::MAX));
        let full = self.len() >= depth;
        let mut displaced = None;
        if full || until_served > wait {
            if !pressed {
                return Err(if full { Shed::QueueFull } else { Shed::WaitTooLong });
            }
            displaced = self.of(class).pop_front();
            if full && displaced.is_none() {
                return Err(Shed::QueueFull);
            }
        }
        let (told, verdict) = oneshot::channel();
        self.next += 1;
        let ticket = self.next;
        self.standing.get_or_insert(now);
        self.of(class).push_back(Waiter { ticket, told });
        let displaced = displaced.map(|waiter| waiter.told);
        Ok(Joined { ticket, until: now + wait, verdict, displaced })
    }

    /// The next one to be served of a class.
    pub(super) fn next(
        &mut self,
        class: Class,
        now: Instant,
        patience: Patience,
    ) -> Option<oneshot::Sender<Verdict>> {
        let pressed = self.is_pressed(now, patience);
        let queue = self.of(class);
        let next = if pressed { queue.pop_back() } else { queue.pop_front() };
        self.settle();
        next.map(|waiter| waiter.told)
    }

    /// Somebody no longer waits.
    pub(super) fn leave(&mut self, class: Class, ticket: u64) {
        let queue = self.of(class);
        if let Ok(at) = queue.binary_search_by_key(&ticket, |waiter| waiter.ticket) {
            queue.remove(at);
        }
        self.settle();
    }

    pub(super) fn len(&self) -> usize {
        self.ordinary.len() + self.reserved.len()
    }

    pub(super) fn has(&self, class: Class) -> bool {
        match class {
            Class::Ordinary => !self.ordinary.is_empty(),
            Class::Reserved => !self.reserved.is_empty(),
        }
    }

    /// Whether the queue has stood for too long to be a passing matter.
    fn is_pressed(&self, now: Instant, patience: Patience) -> bool {
        let stood = self.standing.map(|since| now.saturating_duration_since(since));
        stood.is_some_and(|stood| stood >= patience.wait.max(PASSING))
    }

    fn of(&mut self, class: Class) -> &mut VecDeque<Waiter> {
        match class {
            Class::Ordinary => &mut self.ordinary,
            Class::Reserved => &mut self.reserved,
        }
    }

    fn settle(&mut self) {
        if self.len() == 0 {
            self.standing = None;
        }
    }
}

/// A queue that stands for less than this may still pass.
const PASSING: Duration = Duration::from_millis(100);
/// Less patience than this would refuse those for whom a place is just becoming free.
const LEAST_WAIT: Duration = Duration::from_millis(5);
