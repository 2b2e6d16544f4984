//! The built-in codes: one row each, and the laws of the table at its foot.
//!
//! The names are the product's public contract. A row is never renamed or removed; adding one
//! needs texts in both languages (`config/catalogue/`) and a line in CHANGELOG.md.

use crate::base::grpc::GrpcStatus;

/// A code of the vocabulary: a built-in one, or one that the operator's catalogue adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// One of guichet's own.
    BuiltIn(BuiltIn),
    /// The operator's, by its place in the catalogue.
    Custom(CustomId),
}

/// Place of an operator's code in its catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CustomId(pub u16);

impl From<BuiltIn> for Code {
    fn from(code: BuiltIn) -> Self {
        Self::BuiltIn(code)
    }
}

/// What one code means to every kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The name after the prefix, such as `InvalidParameter`.
    pub name: &'static str,
    /// The HTTP status, always 4xx or 5xx.
    pub status: u16,
    /// The value of GraphQL's `extensions.code`.
    pub graphql: &'static str,
    /// The gRPC status.
    pub grpc: GrpcStatus,
}

/// guichet's own codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each name is explained in docs/codes.md and by `guichet explain`")]
pub enum BuiltIn {
    InvalidResource,
    InvalidIdentifier,
    MissingParameter,
    InvalidParameter,
    BadRequest,
    Unauthorized,
    Forbidden,
    MethodNotAllowed,
    NotAcceptable,
    RequestTimeout,
    Conflict,
    Gone,
    LengthRequired,
    PreconditionFailed,
    PayloadTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    RangeNotSatisfiable,
    ExpectationFailed,
    MisdirectedRequest,
    UnprocessableContent,
    NonSecureConnection,
    TooManyRequests,
    HeadersTooLarge,
    ServerError,
    InvalidNull,
    NotImplemented,
    BadGateway,
    ServiceUnavailable,
    GatewayTimeout,
    HttpVersionNotSupported,
    LoopDetected,
    GraphqlParseError,
}

impl BuiltIn {
    /// Every built-in code, in the order of the contract.
    pub const ALL: &'static [Self] = &[
        Self::InvalidResource,
        Self::InvalidIdentifier,
        Self::MissingParameter,
        Self::InvalidParameter,
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::RequestTimeout,
        Self::Conflict,
        Self::Gone,
        Self::LengthRequired,
        Self::PreconditionFailed,
        Self::PayloadTooLarge,
        Self::UriTooLong,
        Self::UnsupportedMediaType,
        Self::RangeNotSatisfiable,
        Self::ExpectationFailed,
        Self::MisdirectedRequest,
        Self::UnprocessableContent,
        Self::NonSecureConnection,
        Self::TooManyRequests,
        Self::HeadersTooLarge,
        Self::ServerError,
        Self::InvalidNull,
        Self::NotImplemented,
        Self::BadGateway,
        Self::ServiceUnavailable,
        Self::GatewayTimeout,
        Self::HttpVersionNotSupported,
        Self::LoopDetected,
        Self::GraphqlParseError,
    ];

    /// The row of this code: one line each, so that the table reads as a table.
    #[rustfmt::skip]
    pub const fn row(self) -> Row {
        use GrpcStatus as G;
        match self {
            Self::InvalidResource         => row("InvalidResource",         404, "not_found",             G::Unimplemented),
            Self::InvalidIdentifier       => row("InvalidIdentifier",       404, "not_found",             G::NotFound),
            Self::MissingParameter        => row("MissingParameter",        400, "bad_request",           G::InvalidArgument),
            Self::InvalidParameter        => row("InvalidParameter",        400, "bad_request",           G::InvalidArgument),
            Self::BadRequest              => row("BadRequest",              400, "bad_request",           G::Internal),
            Self::Unauthorized            => row("Unauthorized",            401, "unauthorized",          G::Unauthenticated),
            Self::Forbidden               => row("Forbidden",               403, "unauthorized",          G::PermissionDenied),
            Self::MethodNotAllowed        => row("MethodNotAllowed",        405, "bad_request",           G::Unimplemented),
            Self::NotAcceptable           => row("NotAcceptable",           406, "bad_request",           G::InvalidArgument),
            Self::RequestTimeout          => row("RequestTimeout",          408, "timeout",               G::DeadlineExceeded),
            Self::Conflict                => row("Conflict",                409, "bad_request",           G::Aborted),
            Self::Gone                    => row("Gone",                    410, "not_found",             G::NotFound),
            Self::LengthRequired          => row("LengthRequired",          411, "bad_request",           G::InvalidArgument),
            Self::PreconditionFailed      => row("PreconditionFailed",      412, "bad_request",           G::FailedPrecondition),
            Self::PayloadTooLarge         => row("PayloadTooLarge",         413, "bad_request",           G::ResourceExhausted),
            Self::UriTooLong              => row("UriTooLong",              414, "bad_request",           G::InvalidArgument),
            Self::UnsupportedMediaType    => row("UnsupportedMediaType",    415, "bad_request",           G::InvalidArgument),
            Self::RangeNotSatisfiable     => row("RangeNotSatisfiable",     416, "bad_request",           G::OutOfRange),
            Self::ExpectationFailed       => row("ExpectationFailed",       417, "bad_request",           G::InvalidArgument),
            Self::MisdirectedRequest      => row("MisdirectedRequest",      421, "bad_request",           G::InvalidArgument),
            Self::UnprocessableContent    => row("UnprocessableContent",    422, "bad_request",           G::InvalidArgument),
            Self::NonSecureConnection     => row("NonSecureConnection",     426, "bad_request",           G::FailedPrecondition),
            Self::TooManyRequests         => row("TooManyRequests",         429, "too_many_requests",     G::ResourceExhausted),
            Self::HeadersTooLarge         => row("HeadersTooLarge",         431, "bad_request",           G::ResourceExhausted),
            Self::ServerError             => row("ServerError",             500, "internal_server_error", G::Internal),
            Self::InvalidNull             => row("InvalidNull",             500, "invalid_null",          G::Internal),
            Self::NotImplemented          => row("NotImplemented",          501, "bad_request",           G::Unimplemented),
            Self::BadGateway              => row("BadGateway",              502, "internal_server_error", G::Unavailable),
            Self::ServiceUnavailable      => row("ServiceUnavailable",      503, "service_unavailable",   G::Unavailable),
            Self::GatewayTimeout          => row("GatewayTimeout",          504, "timeout",               G::DeadlineExceeded),
            Self::HttpVersionNotSupported => row("HttpVersionNotSupported", 505, "bad_request",           G::Unimplemented),
            Self::LoopDetected            => row("LoopDetected",            508, "internal_server_error", G::Internal),
            Self::GraphqlParseError       => row("GraphqlParseError",       400, "graphql_parse_error",   G::InvalidArgument),
        }
    }
}

const fn row(name: &'static str, status: u16, graphql: &'static str, grpc: GrpcStatus) -> Row {
    Row { name, status, graphql, grpc }
}

impl BuiltIn {
    /// The code with this name, without prefix.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.row().name == name)
    }

    /// The code that stands for an upstream's status (errors.md, section 4, rule 3), and the
    /// status that the client gets. A status below 400 has no code.
    pub fn for_status(status: u16) -> Option<(Self, u16)> {
        let found = Self::ALL
            .iter()
            .copied()
            .find(|code| code.row().status == status && !matches!(code, Self::InvalidIdentifier));
        match (found, status) {
            // Several codes share 400; a status alone says no more than "bad request".
            (_, 400) => Some((Self::BadRequest, 400)),
            (Some(code), _) => Some((code, status)),
            (None, 402 | 407 | 418 | 423..=425 | 428 | 451) => Some((Self::BadRequest, status)),
            (None, 506 | 507 | 510 | 511) => Some((Self::ServerError, status)),
            (None, 400..500) => Some((Self::BadRequest, 400)),
            (None, 500..) => Some((Self::ServerError, 500)),
            (None, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_statuses_are_errors() {
        let names: HashSet<_> = BuiltIn::ALL.iter().map(|code| code.row().name).collect();
        assert_eq!(names.len(), BuiltIn::ALL.len());
        assert!(BuiltIn::ALL.iter().all(|code| (400..600).contains(&code.row().status)));
        assert!(BuiltIn::ALL.iter().all(|code| BuiltIn::by_name(code.row().name) == Some(*code)));
    }

    #[test]
    fn every_status_of_400_and_above_has_a_code() {
        for status in 0..=1000 {
            let found = BuiltIn::for_status(status);
            assert_eq!(found.is_some(), status >= 400, "{status}");
            if let Some((_, shown)) = found {
                assert!((400..600).contains(&shown));
            }
        }
    }

    #[test]
    fn a_status_keeps_itself_or_becomes_the_head_of_its_class() {
        assert_eq!(BuiltIn::for_status(404), Some((BuiltIn::InvalidResource, 404)));
        assert_eq!(BuiltIn::for_status(418), Some((BuiltIn::BadRequest, 418)));
        assert_eq!(BuiltIn::for_status(499), Some((BuiltIn::BadRequest, 400)));
        assert_eq!(BuiltIn::for_status(500), Some((BuiltIn::ServerError, 500)));
        assert_eq!(BuiltIn::for_status(507), Some((BuiltIn::ServerError, 507)));
        assert_eq!(BuiltIn::for_status(599), Some((BuiltIn::ServerError, 500)));
        assert_eq!(BuiltIn::for_status(999), Some((BuiltIn::ServerError, 500)));
    }
}
