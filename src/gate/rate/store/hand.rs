//! What a gateway has in hand of a caller's quota, which is kept in a store. Pure, in nanoseconds.
//!
//! A token is taken from the store once and used once, so the gateways together never let more pass
//! than the store has given away. Who comes now and then is asked for one by one, so the decision is
//! the store's own. Who comes again and again has more taken for it at once, twice as many each time,
//! up to a tenth of the burst: the next requests are decided here, without waiting. What is not used
//! within [`HELD`] is given back.
//!
//! A refusal is remembered as long, so that a flood of one that is over its quota asks the store ten
//! times a second and no more. Not for longer: another gateway may have given something back.

use std::time::Duration;

use super::super::gcra::{Left, Quota};
use super::super::table::Known;

/// What is known here of one caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hand {
    /// When all that was taken is back, as the store said last; tokens in hand count as taken.
    back: u64,
    /// Until when tokens in hand are kept, and what was heard last is believed.
    until: u64,
    /// Tokens in hand.
    stock: u32,
    /// How many were taken for it at once.
    batch: u32,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    /// It passes. It is time to ask for more where that is true.
    Passes(bool),
    /// There are none, and none come back yet.
    Refused,
    /// The store knows.
    Unknown,
}

impl Known for Hand {
    fn back(&self) -> u64 {
        self.back
    }
}

impl Hand {
    /// Takes one, as far as that can be decided here.
    pub(super) fn take(&mut self, quota: Quota, now: u64) -> Verdict {
        if self.stock > 0 {
            self.stock -= 1;
            return Verdict::Passes(self.batch > 1 && self.stock == self.batch / 2);
        }
        if self.refuses(quota, now) { Verdict::Refused } else { Verdict::Unknown }
    }

    /// Whether it is known that there are none.
    pub(super) fn refuses(&self, quota: Quota, now: u64) -> bool {
        self.stock == 0 && now < self.until && !quota.look(self.back, now).wait.is_zero()
    }

    /// How many to ask the store for while so many wait; `most` may lie here beyond them.
    pub(super) fn want(&mut self, quota: Quota, waiting: u32, most: u32, now: u64) -> u32 {
        let again = now < self.until;
        self.batch = if again { self.batch.max(1).saturating_mul(2).min(most) } else { 1 };
        let spare = if self.batch > 1 { self.batch.saturating_sub(self.stock) } else { 0 };
        // Nobody is served by asking for what is known not to be there.
        let spare = if waiting == 0 && self.refuses(quota, now) { 0 } else { spare };
        waiting.saturating_add(spare)
    }

    /// The store has answered what was asked at `sent`: all that was taken is back after `owed`.
    pub(super) fn learn(&mut self, owed: Duration, sent: u64) {
        // From when it was asked, so that nobody is refused here whom the store would let pass.
        self.back = sent.saturating_add(nanos(owed));
    }

    /// It has given some, and for so many nobody waits.
    pub(super) fn keep(&mut self, tokens: u32, now: u64) {
        self.stock = self.stock.saturating_add(tokens);
        self.until = now.saturating_add(nanos(HELD));
    }

    /// Whether any are in hand.
    pub(super) fn is_full(&self) -> bool {
        self.stock > 0
    }

    /// Takes what is to be given back, because nobody has used it for too long.
    pub(super) fn unused(&mut self, now: u64) -> u32 {
        if now < self.until { 0 } else { std::mem::take(&mut self.stock) }
    }

    /// What is left of the quota, as far as that is known here.
    pub(super) fn look(&self, quota: Quota, now: u64) -> Left {
        let (each, _) = quota.parts();
        quota.look(self.back.saturating_sub(each.saturating_mul(self.stock.into())), now)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// How long tokens are kept that nobody uses; and who comes again within it is given more at once.
pub(super) const HELD: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rate;

    const MS: u64 = 1_000_000;

    /// One comes back every 10 ms, 100 at once.
    fn quota() -> Quota {
        Quota::new(Rate { count: 100, per: Duration::from_secs(1) }, 100)
    }

    #[test]
    fn a_stranger_is_asked_for_one_by_one() {
        let mut hand = Hand::default();
        assert_eq!(hand.take(quota(), MS), Verdict::Unknown);
        assert_eq!(hand.want(quota(), 1, 10, MS), 1);
        hand.learn(Duration::from_millis(10), MS);
        hand.keep(0, MS);
        // After a pause it is a stranger again.
        assert_eq!(hand.take(quota(), 200 * MS), Verdict::Unknown);
        assert_eq!(hand.want(quota(), 1, 10, 200 * MS), 1);
    }

    #[test]
    fn who_comes_again_and_again_has_more_in_hand_up_to_a_bound() {
        let mut hand = Hand::default();
        let mut asked = Vec::new();
        for at in 1..6 {
            assert_eq!(hand.take(quota(), at * MS), Verdict::Unknown);
            let want = hand.want(quota(), 1, 10, at * MS);
            asked.push(want);
            hand.learn(Duration::from_millis(300), at * MS);
            hand.keep(want - 1, at * MS);
            while hand.stock > 0 {
                assert!(matches!(hand.take(quota(), at * MS), Verdict::Passes(_)));
            }
        }
        // One for who waits, and the batch.
        assert_eq!(asked, [1, 3, 5, 9, 11]);
    }

    #[test]
    fn more_is_asked_for_before_the_last_is_used() {
        let mut hand = Hand { batch: 8, stock: 8, ..Hand::default() };
        let early: Vec<_> = (0..8).map(|_| hand.take(quota(), MS)).collect();
        let due = early.iter().position(|verdict| *verdict == Verdict::Passes(true));
        assert_eq!(due, Some(3), "half are left");
        assert_eq!(early.iter().filter(|it| **it == Verdict::Passes(true)).count(), 1);
    }

    #[test]
    fn a_refusal_holds_until_one_is_back_or_for_a_moment_and_asks_nobody() {
        let mut hand = Hand::default();
        hand.learn(Duration::from_secs(1), MS);
        hand.keep(0, MS);
        assert_eq!(hand.take(quota(), 2 * MS), Verdict::Refused);
        assert_eq!(hand.look(quota(), 2 * MS).wait, Duration::from_millis(9));
        assert_eq!(hand.want(quota(), 0, 10, 2 * MS), 0);
        assert_eq!(hand.take(quota(), 11 * MS), Verdict::Unknown);
        // Far over it, another gateway may have given something back since.
        hand.learn(Duration::from_secs(60), MS);
        assert_eq!(hand.take(quota(), 100 * MS), Verdict::Refused);
        assert_eq!(hand.take(quota(), 101 * MS), Verdict::Unknown);
    }

    #[test]
    fn what_nobody_uses_is_given_back_once() {
        let mut hand = Hand::default();
        hand.learn(Duration::from_millis(90), MS);
        hand.keep(9, MS);
        assert_eq!((hand.look(quota(), MS).count, hand.stock), (100, 9));
        assert_eq!(hand.unused(100 * MS), 0, "it may still be used");
        assert_eq!((hand.unused(101 * MS), hand.unused(101 * MS)), (9, 0));
    }
}
