//! Everything that can be said of one exchange: plain values and small ids, no text of our own.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, Uri, Version, request};

use super::conformance::Conformance;
use super::operations::Operations;
use super::rpc::Rpc;
use crate::base::clock::{self, Instant};
use crate::base::{EndpointId, LimitId, Peer, RequestId, RouteId, Source, TraceId, UpstreamId};
use crate::problem::{Cause, Code, Problem};

/// What is known of one exchange. It starts as an exchange that the client left: whoever brings
/// it further says so, and an exchange that is dropped half way tells the truth by itself.
#[derive(Debug)]
pub struct Facts {
    /// Whether a request existed.
    pub kind: Kind,
    /// When the exchange began; the first byte of the request where that is known.
    pub started: Instant,
    /// The same on the wall clock, in milliseconds since 1970.
    pub began: u64,
    /// The id in the body, the headers and the log.
    pub request_id: RequestId,
    /// The trace, where one was passed or begun.
    pub trace: Option<TraceId>,
    /// The connection it came by.
    pub peer: Rc<Peer>,
    /// The client's address: the peer's, or what a trusted proxy says.
    pub client_ip: IpAddr,
    /// The version of HTTP; none before it was read.
    pub protocol: Option<Version>,
    /// The method; none before it was read.
    pub method: Option<Method>,
    /// The target; only its path goes to the log.
    pub uri: Option<Uri>,
    /// `Host`; where there is none, the target's authority is told.
    pub host: Option<HeaderValue>,
    /// `User-Agent`.
    pub user_agent: Option<HeaderValue>,
    /// Set by `Record::routed`, which also counts it in flight.
    pub(super) route: Option<RouteId>,
    /// The status that the client got; 0 while none was sent.
    pub status: u16,
    /// The code that the client got.
    pub code: Option<Code>,
    /// Why it failed, finely.
    pub cause: Option<Cause>,
    /// Private words about the cause.
    pub detail: Option<Box<str>>,
    /// Whose fault it is.
    pub source: Option<Source>,
    /// How it ended.
    pub outcome: Outcome,
    /// How it will have ended once the reply is over, where that is not said by its status.
    pub judged: Option<Outcome>,
    /// The GraphQL operations that it carries.
    pub operations: Option<Operations>,
    /// How it ended as a gRPC call, where it is one.
    pub rpc: Rpc,
    /// The first parameter that was not as declared.
    pub parameter: Option<Box<str>>,
    /// Who calls, where that was asked.
    pub consumer: Option<HeaderValue>,
    /// The rate limit that refused it.
    pub limit: Option<LimitId>,
    /// The upstream, and its endpoint once one was chosen.
    pub upstream: Option<(UpstreamId, Option<EndpointId>)>,
    /// How often an endpoint was tried.
    pub attempts: u8,
    /// Time spent waiting for the upstream, all attempts together.
    pub upstream_time: Option<Duration>,
    /// The part of it that went into a new connection.
    pub connect_time: Option<Duration>,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the reply's body.
    pub bytes_out: u64,
    /// Whether the reply was sent to its end.
    pub complete: bool,
    /// Under `normalise = "observe"`: the code that the reply would have had.
    pub would_change: Option<Code>,
    /// How the upstream's answer compares with the route's OpenAPI document, where that is looked at.
    pub conformance: Option<Box<Conformance>>,
}

/// What the facts are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request.
    Request,
    /// A connection that failed before a request could be read.
    Connection,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As the client wished.
    Success,
    /// As the client wished, with warnings (GraphQL).
    Warning,
    /// The client asked for what it cannot have.
    Refused,
    /// The gateway or the upstream failed.
    Failed,
    /// The client left.
    Aborted,
}

impl Kind {
    /// The word of the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Connection => "connection",
        }
    }
}

impl Outcome {
    /// Every outcome, in the order of their numbers.
    pub const ALL: &'static [Self] =
        &[Self::Success, Self::Warning, Self::Refused, Self::Failed, Self::Aborted];

    /// The word of the log and the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }
}

/// The parts of a request head that are told.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target.
    pub uri: &'a Uri,
    /// The version.
    pub version: Version,
    /// `Host`.
    pub host: Option<&'a HeaderValue>,
    /// `User-Agent`.
    pub user_agent: Option<&'a HeaderValue>,
}

impl<'a, B> From<&'a Request<B>> for Head<'a> {
    fn from(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            host: request.headers().get(HOST),
            user_agent: request.headers().get(USER_AGENT),
        }
    }
}

impl<'a> From<&'a request::Parts> for Head<'a> {
    fn from(parts: &'a request::Parts) -> Self {
        Self {
            method: &parts.method,
            uri: &parts.uri,
            version: parts.version,
            host: parts.headers.get(HOST),
            user_agent: parts.headers.get(USER_AGENT),
        }
    }
}

impl Facts {
    /// The facts of a connection on which no request could be read yet.
    pub(super) fn connection(peer: Rc<Peer>, request_id: RequestId) -> Self {
        Self {
            kind: Kind::Connection,
            started: clock::now(),
            began: 0,
            request_id,
            trace: None,
            client_ip: peer.ip(),
            peer,
            protocol: None,
            method: None,
            uri: None,
            host: None,
            user_agent: None,
            route: None,
            status: 0,
            code: None,
            cause: None,
            detail: None,
            source: None,
            outcome: Outcome::Aborted,
            judged: None,
            operations: None,
            rpc: Rpc::No,
            parameter: None,
            consumer: None,
            limit: None,
            upstream: None,
            attempts: 0,
            upstream_time: None,
            connect_time: None,
            bytes_in: 0,
            bytes_out: 0,
            complete: false,
            would_change: None,
            conformance: None,
        }
    }

    /// The facts of a request; every clone is a reference count.
    pub(super) fn request(peer: Rc<Peer>, request_id: RequestId, head: Head<'_>) -> Self {
        Self {
            kind: Kind::Request,
            protocol: Some(head.version),
            method: Some(head.method.clone()),
            uri: Some(head.uri.clone()),
            host: head.host.cloned(),
            user_agent: head.user_agent.cloned(),
            ..Self::connection(peer, request_id)
        }
    }

    /// Takes over what a problem says, and the status that it was rendered with.
    pub fn blame(&mut self, problem: &Problem, status: u16) {
        self.status = status;
        self.code = Some(problem.code());
        self.cause = Some(problem.cause());
        self.source = Some(problem.source());
        self.detail = problem.detail().map(Into::into);
        self.parameter = problem.violations().first().map(|first| first.name.as_str().into());
        self.outcome = match (problem.cause(), problem.source()) {
            (Cause::ClientLeft, _) => Outcome::Aborted,
            (_, Source::Client) => Outcome::Refused,
            // A backend that says 404 has not failed: its client asked for what is not there.
            (_, Source::Gateway | Source::Upstream) if status < 500 => Outcome::Refused,
            (_, Source::Gateway | Source::Upstream) => Outcome::Failed,
        };
    }

    /// Whether this is an error for the log's `always = ["error"]`.
    pub(super) fn is_error(&self) -> bool {
        match self.outcome {
            Outcome::Refused | Outcome::Failed | Outcome::Aborted => true,
            Outcome::Success | Outcome::Warning => self.status >= 400,
        }
    }
}
