//! How many requests a scope may carry at once, found out from how long they take.
//!
//! As long as an upstream is not full, a request takes the same time however many there are: that
//! time is the *baseline*. Beyond, every further request only waits in the upstream, and all of them
//! take longer. So the limit follows the gradient `baseline / time` (Envoy's adaptive concurrency,
//! Netflix's gradient): down by as much as the time has grown, up by a little headroom while it has
//! not, and only up while somebody wants more.
//!
//! A baseline that was measured under load is none. So when it is old and the scope has been full
//! all the time, the limit is halved for a moment, the queue in the upstream drains, and what is
//! measured then is the new baseline: an upstream that has become slower for good costs one such
//! look, and not the limit.

use std::time::Duration;

/// The limit's memory. Pure: time comes in, a limit goes out.
#[derive(Debug)]
pub(super) struct Gradient {
    limit: f64,
    baseline: Option<Duration>,
    /// When the baseline was last seen.
    seen: Duration,
    look: Option<Look>,
}

/// A look at the baseline with half the limit.
#[derive(Debug)]
struct Look {
    /// The limit to come back to.
    before: f64,
    /// What was sent before the limit was lowered is still on its way.
    stale: bool,
}

impl Gradient {
    pub(super) fn new() -> Self {
        Self { limit: FIRST, baseline: None, seen: Duration::ZERO, look: None }
    }

    pub(super) fn limit(&self) -> usize {
        // Bounded by LEAST and MOST, so nothing is lost.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
        let limit = self.limit as usize;
        limit
    }

    /// For how long to measure before the next step: at least as long as two requests take, so that
    /// what is measured was sent under the limit that is judged.
    pub(super) fn pace(&self) -> Duration {
        self.baseline.map_or(SHORTEST, |baseline| (2 * baseline).clamp(SHORTEST, LONGEST))
    }

    /// A moment is over in which requests took `time` on average. `full`: somebody found no room, or
    /// nearly so. `now` counts from any beginning.
    pub(super) fn step(&mut self, time: Duration, full: bool, now: Duration) {
        if let Some(look) = &mut self.look {
            if look.stale {
                look.stale = false;
                return;
            }
            let before = look.before;
            self.look = None;
            self.limit = before;
            self.learn(time, now);
            return;
        }
        let baseline = match self.baseline {
            Some(known) if full && known <= time => known,
            // Nobody waits for anybody: this is what a request takes.
            Some(known) if !full => {
                self.learn(if known < time { (known * 7 + time) / 8 } else { time }, now);
                known.min(time)
            }
            Some(_) | None => {
                self.learn(time, now);
                time
            }
        };
        let ratio = baseline.as_secs_f64() / time.as_secs_f64().max(1e-9);
        let gradient = (ratio * TOLERANCE).clamp(STEEPEST, 1.0);
        if full || gradient < 1.0 {
            let headroom =
                if ratio > UNTOUCHED { self.limit.sqrt() } else { self.limit.sqrt() / 2.0 };
            let headroom = if full { headroom.max(1.0) } else { 0.0 };
            self.limit = (self.limit * gradient + headroom).clamp(LEAST, MOST);
        }
        if full && now.saturating_sub(self.seen) > STALE {
            self.look = Some(Look { before: self.limit, stale: true });
            self.limit = (self.limit / 2.0).max(LEAST);
        }
    }

    fn learn(&mut self, baseline: Duration, now: Duration) {
        self.baseline = Some(baseline);
        self.seen = now;
    }
}

/// Where it begins.
const FIRST: f64 = 20.0;
/// So few that even a single slow request among them does not stop the measuring.
const LEAST: f64 = 3.0;
const MOST: f64 = 10_000.0;
/// Growth of the time that is taken for noise.
const TOLERANCE: f64 = 1.1;
/// Above this ratio nothing waits in the upstream yet, and the limit may grow faster.
const UNTOUCHED: f64 = 0.95;
/// The most that the limit falls in one step.
const STEEPEST: f64 = 0.5;
/// Age at which a baseline is looked at anew.
const STALE: Duration = Duration::from_secs(10);
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// An upstream with so many slots: beyond them requests wait for each other.
    fn settle(gradient: &mut Gradient, slots: f64, service: Duration, steps: u32, from: u32) {
        for step in from..from + steps {
            let load = (gradient.limit / slots).max(1.0);
            gradient.step(service.mul_f64(load), true, SHORTEST * step);
        }
    }

    #[test]
    fn it_finds_the_number_of_slots_and_follows_it() {
        let (mut gradient, service) = (Gradient::new(), Duration::from_millis(50));
        let near = |gradient: &Gradient, slots: f64| {
            assert!((slots..slots * 1.35).contains(&gradient.limit), "{slots}: {gradient:?}");
        };
        settle(&mut gradient, 100.0, service, 60, 0);
        near(&gradient, 100.0);
        settle(&mut gradient, 40.0, service, 30, 60);
        near(&gradient, 40.0);
        settle(&mut gradient, 100.0, service, 60, 200);
        near(&gradient, 100.0);
    }

    #[test]
    fn an_upstream_that_has_become_slower_keeps_its_limit() {
        let mut gradient = Gradient::new();
        settle(&mut gradient, 50.0, Duration::from_millis(20), 60, 0);
        settle(&mut gradient, 50.0, Duration::from_millis(80), 200, 60);
        assert!(gradient.limit > 45.0, "{gradient:?}");
    }

    #[test]
    fn nobody_who_asks_for_no_more_is_given_more() {
        let mut gradient = Gradient::new();
        for step in 0..100 {
            gradient.step(Duration::from_millis(10), false, SHORTEST * step);
        }
        assert_eq!(gradient.limit(), 20);
    }

    #[test]
    fn it_never_leaves_its_bounds() {
        let mut gradient = Gradient::new();
        for step in 0..100 {
            gradient.step(Duration::from_millis(10 << (step % 10)), true, SHORTEST * step);
            assert!((LEAST..=MOST).contains(&gradient.limit));
        }
        gradient.step(Duration::ZERO, true, Duration::MAX);
    }
}
