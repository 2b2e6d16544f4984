//! `[upstream.NAME]`: what is done about an upstream that fails, checked.

use std::time::Duration;

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
