//! `[upstream.NAME]`: what is done about an upstream that fails, checked.

use std::time::Duration;

use http::uri::PathAndQuery;

use crate::outcome::StatusSet;

/// `upstream.NAME.retry`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Attempts at one request, the first included.
    pub attempts: u8,
    /// Failures worth another attempt.
    pub on: RetryOn,
    /// Requests sent again for a hundred requests.
    pub budget: u8,
}

/// `upstream.NAME.retry.on`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryOn {
    /// No connection came about, or the upstream says that it did not look at the request.
    pub connect: bool,
    /// The connection ended before the head of the answer.
    pub reset: bool,
    /// The head of the answer did not come in time.
    pub timeout: bool,
    /// Statuses of the answer.
    pub status: StatusSet,
}

/// `upstream.NAME.eject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eject {
    /// Failures in a row, as one worker sees them.
    pub failures: u32,
    /// The time within which they come.
    pub over: Duration,
    /// `for`: how long an endpoint is out the first time.
    pub term: Duration,
}

/// `upstream.NAME.breaker`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Failures in a hundred attempts that open it.
    pub failures: u8,
    /// The window in which they are counted.
    pub over: Duration,
    /// Attempts in the window before it is judged.
    pub at_least: u32,
    /// How long it is open before it is tried.
    pub open: Duration,
}

/// `upstream.NAME.health`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// What is asked for.
    pub path: PathAndQuery,
    /// The time between two probes.
    pub every: Duration,
    /// The time for a whole probe.
    pub timeout: Duration,
    /// Failed probes in a row that take an endpoint out.
    pub down_after: u32,
    /// Good probes in a row that bring it back.
    pub up_after: u32,
}
