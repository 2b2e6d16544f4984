//! Whether the same request can be sent again: the `retryable` member.
//!
//! The rule, in order:
//! 1. Whoever made the problem may have judged (`Problem::with_retryable`): that stands.
//! 2. A **failure half way** (a 5xx after which an upstream may have acted, and nobody knows) is
//!    `false` for a method that is not idempotent: sending it twice could do it twice.
//! 3. Trying again **can help** after 408, 425, 429, 502, 503 and 504, and wherever a wait is
//!    known. Then it is `true` if the method is idempotent (RFC 9110, section 9.2.2), if the cause
//!    says that nothing was sent, or if the status itself says that nothing was done (408, 425 and
//!    429).
//! 4. Everything else says nothing.
//!
//! `retry_after` agrees: where `retryable` is false the body has none, and the header stands only
//! for 429 and 503, whose `Retry-After` tells when the service is back, not that repeating is safe.

use http::Method;

use crate::problem::{Cause, Problem};

/// The judgement for a problem that ends in `status`; `wait` says whether a wait is known.
pub(super) fn judge(problem: &Problem, status: u16, method: &Method, wait: Wait) -> Option<bool> {
    if let Some(judged) = problem.retryable() {
        return Some(judged);
    }
    let progress = progress(problem.cause());
    if progress == Progress::HalfWay && !method.is_idempotent() && status >= 500 {
        return Some(false);
    }
    let refused = matches!(status, 408 | 425 | 429);
    let helps = refused || matches!(status, 502..=504) || wait == Wait::Known;
    let safe = method.is_idempotent() || progress == Progress::NothingSent || refused;
    (helps && safe).then_some(true)
}

/// Whether anybody has said how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Somebody has.
    Known,
    /// Nobody has, or only the default is known.
    Unknown,
}

/// How far a request had come when its cause struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// No upstream has seen any of it.
    NothingSent,
    /// An upstream may have seen it, and may have acted.
    HalfWay,
    /// An upstream has seen it and has answered: it knows what it did.
    Answered,
}

fn progress(cause: Cause) -> Progress {
    match cause {
        Cause::BadRequestLine
        | Cause::BadTarget
        | Cause::BadHeader
        | Cause::BadHost
        | Cause::BadFraming
        | Cause::UnknownTransferCoding
        | Cause::TunnelRefused
        | Cause::BadVersion
        | Cause::BadExpect
        | Cause::WrongHost
        | Cause::HeaderTimeout
        | Cause::HeaderLimit
        | Cause::UriLimit
        | Cause::PlainHttp
        | Cause::NoRoute
        | Cause::NoMethod
        | Cause::MissingParameter
        | Cause::InvalidParameter
        | Cause::UnknownParameter
        | Cause::MissingBody
        | Cause::MediaType
        | Cause::BadBody
        | Cause::GraphqlSyntax
        | Cause::GraphqlOperation
        | Cause::GraphqlMethod
        | Cause::GraphqlDepth
        | Cause::GraphqlTokens
        | Cause::GraphqlAliases
        | Cause::GraphqlRootFields
        | Cause::GraphqlIntrospection
        | Cause::GraphqlBatch
        | Cause::Loop
        | Cause::Configured
        | Cause::RateLimit
        | Cause::CapacityLimit
        | Cause::StoreDown
        | Cause::Maintenance
        | Cause::Overload
        | Cause::ConnectionLimit
        | Cause::MemoryLimit
        | Cause::Draining
        | Cause::AdminToken
        | Cause::AuthMissing
        | Cause::AuthMalformed
        | Cause::KeyUnknown
        | Cause::KeyExpired
        | Cause::InsufficientScope
        | Cause::PasswordWrong
        | Cause::TokenMalformed
        | Cause::TokenLimit
        | Cause::TokenAlgorithm
        | Cause::TokenKey
        | Cause::TokenSignature
        | Cause::TokenExpired
        | Cause::TokenEarly
        | Cause::TokenIssuer
        | Cause::TokenAudience
        | Cause::CertificateMissing
        | Cause::CertificateUnknown
        | Cause::VerifierBusy
        | Cause::TokenKeysMissing
        | Cause::AuthRefused
        | Cause::AuthForbidden
        | Cause::AuthUnavailable
        | Cause::AuthTimeout
        | Cause::Dns
        | Cause::ConnectRefused
        | Cause::ConnectUnreachable
        | Cause::ConnectTimeout
        | Cause::TlsExpired
        | Cause::TlsUntrusted
        | Cause::TlsName
        | Cause::TlsHandshake
        | Cause::ProtocolMismatch
        | Cause::NoneHealthy
        | Cause::AllDrained
        | Cause::BreakerOpen => Progress::NothingSent,
        // A body that breaks off, or grows too large, may have been on its way already; so may
        // anything when a panic strikes.
        Cause::BadChunk
        | Cause::BodyTimeout
        | Cause::BodyLimit
        | Cause::ClientLeft
        | Cause::Panic
        | Cause::Reset
        | Cause::Truncated
        | Cause::BadResponse
        | Cause::ResponseHeadLimit
        | Cause::BadUpgrade
        | Cause::FirstByteTimeout
        | Cause::IdleTimeout
        | Cause::TotalTimeout
        | Cause::ReplyLimit
        | Cause::FlowValue
        | Cause::FlowResult => Progress::HalfWay,
        Cause::UpstreamStatus
        | Cause::GraphqlErrors
        | Cause::GraphqlReply
        | Cause::GraphqlRefused => Progress::Answered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(cause: Cause, method: &Method) -> Option<bool> {
        let problem = Problem::new(cause);
        judge(&problem, cause.code().row().status, method, Wait::Unknown)
    }

    #[test]
    fn nothing_sent_can_be_sent_again_whatever_the_method() {
        for cause in [Cause::ConnectRefused, Cause::NoneHealthy, Cause::Draining, Cause::Dns] {
            assert_eq!(judged(cause, &Method::POST), Some(true), "{}", cause.as_str());
            assert_eq!(judged(cause, &Method::GET), Some(true), "{}", cause.as_str());
        }
    }

    #[test]
    fn half_way_depends_on_the_method() {
        for cause in [Cause::Reset, Cause::FirstByteTimeout, Cause::TotalTimeout] {
            assert_eq!(judged(cause, &Method::POST), Some(false), "{}", cause.as_str());
            assert_eq!(judged(cause, &Method::PUT), Some(true), "{}", cause.as_str());
        }
        assert_eq!(judged(Cause::Panic, &Method::PATCH), Some(false));
        assert_eq!(judged(Cause::Panic, &Method::GET), None);
    }

    #[test]
    fn what_cannot_help_says_nothing() {
        for cause in [Cause::BadHost, Cause::NoRoute, Cause::PlainHttp, Cause::Loop] {
            assert_eq!(judged(cause, &Method::GET), None, "{}", cause.as_str());
        }
        assert_eq!(judged(Cause::BodyLimit, &Method::POST), None);
        assert_eq!(judged(Cause::HeaderTimeout, &Method::POST), Some(true));
        assert_eq!(judged(Cause::BodyTimeout, &Method::POST), Some(true));
    }

    #[test]
    fn an_upstream_that_answered_is_asked_again_only_where_that_is_safe() {
        let problem = Problem::new(Cause::UpstreamStatus);
        let by = |status, method| judge(&problem, status, method, Wait::Unknown);
        assert_eq!(by(503, &Method::GET), Some(true));
        assert_eq!(by(503, &Method::POST), None);
        assert_eq!(by(429, &Method::POST), Some(true));
        assert_eq!(by(409, &Method::GET), None);
        assert_eq!(judge(&problem, 409, &Method::GET, Wait::Known), Some(true));
        assert_eq!(judge(&problem, 409, &Method::POST, Wait::Known), None);
    }

    #[test]
    fn a_judgement_stands() {
        let problem = Problem::new(Cause::Reset).with_retryable(true);
        assert_eq!(judge(&problem, 502, &Method::POST, Wait::Unknown), Some(true));
    }
}
