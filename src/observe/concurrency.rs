//! How much may be under way at once, scope by scope: set by those who decide, read by the page.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// The name of each scope and its limit, which may change at any time.
#[derive(Clone, Debug, Default)]
pub struct ConcurrencyLimits(pub Vec<(String, Arc<AtomicUsize>)>);
