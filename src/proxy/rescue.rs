//! The one exit of errors: a [`Problem`] becomes a response here and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};

use super::Gateway;
use super::connection::{Connection, Protocol};
use super::exchange::Exchange;
use super::stream::Watched;
use crate::base::RequestId;
use crate::observe::Outcome;
use crate::problem::{Catalogue, Format, Language, Problem, Reply, render};

/// Dresses a problem as the route, the client and the operator want it.
pub(super) fn rescue(
    gateway: &Gateway,
    mut exchange: Exchange,
    connection: &Connection,
    problem: &Problem,
) -> Response<Watched> {
    let errors = &gateway.config.errors;
    let preferences = exchange.preferences();
    let reply = Reply {
        format: Format::choose(exchange.dialect, &preferences, errors.format),
        language: errors.catalogue.choose_language(preferences.accept_language),
        request_id: &exchange.request_id,
        method: &exchange.method,
        retry_after: errors.retry_after,
    };
    let rendered = gateway.shelf.render(problem, &reply, &errors.catalogue);
    let mut response = Response::new(Watched::full(rendered.body));
    *response.status_mut() = rendered.status;
    *response.headers_mut() = rendered.headers;
    if let Some(speech) = exchange.speech.filter(|_| reply.format == Format::Grpc) {
        let kind = HeaderValue::from_static(speech.content_type());
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if let Some(pushback) = exchange.pushback(response.headers()) {
            response.headers_mut().insert(PUSHBACK, pushback);
        }
    }
    // A connection with an unread body cannot carry another request: HTTP/1 has no way to skip it.
    let closes = problem.closes() || !exchange.body_is_over();
    if closes && connection.protocol == Protocol::Http1 {
        response.headers_mut().append(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let shown = catalogue_status(gateway, problem);
    exchange.record.blame(problem, shown);
    if exchange.tells_outcome {
        tell_outcome(response.headers_mut(), exchange.record.outcome);
    }
    // Sealed, not finished: where the problem is that of a gateway behind, the id is that gateway's.
    exchange.seal(gateway, response)
}

/// Tells how it went, as the log does.
pub(super) fn tell_outcome(headers: &mut HeaderMap, outcome: Outcome) {
    headers.insert(OUTCOME, HeaderValue::from_static(outcome.as_str()));
}

/// What is needed to tell of a failure among the events of a subscription.
#[derive(Debug)]
pub(super) struct InBand {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) language: Language,
    pub(super) request_id: RequestId,
    pub(super) retry_after: Duration,
}

impl InBand {
    /// The last two events, as GraphQL over SSE has them: a result that is an error, and the end.
    pub(super) fn events(&self, problem: &Problem) -> Bytes {
        let reply = Reply {
            format: Format::GraphQlJson,
            language: self.language,
            request_id: &self.request_id,
            method: &Method::POST,
            retry_after: self.retry_after,
        };
        let error = render(problem, &reply, &self.catalogue).body;
        [b"event: next\ndata: ", &*error, b"\n\nevent: complete\ndata:\n\n"].concat().into()
    }
}

fn catalogue_status(gateway: &Gateway, problem: &Problem) -> u16 {
    gateway.config.errors.catalogue.status(problem)
}

const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");
const OUTCOME: HeaderName = HeaderName::from_static("guichet-outcome");
