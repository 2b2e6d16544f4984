//! The cells that metrics are made of: one writer, any number of readers.
//!
//! A worker alone writes its cells, so adding is a load, an addition and a store, all relaxed. A
//! `fetch_add` would be a locked instruction on every request to guard against a second writer
//! that does not exist. The reader (the metrics page) may see a value that is a moment old, which
//! is all that a scrape ever promises. What would break the rule – a second writing thread – would
//! lose counts, not memory safety; only `Witness`, which cannot leave its thread, writes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    /// Adds `count`. One thread only.
    pub(super) fn bump(&self, count: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
    }

    /// The number now.
    pub(super) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that rises and falls, never below zero.
#[derive(Debug, Default)]
pub(super) struct Gauge(AtomicU64);

impl Gauge {
    /// One more. One thread only.
    pub(super) fn raise(&self) {
        self.0.store(self.value().wrapping_add(1), Ordering::Relaxed);
    }

    /// One less. One thread only.
    pub(super) fn lower(&self) {
        self.0.store(self.value().saturating_sub(1), Ordering::Relaxed);
    }

    /// So many more. One thread only.
    pub(super) fn add(&self, count: u64) {
        self.0.store(self.value().wrapping_add(count), Ordering::Relaxed);
    }

    /// The number as somebody else counted it. One thread only.
    pub(super) fn set(&self, number: usize) {
        self.0.store(number as u64, Ordering::Relaxed);
    }

    /// The number now.
    pub(super) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How durations are spread over fixed buckets.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [Counter; BOUNDS + 1],
    nanos: Counter,
}

/// The upper bounds of a histogram's buckets, in nanoseconds, and as the page writes them in
/// seconds.
#[derive(Debug)]
pub(super) struct Bounds([(u64, &'static str); BOUNDS]);

impl Bounds {
    /// What a client waits: half a millisecond to ten seconds.
    #[rustfmt::skip]
    pub(super) const EXCHANGE: &'static Self = &Self([
        (500_000, "0.0005"), (1_000_000, "0.001"), (2_500_000, "0.0025"), (5_000_000, "0.005"),
        (10_000_000, "0.01"), (25_000_000, "0.025"), (50_000_000, "0.05"), (100_000_000, "0.1"),
        (250_000_000, "0.25"), (500_000_000, "0.5"), (1_000_000_000, "1"),
        (2_500_000_000, "2.5"), (5_000_000_000, "5"), (10_000_000_000, "10"),
    ]);

    /// What guichet itself adds: a tenth of the scale, because it is that much faster.
    #[rustfmt::skip]
    pub(super) const OVERHEAD: &'static Self = &Self([
        (50_000, "0.00005"), (100_000, "0.0001"), (250_000, "0.00025"), (500_000, "0.0005"),
        (1_000_000, "0.001"), (2_500_000, "0.0025"), (5_000_000, "0.005"), (10_000_000, "0.01"),
        (25_000_000, "0.025"), (50_000_000, "0.05"), (100_000_000, "0.1"),
        (250_000_000, "0.25"), (500_000_000, "0.5"), (1_000_000_000, "1"),
    ]);

    /// The bounds in seconds, as labels, without `+Inf`.
    pub(super) fn labels(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(_, label)| *label)
    }
}

impl Histogram {
    /// Counts one duration. One thread only.
    pub(super) fn observe(&self, bounds: &Bounds, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bounds.0.partition_point(|(bound, _)| *bound < nanos)].bump(1);
        self.nanos.bump(nanos);
    }

    /// Takes in what another one holds, which nobody writes any more. One thread only.
    pub(super) fn absorb(&self, other: &Self) {
        for (own, bucket) in self.buckets.iter().zip(&other.buckets) {
            own.bump(bucket.value());
        }
        self.nanos.bump(other.nanos.value());
    }

    /// Adds what this histogram holds to `sum`.
    pub(super) fn add_to(&self, sum: &mut Spread) {
        for (total, bucket) in sum.buckets.iter_mut().zip(&self.buckets) {
            *total += bucket.value();
        }
        sum.nanos = sum.nanos.wrapping_add(self.nanos.value());
    }
}

/// A histogram as read: the sum of one histogram over all workers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spread {
    /// Durations in each bucket alone (not cumulated), the last one above every bound.
    pub(super) buckets: [u64; BOUNDS + 1],
    /// The sum of all durations, in nanoseconds.
    pub(super) nanos: u64,
}

impl Spread {
    /// How many durations were counted.
    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

const BOUNDS: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_never_falls_below_zero() {
        let gauge = Gauge::default();
        gauge.raise();
        gauge.lower();
        gauge.lower();
        assert_eq!(gauge.value(), 0);
    }

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        let histogram = Histogram::default();
        for micros in [0, 500, 501, 1_000, 10_000_000, 10_000_001] {
            histogram.observe(Bounds::EXCHANGE, Duration::from_micros(micros));
        }
        let mut sum = Spread::default();
        histogram.add_to(&mut sum);
        assert_eq!(sum.buckets, [2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!((sum.count(), sum.nanos), (6, 20_002_002_000));
    }

    #[test]
    fn bounds_rise_and_their_labels_say_the_same() {
        for bounds in [Bounds::EXCHANGE, Bounds::OVERHEAD] {
            assert!(bounds.0.is_sorted());
            for (nanos, label) in bounds.0 {
                let seconds: f64 = label.parse().unwrap();
                assert!((seconds * 1e9 - nanos as f64).abs() < 0.5, "{label}");
            }
        }
    }
}
