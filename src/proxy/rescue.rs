//! The one exit of errors: a [`Problem`] becomes a response here and nowhere else.

use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

use super::Gateway;
use super::connection::{Connection, Protocol};
use super::exchange::Exchange;
use super::stream::Watched;
use crate::observe::Outcome;
use crate::problem::{Format, Problem, Reply};

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
    // What an upstream has said, and what a call's reply says, is looked at again in the head.
    let is_plain = exchange.speech.is_none() && problem.headers().is_empty();
    let mut response = if connection.protocol == Protocol::Http1 && is_plain {
        let wording = gateway.shelf.word(problem, &reply, &errors.catalogue);
        let status = wording.status();
        let mut response = Response::new(Watched::said(wording));
        *response.status_mut() = status;
        response
    } else {
        let rendered = gateway.shelf.render(problem, &reply, &errors.catalogue);
        let mut response = Response::new(Watched::full(rendered.body));
        *response.status_mut() = rendered.status;
        *response.headers_mut() = rendered.headers;
        response
    };
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

fn catalogue_status(gateway: &Gateway, problem: &Problem) -> u16 {
    gateway.config.errors.catalogue.status(problem)
}

const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");
const OUTCOME: HeaderName = HeaderName::from_static("guichet-outcome");
