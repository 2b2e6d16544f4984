//! Spares an upstream that fails as a whole (`breaker`): closed, open, half open.
//!
//! Closed, each worker counts its own attempts in its own [`Window`] and writes nothing that another
//! thread sees but once a tenth of the window, and at a failure: a sum in its own seat. Whoever sees
//! a failure adds up all seats and opens the breaker where too many failed. Open, every call is
//! refused until the time is over; then one call at a time goes through, and its end decides.
//!
//! All of the switch is one number: 0 is closed; else the time until which calls are refused, in the
//! board's own time, with a mark in its lowest bit while a call is out to try. A trial that is never
//! heard of again blocks the next one for as long as the breaker would have been open, and no longer.
//!
//! A trial ends with the head of its answer. Where the answer then breaks off, or says nothing but
//! errors, before any has come whole, the trial has failed after all and the breaker opens again.

mod window;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use self::window::Window;
use super::endpoint::Row;
use super::error::{Kind, Stage, UpstreamError};
use super::health::Board;
use super::roster::Conduct;
use crate::base::quantity::format_duration;
use crate::config::model;
use crate::observe::{BreakerState, log};

/// The part of a breaker that all workers share.
#[derive(Debug)]
pub(super) struct Switch {
    rule: model::Breaker,
    state: AtomicU64,
    /// How often it was closed: sums from before count no more.
    turn: AtomicU64,
    seats: Box<[Seat]>,
}

/// What one worker has counted, for the others. Apart from its neighbours, because its owner writes
/// it while they are read.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Seat {
    /// Attempts and failures, 24 bits each, and the turn in which they were counted.
    sum: AtomicU64,
    at: AtomicU64,
}

/// A breaker as one worker lives with it.
pub(super) struct Breaker {
    board: Arc<Board>,
    switch: Arc<Switch>,
    seat: usize,
    window: Window,
    /// The turn that began when a trial of this worker closed it, and the place of the endpoint that it
    /// asked, until an answer of that has failed late.
    probation: Cell<Option<(u64, usize)>>,
}

/// Leave to call.
pub(super) enum Pass<'b> {
    /// The breaker is closed.
    Free,
    /// The one call that tries whether it can be.
    Trial(Trial<'b>),
}

/// The one call that tries. Dropped without a word it makes room for another.
pub(super) struct Trial<'b> {
    breaker: &'b Breaker,
    mark: u64,
}

impl Switch {
    pub(super) fn new(rule: model::Breaker, workers: usize) -> Self {
        let seats = std::iter::repeat_with(Seat::default).take(workers).collect();
        Self { rule, state: AtomicU64::new(CLOSED), turn: AtomicU64::new(0), seats }
    }

    /// For the metrics.
    pub(super) fn state(&self, now: u64) -> BreakerState {
        match self.state.load(Ordering::Relaxed) {
            CLOSED => BreakerState::Closed,
            state if state & TRIAL == 0 && until(state) > now => BreakerState::Open,
            _ => BreakerState::HalfOpen,
        }
    }

    fn open_for(&self) -> u64 {
        u64::try_from(self.rule.open.as_millis()).unwrap_or(u64::MAX >> 2)
    }

    fn turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed) & 0xffff
    }

    /// Attempts and failures of all workers but one.
    fn others(&self, own: usize, now: u64) -> (u32, u32) {
        let over = u64::try_from(self.rule.over.as_millis()).unwrap_or(u64::MAX);
        let turn = self.turn();
        let seats = self.seats.iter().enumerate().filter(|(seat, _)| *seat != own);
        let recent =
            seats.filter(|(_, it)| now.saturating_sub(it.at.load(Ordering::Relaxed)) < over);
        let sums = recent.map(|(_, it)| unpack(it.sum.load(Ordering::Relaxed)));
        sums.filter(|(of, _, _)| *of == turn)
            .fold((0, 0), |(all, bad), (_, more, worse)| (all + more, bad + worse))
    }
}

impl Breaker {
    /// A worker's side of the board's switch; none where the board has none.
    pub(super) fn new(board: &Arc<Board>, seat: usize) -> Option<Self> {
        let switch = Arc::clone(board.switch()?);
        let window = Window::new(switch.rule.over);
        let probation = Cell::new(None);
        Some(Self { board: Arc::clone(board), switch, seat, window, probation })
    }

    /// Whether a call may go through.
    ///
    /// # Errors
    /// It may not; the error says for how long.
    pub(super) fn enter(&self, now: Instant) -> Result<Pass<'_>, UpstreamError> {
        let switch = &*self.switch;
        let state = switch.state.load(Ordering::Relaxed);
        if state == CLOSED {
            return Ok(Pass::Free);
        }
        let millis = self.board.millis(now);
        if until(state) <= millis {
            let mark = open_until(millis.saturating_add(switch.open_for())) | TRIAL;
            let won =
                switch.state.compare_exchange(state, mark, Ordering::Relaxed, Ordering::Relaxed);
            if won.is_ok() {
                return Ok(Pass::Trial(Trial { breaker: self, mark }));
            }
        }
        let left = until(switch.state.load(Ordering::Relaxed)).saturating_sub(millis);
        let mut error = UpstreamError::unsent(Stage::Resolve, Kind::BreakerOpen)
            .with_detail("the upstream fails as a whole, and is spared");
        error.wait = Some(Duration::from_millis(left));
        Err(error)
    }

    /// Whether calls go through without asking.
    pub(super) fn is_closed(&self) -> bool {
        self.switch.state.load(Ordering::Relaxed) == CLOSED
    }

    /// Notes how an attempt ended, while the breaker is closed.
    pub(super) fn note(&self, conduct: Conduct, now: Instant) {
        if conduct == Conduct::Unknown || !self.is_closed() {
            return;
        }
        let (switch, millis) = (&*self.switch, self.board.millis(now));
        let bad = conduct == Conduct::Badly;
        let news = self.window.add(bad, millis, switch.turn());
        if news || bad {
            self.publish(bad, millis);
        }
    }

    /// Notes that an answer broke off whose head was noted as a good one, while the breaker is closed.
    pub(super) fn note_break(&self, place: usize, row: Row, now: Instant) {
        if !self.is_closed() {
            return;
        }
        let (switch, millis) = (&*self.switch, self.board.millis(now));
        if self.probation.get() == Some((switch.turn(), place)) {
            self.probation.set(None);
            if row == Row::GoesOn {
                self.open_again(millis);
                return;
            }
        }
        self.window.worsen(millis, switch.turn());
        self.publish(true, millis);
    }

    /// What closed it was no good answer.
    fn open_again(&self, now: u64) {
        let (switch, relaxed) = (&*self.switch, Ordering::Relaxed);
        let open = open_until(now.saturating_add(switch.open_for()));
        if switch.state.compare_exchange(CLOSED, open, relaxed, relaxed).is_ok() {
            let (name, for_) = (self.board.name(), format_duration(switch.rule.open));
            log::warn(
                "breaker",
                format_args!(
                    "upstream {name}: the answer that closed it failed after its head: open for {for_}"
                ),
            );
        }
    }

    /// Tells the other workers, and after a failure asks them.
    fn publish(&self, bad: bool, millis: u64) {
        let switch = &*self.switch;
        let (all, worse) = self.window.sum();
        if let Some(seat) = switch.seats.get(self.seat) {
            seat.sum.store(pack(switch.turn(), all, worse), Ordering::Relaxed);
            seat.at.store(millis, Ordering::Relaxed);
        }
        if bad {
            let (more, bad_too) = switch.others(self.seat, millis);
            self.weigh(all + more, worse + bad_too, millis);
        }
    }

    fn weigh(&self, all: u32, bad: u32, now: u64) {
        let switch = &*self.switch;
        let rule = &switch.rule;
        let enough = u64::from(bad) * 100 >= u64::from(rule.failures) * u64::from(all);
        if all < rule.at_least || !enough {
            return;
        }
        let open = open_until(now.saturating_add(switch.open_for()));
        let relaxed = Ordering::Relaxed;
        if switch.state.compare_exchange(CLOSED, open, relaxed, relaxed).is_ok() {
            let (name, for_) = (self.board.name(), format_duration(rule.open));
            let over = format_duration(rule.over);
            log::warn(
                "breaker",
                format_args!(
                    "upstream {name}: {bad} of {all} attempts failed within {over}: open for {for_}"
                ),
            );
        }
    }
}

impl Trial<'_> {
    /// Decides, by how the endpoint in this place has answered. What says nothing of the upstream leaves
    /// the way to another trial.
    pub(super) fn end(self, place: usize, conduct: Conduct, now: Instant) {
        let (switch, board) = (&*self.breaker.switch, &self.breaker.board);
        let next = match conduct {
            Conduct::Well => CLOSED,
            Conduct::Badly => open_until(board.millis(now).saturating_add(switch.open_for())),
            Conduct::Unknown => return,
        };
        if next == CLOSED {
            switch.turn.fetch_add(1, Ordering::Relaxed);
        }
        let relaxed = Ordering::Relaxed;
        let decided = switch.state.compare_exchange(self.mark, next, relaxed, relaxed).is_ok();
        if decided && next == CLOSED {
            self.breaker.probation.set(Some((switch.turn(), place)));
            log::info("breaker", format_args!("upstream {}: closed again", board.name()));
        }
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        let switch = &*self.breaker.switch;
        let relaxed = Ordering::Relaxed;
        // Fails where the trial has been decided, or another one has begun in its place.
        let _ = switch.state.compare_exchange(self.mark, open_until(0), relaxed, relaxed);
    }
}

fn open_until(millis: u64) -> u64 {
    // Never 0, which is closed.
    (millis.min(u64::MAX >> 2) + 1) << 1
}

fn until(state: u64) -> u64 {
    (state >> 1).saturating_sub(1)
}

fn pack(turn: u64, all: u32, bad: u32) -> u64 {
    turn << 48 | u64::from(all.min(MOST)) << 24 | u64::from(bad.min(MOST))
}

fn unpack(sum: u64) -> (u64, u32, u32) {
    let count = |bits: u64| u32::try_from(bits & u64::from(MOST)).unwrap_or(MOST);
    (sum >> 48, count(sum >> 24), count(sum))
}

const CLOSED: u64 = 0;
const TRIAL: u64 = 1;
/// Attempts that a seat can tell of.
const MOST: u32 = (1 << 24) - 1;

#[cfg(test)]
mod tests;
