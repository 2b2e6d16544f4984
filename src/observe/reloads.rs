//! How often the configuration was read again, and what came of it.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters: reloads are rare, and several threads may ask for them.
#[derive(Debug, Default)]
pub struct Reloads([AtomicU64; ReloadResult::ALL.len()]);

/// How a reload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadResult {
    /// The new configuration serves.
    Applied,
    /// The one before stays.
    Refused,
}

impl Reloads {
    /// Counts one.
    pub fn count(&self, result: ReloadResult) {
        self.0[result as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many ended so.
    pub fn number(&self, result: ReloadResult) -> u64 {
        self.0[result as usize].load(Ordering::Relaxed)
    }
}

impl ReloadResult {
    /// Every result, in the order of their numbers.
    pub const ALL: &'static [Self] = &[Self::Applied, Self::Refused];

    /// The word of the metrics and of the admin listener.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Refused => "refused",
        }
    }
}
