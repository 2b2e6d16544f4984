//! One scope: the gateway, a route or an upstream, with the number of exchanges that it may carry.
//!
//! Shared by all workers. Entering and leaving are each one atomic addition on one number, which is
//! the price of a limit that holds for the whole process; only who finds no room takes the lock of
//! the queue.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::gradient::Gradient;
use super::permit::Permit;
use super::queue::{Class, Joined, Patience, Queue, Verdict};
use super::returns::Returns;
use super::window::{Window, nanos};
use crate::base::clock::{self, Instant};
use crate::config::model::InFlight;
use crate::observe::Shed;

/// What a scope is made from. Two that are equal behave the same, so a reload keeps what it knows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) in_flight: InFlight,
    pub(super) patience: Patience,
    /// Share of the limit that is kept for reserved routes.
    pub(super) reserve: f64,
}

/// A scope and who is in it.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) settings: Settings,
    /// The metrics page reads it too.
    pub(super) limit: Arc<AtomicUsize>,
    in_flight: AtomicUsize,
    /// Somebody found no room, or nearly so, since the limit was last judged.
    full: AtomicBool,
    /// How many wait; kept beside the queue so that leaving does not lock it.
    waiting: AtomicUsize,
    queue: Mutex<Queue>,
    holds: Window,
    /// How long an exchange is in the scope, lately.
    hold: AtomicU64,
    returns: Returns,
    times: Window,
    gradient: Option<Mutex<Gradient>>,
    began: Instant,
}

impl Scope {
    pub(super) fn new(settings: Settings) -> Arc<Self> {
        let (limit, gradient) = match settings.in_flight {
            InFlight::Fixed(limit) => (limit, None),
            InFlight::Adaptive => {
                let gradient = Gradient::new();
                (gradient.limit(), Some(Mutex::new(gradient)))
            }
        };
        Arc::new(Self {
            settings,
            limit: Arc::new(AtomicUsize::new(limit)),
            in_flight: AtomicUsize::new(0),
            full: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            queue: Mutex::default(),
            holds: Window::default(),
            hold: AtomicU64::new(0),
            returns: Returns::new(),
            times: Window::default(),
            gradient,
            began: clock::now(),
        })
    }

    /// Enters if there is room.
    pub(super) fn try_enter(self: &Arc<Self>, class: Class, now: Instant) -> Option<Permit> {
        let room = self.room(class);
        let taken = self.in_flight.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| {
            (count < room).then_some(count + 1)
        });
        let nearly = room - room / 8;
        if taken.map_or(true, |count| count + 1 >= nearly) && self.gradient.is_some() {
            self.full.store(true, Ordering::Relaxed);
        }
        taken.ok().map(|_| Permit::new(self, now))
    }

    /// Enters, or joins the queue where waiting is not in vain.
    ///
    /// # Errors
    /// It is.
    pub(super) fn enter(self: &Arc<Self>, class: Class, now: Instant) -> Result<Entered, Shed> {
        if let Some(permit) = self.try_enter(class, now) {
            return Ok(Entered::In(permit));
        }
        let joined = {
            let mut queue = self.queue();
            let joined = queue.join(class, now, self.each(), self.settings.patience);
            self.waiting.store(queue.len(), Ordering::SeqCst);
            joined?
        };
        let Joined { ticket, until, verdict, displaced } = joined;
        let scope = Arc::clone(self);
        let waiting = Waiting { scope, class, ticket, until, verdict, over: false };
        if let Some(displaced) = displaced {
            // Who has left meanwhile need not be told.
            let _ = displaced.send(Err(Shed::Displaced));
        }
        // Somebody may have left between the look and the queue.
        self.serve_waiting();
        Ok(Entered::Waits(waiting))
    }

    /// An exchange leaves that was in the scope since then.
    pub(super) fn leave(self: &Arc<Self>, since: Instant) {
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.serve_waiting();
        }
        let now = clock::now();
        let held = now.saturating_duration_since(since);
        if let Some(mean) = self.holds.add(held, self.nanos(now), HOLD_WINDOW, 1) {
            let before = self.hold.load(Ordering::Relaxed);
            let mean = nanos(mean);
            let smooth = if before == 0 { mean } else { before - before / 4 + mean / 4 };
            self.hold.store(smooth, Ordering::Relaxed);
        }
    }

    /// An upstream has answered after this time: what an adaptive limit learns from.
    pub(super) fn answered(self: &Arc<Self>, took: Duration, now: Instant) {
        let Some(gradient) = &self.gradient else { return };
        // The length only matters to who closes the window, and is read again there.
        let Some(mean) = self.times.add(took, self.nanos(now), SAMPLE_WINDOW, SAMPLES) else {
            return;
        };
        let full = self.full.swap(false, Ordering::Relaxed);
        let limit = {
            let mut gradient = gradient.lock().unwrap_or_else(PoisonError::into_inner);
            gradient.step(mean, full, now.saturating_duration_since(self.began));
            self.times.stretch(self.nanos(now), gradient.pace());
            gradient.limit()
        };
        if self.limit.swap(limit, Ordering::SeqCst) < limit {
            self.serve_waiting();
        }
    }

    /// When somebody who was refused now shall come back.
    pub(super) fn retry_after(&self) -> Duration {
        self.returns.place(clock::now().saturating_duration_since(self.began), self.each())
    }

    /// How many exchanges are in the scope.
    #[cfg(test)]
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Lets in those who wait, while there is room.
    fn serve_waiting(self: &Arc<Self>) {
        let mut queue = self.queue();
        let now = clock::now();
        for class in [Class::Reserved, Class::Ordinary] {
            while queue.has(class)
                && let Some(permit) = self.try_enter(class, now)
            {
                let told = queue.next(class, now, self.settings.patience);
                if let Some(Err(Ok(unheard))) = told.map(|told| told.send(Ok(permit))) {
                    // Its client has left. Not by dropping it, which would come back here.
                    unheard.void();
                    self.in_flight.fetch_sub(1, Ordering::SeqCst);
                }
            }
        }
        self.waiting.store(queue.len(), Ordering::SeqCst);
    }

    /// The limit for a class.
    fn room(&self, class: Class) -> usize {
        let limit = self.limit.load(Ordering::Relaxed);
        if class == Class::Reserved || self.settings.reserve <= 0.0 {
            return limit;
        }
        // A share of a limit is smaller than the limit, and both are small.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
        let kept = (limit as f64 * self.settings.reserve).ceil() as usize;
        limit.saturating_sub(kept).max(1)
    }

    /// The time after which, on average, one more place becomes free while the scope is full.
    fn each(&self) -> Duration {
        let limit = self.limit.load(Ordering::Relaxed).max(1) as u64;
        Duration::from_nanos(self.hold.load(Ordering::Relaxed) / limit)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // A queue is whole between any two lines of its own code.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nanos(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.began))
    }
}

/// What becomes of somebody who is not refused at once.
#[derive(Debug)]
pub(super) enum Entered {
    /// There was room.
    In(Permit),
    /// There may be soon.
    Waits(Waiting),
}

/// Somebody in the queue. Dropped before it was told, its place is given up: its client has left, or
/// its time is over.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) scope: Arc<Scope>,
    class: Class,
    ticket: u64,
    until: Instant,
    verdict: oneshot::Receiver<Verdict>,
    over: bool,
}

impl Waiting {
    /// Waits to be told.
    ///
    /// # Errors
    /// Nobody has left in time, or somebody newer goes first.
    pub(super) async fn told(&mut self) -> Result<Permit, Shed> {
        match tokio::time::timeout_at(self.until, &mut self.verdict).await {
            Ok(told) => {
                self.over = true;
                // The sender is never dropped unheard.
                told.unwrap_or(Err(Shed::Displaced))
            }
            Err(_) => Err(Shed::Waited),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.over {
            let mut queue = self.scope.queue();
            queue.leave(self.class, self.ticket);
            self.scope.waiting.store(queue.len(), Ordering::SeqCst);
        }
    }
}

const HOLD_WINDOW: Duration = Duration::from_millis(100);
const SAMPLE_WINDOW: Duration = Duration::from_millis(100);
/// Fewer times than this say nothing about an average.
const SAMPLES: u64 = 10;
