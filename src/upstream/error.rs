//! Where a call failed, what was sent by then, and the one place that turns it into a [`Problem`].

use std::fmt;
use std::time::Duration;

use crate::base::grpc::GrpcStatus;
use crate::base::{BodyFault, EndpointId};
use crate::problem::{Cause, Problem};

/// Why a call failed. Small and cloneable, because everybody who waits for one connection gets the
/// same failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamError {
    /// How far the call had come.
    pub stage: Stage,
    /// What happened.
    pub kind: Kind,
    /// How much of the request the upstream may have seen.
    pub sent: Sent,
    /// Whether the connection had carried a request before.
    pub reused: bool,
    /// The endpoint, once one was chosen.
    pub endpoint: Option<EndpointId>,
    /// Whether the same request may be sent again, where that is known.
    pub retryable: Option<bool>,
    /// How long until it may be better, where that is known.
    pub wait: Option<Duration>,
    /// What gRPC makes of it, where that is finer than the code's own status.
    pub grpc: Option<GrpcStatus>,
    /// The private cause in words, for the log.
    pub detail: Option<Box<str>>,
}

/// How far a call had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Looking up a name.
    Resolve,
    /// Opening a socket.
    Connect,
    /// Shaking hands: TLS, or HTTP/2's preface.
    Handshake,
    /// Waiting for the head of the answer, the request being on its way or sent.
    Head,
    /// Reading the body of the answer.
    Body,
}

/// How much of a request the upstream may have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Nothing at all, or the upstream said that it did not look at it.
    Nothing,
    /// Some of it.
    Part,
    /// All of it.
    All,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The name does not resolve.
    Dns,
    /// Nobody listens there.
    Refused,
    /// There is no way there.
    Unreachable,
    /// The gateway has no file descriptor left for it: not the upstream's fault.
    NoDescriptor,
    /// Name, TCP, TLS and HTTP/2 preface together took too long.
    ConnectTimeout,
    /// The certificate has expired or is not valid yet.
    TlsExpired,
    /// The certificate is signed by nobody that is trusted.
    TlsUntrusted,
    /// The certificate is for another name.
    TlsName,
    /// TLS failed in another way.
    TlsHandshake,
    /// The upstream does not speak the configured protocol.
    ProtocolMismatch,
    /// The connection ended before the answer's head was complete.
    Reset,
    /// The answer stopped in the middle of its body.
    Truncated,
    /// What came is not an HTTP answer.
    BadResponse,
    /// The head of the answer is too large.
    HeadLimit,
    /// A 101 that was not asked for, or not to what was asked.
    BadUpgrade,
    /// The head of the answer did not come in time.
    FirstByteTimeout,
    /// The answer's body, or our request's, stood still for too long.
    IdleTimeout,
    /// The whole exchange took too long.
    TotalTimeout,
    /// No endpoint can be used.
    NoneHealthy,
    /// Somebody has drained all endpoints.
    AllDrained,
    /// The breaker refuses calls for now.
    BreakerOpen,
    /// The client's body broke on its way up: not the upstream's fault.
    Upload(BodyFault),
}

impl UpstreamError {
    /// A failure before anything was sent: trying again is always safe.
    pub(super) fn unsent(stage: Stage, kind: Kind) -> Self {
        Self {
            stage,
            kind,
            sent: Sent::Nothing,
            reused: false,
            endpoint: None,
            retryable: Some(true),
            wait: None,
            grpc: None,
            detail: None,
        }
    }

    /// Adds the private cause in words.
    pub(super) fn with_detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string().into_boxed_str());
        self
    }
}

/// Whether a request that failed may be sent again: it can help, it would be unsafe, or nobody
/// knows. `harmless` says that its method is idempotent (RFC 9110, section 9.2.2).
pub(super) fn retryable(kind: Kind, sent: Sent, harmless: bool) -> Option<bool> {
    match sent {
        // Whoever broke its own request knows best.
        _ if matches!(kind, Kind::Upload(_)) => None,
        Sent::Nothing => Some(true),
        Sent::Part | Sent::All if harmless => kind.is_passing().then_some(true),
        Sent::Part | Sent::All => Some(false),
    }
}

impl Kind {
    /// The cause that goes to the log and decides the code.
    pub const fn cause(self) -> Cause {
        match self {
            Self::Dns => Cause::Dns,
            Self::Refused => Cause::ConnectRefused,
            Self::Unreachable => Cause::ConnectUnreachable,
            Self::NoDescriptor => Cause::ConnectionLimit,
            Self::ConnectTimeout => Cause::ConnectTimeout,
            Self::TlsExpired => Cause::TlsExpired,
            Self::TlsUntrusted => Cause::TlsUntrusted,
            Self::TlsName => Cause::TlsName,
            Self::TlsHandshake => Cause::TlsHandshake,
            Self::ProtocolMismatch => Cause::ProtocolMismatch,
            Self::Reset => Cause::Reset,
            Self::Truncated => Cause::Truncated,
            Self::BadResponse => Cause::BadResponse,
            Self::HeadLimit => Cause::ResponseHeadLimit,
            Self::BadUpgrade => Cause::BadUpgrade,
            Self::FirstByteTimeout => Cause::FirstByteTimeout,
            Self::IdleTimeout => Cause::IdleTimeout,
            Self::TotalTimeout => Cause::TotalTimeout,
            Self::NoneHealthy => Cause::NoneHealthy,
            Self::AllDrained => Cause::AllDrained,
            Self::BreakerOpen => Cause::BreakerOpen,
            Self::Upload(BodyFault::TooLarge) => Cause::BodyLimit,
            Self::Upload(BodyFault::Syntax) => Cause::BadChunk,
            Self::Upload(BodyFault::Timeout) => Cause::BodyTimeout,
            Self::Upload(BodyFault::TrailerLimit) => Cause::HeaderLimit,
            Self::Upload(BodyFault::Left) => Cause::ClientLeft,
        }
    }

    /// Whether the failure may be gone the next time, so that repeating a harmless request helps.
    const fn is_passing(self) -> bool {
        match self {
            Self::Dns
            | Self::Refused
            | Self::Unreachable
            | Self::NoDescriptor
            | Self::ConnectTimeout
            | Self::Reset
            | Self::Truncated
            | Self::FirstByteTimeout
            | Self::IdleTimeout
            | Self::TotalTimeout
            | Self::NoneHealthy
            | Self::AllDrained
            | Self::BreakerOpen => true,
            Self::TlsExpired
            | Self::TlsUntrusted
            | Self::TlsName
            | Self::TlsHandshake
            | Self::ProtocolMismatch
            | Self::BadResponse
            | Self::HeadLimit
            | Self::BadUpgrade
            | Self::Upload(_) => false,
        }
    }
}

impl From<UpstreamError> for Problem {
    fn from(error: UpstreamError) -> Self {
        let mut problem = Self::new(error.kind.cause());
        if let Some(retryable) = error.retryable {
            problem = problem.with_retryable(retryable);
        }
        if let Some(wait) = error.wait {
            problem = problem.with_retry_after(wait);
        }
        if let Some(status) = error.grpc {
            problem = problem.with_grpc(status);
        }
        match error.detail {
            Some(detail) => problem.with_detail(detail),
            None => problem,
        }
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.cause().as_str())?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UpstreamError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Source;

    #[test]
    fn an_error_is_small_and_keeps_its_facts_as_a_problem() {
        assert!(size_of::<UpstreamError>() <= 64);
        let error =
            UpstreamError::unsent(Stage::Connect, Kind::Refused).with_detail("connection refused");
        assert_eq!(error.to_string(), "connect_refused: connection refused");
        let problem = Problem::from(error);
        assert_eq!(problem.cause(), Cause::ConnectRefused);
        assert_eq!(problem.retryable(), Some(true));
        assert_eq!(problem.detail(), Some("connection refused"));
    }

    #[test]
    fn only_a_harmless_request_may_be_repeated_once_it_was_sent() {
        assert_eq!(retryable(Kind::Reset, Sent::Nothing, false), Some(true));
        assert_eq!(retryable(Kind::Reset, Sent::All, true), Some(true));
        assert_eq!(retryable(Kind::BadResponse, Sent::All, true), None);
        assert_eq!(retryable(Kind::Reset, Sent::Part, false), Some(false));
    }

    #[test]
    fn a_body_that_the_client_broke_is_the_clients_fault() {
        for fault in [BodyFault::TooLarge, BodyFault::Syntax, BodyFault::Timeout, BodyFault::Left] {
            assert_eq!(Kind::Upload(fault).cause().source(), Source::Client);
        }
    }
}
