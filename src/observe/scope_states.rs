//! What holds at the moment, scope by scope, asked for when the page is made.

use std::fmt;
use std::sync::Arc;

/// Answers with every scope and whether it holds now.
#[derive(Clone)]
pub struct ScopeStates(Arc<Ask>);

type Ask = dyn Fn() -> Vec<(String, bool)> + Send + Sync;

impl ScopeStates {
    /// Asked for each page.
    pub fn new(ask: impl Fn() -> Vec<(String, bool)> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    pub(super) fn now(&self) -> Vec<(String, bool)> {
        (self.0)()
    }
}

impl Default for ScopeStates {
    fn default() -> Self {
        Self::new(Vec::new)
    }
}

impl fmt::Debug for ScopeStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopeStates").field(&self.now()).finish()
    }
}
