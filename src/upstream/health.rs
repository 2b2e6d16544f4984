//! What the whole process knows of the endpoints of an upstream: its [`Board`].
//!
//! One for each upstream, made from its configuration, read by all workers and shared by their
//! generations: a configuration that leaves the upstream as it was goes on with the same board
//! ([`Boards::next`]). Workers read it when they choose, and write only when an endpoint fails;
//! a request that goes well reads one number, which is where it was the last time.
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
    /// Whether its probes say that it is down. Written by the prober alone.
    down: AtomicBool,
    /// When its probes brought it back.
    up_since: AtomicU64,
    /// When it is probed next.
    probed_at: AtomicU64,
    /// When its last ejection ends or ended.
    out_until: AtomicU64,
    /// How often it was ejected without a long rest between.
    times: AtomicU32,
}

impl Place {
    fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }
}

impl Boards {
    /// Boards on which nothing bad is written.
    pub fn new(upstreams: &[model::Upstream], workers: usize) -> Self {
        Self(upstreams.iter().map(|upstream| Arc::new(Board::new(upstream, workers))).collect())
    }

    /// Boards for the configuration that follows: an upstream that has not changed keeps its own.
    #[must_use]
    pub fn next(
        &self,
        before: &[model::Upstream],
        upstreams: &[model::Upstream],
        workers: usize,
    ) -> Self {
        let board = |upstream: &model::Upstream| match carry::unchanged(before, upstream) {
            Some(place) => Arc::clone(&self.0[place]),
            None => Arc::new(Board::new(upstream, workers)),
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
            Some(board) if board.places.get(place).is_some_and(Place::is_down) => {
                EndpointState::Down
            }
            Some(board) if board.is_out(place, board.millis(clock::now())) => {
                EndpointState::Ejected
            }
            Some(_) | None => EndpointState::Up,
        }
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
            places: upstream.endpoints.iter().map(|_| Place::default()).collect(),
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
        let down = self.places.iter().filter(|place| place.down.load(Ordering::Relaxed));
        let next = down.map(|place| place.probed_at.load(Ordering::Relaxed)).min()?;
        Some(Duration::from_millis(next.saturating_sub(now)))
    }

    fn is_up(&self, place: usize, now: u64) -> bool {
        self.places.get(place).is_none_or(|place| {
            !place.down.load(Ordering::Relaxed) && place.out_until.load(Ordering::Relaxed) <= now
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
mod tests {
    use super::*;
    use crate::upstream::tests::rig::{plain, settings};

    const RULE: Eject =
        Eject { failures: 5, over: Duration::from_secs(10), term: Duration::from_secs(10) };

    fn board(endpoints: u16) -> Board {
        let address = |port| ([127, 0, 0, 1], port).into();
        Board::new(&settings((1..=endpoints).map(|port| plain(address(port))).collect()), 1)
    }

    #[test]
    fn at_most_half_are_out_and_never_all() {
        for (endpoints, most) in [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (10, 5)] {
            let (board, now) = (board(endpoints), clock::now());
            let places = 0..usize::from(endpoints);
            let out = places.filter(|place| board.eject(*place, &RULE, now).is_some()).count();
            assert_eq!(out, most, "of {endpoints}");
        }
    }

    #[test]
    fn the_last_one_that_its_probes_find_up_is_not_taken_out() {
        let (board, now) = (board(3), clock::now());
        board.judge(0, false, now);
        board.judge(1, false, now);
        assert_eq!(board.eject(2, &RULE, now), None);
        board.judge(1, true, now);
        assert!(board.eject(2, &RULE, now).is_some());
    }

    #[test]
    fn the_wait_is_until_the_next_probe_of_any_that_is_down() {
        let (board, now) = (board(3), clock::now());
        assert_eq!(board.wait(now), None, "nobody is down");
        for (place, seconds) in [(0, 7), (1, 4), (2, 1)] {
            board.plan_probe(place, now + Duration::from_secs(seconds));
        }
        board.judge(0, false, now);
        board.judge(1, false, now);
        assert_eq!(board.wait(now), Some(Duration::from_secs(4)));
        assert_eq!(board.wait(now + Duration::from_secs(9)), Some(Duration::ZERO));
    }

    #[test]
    fn repeated_offenders_are_out_for_longer_within_a_bound() {
        let board = board(2);
        let mut now = clock::now();
        for times in 1..=12 {
            let out = board.eject(0, &RULE, now).unwrap();
            assert_eq!(out, RULE.term * times.min(10));
            assert_eq!(board.eject(0, &RULE, now), None, "it is out");
            now += out;
        }
        now += RULE.term * 4;
        assert_eq!(board.eject(0, &RULE, now), Some(RULE.term * 7), "four are forgotten");
    }

    #[test]
    fn what_probes_say_is_told_before_what_calls_have_met() {
        let board = Arc::new(board(2));
        let boards = Boards([Arc::clone(&board)].into());
        let state = |place| boards.endpoint(UpstreamId(0), EndpointId(place));
        assert_eq!((state(0), state(1)), (EndpointState::Up, EndpointState::Up));
        board.eject(0, &RULE, clock::now()).unwrap();
        assert_eq!((state(0), state(1)), (EndpointState::Ejected, EndpointState::Up));
        board.judge(0, false, clock::now());
        assert_eq!(state(0), EndpointState::Down);
    }

    #[test]
    fn who_comes_back_makes_room_for_another() {
        let (board, now) = (board(2), clock::now());
        assert!(board.eject(0, &RULE, now).is_some() && board.eject(1, &RULE, now).is_none());
        let changes = board.changes();
        assert!(board.eject(1, &RULE, now + RULE.term).is_some());
        assert_ne!(board.changes(), changes);
    }

    #[test]
    fn an_upstream_that_stays_as_it_was_keeps_its_board() {
        let named = |name: &str, eject| {
            let endpoints = [1, 2].map(|port| plain(([127, 0, 0, 1], port).into()));
            let mut upstream = settings(endpoints.into());
            (upstream.name, upstream.eject) = (name.into(), eject);
            upstream
        };
        let old = [named("first", None), named("other", None)];
        let boards = Boards::new(&old, 1);
        boards.0[1].eject(0, &RULE, clock::now()).unwrap();
        let up = |boards: &Boards, id| boards.is_up(UpstreamId(id), EndpointId(0));
        let next = boards.next(&old, &[named("other", None), named("first", None)], 1);
        assert_eq!((up(&next, 0), up(&next, 1)), (false, true), "found by its name");
        let next = boards.next(&old, &[named("other", Some(RULE))], 1);
        assert!(up(&next, 0), "another rule is another board");
    }
}
