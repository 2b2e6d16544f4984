//! The arithmetic of a rate limit: GCRA, the generic cell rate algorithm (ITU-T I.371, annex A).
//!
//! What is known of a caller is one number: the time at which all that it has taken will have come
//! back. Pure, in nanoseconds since a beginning that the caller of this module chooses. Its
//! decisions are those of the crate `governor`, which a test holds; `rate/mod.rs` says why that
//! crate is the reference and not the way.

use std::time::Duration;

use crate::base::Rate;

/// How much may be taken, and how fast it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    /// The time in which one comes back.
    each: u64,
    /// The time in which all of them come back.
    whole: u64,
}

/// What a caller has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// How many could pass now.
    pub(super) count: u64,
    /// The time until one can pass; zero where one could pass now.
    pub(super) wait: Duration,
    /// The time until everything is back.
    pub(super) refill: Duration,
}

impl Quota {
    /// So many in the long run, so many at once.
    pub(super) fn new(rate: Rate, burst: u32) -> Self {
        let per = u64::try_from(rate.per.as_nanos()).unwrap_or(u64::MAX);
        let each = (per / u64::from(rate.count.max(1))).max(1);
        Self { each, whole: each.saturating_mul(u64::from(burst.max(1))) }
    }

    /// Takes one, if there is one. `back` is when all that was taken before is back.
    pub(super) fn take(self, back: &mut u64, now: u64) -> bool {
        let owed = back.saturating_sub(now);
        let after = owed.saturating_add(self.each);
        let allowed = after <= self.whole;
        if allowed {
            *back = now.saturating_add(after);
        }
        allowed
    }

    /// Puts one back that was taken in vain: another limit refused the same request.
    pub(super) fn put_back(self, back: &mut u64) {
        *back = back.saturating_sub(self.each);
    }

    /// What is left, without taking.
    pub(super) fn look(self, back: u64, now: u64) -> Left {
        let owed = back.saturating_sub(now);
        let wait = owed.saturating_add(self.each).saturating_sub(self.whole);
        Left {
            count: self.whole.saturating_sub(owed) / self.each,
            wait: Duration::from_nanos(wait),
            refill: Duration::from_nanos(owed),
        }
    }

    /// The time in which one comes back, and how many there are.
    pub(super) fn parts(self) -> (u64, u32) {
        (self.each, u32::try_from(self.whole / self.each).unwrap_or(u32::MAX))
    }

    /// The time in which everything comes back.
    pub(super) fn window(self) -> Duration {
        Duration::from_nanos(self.whole)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use governor::clock::FakeRelativeClock;
    use governor::{Quota as TheirQuota, RateLimiter};
    use proptest::prelude::*;

    use super::*;

    fn quota(count: u32, seconds: u64, burst: u32) -> Quota {
        Quota::new(Rate { count, per: Duration::from_secs(seconds) }, burst)
    }

    #[test]
    fn a_burst_passes_at_once_and_comes_back_one_by_one() {
        let quota = quota(2, 1, 3);
        let (mut back, half) = (0, 500_000_000);
        assert!((0..3).all(|_| quota.take(&mut back, 0)));
        assert!(!quota.take(&mut back, 0) && !quota.take(&mut back, half - 1));
        let left = quota.look(back, 0);
        assert_eq!((left.count, left.wait), (0, Duration::from_millis(500)));
        assert_eq!(left.refill, Duration::from_millis(1500));
        assert!(quota.take(&mut back, half) && !quota.take(&mut back, half));
        assert_eq!(quota.look(back, 10 * half).count, 3);
        assert_eq!(quota.window(), Duration::from_millis(1500));
    }

    #[test]
    fn what_is_put_back_can_be_taken_again() {
        let quota = quota(1, 1, 2);
        let mut back = 0;
        assert!(quota.take(&mut back, 5) && quota.take(&mut back, 5));
        quota.put_back(&mut back);
        assert!(quota.take(&mut back, 5) && !quota.take(&mut back, 5));
    }

    proptest! {
        /// Request by request the same answer as governor's, and a wait that is neither too long nor
        /// too short.
        #[test]
        fn agrees_with_the_reference(
            count in 1u32..500,
            burst in 1u32..50,
            pauses in proptest::collection::vec(0u64..40_000_000, 1..200),
        ) {
            let clock = FakeRelativeClock::default();
            let each = Duration::from_nanos(1_000_000_000 / u64::from(count));
            let theirs = TheirQuota::with_period(each).unwrap();
            let theirs = theirs.allow_burst(NonZeroU32::new(burst).unwrap());
            let reference = RateLimiter::direct_with_clock(theirs, clock.clone());
            let ours = quota(count, 1, burst);
            let (mut back, mut now) = (0, 0);
            for pause in pauses {
                clock.advance(Duration::from_nanos(pause));
                now += pause;
                let before = ours.look(back, now);
                let allowed = ours.take(&mut back, now);
                prop_assert_eq!(allowed, reference.check().is_ok());
                prop_assert_eq!(allowed, before.count > 0);
                prop_assert_eq!(allowed, before.wait.is_zero());
                if !allowed {
                    let wait = u64::try_from(before.wait.as_nanos()).unwrap();
                    prop_assert!(ours.take(&mut back.clone(), now + wait));
                    prop_assert!(!ours.take(&mut back.clone(), now + wait - 1));
                }
            }
        }
    }
}
