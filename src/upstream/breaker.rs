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

mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use self::window::Window;
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
        Some(Self { board: Arc::clone(board), switch, seat, window })
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
        if !(news || bad) {
            return;
        }
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
    /// Decides. What says nothing of the upstream leaves the place to another trial.
    pub(super) fn end(self, conduct: Conduct, now: Instant) {
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
mod tests {
    use super::*;
    use crate::base::clock;
    use crate::upstream::tests::rig::{plain, settings};

    const RULE: model::Breaker = model::Breaker {
        failures: 50,
        over: Duration::from_secs(10),
        at_least: 20,
        open: Duration::from_secs(5),
    };

    /// So many workers of one process.
    fn workers(count: usize) -> Vec<Breaker> {
        let mut upstream = settings(vec![plain(([127, 0, 0, 1], 1).into())]);
        upstream.breaker = Some(RULE);
        let board = Arc::new(Board::new(&upstream, count));
        (0..count).map(|seat| Breaker::new(&board, seat).unwrap()).collect()
    }

    fn feed(breaker: &Breaker, good: usize, bad: usize, now: Instant) {
        for _ in 0..good {
            breaker.note(Conduct::Well, now);
        }
        for _ in 0..bad {
            breaker.note(Conduct::Badly, now);
        }
    }

    fn state(breaker: &Breaker, now: Instant) -> BreakerState {
        breaker.switch.state(breaker.board.millis(now))
    }

    fn refused_for(breaker: &Breaker, now: Instant) -> Option<Duration> {
        breaker.enter(now).err().map(|error| error.wait.unwrap())
    }

    #[test]
    fn it_opens_at_the_share_and_not_below_nor_with_too_few() {
        let now = clock::now() + Duration::from_secs(1);
        for (good, bad, opens) in [(0, 19, false), (0, 20, true), (11, 10, false), (10, 10, true)] {
            let [breaker] = &workers(1)[..] else { panic!() };
            feed(breaker, good, bad, now);
            assert_eq!(refused_for(breaker, now).is_some(), opens, "{good} good, {bad} bad");
        }
        let [breaker] = &workers(1)[..] else { panic!() };
        for _ in 0..100 {
            breaker.note(Conduct::Unknown, now);
        }
        assert!(breaker.is_closed());
    }

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let now = clock::now() + Duration::from_secs(1);
        let [breaker] = &workers(1)[..] else { panic!() };
        feed(breaker, 0, 19, now);
        feed(breaker, 0, 1, now + RULE.over + Duration::from_secs(1));
        assert!(breaker.is_closed());
        feed(breaker, 0, 19, now + RULE.over + Duration::from_secs(2));
        assert!(!breaker.is_closed());
    }

    #[test]
    fn workers_count_together() {
        let now = clock::now() + Duration::from_secs(1);
        let [first, second] = &workers(2)[..] else { panic!() };
        feed(first, 0, 10, now);
        feed(second, 0, 9, now);
        assert!(first.is_closed());
        feed(second, 0, 1, now);
        assert!(!first.is_closed() && !second.is_closed());
        let [first, second] = &workers(2)[..] else { panic!() };
        feed(first, 100, 0, now);
        // The sum of the successes is told when a slice has ended.
        feed(first, 1, 0, now + Duration::from_secs(1));
        feed(second, 0, 50, now + Duration::from_secs(2));
        assert!(first.is_closed(), "50 of 151");
        feed(second, 0, 52, now + Duration::from_secs(2));
        assert!(!first.is_closed(), "102 of 203");
    }

    #[test]
    fn open_it_refuses_and_says_for_how_long_then_one_at_a_time_tries() {
        let now = clock::now() + Duration::from_secs(1);
        let [first, second] = &workers(2)[..] else { panic!() };
        feed(first, 0, 20, now);
        assert_eq!(state(second, now), BreakerState::Open);
        let later = now + Duration::from_secs(3);
        assert_eq!(refused_for(second, later), Some(Duration::from_secs(2)));
        let then = now + RULE.open;
        let Ok(Pass::Trial(trial)) = second.enter(then) else { panic!("one may try") };
        assert_eq!(state(first, then), BreakerState::HalfOpen);
        for breaker in [first, second] {
            assert_eq!(refused_for(breaker, then), Some(RULE.open), "and only one");
        }
        trial.end(Conduct::Badly, then);
        assert_eq!(state(first, then), BreakerState::Open);
        assert_eq!(refused_for(first, then), Some(RULE.open));
        let then = then + RULE.open;
        let Ok(Pass::Trial(trial)) = first.enter(then) else { panic!("one may try") };
        trial.end(Conduct::Well, then);
        assert_eq!(state(first, then), BreakerState::Closed);
        assert!(matches!(second.enter(then), Ok(Pass::Free)));
        feed(first, 0, 19, then);
        assert!(first.is_closed(), "what was counted before it opened is forgotten");
    }

    #[test]
    fn a_trial_that_says_nothing_makes_room_and_one_that_is_lost_does_in_time() {
        let now = clock::now() + Duration::from_secs(1);
        let [breaker] = &workers(1)[..] else { panic!() };
        feed(breaker, 0, 20, now);
        let then = now + RULE.open;
        let Ok(Pass::Trial(trial)) = breaker.enter(then) else { panic!("one may try") };
        trial.end(Conduct::Unknown, then);
        let Ok(Pass::Trial(trial)) = breaker.enter(then) else { panic!("another may") };
        drop(trial);
        let Ok(Pass::Trial(trial)) = breaker.enter(then) else { panic!("another may") };
        std::mem::forget(trial);
        assert_eq!(refused_for(breaker, then), Some(RULE.open));
        assert!(matches!(breaker.enter(then + RULE.open), Ok(Pass::Trial(_))));
    }

    #[test]
    fn successes_write_nothing_that_others_see_within_a_slice() {
        let now = clock::now() + Duration::from_secs(1);
        let [breaker] = &workers(1)[..] else { panic!() };
        feed(breaker, 1, 0, now + Duration::from_secs(1));
        let sum = || breaker.switch.seats[0].sum.load(Ordering::Relaxed);
        let before = sum();
        feed(breaker, 1000, 0, now + Duration::from_secs(1));
        assert_eq!(sum(), before);
    }
}
