//! Room in a scope, held by one exchange until its reply is over.

use std::sync::Arc;
use std::time::Duration;

use super::scope::Scope;
use crate::base::clock::Instant;

/// Room for one exchange. Dropping it gives the room back, whatever has happened to the exchange.
#[derive(Debug)]
pub(super) struct Permit {
    scope: Option<Arc<Scope>>,
    since: Instant,
}

impl Permit {
    pub(super) fn new(scope: &Arc<Scope>, since: Instant) -> Self {
        Self { scope: Some(Arc::clone(scope)), since }
    }

    /// The upstream has answered in this time.
    pub(super) fn answered(&self, took: Duration, now: Instant) {
        if let Some(scope) = &self.scope {
            scope.answered(took, now);
        }
    }

    /// When the room was found.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// Drops it without anybody being told: the scope takes the room back by itself.
    pub(super) fn void(mut self) {
        self.scope = None;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(scope) = self.scope.take() {
            scope.leave(self.since);
        }
    }
}
