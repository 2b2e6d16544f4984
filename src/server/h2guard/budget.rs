//! What a connection may spend on frames that are no use to anybody.
//!
//! A budget is a leaky bucket that useful work empties as well: so an honest client is never near
//! its brim, however long it stays, and a flood reaches it within a bounded number of frames. The
//! clock is read only at the brim, which a healthy connection does not see.

use crate::base::clock::{self, Instant};

/// How much was spent and not yet forgiven.
#[derive(Debug)]
pub(super) struct Budget {
    level: u32,
    brim: u32,
    /// Forgiven by the mere passing of time.
    per_second: u32,
    since: Instant,
}

/// More was spent than there was.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spent;

impl Budget {
    /// `brim` at once, and `per_second` on and on.
    pub(super) fn new(brim: u32, per_second: u32) -> Self {
        Self { level: 0, brim, per_second, since: clock::now() }
    }

    /// Takes `cost`.
    ///
    /// # Errors
    /// The budget is spent.
    pub(super) fn spend(&mut self, cost: u32) -> Result<(), Spent> {
        self.level = self.level.saturating_add(cost);
        if self.level <= self.brim {
            return Ok(());
        }
        let now = clock::now();
        let passed = u64::try_from((now - self.since).as_millis()).unwrap_or(u64::MAX);
        let forgiven = passed.saturating_mul(self.per_second.into()) / 1000;
        if forgiven > 0 {
            self.since = now;
            self.level = self.level.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
        }
        if self.level <= self.brim { Ok(()) } else { Err(Spent) }
    }

    /// Useful work makes up for what was spent before it, never for what comes.
    pub(super) fn earn(&mut self, worth: u32) {
        self.level = self.level.saturating_sub(worth);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn spent_after(budget: &mut Budget) -> u32 {
        (1..).find(|_| budget.spend(1).is_err()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_ends_at_the_brim_and_time_forgives() {
        let mut budget = Budget::new(100, 10);
        assert_eq!(spent_after(&mut budget), 101);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(spent_after(&mut budget), 20);
        tokio::time::advance(Duration::from_secs(3600)).await;
        let after_an_hour = spent_after(&mut budget);
        assert!(after_an_hour <= 202, "an hour is worth two brims at most: {after_an_hour}");
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_no_credit_for_later() {
        let mut budget = Budget::new(100, 0);
        budget.earn(1000);
        assert_eq!(spent_after(&mut budget), 101);
        budget.earn(51);
        assert_eq!(spent_after(&mut budget), 51);
    }
}
