//! [`Witness`]: the only place that logs or counts. One per worker; it cannot leave its thread.
//!
//! Other floors report facts and never name a metric: what a fact is called, how it is labelled
//! and whether it is logged is decided here and in the files beside.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::access_log::{Lines, StepFacts};
use super::auth_result::AuthResult;
use super::connection_failure::ConnectionFailure;
use super::facts::{Facts, Outcome};
use super::log;
use super::names::Names;
use super::operations::OperationKey;
use super::registers::{ConnectionState, Decision, ListenerCells, Protocol, Registers, Shed};
use super::retried::Retried;
use crate::base::clock::{self, Instant};
use crate::base::{AuthId, FlowId, LimitId, ListenerId, RequestId, RouteId, UpstreamId};
use crate::problem::Catalogue;

/// One worker's ear: its registers, its lines, and the names to tell them by.
#[derive(Debug)]
pub struct Witness {
    registers: Arc<Registers>,
    names: Arc<Names>,
    catalogue: Arc<Catalogue>,
    lines: Option<RefCell<Lines>>,
    panics: Cell<(u64, u32)>,
    /// When a shortage was last told.
    shortage: Cell<Option<Instant>>,
}

impl Witness {
    /// A witness that writes into `registers`, and into `lines` unless the access log is off.
    pub fn new(
        registers: Arc<Registers>,
        names: Arc<Names>,
        catalogue: Arc<Catalogue>,
        lines: Option<Lines>,
    ) -> Self {
        let lines = lines.map(RefCell::new);
        let (panics, shortage) = (Cell::new((0, 0)), Cell::new(None));
        Self { registers, names, catalogue, lines, panics, shortage }
    }

    /// Counts an exchange that has ended, and writes its line. Called by a record as it drops.
    pub(super) fn speak(&self, facts: &Facts) {
        let took = clock::now().saturating_duration_since(facts.started);
        self.registers.count(facts, took);
        let Some(lines) = &self.lines else { return };
        let dropped = lines.borrow_mut().append(facts, took, &self.catalogue);
        self.registers.lines_dropped.bump(dropped);
    }

    /// A worker's tick, every 200 ms: hands the lines written so far to the writer once a tick has
    /// brought none, and after a second at the latest. Never waits: if the writer lags, lines are
    /// dropped and counted.
    pub fn tick(&self) {
        let Some(lines) = &self.lines else { return };
        self.registers.lines_dropped.bump(lines.borrow_mut().tick());
    }

    /// Hands the lines written so far to the writer, as [`Self::tick`] does, but now: the worker
    /// ends.
    pub fn flush(&self) {
        let Some(lines) = &self.lines else { return };
        self.registers.lines_dropped.bump(lines.borrow_mut().flush());
    }

    /// A client connection was accepted; it counts as open until the guard drops.
    #[must_use = "the connection counts as open while the guard lives"]
    pub fn connection_opened(&self, listener: ListenerId) -> OpenConnection {
        let cells = self.registers.listener(listener).map(Arc::clone);
        let guard = OpenConnection { cells, protocol: Protocol::Unknown };
        guard.turn(|gauge| gauge.raise());
        guard
    }

    /// A client connection came to nothing, and no record tells of it: a failed handshake, say.
    /// (A record of `Kind::Connection` counts its failure by itself.)
    pub fn connection_failed(&self, listener: ListenerId, failure: ConnectionFailure) {
        self.registers.connection_failed(listener, failure);
    }

    /// A connection could not be accepted for want of something that the whole process needs. At most
    /// one line a minute: while it lasts there is nothing new to say.
    pub fn accept_failed(&self, listener: ListenerId, error: &io::Error) {
        self.connection_failed(listener, ConnectionFailure::Accept);
        let now = clock::now();
        let due = |last: Instant| now.saturating_duration_since(last) >= SHORTAGE_SAID_EVERY;
        if self.shortage.get().is_none_or(due) {
            self.shortage.set(Some(now));
            log::warn(
                "accept",
                format_args!(
                    "cannot accept: {error}; connections that carry nothing are closed to make \
                     room, and clients are refused where there are none (limits.connections, \
                     ulimit -n)"
                ),
            );
        }
    }

    /// So many were given up for want of room.
    pub fn shed(&self, what: Shed, count: usize) {
        self.registers.route(None).shed[what as usize].bump(count as u64);
    }

    /// A request of this route was refused for want of room.
    pub fn shed_request(&self, route: RouteId, why: Shed) {
        self.registers.route(Some(route)).shed[why as usize].bump(1);
    }

    /// A rate limit has decided.
    pub fn limit_decided(&self, limit: LimitId, decision: Decision) {
        if let Some(cells) = self.registers.limits.get(usize::from(limit.0)) {
            cells.decisions[decision as usize].bump(1);
        }
    }

    /// A policy has looked at a request.
    pub fn auth_decided(&self, policy: AuthId, result: AuthResult) {
        if let Some(cells) = self.registers.auth.get(usize::from(policy.0)) {
            cells[result as usize].bump(1);
        }
    }

    /// Operations have ended whose document only the upstream knows.
    pub fn operations_ended(&self, route: Option<RouteId>, outcome: Outcome, count: u32) {
        let key = OperationKey { route, kind: None, outcome };
        self.registers.operations.add(key.pack(), count.into());
    }

    /// A rate limit had to forget a caller whose quota was not whole yet.
    pub fn limit_forgot(&self, limit: LimitId) {
        if let Some(cells) = self.registers.limits.get(usize::from(limit.0)) {
            cells.forgotten.bump(1);
        }
    }

    /// How many connections to an upstream this worker has; told once a second.
    pub fn upstream_connections(&self, upstream: UpstreamId, idle: usize, active: usize) {
        if let Some(cells) = self.registers.upstream(upstream) {
            cells.connections[ConnectionState::Idle as usize].set(idle);
            cells.connections[ConnectionState::Active as usize].set(active);
        }
    }

    /// An attempt at an upstream has ended: with the head of an answer, or with none.
    pub fn upstream_answered(&self, upstream: UpstreamId, status: Option<u16>, took: Duration) {
        self.registers.upstream_answered(upstream, status, took);
    }

    /// An attempt failed, and another one follows, or would have.
    pub fn upstream_retried(&self, upstream: UpstreamId, what: Retried) {
        if let Some(cells) = self.registers.upstream(upstream) {
            cells.retries[what.number()].bump(1);
        }
    }

    /// A request panicked; `payload` is what unwinding carried. At most ten lines a second, so
    /// that a panic in every request cannot fill standard error.
    pub fn panicked(&self, request_id: &RequestId, payload: &(dyn Any + Send)) {
        let second = clock::unix_millis() / 1_000;
        let (last, said) = self.panics.get();
        let said = if last == second { said } else { 0 };
        self.panics.set((second, said.saturating_add(1)));
        if said < PANICS_A_SECOND {
            let (id, words) = (request_id.as_str(), panic_words(payload));
            log::error("panic", format_args!("request {id} panicked: {words}"));
        }
    }

    /// Writes the line of a step.
    pub(super) fn write_step(&self, flow: FlowId, step: usize, facts: &StepFacts<'_>) {
        let Some(names) = self.names.flows.get(usize::from(flow.0)) else { return };
        let Some(lines) = &self.lines else { return };
        let dropped = lines.borrow_mut().append_step(facts, (names, step), &self.catalogue);
        self.registers.lines_dropped.bump(dropped);
    }

    /// The registers that this witness writes into.
    pub fn registers(&self) -> &Arc<Registers> {
        &self.registers
    }

    /// The names that it tells by.
    pub fn names(&self) -> &Arc<Names> {
        &self.names
    }

    /// A request leaves one route's requests in flight, or enters another's.
    pub(super) fn moved(&self, from: Option<RouteId>, to: Option<RouteId>) {
        if from.is_some() {
            self.registers.route(from).in_flight.lower();
        }
        if to.is_some() {
            self.registers.route(to).in_flight.raise();
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // The last of a generation's exchanges may end between two ticks.
        self.flush();
    }
}

fn panic_words(payload: &(dyn Any + Send)) -> &str {
    if let Some(words) = payload.downcast_ref::<&'static str>() {
        return words;
    }
    payload.downcast_ref::<String>().map_or("(no words)", String::as_str)
}

/// A client connection that is counted as open until this drops. It may outlive the generation that
/// it began under, so it holds what counts it, and no witness.
#[derive(Debug)]
pub struct OpenConnection {
    cells: Option<Arc<ListenerCells>>,
    protocol: Protocol,
}

impl OpenConnection {
    /// The protocol is known, or has changed.
    pub fn speaks(&mut self, protocol: Protocol) {
        self.turn(|gauge| gauge.lower());
        self.protocol = protocol;
        self.turn(|gauge| gauge.raise());
    }

    /// It came to nothing, or to a bad end, that no record tells of.
    pub fn failed(&self, failure: ConnectionFailure) {
        if let Some(cells) = &self.cells {
            cells.failed(failure);
        }
    }

    fn turn(&self, how: impl FnOnce(&super::counter::Gauge)) {
        if let Some(cells) = &self.cells {
            how(&cells.connections[self.protocol as usize]);
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.turn(|gauge| gauge.lower());
    }
}

const PANICS_A_SECOND: u32 = 10;
const SHORTAGE_SAID_EVERY: Duration = Duration::from_secs(60);
