//! Problem → status, headers, bytes: the one place where an error reply is made.
//!
//! What every shape says is settled once, in `facts`; a shape only decides how to write it. Bodies
//! are written by hand into one buffer, escaped on the way. Nothing that a client sent is shown,
//! but for the names of parameters.

mod facts;
mod graphql;
mod grpc;
mod headers;
mod html;
mod json;
mod negotiate;
mod retry;
mod shelf;
mod text;
mod wording;
mod xml;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use self::facts::Facts;
pub use self::grpc::grpc_trailers;
use self::json::Json;
pub use self::negotiate::Preferences;
pub use self::shelf::Shelf;
pub use self::wording::Wording;
use super::{Catalogue, Language, Problem};
use crate::base::RequestId;

/// How a route's errors are dressed before `Accept` is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `Accept` decides.
    Http,
    /// GraphQL over HTTP.
    GraphQl,
    /// gRPC.
    Grpc,
}

/// The shape of an error reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The house shape, `application/json`.
    Json,
    /// RFC 9457, `application/problem+json`.
    ProblemJson,
    /// RFC 9457, appendix B, `application/problem+xml`.
    ProblemXml,
    /// GraphQL over HTTP in the legacy type `application/json`.
    GraphQlJson,
    /// GraphQL over HTTP, `application/graphql-response+json`.
    GraphQlResponse,
    /// gRPC, trailers only.
    Grpc,
    /// A page for people.
    Html,
    /// Plain text.
    Text,
}

impl Format {
    /// Every shape.
    pub const ALL: &'static [Self] = &[
        Self::Json,
        Self::ProblemJson,
        Self::ProblemXml,
        Self::GraphQlJson,
        Self::GraphQlResponse,
        Self::Grpc,
        Self::Html,
        Self::Text,
    ];

    /// The value of `content-type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json | Self::GraphQlJson => "application/json",
            Self::ProblemJson => "application/problem+json",
            Self::ProblemXml => "application/problem+xml; charset=utf-8",
            Self::GraphQlResponse => "application/graphql-response+json",
            Self::Grpc => "application/grpc",
            Self::Html => "text/html; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// All that a renderer may know of the exchange.
#[derive(Debug)]
pub struct Reply<'a> {
    /// The shape.
    pub format: Format,
    /// The language.
    pub language: Language,
    /// The request's id.
    pub request_id: &'a RequestId,
    /// The request's method: HEAD gets no body, and `retryable` agrees with it.
    pub method: &'a Method,
    /// `errors.retry_after`.
    pub retry_after: Duration,
}

/// A finished error reply, lacking only what every reply gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The status on the wire: the problem's, but 200 for gRPC, and for GraphQL's own failures in
    /// its legacy type.
    pub status: StatusCode,
    /// Headers, `content-length` included. For 426 they hold `connection`, which a reply over
    /// HTTP/2 must not carry (RFC 9113, section 8.2.2).
    pub headers: HeaderMap,
    /// Body; empty for HEAD.
    pub body: Bytes,
}

/// Renders a problem. Cannot fail: every problem has a reply in every shape.
pub fn render(problem: &Problem, reply: &Reply<'_>, catalogue: &Catalogue) -> Rendered {
    dress(&Facts::gather(problem, reply, catalogue))
}

/// One GraphQL error by itself, for messages that hold more than a reply does.
pub fn graphql_error(problem: &Problem, reply: &Reply<'_>, catalogue: &Catalogue) -> String {
    let facts = Facts::gather(problem, reply, catalogue);
    let mut json = Json::with_capacity(facts.capacity());
    graphql::error(&facts, &mut json);
    json.finish()
}

fn dress(facts: &Facts<'_>) -> Rendered {
    let format = facts.format();
    let status = match format {
        Format::Grpc => 200,
        Format::GraphQlJson if graphql::is_graphql_own(facts.problem) => 200,
        Format::GraphQlJson
        | Format::GraphQlResponse
        | Format::Json
        | Format::ProblemJson
        | Format::ProblemXml
        | Format::Html
        | Format::Text => facts.status,
    };
    let body = match format {
        Format::Json => json::house(facts),
        Format::ProblemJson => json::problem(facts),
        Format::ProblemXml => xml::problem(facts),
        Format::GraphQlJson | Format::GraphQlResponse => graphql::errors(facts),
        Format::Grpc => String::new(),
        Format::Html => html::page(facts),
        Format::Text => text::lines(facts),
    };
    Rendered {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        headers: headers::headers(facts, status, body.len()),
        body: if *facts.reply.method == Method::HEAD { Bytes::new() } else { Bytes::from(body) },
    }
}

#[cfg(test)]
mod tests;
