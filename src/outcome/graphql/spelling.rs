//! Spellings of GraphQL's `extensions.code`, turned into the vocabulary (errors.md, section 6).

use crate::problem::{BuiltIn, Code};

/// What the servers of a route mean by their codes, where the operator has said so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spellings(Box<[(Box<str>, Code)]>);

impl Spellings {
    /// Spellings, each once, and their codes.
    pub fn new(spellings: Box<[(Box<str>, Code)]>) -> Self {
        Self(spellings)
    }

    /// The code behind a spelling, case aside.
    pub fn find(&self, spelling: &str) -> Option<Code> {
        let mut known = self.0.iter();
        known.find(|(known, _)| known.eq_ignore_ascii_case(spelling)).map(|(_, code)| *code)
    }
}

/// The code behind a spelling, case aside: guichet's own GraphQL codes, Apollo's, and a few that
/// are common. `status` is the HTTP status beside it, which tells whose time ran out.
pub(in crate::outcome) fn code(spelling: &str, status: u16) -> Option<BuiltIn> {
    let (_, code) = SPELLINGS.iter().find(|(known, _)| spelling.eq_ignore_ascii_case(known))?;
    if *code == BuiltIn::GatewayTimeout && status < 500 {
        return Some(BuiltIn::RequestTimeout);
    }
    Some(*code)
}

#[rustfmt::skip]
const SPELLINGS: &[(&str, BuiltIn)] = &[
    // guichet's own.
    ("not_found",                     BuiltIn::InvalidResource),
    ("bad_request",                   BuiltIn::BadRequest),
    ("unauthorized",                  BuiltIn::Unauthorized),
    ("timeout",                       BuiltIn::GatewayTimeout),
    ("too_many_requests",             BuiltIn::TooManyRequests),
    ("internal_server_error",         BuiltIn::ServerError),
    ("invalid_null",                  BuiltIn::InvalidNull),
    ("service_unavailable",           BuiltIn::ServiceUnavailable),
    ("graphql_parse_error",           BuiltIn::GraphqlParseError),
    // Apollo's.
    ("UNAUTHENTICATED",               BuiltIn::Unauthorized),
    ("FORBIDDEN",                     BuiltIn::Forbidden),
    ("BAD_USER_INPUT",                BuiltIn::BadRequest),
    ("GRAPHQL_PARSE_FAILED",          BuiltIn::GraphqlParseError),
    ("GRAPHQL_VALIDATION_FAILED",     BuiltIn::BadRequest),
    ("OPERATION_RESOLUTION_FAILURE",  BuiltIn::BadRequest),
    ("PERSISTED_QUERY_NOT_FOUND",     BuiltIn::BadRequest),
    ("PERSISTED_QUERY_NOT_SUPPORTED", BuiltIn::BadRequest),
    // Others'.
    ("deprecated_token",              BuiltIn::Unauthorized),
    ("RATE_LIMITED",                  BuiltIn::TooManyRequests),
    ("GATEWAY_TIMEOUT",               BuiltIn::GatewayTimeout),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_vocabulary_has_its_own_spelling() {
        for built_in in BuiltIn::ALL {
            let row = built_in.row();
            let found = code(row.graphql, row.status).unwrap();
            assert_eq!(found.row().graphql, row.graphql);
        }
    }

    #[test]
    fn spellings_of_upstreams_are_known() {
        for (spelling, expected) in [
            ("UNAUTHENTICATED", BuiltIn::Unauthorized),
            ("FORBIDDEN", BuiltIn::Forbidden),
            ("forbidden", BuiltIn::Forbidden),
            ("BAD_USER_INPUT", BuiltIn::BadRequest),
            ("GRAPHQL_PARSE_FAILED", BuiltIn::GraphqlParseError),
            ("graphql_parse_failed", BuiltIn::GraphqlParseError),
            ("GRAPHQL_VALIDATION_FAILED", BuiltIn::BadRequest),
            ("PERSISTED_QUERY_NOT_FOUND", BuiltIn::BadRequest),
            ("INTERNAL_SERVER_ERROR", BuiltIn::ServerError),
            ("deprecated_token", BuiltIn::Unauthorized),
        ] {
            assert_eq!(code(spelling, 500), Some(expected), "{spelling}");
        }
    }

    #[test]
    fn spellings_are_known_case_aside() {
        assert_eq!(code("unauthenticated", 400), Some(BuiltIn::Unauthorized));
        assert_eq!(code("Graphql_Parse_Failed", 400), Some(BuiltIn::GraphqlParseError));
        assert_eq!(code("DEPRECATED_TOKEN", 401), Some(BuiltIn::Unauthorized));
        assert_eq!(code("timeout", 408), Some(BuiltIn::RequestTimeout));
        assert_eq!(code("TIMEOUT", 500), Some(BuiltIn::GatewayTimeout));
        assert_eq!(code("SOLD_OUT", 400), None);
        assert_eq!(code("", 400), None);
    }
}
