//! The fast path: the head is edited in place, the upstream is called, its reply is handed back.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Response, Uri, Version};

use super::connection::Connection;
use super::exchange::Exchange;
use super::stream::Watched;
use super::{Gateway, headers, upgrade};
use crate::base::body::{Capped, Meter};
use crate::base::{Body, Inflow, UpstreamId, clock};
use crate::config::model::{Rewrite, RewritePart, Route};
use crate::gate::{Absent, Asked};
use crate::problem::{Cause, Problem};
use crate::route::Match;
use crate::upstream::{CallOptions, Kind, Stamp, Stream, Tally, UpstreamError};

/// What is to be forwarded where.
pub(super) struct Forward<'r> {
    pub(super) route: &'r Route,
    pub(super) upstream: UpstreamId,
    /// As the client names it.
    pub(super) host: HeaderValue,
}

impl Gateway {
    /// Calls the upstream of a route.
    pub(super) async fn forward(
        &self,
        exchange: &mut Exchange,
        connection: &Connection,
        forward: Forward<'_>,
        parts: &mut Parts,
        body: Inflow,
    ) -> Result<Response<Watched>, Problem> {
        let Forward { route, upstream, host } = forward;
        let timeouts = &self.config.upstream(upstream).timeout;
        let upgrade = upgrade::requested(parts, &exchange.fields, connection, &body);
        let beside =
            headers::outbound(&mut parts.headers, exchange, connection, &host, &self.identity);
        upgrade::keep(&upgrade, &mut parts.headers);
        if let Some(identity) = &exchange.identity {
            self.introduce(route, identity, parts);
        }
        parts.version = Version::HTTP_11;
        let body = if body.is_end() { Body::Empty } else { self.cap(exchange, route, body) };
        // The gates before took next to no time, or have told when they let it go.
        let started = exchange.ready();
        let own = exchange.record.started + route.timeout.unwrap_or(timeouts.total);
        let client_deadline = exchange.call_ends;
        let options = CallOptions {
            started,
            deadline: client_deadline.map_or(own, |end| own.min(end)),
            client_deadline,
            is_grpc: exchange.speech.is_some(),
            first_byte: None,
            interim: connection.interim(exchange.version),
            upgrade,
            stamp: Some(Stamp {
                lines: beside.as_ref().map_or(&[], |beside| &beside.lines),
                fields: beside.as_ref().map_or(&[], |beside| &beside.fields),
                request_id: &exchange.request_id,
                trace: exchange.trace,
            }),
        };
        let mut tally = Tally::default();
        // In a scope of its own, so that the answer has no room beside what is made of it.
        let response = {
            let answer = self.upstreams.call(upstream, parts, body, &options, &mut tally).await;
            let arrived = |answer: &Response<Stream>| answer.body().arrived();
            let ended = answer.as_ref().map_or_else(|_| clock::now(), arrived);
            let took = ended - started;
            note(exchange, upstream, &tally, took);
            if let Some(limited) = &exchange.limited
                && is_telling(&answer)
            {
                limited.answered(took, ended);
            }
            self.witness_call(upstream, &tally, took, &answer);
            match answer {
                Ok(response) => response,
                Err(error) => return Err(exchange.blame(error)),
            }
        };
        match route.replies.as_deref() {
            None => self.normalise(exchange, connection, route, upstream, response).await,
            Some(rule) => {
                let whose = (route, rule);
                self.compare(exchange, connection, whose, upstream, response).await
            }
        }
    }

    /// Counts the call: once as answered or not, and each attempt that was followed by another, or
    /// would have been.
    fn witness_call(
        &self,
        upstream: UpstreamId,
        tally: &Tally,
        took: Duration,
        answer: &Result<Response<Stream>, UpstreamError>,
    ) {
        let status = answer.as_ref().ok().map(|response| response.status().as_u16());
        self.witness.upstream_answered(upstream, status, took);
        if tally.retried[0].is_some() {
            for what in tally.retried.iter().flatten() {
                self.witness.upstream_retried(upstream, *what);
            }
        }
    }

    /// The client's body, counted and bounded. Not inlined: most exchanges have none.
    #[inline(never)]
    fn cap(&self, exchange: &mut Exchange, route: &Route, body: Inflow) -> Body {
        if route.grpc.is_none()
            && let Inflow::Read(bytes) = body
        {
            exchange.record.bytes_in = bytes.len() as u64;
            return Body::Full(Some(bytes));
        }
        let meter = Rc::new(match &route.grpc {
            None => Meter::default(),
            Some(rule) => exchange.call_meter(rule),
        });
        if body.size_hint().exact().is_some() {
            meter.upload.replace(Some(self.uploads.begin()));
        }
        exchange.meter = Some(Rc::clone(&meter));
        Body::Capped(Capped::new(body, self.config.server.limits.body, meter))
    }
}

impl Exchange {
    /// A client that broke its own body is to blame, whatever the upstream made of it.
    #[cold]
    fn blame(&self, error: UpstreamError) -> Problem {
        match self.meter.as_ref().and_then(|meter| meter.fault.get()) {
            Some(fault) => Problem::new(Kind::Upload(fault).cause()).with_detail(fault).closing(),
            None => error.into(),
        }
    }
}

/// Whether the time that a call took says how busy its upstream is. A failure that comes fast does
/// not; one that comes from waiting in vain does.
fn is_telling(answer: &Result<Response<Stream>, UpstreamError>) -> bool {
    match answer {
        Ok(response) => !response.status().is_server_error(),
        Err(error) => matches!(error.kind.cause(), Cause::FirstByteTimeout | Cause::TotalTimeout),
    }
}

fn note(exchange: &mut Exchange, upstream: UpstreamId, tally: &Tally, took: Duration) {
    let record = &mut exchange.record;
    record.upstream = Some((upstream, tally.endpoint));
    record.attempts = tally.attempts;
    record.upstream_time = Some(took);
    record.connect_time = (!tally.connect.is_zero()).then_some(tally.connect);
}

/// The target as the upstream gets it: rewritten, or the path in the form that was matched. None
/// where that is what the client has written. Parameters that are absent follow the client's own.
pub(super) fn target(
    route: &Route,
    found: &Match,
    asked: &Asked<'_>,
    uri: &Uri,
    absent: Option<&Absent>,
) -> Result<Option<Uri>, Problem> {
    let added = absent.and_then(Absent::query);
    let path = match &route.rewrite {
        Some(rewrite) => rewritten(rewrite, found, &asked.path),
        None if asked.unchanged && added.is_none() => {
            let absolute = uri.scheme().is_some() || uri.authority().is_some();
            return Ok(uri.path_and_query().filter(|_| absolute).cloned().map(Uri::from));
        }
        None => asked.path.to_string(),
    };
    let whole = match (uri.query().filter(|query| !query.is_empty()), added) {
        (Some(query), Some(added)) => format!("{path}?{query}&{added}"),
        (None, Some(added)) => format!("{path}?{added}"),
        (_, None) => match uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path,
        },
    };
    PathAndQuery::from_maybe_shared(Bytes::from(whole))
        .map(|target| Some(Uri::from(target)))
        .map_err(|error| Problem::new(Cause::BadTarget).with_detail(error))
}

fn rewritten(rewrite: &Rewrite, found: &Match, path: &str) -> String {
    let mut new = String::with_capacity(path.len() + 16);
    for part in &rewrite.0 {
        new.push_str(match part {
            RewritePart::Literal(text) => text,
            RewritePart::Capture(index) => found.captures.of(*index, path).unwrap_or_default(),
        });
    }
    new
}
