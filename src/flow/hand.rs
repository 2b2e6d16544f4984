//! The calls of a gateway's flows: over the same pools, with the same retries, breakers and time
//! limits as requests that are passed on, and with the fields that tell an upstream who asks.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT_ENCODING, ACCEPT_LANGUAGE, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, response};
use http_body::Body as _;
use tokio::time::timeout_at;

use super::{Calls, Content, Fate, Reply, Report, Request};
use crate::base::clock::{self, Instant};
use crate::base::{Body, EndpointId, RequestId, RouteId, TraceContext, UpstreamId};
use crate::config::model::{Call, Config, Flow, Step};
use crate::gate::Identity;
use crate::observe::{FlowEnd, StepFacts, Witness};
use crate::outcome::{Foreign, decode, translate};
use crate::problem::{Cause, Problem};
use crate::upstream::{CallOptions, Stamp, Stream, Tally, Upgrade, Upstreams};

/// Makes the calls of one request.
#[derive(Debug)]
pub struct Hand<'r> {
    /// The configuration.
    pub config: &'r Config,
    /// The upstreams.
    pub upstreams: &'r Upstreams,
    /// Who is told.
    pub witness: &'r Witness,
    /// As the client names the host.
    pub host: &'r HeaderValue,
    /// The languages that the client reads: an upstream's message may be for it.
    pub language: Option<&'r HeaderValue>,
    /// What says where the request came from: as fields of each head,
    pub origin: HeaderMap,
    /// or beside it, as lines of HTTP/1 and field by field.
    pub beside: (&'r [u8], &'r [(HeaderName, HeaderValue)]),
    /// The request's id.
    pub request_id: &'r RequestId,
    /// Its trace.
    pub trace: TraceContext,
    /// Its route.
    pub route: Option<RouteId>,
    /// Who has called.
    pub identity: Option<&'r Identity>,
    /// What the calls have come to.
    pub told: Told,
}

/// What the calls of a request have come to, for its record.
#[derive(Debug, Default)]
pub struct Told {
    /// The upstream that was called last, and its endpoint.
    pub upstream: Cell<Option<(UpstreamId, Option<EndpointId>)>>,
    /// Attempts of all calls.
    pub attempts: Cell<u8>,
    /// Time in which some call was under way.
    pub waited: Cell<Duration>,
    /// Time spent on opening connections.
    pub connect: Cell<Duration>,
    under: Cell<u32>,
    since: Cell<Option<Instant>>,
}

impl Calls for Hand<'_> {
    async fn call(
        &self,
        flow: &Flow,
        step: &Step,
        upstream: UpstreamId,
        request: Request,
        deadline: Instant,
    ) -> Result<Reply, Problem> {
        let _under = Under::begin(&self.told);
        let started = clock::now();
        let total = self.config.upstream(upstream).timeout.total;
        let deadline = deadline.min(started + total);
        let (mut head, body) = self.dressed(request);
        let options = CallOptions {
            started,
            deadline,
            client_deadline: None,
            is_grpc: false,
            first_byte: None,
            interim: None,
            upgrade: Upgrade::No,
            stamp: Some(Stamp {
                lines: self.beside.0,
                fields: self.beside.1,
                request_id: self.request_id,
                trace: self.trace,
            }),
        };
        let mut tally = Tally::default();
        let answer = self.upstreams.call(upstream, &mut head, body, &options, &mut tally).await;
        self.note(upstream, &tally, clock::now() - started, answer.as_ref().ok());
        let (head, stream) = answer?.into_parts();
        if head.status.as_u16() >= 400 {
            return Err(self.error(upstream, &head, stream, deadline).await);
        }
        let whole = timeout_at(deadline, read(stream, flow.limit)).await;
        let bytes = whole.map_err(|_| Problem::new(Cause::TotalTimeout))??;
        reply(head, bytes, flow, step)
    }

    fn tell(&self, report: Report<'_>) {
        match report {
            Report::Step { fate: Fate::Skipped | Fate::NotRun, .. } => {}
            Report::Step { flow, step, fate, took } => {
                let (status, problem) = match fate {
                    Fate::Badly(problem) => {
                        (self.config.errors.catalogue.status(problem), Some(problem))
                    }
                    Fate::Well(reply) => (reply.status, None),
                    Fate::Skipped | Fate::NotRun => (0, None),
                };
                let call = self.config.flow(flow).steps.get(step).map(|step| &step.call);
                let upstream = match call {
                    Some(Call::Upstream { upstream, .. }) => Some(*upstream),
                    Some(Call::Flow(_)) | None => None,
                };
                let (request_id, trace, route) = (self.request_id, self.trace.trace, self.route);
                let facts = StepFacts { request_id, trace, route, upstream, status, problem, took };
                self.witness.flow_step(flow, step, &facts);
            }
            Report::Flow { flow, ended } => {
                let end = ended.map_or(FlowEnd::GivenUp, |ended| ended.way);
                self.witness.flow_ended(flow, end);
            }
        }
    }
}

impl Hand<'_> {
    /// The head with what every call brings.
    fn dressed(&self, request: Request) -> (http::request::Parts, Body) {
        let mut head = http::Request::new(()).into_parts().0;
        head.method = request.method;
        head.uri = Uri::from(request.target);
        head.headers = request.headers;
        let headers = &mut head.headers;
        if !self.host.is_empty() {
            headers.insert(HOST, self.host.clone());
        }
        if let Some(language) = self.language.filter(|_| !headers.contains_key(ACCEPT_LANGUAGE)) {
            headers.insert(ACCEPT_LANGUAGE, language.clone());
        }
        if !headers.contains_key(ACCEPT_ENCODING) {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if !headers.contains_key(USER_AGENT) {
            headers.insert(USER_AGENT, HeaderValue::from_static(NAME));
        }
        for (name, value) in &self.origin {
            // `Via` may have several lines; a step brings none of these itself.
            headers.append(name.clone(), value.clone());
        }
        if let Some(identity) = self.identity {
            identity.tell(headers);
        }
        let body = match request.body.is_empty() {
            true => Body::Empty,
            false => Body::Full(Some(request.body)),
        };
        (head, body)
    }

    fn note(
        &self,
        upstream: UpstreamId,
        tally: &Tally,
        took: Duration,
        answer: Option<&http::Response<Stream>>,
    ) {
        let told = &self.told;
        told.upstream.set(Some((upstream, tally.endpoint)));
        told.attempts.set(told.attempts.get().saturating_add(tally.attempts));
        told.connect.set(told.connect.get() + tally.connect);
        let status = answer.map(|answer| answer.status().as_u16());
        self.witness.upstream_answered(upstream, status, took);
        for what in tally.retried.iter().flatten() {
            self.witness.upstream_retried(upstream, *what);
        }
    }

    /// An error in the vocabulary. Of its body no more is read, and no longer, than elsewhere.
    async fn error(
        &self,
        upstream: UpstreamId,
        head: &response::Parts,
        stream: Stream,
        deadline: Instant,
    ) -> Problem {
        let inspect = self.config.errors.inspect;
        let end = deadline.min(clock::now() + PATIENCE);
        let mut body = BytesMut::new();
        let _ = timeout_at(end, beginning(stream, inspect, &mut body)).await;
        let foreign = Foreign {
            status: head.status.as_u16(),
            headers: &head.headers,
            body: body.get(..inspect).unwrap_or(&body),
            inspect,
            rules: [&[], &self.config.upstream(upstream).errors],
            identifier: None,
            keep: &self.config.errors.keep_headers,
        };
        // What an upstream says beside its error was said to the gateway, and not to its client.
        translate(&foreign, &self.config.errors.catalogue).keeping(&[WWW_AUTHENTICATE, ALLOW])
    }
}

/// A success, its body decoded where the upstream has coded it unasked.
fn reply(head: response::Parts, bytes: Bytes, flow: &Flow, step: &Step) -> Result<Reply, Problem> {
    let response::Parts { status, headers, .. } = head;
    let bytes = match headers.get(CONTENT_ENCODING) {
        None => bytes,
        Some(coding) => match decode(coding, &bytes, flow.limit + 1) {
            Some(decoded) if decoded.len() > flow.limit => return Err(too_long(flow.limit)),
            Some(decoded) => Bytes::from(decoded.into_owned()),
            None => {
                return Err(Problem::new(Cause::BadResponse).with_detail(format_args!(
                    "the body of {}.{} is coded in a way that cannot be read",
                    flow.name, step.name
                )));
            }
        },
    };
    let body = Content::received(bytes, headers.get(CONTENT_TYPE).cloned());
    Ok(Reply { status: status.as_u16(), headers, body, warnings: Vec::new() })
}

async fn read(mut stream: Stream, limit: usize) -> Result<Bytes, Problem> {
    if stream.size_hint().lower() > limit as u64 {
        return Err(too_long(limit));
    }
    let (mut first, mut whole) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut stream).poll_frame(cx)).await {
        let Ok(data) = frame?.into_data() else { continue };
        if first.len() + whole.len() + data.len() > limit {
            return Err(too_long(limit));
        }
        // A body that comes in one piece is not copied.
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        whole.extend_from_slice(&std::mem::take(&mut first));
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

async fn beginning(mut stream: Stream, most: usize, body: &mut BytesMut) {
    while body.len() <= most {
        let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut stream).poll_frame(cx)).await else {
            return;
        };
        if let Ok(data) = frame.into_data() {
            body.extend_from_slice(&data);
        }
    }
}

fn too_long(limit: usize) -> Problem {
    let what = format!("the reply is longer than the flow's limit, {} KiB", limit >> 10);
    Problem::new(Cause::ReplyLimit).with_detail(what)
}

/// A call under way. Those of a group overlap, and their time counts once.
struct Under<'t>(&'t Told);

impl<'t> Under<'t> {
    fn begin(told: &'t Told) -> Self {
        if told.under.get() == 0 {
            told.since.set(Some(clock::now()));
        }
        told.under.set(told.under.get() + 1);
        Self(told)
    }
}

impl Drop for Under<'_> {
    fn drop(&mut self) {
        let told = self.0;
        told.under.set(told.under.get() - 1);
        if let Some(since) = told.since.get().filter(|_| told.under.get() == 0) {
            told.waited.set(told.waited.get() + clock::now().saturating_duration_since(since));
        }
    }
}

/// How calls of flows name themselves.
const NAME: &str = concat!("guichet/", env!("CARGO_PKG_VERSION"));
const PATIENCE: Duration = Duration::from_secs(2);
