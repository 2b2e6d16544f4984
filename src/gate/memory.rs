//! Whether the process has memory for more work.
//!
//! The control thread measures, a few times a second, and writes one byte; a request reads it. What
//! is under way goes on whatever that byte says: only what is new is refused, because an exchange
//! that is cut has cost its memory for nothing.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::problem::{Cause, Problem};

/// How near the process is to its budget, for all threads.
#[derive(Debug, Default)]
pub struct Memory(AtomicU8);

/// How near it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// There is room.
    #[default]
    None,
    /// Connections that carry nothing are to leave.
    Tight,
    /// Nothing new is begun.
    Short,
}

impl Memory {
    /// What was measured last.
    pub fn pressure(&self) -> Pressure {
        match self.0.load(Ordering::Relaxed) {
            TIGHT => Pressure::Tight,
            SHORT => Pressure::Short,
            _ => Pressure::None,
        }
    }

    /// Notes what was measured.
    pub fn set(&self, pressure: Pressure) {
        let number = match pressure {
            Pressure::None => 0,
            Pressure::Tight => TIGHT,
            Pressure::Short => SHORT,
        };
        self.0.store(number, Ordering::Relaxed);
    }

    /// Whether nothing new is to be begun.
    #[inline]
    pub fn is_short(&self) -> bool {
        self.0.load(Ordering::Relaxed) == SHORT
    }
}

/// Refuses for want of something that belongs to the whole process, and has the connection close:
/// it is a part of what there is too much of. When that is over nobody knows, so the wait is
/// `least` or up to twice as much, by chance: a crowd that is refused at once must not come back at
/// once.
pub fn turn_away(cause: Cause, least: Duration) -> Problem {
    let least = least.as_secs().max(1);
    let wait = Duration::from_secs(fastrand::u64(least..=least.saturating_mul(2)));
    Problem::new(cause).with_retry_after(wait).closing()
}

const TIGHT: u8 = 1;
const SHORT: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read() {
        let memory = Memory::default();
        assert_eq!(memory.pressure(), Pressure::None);
        for pressure in [Pressure::Tight, Pressure::Short, Pressure::None] {
            memory.set(pressure);
            assert_eq!(memory.pressure(), pressure);
            assert_eq!(memory.is_short(), pressure == Pressure::Short);
        }
    }

    #[test]
    fn a_crowd_is_sent_away_for_different_times() {
        let wait = |least| {
            let problem = turn_away(Cause::MemoryLimit, Duration::from_secs(least));
            problem.retry_after().unwrap().as_secs()
        };
        let waits: std::collections::BTreeSet<u64> = (0..200).map(|_| wait(5)).collect();
        assert!(waits.iter().all(|wait| (5..=10).contains(wait)) && waits.len() > 3, "{waits:?}");
        assert!((1..=2).contains(&wait(0)));
    }
}
