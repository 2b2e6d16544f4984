//! What limits have done so far, for who asks by hand; the metrics page has the same as numbers.

use std::sync::atomic::Ordering;

use super::exposition::Exposition;
use super::registers::Decision;

/// What limits have done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitCounts {
    /// Each rate limit, in the order of the file.
    pub rates: Vec<RateCounts>,
    /// The name of each scope and how much it may carry at once as of now.
    pub in_flight: Vec<(String, usize)>,
    /// Each store, in the order of the file.
    pub stores: Vec<StoreCounts>,
}

/// How the store of shared limits stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreCounts {
    /// Its name.
    pub name: String,
    /// Whether it answers in time.
    pub up: bool,
    /// Requests that were decided without it.
    pub fallbacks: u64,
}

/// What one rate limit has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateCounts {
    /// Its name.
    pub name: String,
    /// Requests that passed.
    pub allowed: u64,
    /// Requests that did not.
    pub refused: u64,
}

impl LimitCounts {
    pub(super) fn of(page: &Exposition) -> Self {
        let rates = page.names.limits.iter().enumerate().map(|(place, name)| {
            let count = |decision: Decision| {
                page.sum(|it| Some(it.limits.get(place)?.decisions[decision as usize].value()))
            };
            RateCounts {
                name: name.clone(),
                allowed: count(Decision::Allow),
                refused: count(Decision::Refuse),
            }
        });
        let scopes = page.concurrency.0.iter();
        let in_flight = scopes.map(|(name, most)| (name.clone(), most.load(Ordering::Relaxed)));
        let stores = page.stores.0.iter().map(|(name, state)| StoreCounts {
            name: name.clone(),
            up: state.is_up(),
            fallbacks: state.fallbacks(),
        });
        Self { rates: rates.collect(), in_flight: in_flight.collect(), stores: stores.collect() }
    }
}
