//! What is known of upstreams beside the counters, asked when the metrics page is written.

use std::fmt::Debug;

use crate::base::{EndpointId, UpstreamId};

/// Knows in which state upstreams are. Whoever calls them does; this floor only tells of it.
pub trait UpstreamStates: Debug + Send + Sync {
    /// Whether an endpoint may be chosen.
    fn is_up(&self, upstream: UpstreamId, endpoint: EndpointId) -> bool;
}
