//! What is known of upstreams beside the counters, asked when the metrics page is written.

use std::fmt::Debug;

use crate::base::{EndpointId, UpstreamId};

/// Knows in which state upstreams are. Whoever calls them does; this floor only tells of it.
pub trait UpstreamStates: Debug + Send + Sync {
    /// Whether an endpoint may be chosen, and what keeps it from it.
    fn endpoint(&self, upstream: UpstreamId, endpoint: EndpointId) -> EndpointState;

    /// Whether an endpoint may be chosen.
    fn is_up(&self, upstream: UpstreamId, endpoint: EndpointId) -> bool {
        self.endpoint(upstream, endpoint) == EndpointState::Up
    }

    /// How many requests an endpoint has under way, as of the last second.
    fn under_way(&self, upstream: UpstreamId, endpoint: EndpointId) -> u64;

    /// The state of its breaker, where it has one.
    fn breaker(&self, upstream: UpstreamId) -> Option<BreakerState>;
}

/// Whether an endpoint is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// It is.
    Up,
    /// It is not: its probes fail.
    Down,
    /// It is left alone for a while, because calls failed.
    Ejected,
    /// It gets nothing new, because somebody said so.
    Drained,
}

impl EndpointState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Ejected => "ejected",
            Self::Drained => "drained",
        }
    }
}

/// What a breaker does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// They go through.
    Closed,
    /// One at a time goes through, to see.
    HalfOpen,
    /// They are refused.
    Open,
}

impl BreakerState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }

    /// The number of the metrics.
    pub(super) const fn number(self) -> u64 {
        match self {
            Self::Closed => 0,
            Self::HalfOpen => 1,
            Self::Open => 2,
        }
    }
}
