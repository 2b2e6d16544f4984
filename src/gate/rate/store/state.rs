//! Whether a store answers, as the workers see it: two relaxed reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use crate::base::clock::{self, Instant};
use crate::config::model::OnDown;
use crate::observe::StoreState;

/// How a store stands.
#[derive(Debug)]
pub(super) struct State {
    /// Name and address, without a password.
    named: String,
    on_down: OnDown,
    phase: AtomicU8,
    /// Until when nobody waits for it, in milliseconds since the beginning.
    doubted: AtomicU64,
    began: Instant,
    seen: Arc<StoreState>,
}

impl State {
    pub(super) fn new(named: String, on_down: OnDown) -> Self {
        Self {
            named,
            on_down,
            phase: AtomicU8::new(STARTING),
            doubted: AtomicU64::new(0),
            began: clock::now(),
            seen: Arc::default(),
        }
    }

    /// What it is called in the log.
    pub(super) fn named(&self) -> &str {
        &self.named
    }

    /// What the metrics page sees of it.
    pub(super) fn seen(&self) -> &Arc<StoreState> {
        &self.seen
    }

    /// Whether it may be waited for. Before anything is known of it, it may.
    pub(super) fn may_answer(&self, now: Instant) -> bool {
        self.phase.load(Ordering::Relaxed) != DOWN
            && self.millis(now) >= self.doubted.load(Ordering::Relaxed)
    }

    /// Somebody has waited for it in vain. Whether it is down is for the link to say; until it has
    /// looked, nobody else waits.
    pub(super) fn doubt(&self, now: Instant) {
        let until = self.millis(now + DOUBT);
        self.doubted.store(until, Ordering::Relaxed);
    }

    /// It answers from now on, or does not. Whether that is news.
    pub(super) fn turn(&self, up: bool) -> bool {
        self.seen.turn(up);
        if up {
            self.doubted.store(0, Ordering::Relaxed);
        }
        let phase = if up { UP } else { DOWN };
        self.phase.swap(phase, Ordering::Relaxed) != phase
    }

    /// What that means for requests, in words.
    pub(super) fn consequence(&self) -> &'static str {
        match self.on_down {
            OnDown::Local => "until it answers this process counts alone",
            OnDown::Allow => "until it answers its limits let everybody pass",
            OnDown::Refuse => "until it answers its limits refuse everybody",
        }
    }

    fn millis(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.began);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

const STARTING: u8 = 0;
const UP: u8 = 1;
const DOWN: u8 = 2;

/// Longer than the link takes to notice, if it can.
const DOUBT: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waited_in_vain_spares_others_the_wait_for_a_moment() {
        let state = State::new("store a".into(), OnDown::Local);
        let now = clock::now();
        assert!(state.may_answer(now), "nothing is known yet");
        state.doubt(now);
        assert!(!state.may_answer(now) && !state.may_answer(now + DOUBT / 2));
        assert!(state.may_answer(now + DOUBT + Duration::from_millis(1)));
        state.doubt(now);
        assert!(state.turn(true) && state.may_answer(now), "it has answered since");
        assert!(!state.turn(true), "no news");
    }

    #[test]
    fn while_it_is_down_nobody_waits() {
        let state = State::new("store a".into(), OnDown::Local);
        let now = clock::now();
        assert!(state.turn(false) && !state.turn(false));
        assert!(!state.may_answer(now + Duration::from_secs(3600)));
        assert!(!state.seen().is_up());
        assert!(state.turn(true) && state.seen().is_up() && state.may_answer(now));
    }
}
