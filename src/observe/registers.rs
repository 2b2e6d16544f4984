//! One worker's counters, sized from the configuration when the worker starts.
//!
//! Everything is made beforehand: counting never allocates, never locks and never formats. The
//! worker's witness writes; the metrics page reads all workers' registers and adds them up.

use std::sync::Arc;
use std::time::Duration;

use super::auth_result::AuthResult;
use super::calls::Calls;
use super::conformance::Conformance;
use super::connection_failure::ConnectionFailure;
use super::counter::{Bounds, Counter, Gauge, Histogram};
use super::facts::{Facts, Kind, Outcome};
use super::flow_counts::FlowCells;
use super::keys::{ErrorKey, MethodLabel, RequestKey, UpstreamKey};
use super::names::Names;
use super::retried::Retried;
use super::tally::Tally;
use crate::base::{ListenerId, RouteId, Source, UpstreamId};

/// The counters of one worker. Shared with the metrics page, written through `Witness` alone.
#[derive(Debug)]
pub struct Registers {
    pub(super) requests: Tally,
    pub(super) errors: Tally,
    pub(super) would_change: Tally,
    pub(super) upstream_requests: Tally,
    pub(super) operations: Tally,
    pub(super) calls: Calls,
    /// Place 0 is "no route".
    pub(super) routes: Box<[RouteCells]>,
    /// Shared with the registers before, where the listener was there already: connections live on.
    pub(super) listeners: Box<[Arc<ListenerCells>]>,
    pub(super) upstreams: Box<[UpstreamCells]>,
    pub(super) limits: Box<[LimitCells]>,
    pub(super) auth: Box<[AuthCells]>,
    pub(super) flows: Box<[FlowCells]>,
    pub(super) lines_dropped: Counter,
}

#[derive(Debug, Default)]
pub(super) struct RouteCells {
    pub(super) in_flight: Gauge,
    pub(super) duration: Histogram,
    pub(super) overhead: Histogram,
    pub(super) outcomes: [Counter; Outcome::ALL.len()],
    pub(super) shed: [Counter; Shed::ALL.len()],
    pub(super) conformance: [Counter; Conformance::COUNT],
}

#[derive(Debug)]
pub(super) struct ListenerCells {
    pub(super) connections: [Gauge; Protocol::ALL.len()],
    pub(super) failures: Box<[Counter]>,
}

#[derive(Debug)]
pub(super) struct UpstreamCells {
    pub(super) duration: Histogram,
    pub(super) connections: [Gauge; ConnectionState::ALL.len()],
    pub(super) retries: Box<[Counter]>,
}

#[derive(Debug, Default)]
pub(super) struct LimitCells {
    pub(super) decisions: [Counter; Decision::ALL.len()],
    pub(super) forgotten: Counter,
}

/// What one policy of `[auth.*]` has said.
pub(super) type AuthCells = [Counter; AuthResult::ALL.len()];

/// What a rate limit says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may pass.
    Allow,
    /// It may not.
    Refuse,
}

/// What a client connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Not known yet: a handshake, a PROXY header, the first bytes.
    Unknown,
    /// HTTP/1.1 or 1.0.
    Http1,
    /// HTTP/2.
    Http2,
    /// Whatever it was upgraded to.
    Tunnel,
}

/// What a connection to an upstream is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionState {
    /// Carrying an exchange, or several.
    Active,
    /// Waiting in the pool.
    Idle,
}

/// What is given up for want of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shed {
    /// A client connection between two requests, or one that has not said anything.
    IdleClient,
    /// An upstream connection that carries nothing.
    IdleUpstream,
    /// A client that could only be told so: no file descriptor was left for it.
    NoDescriptor,
    /// A request, or a client, while memory is short.
    NoMemory,
    /// A request for which there was no room, and none in the queue.
    QueueFull,
    /// A request that would have waited too long.
    WaitTooLong,
    /// A request that has waited as long as it may.
    Waited,
    /// A request that made room in the queue for a newer one.
    Displaced,
}

impl Registers {
    /// Empty registers for the listeners, routes and upstreams of a configuration.
    pub fn new(names: &Names) -> Self {
        Self::after(names, None)
    }

    /// Empty registers for a configuration that follows another one. Client connections outlive
    /// it, so what counts them goes on; all else is added up when it is told (`Ledger`).
    pub fn after(names: &Names, before: Option<(&Names, &Self)>) -> Self {
        let (listeners, routes) = (names.listeners.len(), names.routes.len());
        let upstreams = names.upstreams.len();
        let listener = |name: &String| {
            let known = before.and_then(|(names, registers)| {
                let place = names.listeners.iter().position(|known| known == name)?;
                registers.listeners.get(place)
            });
            known.map_or_else(|| Arc::new(ListenerCells::new()), Arc::clone)
        };
        let upstream = || UpstreamCells {
            duration: Histogram::default(),
            connections: Default::default(),
            retries: counters(Retried::COUNT),
        };
        Self {
            requests: Tally::with_room_for((listeners * (routes + 1)).saturating_mul(16)),
            errors: Tally::with_room_for((routes + 1) * 16),
            would_change: Tally::with_room_for((routes + 1) * 4),
            upstream_requests: Tally::with_room_for(upstreams * 16),
            operations: Tally::with_room_for((routes + 1) * 4),
            calls: Calls::default(),
            routes: std::iter::repeat_with(RouteCells::default).take(routes + 1).collect(),
            listeners: names.listeners.iter().map(listener).collect(),
            upstreams: std::iter::repeat_with(upstream).take(upstreams).collect(),
            limits: std::iter::repeat_with(LimitCells::default).take(names.limits.len()).collect(),
            auth: std::iter::repeat_with(AuthCells::default).take(names.auth.len()).collect(),
            flows: names.flows.iter().map(FlowCells::new).collect(),
            lines_dropped: Counter::default(),
        }
    }

    /// Counts an exchange that has ended after `took`.
    pub(super) fn count(&self, facts: &Facts, took: Duration) {
        let (listener, route) = (facts.peer.listener, facts.route);
        if let (Kind::Connection, Some(cause)) = (facts.kind, facts.cause) {
            self.connection_failed(listener, ConnectionFailure::Cause(cause));
        }
        // A failed connection that got an answer counts as a request answered, so that the sum of
        // answers by status and the sum of errors agree; one that got none was no request at all.
        if facts.kind == Kind::Request || facts.status != 0 {
            let method = MethodLabel::of(facts.method.as_ref());
            let key = RequestKey { listener, route, method, status: facts.status };
            self.requests.bump(key.pack());
            self.route(route).outcomes[facts.outcome as usize].bump(1);
        }
        if facts.kind == Kind::Request {
            let cells = self.route(route);
            cells.duration.observe(Bounds::EXCHANGE, took);
            let own = took.saturating_sub(facts.upstream_time.unwrap_or_default());
            cells.overhead.observe(Bounds::OVERHEAD, own);
        }
        if let Some(operations) = facts.operations {
            operations.count(route, facts.outcome, &self.operations);
        }
        self.calls.count(facts);
        let source = facts.source.unwrap_or(Source::Gateway);
        if let Some(code) = facts.code {
            self.errors.bump(ErrorKey { route, code, source }.pack());
        }
        if let Some(code) = facts.would_change {
            self.would_change.bump(ErrorKey { route, code, source: Source::Upstream }.pack());
        }
        if let Some(found) = &facts.conformance {
            self.route(route).conformance[found.number()].bump(1);
        }
    }

    pub(super) fn connection_failed(&self, listener: ListenerId, failure: ConnectionFailure) {
        if let Some(cells) = self.listener(listener) {
            cells.failed(failure);
        }
    }

    pub(super) fn upstream_answered(&self, id: UpstreamId, status: Option<u16>, took: Duration) {
        let key = UpstreamKey { upstream: id, status: status.unwrap_or(0) };
        self.upstream_requests.bump(key.pack());
        if let Some(cells) = self.upstream(id) {
            cells.duration.observe(Bounds::EXCHANGE, took);
        }
    }

    pub(super) fn route(&self, id: Option<RouteId>) -> &RouteCells {
        let place = id.map_or(0, |id| usize::from(id.0) + 1);
        self.routes.get(place).unwrap_or(&self.routes[0])
    }

    pub(super) fn listener(&self, id: ListenerId) -> Option<&Arc<ListenerCells>> {
        self.listeners.get(usize::from(id.0))
    }

    pub(super) fn upstream(&self, id: UpstreamId) -> Option<&UpstreamCells> {
        self.upstreams.get(usize::from(id.0))
    }

    /// Events that found no room in a bounded table.
    pub(super) fn left_out(&self) -> u64 {
        let errors = [&self.errors, &self.would_change];
        let others = [&self.requests, &self.upstream_requests, &self.operations];
        let tables = errors.into_iter().chain(others).map(Tally::left_out);
        tables.sum::<u64>() + self.calls.left_out()
    }
}

impl ListenerCells {
    fn new() -> Self {
        Self { connections: Default::default(), failures: counters(ConnectionFailure::COUNT) }
    }

    pub(super) fn failed(&self, failure: ConnectionFailure) {
        self.failures[failure.number()].bump(1);
    }
}

fn counters(count: usize) -> Box<[Counter]> {
    std::iter::repeat_with(Counter::default).take(count).collect()
}

impl Protocol {
    /// Every protocol, in the order of their numbers.
    pub const ALL: &'static [Self] = &[Self::Unknown, Self::Http1, Self::Http2, Self::Tunnel];

    /// The word of the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Http1 => "http/1.1",
            Self::Http2 => "h2",
            Self::Tunnel => "tunnel",
        }
    }
}

impl Decision {
    /// Every decision, in the order of their numbers.
    pub const ALL: &'static [Self] = &[Self::Allow, Self::Refuse];

    /// The word of the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Refuse => "refuse",
        }
    }
}

impl Shed {
    /// Everything, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::IdleClient,
        Self::IdleUpstream,
        Self::NoDescriptor,
        Self::NoMemory,
        Self::QueueFull,
        Self::WaitTooLong,
        Self::Waited,
        Self::Displaced,
    ];

    /// The word of the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdleClient => "idle_client",
            Self::IdleUpstream => "idle_upstream",
            Self::NoDescriptor => "no_descriptor",
            Self::NoMemory => "no_memory",
            Self::QueueFull => "queue_full",
            Self::WaitTooLong => "wait_too_long",
            Self::Waited => "waited",
            Self::Displaced => "displaced",
        }
    }
}

impl ConnectionState {
    /// Every state, in the order of their numbers.
    pub(super) const ALL: &'static [Self] = &[Self::Active, Self::Idle];

    /// The word of the metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_closed_sets_are_their_places() {
        assert!(Protocol::ALL.iter().enumerate().all(|(at, it)| *it as usize == at));
        assert!(ConnectionState::ALL.iter().enumerate().all(|(at, it)| *it as usize == at));
        assert!(Decision::ALL.iter().enumerate().all(|(at, it)| *it as usize == at));
        assert!(Shed::ALL.iter().enumerate().all(|(at, it)| *it as usize == at));
        assert!(Outcome::ALL.iter().enumerate().all(|(at, it)| *it as usize == at));
    }

    #[test]
    fn an_id_from_elsewhere_is_ignored_rather_than_fatal() {
        let registers = Registers::new(&Names::default());
        registers.connection_failed(ListenerId(9), ConnectionFailure::Accept);
        registers.upstream_answered(UpstreamId(9), None, Duration::ZERO);
        registers.route(Some(RouteId(9))).in_flight.raise();
        assert_eq!(registers.route(None).in_flight.value(), 1);
    }
}
