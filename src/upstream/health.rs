//! What the whole process knows of the endpoints of an upstream: its [`Board`].
//!
//! One for each upstream, made from its configuration, read by all workers and shared by their
//! generations: a configuration that leaves the upstream as it was goes on with the same board
//! ([`Boards::next`]). Workers read it when they choose, and write only when an endpoint fails, and
//! once a second how busy it is; a request that goes well reads one number, which is where it was the
//! last time.
//!
//! Times are milliseconds since the board was made, and 0 is never.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::breaker::Switch;
use crate::base::{EndpointId, UpstreamId, clock};
use crate::config::carry;
use crate::config::model::{self, Eject};
use crate::observe::{BreakerState, EndpointState, UpstreamStates};

/// The boards of all upstreams, in the order of their ids.
#[derive(Clone, Debug)]
pub struct Boards(Arc<[Arc<Board>]>);

/// What all workers know of the endpoints of one upstream.
#[derive(Debug)]
pub struct Board {
    /// For the log.
    name: String,
    urls: Vec<String>,
    epoch: Instant,
    /// Grows with every change that does not come about by time alone.
    changes: AtomicU64,
    /// Whether somebody is deciding about an ejection.
    deciding: AtomicBool,
    places: Box<[Place]>,
    switch: Option<Arc<Switch>>,
}

#[derive(Debug, Default)]
struct Place {
    /// Whether somebody has drained it by hand. Written by the control thread alone.
    drained: AtomicBool,
    /// Whether its probes say that it is down. Written by the prober alone.
    down: AtomicBool,
    /// When its probes, or whoever had drained it, brought it back.
    up_since: AtomicU64,
    /// When it is probed next.
    probed_at: AtomicU64,
    /// When its last ejection ends or ended.
    out_until: AtomicU64,
    /// How often it was ejected without a long rest between.
    times: AtomicU32,
    /// Requests under way, as each worker has counted them last.
    busy: Box<[AtomicU32]>,
}

impl Place {
    fn new(workers: usize) -> Self {
        let busy = std::iter::repeat_with(AtomicU32::default).take(workers).collect();
        Self { busy, ..Self::default() }
    }

    fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    fn is_drained(&self) -> bool {
        self.drained.load(Ordering::Relaxed)
    }
}

impl Boards {
    /// Boards on which nothing bad is written.
    pub fn new(upstreams: &[model::Upstream], workers: usize) -> Self {
        Self(upstreams.iter().map(|upstream| Arc::new(Board::new(upstream, workers))).collect())
    }

    /// Boards for the configuration that follows: an upstream that has not changed keeps its own. Of
    /// one that has, what was drained by hand stays so, by name: it is somebody's order and no
    /// finding, and to be taken back by them.
    #[must_use]
    pub fn next(
        &self,
        before: &[model::Upstream],
        upstreams: &[model::Upstream],
        workers: usize,
    ) -> Self {
        let board = |upstream: &model::Upstream| match carry::unchanged(before, upstream) {
            Some(place) => Arc::clone(&self.0[place]),
            None => {
                let board = Board::new(upstream, workers);
                if let Some(known) = self.0.iter().find(|known| known.name == board.name) {
                    board.keep_drained(known);
                }
                Arc::new(board)
            }
        };
        Self(upstreams.iter().map(board).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Board>> {
        self.0.iter()
    }
}

impl UpstreamStates for Boards {
    fn endpoint(&self, upstream: UpstreamId, endpoint: EndpointId) -> EndpointState {
        let place = usize::from(endpoint.0);
        match self.0.get(usize::from(upstream.0)) {
            Some(board) if board.places.get(place).is_some_and(Place::is_drained) => {
                EndpointState::Drained
            }
            Some(board) if board.places.get(place).is_some_and(Place::is_down) => {
                EndpointState::Down
            }
            Some(board) if board.is_out(place, board.millis(clock::now())) => {
                EndpointState::Ejected
            }
            Some(_) | None => EndpointState::Up,
        }
    }

    fn under_way(&self, upstream: UpstreamId, endpoint: EndpointId) -> u64 {
        let board = self.0.get(usize::from(upstream.0));
        let place = board.and_then(|board| board.places.get(usize::from(endpoint.0)));
        let busy = place.into_iter().flat_map(|place| &place.busy);
        busy.map(|busy| u64::from(busy.load(Ordering::Relaxed))).sum()
    }

    fn breaker(&self, upstream: UpstreamId) -> Option<BreakerState> {
        let board = self.0.get(usize::from(upstream.0))?;
        Some(board.switch()?.state(board.millis(clock::now())))
    }
}

impl Board {
    pub(super) fn new(upstream: &model::Upstream, workers: usize) -> Self {
        let switch = |rule| Arc::new(Switch::new(rule, workers));
        Self {
            switch: upstream.breaker.clone().map(switch),
            name: upstream.name.clone(),
            urls: upstream.endpoints.iter().map(|endpoint| endpoint.url.clone()).collect(),
            epoch: clock::now(),
            changes: AtomicU64::new(0),
            deciding: AtomicBool::new(false),
            places: upstream.endpoints.iter().map(|_| Place::new(workers)).collect(),
        }
    }

    /// The shared part of its breaker.
    pub(super) fn switch(&self) -> Option<&Arc<Switch>> {
        self.switch.as_ref()
    }

    /// The upstream's name, for the log.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// An endpoint's URL, for the log.
    pub(super) fn url(&self, place: usize) -> &str {
        self.urls.get(place).map_or("", String::as_str)
    }

    /// All of them, in the order of the file.
    pub(super) fn urls(&self) -> &[String] {
        &self.urls
    }

    /// A moment in the board's own time.
    pub(super) fn millis(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.epoch).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// A moment of the board's own time on the clock.
    pub(super) fn instant(&self, millis: u64) -> Instant {
        self.epoch + Duration::from_millis(millis.saturating_sub(1))
    }

    /// A number that is another one after every change.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// When an endpoint's last ejection ends or ended.
    pub(super) fn out_until(&self, place: usize) -> u64 {
        self.places[place].out_until.load(Ordering::Relaxed)
    }

    /// When an endpoint has come back last, from wherever.
    pub(super) fn back_since(&self, place: usize) -> u64 {
        self.places[place].up_since.load(Ordering::Relaxed).max(self.out_until(place))
    }

    /// Whether the probes of an endpoint say that it is down.
    pub(super) fn is_down(&self, place: usize) -> bool {
        self.places[place].is_down()
    }

    /// Whether somebody has drained an endpoint by hand.
    pub(super) fn is_drained(&self, place: usize) -> bool {
        self.places[place].is_drained()
    }

    /// Whether they have drained all of them.
    pub(super) fn is_all_drained(&self) -> bool {
        self.places.iter().all(Place::is_drained)
    }

    /// Writes that an endpoint is drained, or no longer. The control thread alone.
    pub(super) fn set_drained(&self, place: usize, drained: bool, now: Instant) {
        let place = &self.places[place];
        if place.drained.swap(drained, Ordering::Relaxed) && !drained {
            place.up_since.store(self.millis(now), Ordering::Relaxed);
        }
        self.changes.fetch_add(1, Ordering::Release);
    }

    fn keep_drained(&self, known: &Self) {
        for (place, url) in self.places.iter().zip(&self.urls) {
            let before = known.urls.iter().position(|it| it == url);
            let drained = before.is_some_and(|before| known.is_drained(before));
            place.drained.store(drained, Ordering::Relaxed);
        }
    }

    /// Writes how many requests one worker has under way at an endpoint.
    pub(super) fn set_busy(&self, place: usize, worker: usize, busy: u32) {
        if let Some(seat) = self.places[place].busy.get(worker) {
            seat.store(busy, Ordering::Relaxed);
        }
    }

    /// Writes what the probes of an endpoint have found. The prober alone.
    pub(super) fn judge(&self, place: usize, up: bool, now: Instant) {
        if up {
            self.places[place].up_since.store(self.millis(now), Ordering::Relaxed);
        }
        self.places[place].down.store(!up, Ordering::Relaxed);
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Writes when an endpoint is probed next. The prober alone.
    pub(super) fn plan_probe(&self, place: usize, at: Instant) {
        self.places[place].probed_at.store(self.millis(at), Ordering::Relaxed);
    }

    /// How long until anything can be better, where probes say that all is lost.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let now = self.millis(now);
        let down = self.places.iter().filter(|place| place.is_down() && !place.is_drained());
        let next = down.map(|place| place.probed_at.load(Ordering::Relaxed)).min()?;
        Some(Duration::from_millis(next.saturating_sub(now)))
    }

    fn is_up(&self, place: usize, now: u64) -> bool {
        self.places.get(place).is_none_or(|it| {
            !it.is_down() && !it.is_drained() && it.out_until.load(Ordering::Relaxed) <= now
        })
    }

    fn is_out(&self, place: usize, now: u64) -> bool {
        self.places.get(place).is_some_and(|place| place.out_until.load(Ordering::Relaxed) > now)
    }

    /// Takes an endpoint out for a while; how long, unless it stays in because too many are out.
    ///
    /// At most half of the endpoints, rounded up, and never all: where more than half fail, the
    /// likelier cause is something that they share (the network, a database, the requests
    /// themselves), and taking them out only moves their load onto the rest. This is what Envoy's
    /// panic threshold of 50% is for; here it is never crossed in the first place.
    pub(super) fn eject(&self, place: usize, rule: &Eject, now: Instant) -> Option<Duration> {
        // Somebody else decides at this moment: the next failure of this one comes soon enough.
        if self.deciding.swap(true, Ordering::Acquire) {
            return None;
        }
        let taken = self.take_out(place, rule, self.millis(now));
        self.deciding.store(false, Ordering::Release);
        taken
    }

    fn take_out(&self, place: usize, rule: &Eject, now: u64) -> Option<Duration> {
        let out = (0..self.places.len()).filter(|other| self.is_out(*other, now)).count();
        let most = self.places.len().div_ceil(2).min(self.places.len() - 1);
        let last = (0..self.places.len()).all(|other| other == place || !self.is_up(other, now));
        if out >= most || last || self.is_out(place, now) {
            return None;
        }
        let place = &self.places[place];
        let term = u64::try_from(rule.term.as_millis()).unwrap_or(u64::MAX).max(1);
        // For each term that it has served since, one of its offences is forgotten.
        let rest = now.saturating_sub(place.out_until.load(Ordering::Relaxed)) / term;
        let forgotten = u32::try_from(rest).unwrap_or(u32::MAX);
        let times = place.times.load(Ordering::Relaxed).saturating_sub(forgotten);
        let times = (times + 1).min(LONGEST_TERM);
        place.times.store(times, Ordering::Relaxed);
        let long = term.saturating_mul(u64::from(times));
        place.out_until.store(now.saturating_add(long), Ordering::Relaxed);
        self.changes.fetch_add(1, Ordering::Release);
        Some(Duration::from_millis(long))
    }
}

/// An endpoint that fails again and again is out for so many times `eject.for` at most.
const LONGEST_TERM: u32 = 10;

#[cfg(test)]
mod tests;
