//! Times that many workers measure, gathered for a moment and read by one of them.
//!
//! Additions are atomic and nobody waits: whoever finds the moment over closes it, and the next
//! moment begins. A time that is added while somebody closes may count for either.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The times of one moment.
#[derive(Debug, Default)]
pub(super) struct Window {
    sum: AtomicU64,
    count: AtomicU64,
    ends: AtomicU64,
}

impl Window {
    /// Adds a time. The mean of the moment's times, for the one who closes it: once it has lasted
    /// `length` and has at least so many.
    pub(super) fn add(
        &self,
        took: Duration,
        now: u64,
        length: Duration,
        least: u64,
    ) -> Option<Duration> {
        self.sum.fetch_add(nanos(took), Ordering::Relaxed);
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let ends = self.ends.load(Ordering::Relaxed);
        if now < ends || count < least {
            return None;
        }
        let next = now.saturating_add(nanos(length));
        self.ends.compare_exchange(ends, next, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        let count = self.count.swap(0, Ordering::Relaxed).max(1);
        Some(Duration::from_nanos(self.sum.swap(0, Ordering::Relaxed) / count))
    }

    /// The moment under way ends this long from now.
    pub(super) fn stretch(&self, now: u64, length: Duration) {
        self.ends.store(now.saturating_add(nanos(length)), Ordering::Relaxed);
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_closed_once_with_the_mean_of_its_times() {
        let (window, ms) = (Window::default(), Duration::from_millis);
        let at = |millis| nanos(ms(millis));
        assert_eq!(window.add(ms(9), at(0), ms(100), 1), Some(ms(9)));
        assert_eq!(window.add(ms(10), at(50), ms(100), 1), None);
        assert_eq!(window.add(ms(20), at(100), ms(100), 1), Some(ms(15)));
        assert_eq!(window.add(ms(20), at(100), ms(100), 1), None);
        assert_eq!(window.add(ms(40), at(300), ms(100), 3), None, "too few");
        assert_eq!(window.add(ms(60), at(300), ms(100), 3), Some(ms(40)));
    }
}
