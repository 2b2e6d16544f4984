//! F5: the hand that calls backends. One [`Upstreams`] for each worker, nothing shared, no lock.
//!
//! The way of a call: `balance` chooses an endpoint, `acquire` finds a connection in its `pool` or
//! has `connect` open one, `call` sends and waits (`patience`) in HTTP/1 (`http1`) or HTTP/2 (hyper),
//! `check` judges the head, `stream` carries the body and gives the connection back. Whatever fails is named in `blame`, becomes an
//! [`UpstreamError`] and, on leaving, a [`Problem`](crate::problem::Problem).
//!
//! Invariants: a connection is reused only after a clean end of an unambiguous answer; a request is
//! repeated only where that is safe; every wait has a limit; dropping a call or a body ends what it
//! held at once.

mod acquire;
mod balance;
mod blame;
mod breaker;
mod call;
mod check;
mod connect;
mod credentials;
mod deadline;
mod drain;
mod dress;
mod endpoint;
mod error;
mod fetch;
mod health;
mod http1;
mod line;
mod names;
mod opening;
mod over_http1;
mod over_http2;
mod patience;
mod pool;
mod probe;
mod retry;
mod roster;
mod stream;
mod target;
#[cfg(test)]
mod tests;
mod tls;
mod tunnel;
mod upload;
mod wire;

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tokio::time::Instant;

use self::balance::{Balancer, Choice};
use self::breaker::Breaker;
use self::call::Call;
pub use self::credentials::Credentials;
pub use self::deadline::GRPC_TIMEOUT;
pub use self::drain::Duty;
pub use self::endpoint::Keeper;
use self::endpoint::{Endpoint, Row};
pub use self::error::{Kind, Sent, Stage, UpstreamError};
pub use self::fetch::Document;
pub use self::health::{Board, Boards};
pub use self::names::Names;
pub use self::probe::Probes;
use self::retry::Retry;
use self::roster::Roster;
pub use self::stream::Stream;
use self::tls::Tls;
pub use self::tunnel::Tunnel;
use crate::base::{Body, EndpointId, RequestId, TraceContext, UpstreamId, clock};
use crate::config::carry;
use crate::config::model::{self, UpstreamTimeouts};
use crate::observe::Retried;

/// All upstreams, as one worker lives with them.
pub struct Upstreams(Box<[Rc<Upstream>]>);

struct Upstream {
    endpoints: Box<[Rc<Endpoint>]>,
    balancer: Balancer,
    timeout: UpstreamTimeouts,
    /// The header that tells how long is left.
    deadline: Option<HeaderName>,
    /// What is tried again; none where nothing that was sent is.
    retry: Option<Retry>,
    /// Who may be chosen.
    roster: Roster,
    /// Spares the upstream where it fails as a whole.
    breaker: Option<Breaker>,
    /// Whether anybody wants to know how calls end.
    watched: bool,
    tls: Option<Arc<Tls>>,
}

/// Upstreams as they were lived with under the configuration before.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// What the configuration said.
    pub config: &'a [model::Upstream],
    /// What became of it.
    pub upstreams: &'a Upstreams,
}

/// What a call may take, and what it asks for.
pub struct CallOptions<'a> {
    /// Now.
    pub started: Instant,
    /// The end of the whole exchange up to the head of the answer.
    pub deadline: Instant,
    /// When a gRPC client stops waiting, for those that say so; `deadline` is no later.
    pub client_deadline: Option<Instant>,
    /// Whether the answer's own status, in its head or its trailers, says how the call went.
    pub is_grpc: bool,
    /// The time from the sent request to the head of the answer, in place of the upstream's.
    pub first_byte: Option<Duration>,
    /// Is told of interim answers, 100 and 101 excepted. HTTP/2 upstreams' interim answers are
    /// dropped.
    pub interim: Option<Interim>,
    /// Whether the request asks to switch protocols.
    pub upgrade: Upgrade<'a>,
    /// Fields that are sent beside the request's own.
    pub stamp: Option<Stamp<'a>>,
}

/// Fields that the gateway adds. Most of them are the same for all requests of a connection, so they
/// come as HTTP/1 writes them too, and need not be put into a map to be taken out of it again.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// The first part as lines of HTTP/1, line ends included.
    pub lines: &'a [u8],
    /// The first part again, field by field.
    pub fields: &'a [(HeaderName, HeaderValue)],
    /// What is different for every request: `x-request-id`.
    pub request_id: &'a RequestId,
    /// And `traceparent`.
    pub trace: TraceContext,
}

/// Who is told of interim answers.
pub type Interim = Rc<dyn Fn(StatusCode, &HeaderMap)>;

/// Whether a request asks to switch protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade<'a> {
    /// It does not: a 101 is an error.
    No,
    /// It does, and carries `connection: upgrade` and this token in `upgrade`. A 101 must confirm
    /// it, and for `websocket` prove it (RFC 6455, section 4.1).
    Requested(&'a str),
}

/// What a call came to, for the log; filled in whether it succeeds or fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The endpoint that was tried last.
    pub endpoint: Option<EndpointId>,
    /// Times that a connection failed to open or a request was sent. A kept connection that was
    /// found closed does not count.
    pub attempts: u8,
    /// Time spent on opening connections.
    pub connect: Duration,
    /// Whether the last connection had been used before.
    pub reused: bool,
    /// Why attempts failed that were followed by another one, in their order, and whether the budget
    /// forbade one more.
    pub retried: [Option<Retried>; RETRIES],
}

/// Connections of one worker to one upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauge {
    /// Connections that carry nothing.
    pub idle: usize,
    /// Connections that carry requests or tunnels.
    pub active: usize,
}

/// Why an upstream cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupError {
    /// The upstream's name.
    pub upstream: String,
    /// What is wrong, with the file or the variable.
    pub message: String,
}

impl Upstreams {
    /// Prepares all upstreams. Opens no connection and resolves no name. One that has not changed
    /// keeps its endpoints and their connections.
    ///
    /// # Errors
    /// A name that no certificate can carry.
    pub fn new(
        upstreams: &[model::Upstream],
        credentials: &Credentials,
        names: &Names,
        boards: &Boards,
        worker: usize,
        before: Option<Before<'_>>,
    ) -> Result<Self, SetupError> {
        let with = upstreams.iter().zip(credentials.0.iter()).zip(boards.iter());
        let all: Result<_, SetupError> = with
            .map(|((upstream, tls), board)| {
                if let Some(known) = before.and_then(|before| before.same(upstream, tls.as_ref())) {
                    return Ok(known);
                }
                Upstream::new(upstream, tls.as_ref(), names, board, worker)
                    .map(Upstream::shared)
                    .map_err(|message| SetupError { upstream: upstream.name.clone(), message })
            })
            .collect();
        all.map(Self)
    }

    /// Calls an upstream. The request is in origin form, with end-to-end fields only (an upgrade
    /// excepted) and the client's Host; HTTP/2 takes its head, HTTP/1 only reads it. Dropping the
    /// future gives the call up and closes its connection.
    ///
    /// # Errors
    /// Where it failed and what was sent by then.
    pub async fn call(
        &self,
        id: UpstreamId,
        head: &mut Parts,
        body: Body,
        options: &CallOptions<'_>,
        tally: &mut Tally,
    ) -> Result<Response<Stream>, UpstreamError> {
        Call::new(&self.0[usize::from(id.0)], head, body, options, tally).run().await
    }

    /// Closes what has been idle for too long, and tells the boards how busy endpoints are. The worker
    /// calls it every second.
    pub fn sweep(&self) {
        self.sweep_at(clock::now());
    }

    /// Closes at most so many connections that carry nothing, the longest idle of each endpoint
    /// first; how many were closed.
    pub fn make_room(&self, most: usize) -> usize {
        let mut closed = 0;
        for endpoint in self.0.iter().flat_map(|upstream| &upstream.endpoints) {
            closed += endpoint.pool.shed(most - closed);
        }
        closed
    }

    fn sweep_at(&self, now: Instant) {
        for upstream in &self.0 {
            for (place, endpoint) in upstream.endpoints.iter().enumerate() {
                endpoint.sweep(now);
                if upstream.roster.report(place, endpoint.busy()) {
                    // Whoever drains a server wants it to be left alone altogether.
                    endpoint.pool.shed(usize::MAX);
                }
            }
        }
    }

    /// Whom to tell of an answer of an endpoint that is still to be read.
    pub fn keeper(&self, id: UpstreamId, endpoint: EndpointId) -> Option<Keeper> {
        self.0[usize::from(id.0)].endpoints.get(usize::from(endpoint.0)).map(Keeper::of)
    }

    /// Notes that an answer with a good head said nothing but errors.
    #[cold]
    pub fn served_nothing(&self, id: UpstreamId, endpoint: EndpointId) {
        let endpoints = &self.0[usize::from(id.0)].endpoints;
        if let Some(endpoint) = endpoints.get(usize::from(endpoint.0)) {
            endpoint.served_nothing();
        }
    }

    /// The connections to an upstream, for the metrics.
    pub fn connections(&self, id: UpstreamId) -> Gauge {
        let endpoints = &self.0[usize::from(id.0)].endpoints;
        let open: usize = endpoints.iter().map(|endpoint| endpoint.target.open.get()).sum();
        let idle: usize = endpoints.iter().map(|endpoint| endpoint.pool.idle()).sum();
        Gauge { idle, active: open.saturating_sub(idle) }
    }
}

impl Before<'_> {
    /// The upstream that is the same: by its settings, and by what its certificates and keys hold.
    fn same(&self, now: &model::Upstream, tls: Option<&Arc<Tls>>) -> Option<Rc<Upstream>> {
        let known = &self.upstreams.0[carry::unchanged(self.config, now)?];
        let same = match (&known.tls, tls) {
            (Some(known), Some(now)) => Arc::ptr_eq(known, now),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        same.then(|| Rc::clone(known))
    }
}

impl Upstream {
    fn new(
        upstream: &model::Upstream,
        tls: Option<&Arc<Tls>>,
        names: &Names,
        board: &Arc<Board>,
        worker: usize,
    ) -> Result<Self, String> {
        let endpoints: Result<Box<[_]>, String> = (0..)
            .zip(&upstream.endpoints)
            .map(|(id, endpoint)| {
                let tls = tls.filter(|_| endpoint.tls);
                Endpoint::new(EndpointId(id), endpoint, upstream, tls, names)
                    .map_err(|error| format!("{}: {error}", endpoint.url))
            })
            .collect();
        let balancer = Balancer::new(upstream);
        let retry = upstream.retry.clone().map(Retry::new);
        let roster = Roster::new(upstream, board, worker);
        let breaker = Breaker::new(board, worker);
        let watched =
            retry.is_some() || upstream.eject.is_some() || breaker.is_some() || balancer.learns();
        Ok(Self {
            endpoints: endpoints?,
            balancer,
            timeout: upstream.timeout,
            deadline: upstream.deadline.clone(),
            retry,
            roster,
            breaker,
            watched,
            tls: tls.cloned(),
        })
    }
}

impl Upstream {
    fn shared(self) -> Rc<Self> {
        let shared = Rc::new(self);
        shared.endpoints.iter().for_each(|endpoint| endpoint.belong_to(&shared));
        shared
    }

    /// Notes that an answer broke off whose head was noted as a good one.
    fn broke_off(&self, place: usize, row: Row) {
        let now = clock::now();
        self.balancer.learn_failure(place, now);
        self.roster.note_break(place, row, now);
        if let Some(breaker) = &self.breaker {
            breaker.note_break(place, row, now);
        }
    }

    /// The place of the next endpoint that is not among those; none if all are.
    #[inline]
    fn pick(&self, choice: &Choice<'_>) -> Option<usize> {
        self.roster.consult(choice.now, &self.balancer);
        self.balancer.pick(choice, |place| self.endpoints[place].busy())
    }

    /// Whether a request may meet HTTP/2 here.
    fn may_speak_http2(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.target.may_speak_http2())
    }
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstreams").field("count", &self.0.len()).finish()
    }
}

impl fmt::Debug for CallOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("deadline", &self.deadline)
            .field("first_byte", &self.first_byte)
            .field("upgrade", &self.upgrade)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "upstream {}: {}", self.upstream, self.message)
    }
}

impl std::error::Error for SetupError {}

/// As often one request is tried again at most: nine times by rule, and once on a kept connection.
const RETRIES: usize = 10;
