//! The fast path: the head is edited in place, the upstream is called, its reply is handed back.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Request, Response, Uri, Version};

use super::connection::Connection;
use super::exchange::Exchange;
use super::stream::Watched;
use super::{Gateway, headers, upgrade};
use crate::base::body::{Capped, Meter};
use crate::base::{Body, Inflow, UpstreamId, clock};
use crate::config::model::{Rewrite, RewritePart, Route};
use crate::gate::Asked;
use crate::problem::{Cause, Problem};
use crate::route::Match;
use crate::upstream::{CallOptions, Kind, Stamp, Stream, Tally, UpstreamError};

/// What is to be forwarded where.
pub(super) struct Forward<'r> {
    pub(super) route: &'r Route,
    pub(super) upstream: UpstreamId,
    pub(super) found: Match,
    pub(super) asked: Asked<'r>,
}

impl Gateway {
    /// Calls the upstream of a route.
    pub(super) async fn forward(
        &self,
        exchange: &mut Exchange,
        connection: &Connection,
        forward: Forward<'_>,
        mut parts: Parts,
        body: Inflow,
    ) -> Result<Response<Watched>, Problem> {
        let Forward { route, upstream, .. } = forward;
        let timeouts = &self.config.upstream(upstream).timeout;
        let upgrade = upgrade::requested(&parts, &exchange.fields, connection, &body);
        let host = &forward.asked.authority;
        let beside =
            headers::outbound(&mut parts.headers, exchange, connection, host, &self.identity);
        upgrade::keep(&upgrade, &mut parts.headers);
        parts.uri = target(&forward, &parts.uri)?;
        parts.version = Version::HTTP_11;
        let body = self.cap(exchange, body);
        let started = clock::now();
        let options = CallOptions {
            started,
            deadline: started + route.timeout.unwrap_or(timeouts.total),
            first_byte: None,
            interim: connection.interim(exchange.version),
            upgrade,
            stamp: Some(Stamp {
                lines: beside.as_ref().map_or(&[], |beside| &beside.lines),
                fields: beside.as_ref().map_or(&[], |beside| &beside.fields),
                own: [
                    (headers::X_REQUEST_ID, exchange.request_id.value().clone()),
                    (headers::TRACEPARENT, exchange.trace.header_value()),
                ],
            }),
        };
        let mut tally = Tally::default();
        let answer = self
            .upstreams
            .call(upstream, Request::from_parts(parts, body), options, &mut tally)
            .await;
        let took = clock::now() - started;
        note(exchange, upstream, &tally, took);
        self.witness_call(upstream, &tally, took, &answer);
        match answer {
            Ok(response) => self.normalise(exchange, connection, route, upstream, response).await,
            // A client that broke its own body is to blame, whatever the upstream made of it.
            Err(error) => Err(match exchange.meter.as_ref().and_then(|meter| meter.fault.get()) {
                Some(fault) => {
                    Problem::new(Kind::Upload(fault).cause()).with_detail(fault).closing()
                }
                None => error.into(),
            }),
        }
    }

    /// Counts the call: once as answered or not, and each attempt before the last as a retry.
    fn witness_call(
        &self,
        upstream: UpstreamId,
        tally: &Tally,
        took: Duration,
        answer: &Result<Response<Stream>, UpstreamError>,
    ) {
        let status = answer.as_ref().ok().map(|response| response.status().as_u16());
        self.witness.upstream_answered(upstream, status, took);
        for _ in 1..tally.attempts {
            let cause = answer.as_ref().err().map_or(Cause::Reset, |error| error.kind.cause());
            self.witness.upstream_retried(upstream, cause);
        }
    }

    /// The client's body, counted and bounded; nothing at all where there is none.
    fn cap(&self, exchange: &mut Exchange, body: Inflow) -> Body {
        if body.is_end() {
            return Body::Empty;
        }
        let meter = Rc::new(Meter::default());
        exchange.meter = Some(Rc::clone(&meter));
        Body::Capped(Capped::new(body, self.config.server.limits.body, meter))
    }
}

fn note(exchange: &mut Exchange, upstream: UpstreamId, tally: &Tally, took: Duration) {
    let record = &mut exchange.record;
    record.upstream = Some((upstream, tally.endpoint));
    record.attempts = tally.attempts;
    record.upstream_time = Some(took);
    record.connect_time = (!tally.connect.is_zero()).then_some(tally.connect);
}

/// The target as the upstream gets it: rewritten, or the path in the form that was matched.
fn target(forward: &Forward<'_>, uri: &Uri) -> Result<Uri, Problem> {
    let asked = &forward.asked;
    let path = match &forward.route.rewrite {
        Some(rewrite) => rewritten(rewrite, forward),
        None if asked.unchanged => {
            return Ok(match uri.path_and_query() {
                Some(path) if uri.scheme().is_some() || uri.authority().is_some() => {
                    Uri::from(path.clone())
                }
                Some(_) | None => uri.clone(),
            });
        }
        None => asked.path.to_string(),
    };
    let whole = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    PathAndQuery::from_maybe_shared(Bytes::from(whole))
        .map(Uri::from)
        .map_err(|error| Problem::new(Cause::BadTarget).with_detail(error))
}

fn rewritten(rewrite: &Rewrite, forward: &Forward<'_>) -> String {
    let mut path = String::with_capacity(forward.asked.path.len() + 16);
    for part in &rewrite.0 {
        path.push_str(match part {
            RewritePart::Literal(text) => text,
            RewritePart::Capture(index) => {
                forward.found.captures.of(*index, &forward.asked.path).unwrap_or_default()
            }
        });
    }
    path
}
