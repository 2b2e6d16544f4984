//! The one exit of errors: a [`Problem`] becomes a response here and nowhere else.

use http::{HeaderValue, Response, header};

use super::Gateway;
use super::connection::{Connection, Protocol};
use super::exchange::Exchange;
use super::stream::Watched;
use crate::base::RequestId;
use crate::problem::{Format, Problem, Reply, render};

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
        language: errors.catalogue.choose_language(preferences.get(header::ACCEPT_LANGUAGE)),
        request_id: &exchange.request_id,
        method: &exchange.method,
        retry_after: errors.retry_after,
    };
    let rendered = render(problem, &reply, &errors.catalogue);
    let mut response = Response::new(Watched::full(rendered.body));
    *response.status_mut() = rendered.status;
    // Room for all of them at once, and for what every reply gets.
    response.headers_mut().reserve(rendered.headers.len() + SPARE);
    for (name, value) in rendered.headers {
        // Appended: several Set-Cookie or WWW-Authenticate lines of an upstream all stay.
        response.headers_mut().append(name, value);
    }
    // A connection with an unread body cannot carry another request: HTTP/1 has no way to skip it.
    let closes = problem.closes() || !exchange.body_is_over();
    if closes && connection.protocol == Protocol::Http1 {
        response.headers_mut().append(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let shown = catalogue_status(gateway, problem);
    exchange.record.blame(problem, shown);
    let kept_id = response.headers().get(RequestId::FIELD).cloned();
    let mut response = exchange.finish(gateway, response);
    if let Some(id) = kept_id {
        // The id of a gateway behind us, where the problem is that gateway's.
        response.headers_mut().insert(RequestId::FIELD, id);
    }
    response
}

fn catalogue_status(gateway: &Gateway, problem: &Problem) -> u16 {
    gateway.config.errors.catalogue.status(problem)
}

/// Fields that are added later: `date`, `connection`, an operator's own.
const SPARE: usize = 3;
