//! `[upstream.NAME]`: what is done about an upstream that fails, checked.

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
