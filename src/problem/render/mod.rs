//! Stub: Problem → status, headers, bytes.
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

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
#[allow(missing_docs, reason = "the words say it")]
pub enum Format {
    Json,
    ProblemJson,
    ProblemXml,
    GraphQlJson,
    GraphQlResponse,
    Grpc,
    Html,
    Text,
}

impl Format {
    /// The format for this request: the dialect first, then `Accept` with q-values, then `default`.
    pub fn choose(dialect: Dialect, request: &HeaderMap, default: Self) -> Self {
        let _ = (dialect, request);
        default
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
#[derive(Debug)]
pub struct Rendered {
    /// Status.
    pub status: StatusCode,
    /// Headers, `content-length` included.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Body; empty for HEAD.
    pub body: Bytes,
}

/// Renders a problem.
pub fn render(problem: &Problem, reply: &Reply<'_>, catalogue: &Catalogue) -> Rendered {
    let _ = (problem, reply, catalogue);
    Rendered { status: StatusCode::INTERNAL_SERVER_ERROR, headers: Vec::new(), body: Bytes::new() }
}
