//! The metrics page: all workers' registers added up, with the names of the configuration.
//!
//! Series appear when they first count something; a gauge stands there from the start. The empty
//! label `route=""` means that no route was found, or none was looked for yet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::auth_result::AuthResult;
use super::concurrency::ConcurrencyLimits;
use super::connection_failure::ConnectionFailure;
use super::counter::{Bounds, Histogram, Spread};
use super::expiries::Expiries;
use super::facts::Outcome;
use super::keys::{ErrorKey, RequestKey, UpstreamKey};
use super::metrics::{self, Family};
use super::names::Names;
use super::process::Process;
use super::registers::{ConnectionState, Decision, Protocol, Registers, Shed};
use super::reloads::{ReloadResult, Reloads};
use super::retried::Retried;
use super::scope_states::ScopeStates;
use super::states::UpstreamStates;
use super::stores::StoreStates;
use super::tally::Tally;
use super::text::{Labels, Page};
use super::writer::Lost;
use crate::base::{EndpointId, UpstreamId};
use crate::problem::Catalogue;

/// Everything that the metrics page is made of.
#[derive(Clone, Debug)]
pub struct Exposition {
    /// One for each worker.
    pub registers: Vec<Arc<Registers>>,
    /// The names that the registers were sized by.
    pub names: Arc<Names>,
    /// For the full text of codes.
    pub catalogue: Arc<Catalogue>,
    /// Hash of the running configuration.
    pub config_hash: String,
    /// Which endpoints may be chosen.
    pub states: Arc<dyn UpstreamStates>,
    /// Certificates of the listeners.
    pub certificates: Arc<Expiries>,
    /// What may be under way at once.
    pub concurrency: ConcurrencyLimits,
    /// What is under maintenance.
    pub maintenance: ScopeStates,
    /// Where shared limits are counted.
    pub stores: StoreStates,
    /// Reloads so far.
    pub reloads: Arc<Reloads>,
    /// Lines that the writer lost; none while there is no access log.
    pub lost: Option<Lost>,
}

impl Exposition {
    /// The `content-type` of the page.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Writes the page as it stands now.
    pub fn render(&self) -> String {
        let mut page = Page::default();
        self.about(&mut page);
        self.requests(&mut page);
        self.routes(&mut page);
        self.errors(&mut page);
        self.conformance(&mut page);
        self.operations(&mut page);
        self.calls(&mut page);
        self.connections(&mut page);
        self.auth(&mut page);
        self.limits(&mut page);
        self.shed(&mut page);
        self.upstreams(&mut page);
        self.flows(&mut page);
        self.certificates(&mut page);
        self.losses(&mut page);
        process(&mut page);
        page.finish()
    }

    fn about(&self, page: &mut Page) {
        page.family(&metrics::BUILD_INFO);
        page.number(&metrics::BUILD_INFO, &[("version", env!("CARGO_PKG_VERSION"))], 1);
        page.family(&metrics::CONFIG_INFO);
        page.number(&metrics::CONFIG_INFO, &[("hash", &self.config_hash)], 1);
        page.family(&metrics::CONFIG_RELOADS);
        for result in ReloadResult::ALL {
            let count = self.reloads.number(*result);
            page.number(&metrics::CONFIG_RELOADS, &[("result", result.as_str())], count);
        }
    }

    fn requests(&self, page: &mut Page) {
        page.family(&metrics::REQUESTS);
        for (key, count) in self.tally(|registers| &registers.requests) {
            let key = RequestKey::unpack(key);
            let labels = [
                ("listener", self.names.listener(key.listener)),
                ("route", self.names.route(key.route)),
                ("method", key.method.as_str()),
                ("status", &status(key.status)),
            ];
            page.number(&metrics::REQUESTS, &labels, count);
        }
    }

    fn routes(&self, page: &mut Page) {
        page.family(&metrics::REQUEST_DURATION);
        for (place, route) in self.route_names() {
            let spread = self.spread(|it| Some(&it.routes.get(place)?.duration));
            let labels = [("route", route)];
            histogram_if_any(page, &metrics::REQUEST_DURATION, &labels, Bounds::EXCHANGE, &spread);
        }
        page.family(&metrics::OVERHEAD);
        for (place, route) in self.route_names() {
            let spread = self.spread(|it| Some(&it.routes.get(place)?.overhead));
            let labels = [("route", route)];
            histogram_if_any(page, &metrics::OVERHEAD, &labels, Bounds::OVERHEAD, &spread);
        }
        page.family(&metrics::IN_FLIGHT);
        for (place, route) in self.route_names().skip(1) {
            let sum = self.sum(|registers| Some(registers.routes.get(place)?.in_flight.value()));
            page.number(&metrics::IN_FLIGHT, &[("route", route)], sum);
        }
    }

    fn errors(&self, page: &mut Page) {
        page.family(&metrics::ERRORS);
        for (key, count) in self.tally(|registers| &registers.errors) {
            let key = ErrorKey::unpack(key);
            let labels = [
                ("route", self.names.route(key.route)),
                ("code", self.code(&key)),
                ("origin", key.source.as_str()),
            ];
            page.number(&metrics::ERRORS, &labels, count);
        }
        page.family(&metrics::OUTCOMES);
        for (place, route) in self.route_names() {
            for outcome in Outcome::ALL {
                let at = *outcome as usize;
                let sum = self.sum(|it| Some(it.routes.get(place)?.outcomes[at].value()));
                let labels = [("route", route), ("outcome", outcome.as_str())];
                number_if_any(page, &metrics::OUTCOMES, &labels, sum);
            }
        }
        page.family(&metrics::WOULD_CHANGE);
        for (key, count) in self.tally(|registers| &registers.would_change) {
            let key = ErrorKey::unpack(key);
            let labels = [("route", self.names.route(key.route)), ("code", self.code(&key))];
            page.number(&metrics::WOULD_CHANGE, &labels, count);
        }
    }

    fn connections(&self, page: &mut Page) {
        page.family(&metrics::CONNECTIONS);
        for (place, listener) in self.names.listeners.iter().enumerate() {
            for protocol in Protocol::ALL {
                let at = *protocol as usize;
                let sum = self.sum(|it| Some(it.listeners.get(place)?.connections[at].value()));
                let labels = [("listener", listener.as_str()), ("protocol", protocol.as_str())];
                page.number(&metrics::CONNECTIONS, &labels, sum);
            }
        }
        page.family(&metrics::CONNECTION_FAILURES);
        for (place, listener) in self.names.listeners.iter().enumerate() {
            for (at, failure) in ConnectionFailure::all().enumerate() {
                let sum = self.sum(|it| Some(it.listeners.get(place)?.failures[at].value()));
                let labels = [("listener", listener.as_str()), ("reason", failure.as_str())];
                number_if_any(page, &metrics::CONNECTION_FAILURES, &labels, sum);
            }
        }
    }

    fn auth(&self, page: &mut Page) {
        page.family(&metrics::AUTH);
        for (place, policy) in self.names.auth.iter().enumerate() {
            for result in AuthResult::ALL {
                let at = *result as usize;
                let sum = self.sum(|it| Some(it.auth.get(place)?[at].value()));
                let labels = [("policy", policy.as_str()), ("result", result.as_str())];
                page.number(&metrics::AUTH, &labels, sum);
            }
        }
    }

    fn limits(&self, page: &mut Page) {
        page.family(&metrics::LIMIT_DECISIONS);
        for (place, limit) in self.names.limits.iter().enumerate() {
            for decision in Decision::ALL {
                let at = *decision as usize;
                let sum = self.sum(|it| Some(it.limits.get(place)?.decisions[at].value()));
                let labels = [("limit", limit.as_str()), ("decision", decision.as_str())];
                page.number(&metrics::LIMIT_DECISIONS, &labels, sum);
            }
        }
        page.family(&metrics::LIMIT_KEYS_FORGOTTEN);
        for (place, limit) in self.names.limits.iter().enumerate() {
            let sum = self.sum(|it| Some(it.limits.get(place)?.forgotten.value()));
            page.number(&metrics::LIMIT_KEYS_FORGOTTEN, &[("limit", limit)], sum);
        }
        page.family(&metrics::STORE_UP);
        for (name, state) in &self.stores.0 {
            page.number(&metrics::STORE_UP, &[("store", name)], state.is_up().into());
        }
        page.family(&metrics::STORE_FALLBACKS);
        for (name, state) in &self.stores.0 {
            page.number(&metrics::STORE_FALLBACKS, &[("store", name)], state.fallbacks());
        }
    }

    fn shed(&self, page: &mut Page) {
        page.family(&metrics::SHED);
        for (place, route) in self.route_names() {
            for what in Shed::ALL {
                let at = *what as usize;
                let sum = self.sum(|it| Some(it.routes.get(place)?.shed[at].value()));
                let labels = [("route", route), ("reason", what.as_str())];
                number_if_any(page, &metrics::SHED, &labels, sum);
            }
        }
        page.family(&metrics::CONCURRENCY_LIMIT);
        for (scope, limit) in &self.concurrency.0 {
            let limit = limit.load(Ordering::Relaxed) as u64;
            page.number(&metrics::CONCURRENCY_LIMIT, &[("scope", scope)], limit);
        }
        page.family(&metrics::MAINTENANCE_ACTIVE);
        // Two windows of the same routes are one scope.
        let mut scopes = BTreeMap::new();
        for (scope, holds) in self.maintenance.now() {
            *scopes.entry(scope).or_insert(false) |= holds;
        }
        for (scope, holds) in scopes {
            page.number(&metrics::MAINTENANCE_ACTIVE, &[("scope", &scope)], holds.into());
        }
    }

    fn upstreams(&self, page: &mut Page) {
        page.family(&metrics::UPSTREAM_REQUESTS);
        for (key, count) in self.tally(|registers| &registers.upstream_requests) {
            let UpstreamKey { upstream, status: number } = UpstreamKey::unpack(key);
            let labels = [("upstream", self.names.upstream(upstream)), ("status", &status(number))];
            page.number(&metrics::UPSTREAM_REQUESTS, &labels, count);
        }
        page.family(&metrics::UPSTREAM_DURATION);
        for (id, upstream) in self.upstream_names() {
            let spread = self.spread(|it| Some(&it.upstream(id)?.duration));
            let labels = [("upstream", upstream)];
            histogram_if_any(page, &metrics::UPSTREAM_DURATION, &labels, Bounds::EXCHANGE, &spread);
        }
        page.family(&metrics::UPSTREAM_RETRIES);
        for (id, upstream) in self.upstream_names() {
            for what in Retried::all() {
                let at = what.number();
                let sum = self.sum(|it| Some(it.upstream(id)?.retries[at].value()));
                let labels = [("upstream", upstream), ("reason", what.as_str())];
                number_if_any(page, &metrics::UPSTREAM_RETRIES, &labels, sum);
            }
        }
        page.family(&metrics::UPSTREAM_ENDPOINT_UP);
        for (id, upstream) in (0..).map(UpstreamId).zip(&self.names.upstreams) {
            for (endpoint, url) in (0..).map(EndpointId).zip(&upstream.endpoints) {
                let labels = [("upstream", upstream.name.as_str()), ("endpoint", url)];
                let up = u64::from(self.states.is_up(id, endpoint));
                page.number(&metrics::UPSTREAM_ENDPOINT_UP, &labels, up);
            }
        }
        page.family(&metrics::UPSTREAM_BREAKER_STATE);
        for (id, upstream) in self.upstream_names() {
            if let Some(state) = self.states.breaker(id) {
                let labels = [("upstream", upstream)];
                page.number(&metrics::UPSTREAM_BREAKER_STATE, &labels, state.number());
            }
        }
        page.family(&metrics::UPSTREAM_CONNECTIONS);
        for (id, upstream) in self.upstream_names() {
            for state in ConnectionState::ALL {
                let at = *state as usize;
                let sum = self.sum(|it| Some(it.upstream(id)?.connections[at].value()));
                let labels = [("upstream", upstream), ("state", state.as_str())];
                page.number(&metrics::UPSTREAM_CONNECTIONS, &labels, sum);
            }
        }
    }

    fn certificates(&self, page: &mut Page) {
        page.family(&metrics::CERTIFICATE_EXPIRY);
        for (name, expiry) in &self.certificates.list() {
            page.float(&metrics::CERTIFICATE_EXPIRY, &[("name", name)], *expiry as f64);
        }
    }

    fn losses(&self, page: &mut Page) {
        let dropped = self.sum(|registers| Some(registers.lines_dropped.value()));
        let lost = self.lost.as_ref().map_or(0, Lost::lines);
        page.family(&metrics::LOG_LINES_DROPPED);
        page.number(&metrics::LOG_LINES_DROPPED, &[], dropped + lost);
        page.family(&metrics::SERIES_LEFT_OUT);
        page.number(&metrics::SERIES_LEFT_OUT, &[], self.sum(|it| Some(it.left_out())));
    }

    /// Place in the registers and name: place 0 has no route.
    pub(super) fn route_names(&self) -> impl Iterator<Item = (usize, &str)> {
        [""].into_iter().chain(self.names.routes.iter().map(String::as_str)).enumerate()
    }

    fn upstream_names(&self) -> impl Iterator<Item = (UpstreamId, &str)> {
        (0..).map(UpstreamId).zip(self.names.upstreams.iter().map(|it| it.name.as_str()))
    }

    fn code(&self, key: &ErrorKey) -> &str {
        self.catalogue.full_code(key.code).to_str().unwrap_or_default()
    }

    pub(super) fn sum(&self, value: impl Fn(&Registers) -> Option<u64>) -> u64 {
        self.registers.iter().filter_map(|registers| value(registers)).sum()
    }

    /// Adds up one table of all workers, in the order of its keys.
    pub(super) fn tally(&self, pick: impl Fn(&Registers) -> &Tally) -> BTreeMap<u64, u64> {
        let mut sums = BTreeMap::new();
        for (key, count) in self.registers.iter().flat_map(|registers| pick(registers).iter()) {
            *sums.entry(key).or_default() += count;
        }
        sums
    }

    /// Adds up one histogram of all workers.
    pub(super) fn spread(&self, pick: impl Fn(&Registers) -> Option<&Histogram>) -> Spread {
        let mut spread = Spread::default();
        for registers in &self.registers {
            if let Some(histogram) = pick(registers) {
                histogram.add_to(&mut spread);
            }
        }
        spread
    }
}

pub(super) fn number_if_any(page: &mut Page, family: &Family, labels: Labels<'_>, sum: u64) {
    if sum > 0 {
        page.number(family, labels, sum);
    }
}

pub(super) fn histogram_if_any(
    page: &mut Page,
    family: &Family,
    labels: Labels<'_>,
    bounds: &Bounds,
    spread: &Spread,
) {
    if spread.count() > 0 {
        page.histogram(family, labels, bounds, spread);
    }
}

fn status(number: u16) -> String {
    if number == 0 { "none".to_owned() } else { number.to_string() }
}

fn process(page: &mut Page) {
    let process = Process::read();
    #[rustfmt::skip]
    let figures = [
        (&metrics::PROCESS_CPU, process.cpu_seconds),
        (&metrics::PROCESS_OPEN_FDS, process.open_fds.map(|number| number as f64)),
        (&metrics::PROCESS_MAX_FDS, process.max_fds.map(|number| number as f64)),
        (&metrics::PROCESS_VIRTUAL_MEMORY, process.virtual_bytes.map(|number| number as f64)),
        (&metrics::PROCESS_RESIDENT_MEMORY, process.resident_bytes.map(|number| number as f64)),
        (&metrics::PROCESS_START_TIME, process.start_time_seconds),
    ];
    for (family, figure) in figures {
        page.family(family);
        if let Some(figure) = figure {
            page.float(family, &[], figure);
        }
    }
}
