//! How the stores of shared limits stand: set by those who ask them, read by the page.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How one store stands.
#[derive(Debug, Default)]
pub struct StoreState {
    up: AtomicBool,
    fallbacks: AtomicU64,
}

impl StoreState {
    /// Whether it answers, from now on.
    pub fn turn(&self, up: bool) {
        self.up.store(up, Ordering::Relaxed);
    }

    /// Whether it answers.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// A request was decided without it.
    pub fn fell_back(&self) {
        self.fallbacks.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were.
    pub fn fallbacks(&self) -> u64 {
        self.fallbacks.load(Ordering::Relaxed)
    }
}

/// The name of each store, and how it stands.
#[derive(Clone, Debug, Default)]
pub struct StoreStates(pub Vec<(String, Arc<StoreState>)>);
