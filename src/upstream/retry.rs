//! Whether a request that failed is tried again, where, and when.
//!
//! Without `retry` one thing is: a request that reached nobody, because no connection came about,
//! goes on to another endpoint. With it also what was sent, if its failure is among `retry.on` and
//! sending it twice does no harm: the method is idempotent, or the upstream says that it did not look
//! (RFC 9110, section 9.2.2); and there is no body, or all that was read of it is kept.
//!
//! Invariants: never after the head of an answer was handed on; never after the deadline; at most
//! `retry.attempts`; and what is sent again is paid from a budget that grows with the requests, so
//! that an upstream in trouble gets a fifth more of them and not twice as many. A failed connection
//! costs nothing where another endpoint takes over: the upstream as a whole was asked nothing twice.

use std::cell::Cell;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use tokio::time::Instant;

use super::call::{Call, Setback};
use super::error::{Kind, Sent, UpstreamError};
use crate::base::clock;
use crate::config::model;
use crate::observe::Retried;
use crate::problem::Cause;

/// Where a request goes after a setback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// To the same endpoint, over another connection: it was not the endpoint's failure.
    Here,
    /// To another endpoint, if there is one.
    Elsewhere,
    /// Nowhere.
    No,
}

/// What an upstream's `retry` allows, and what this worker may still spend on it.
pub(super) struct Retry {
    rule: model::Retry,
    budget: Budget,
}

/// Where a request goes next.
pub(super) struct Next {
    /// The place of the endpoint.
    pub(super) place: usize,
    /// The time to wait before.
    pub(super) pause: Duration,
}

/// Where a call has been.
#[derive(Default)]
pub(super) struct Trail {
    places: [u16; MOST],
    /// How many of them are not to be asked again while there are others.
    avoided: usize,
    /// Endpoints asked, the same one twice counted twice.
    visits: u8,
    /// Whether any failure was another one than that of a name.
    named: bool,
}

/// What another attempt costs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Price {
    /// Nothing, where it goes to another endpoint.
    FreeElsewhere,
    /// A token of the budget.
    Token,
}

impl Retry {
    pub(super) fn new(rule: model::Retry) -> Self {
        let budget = Budget::new(rule.budget);
        Self { rule, budget }
    }

    /// A request has come, which adds its share to the budget.
    pub(super) fn request_began(&self) {
        self.budget.earn();
    }

    fn covers(&self, error: &UpstreamError) -> bool {
        let on = &self.rule.on;
        match error.kind {
            Kind::Upload(_) | Kind::TotalTimeout => false,
            _ if error.sent == Sent::Nothing => on.connect,
            Kind::Reset => on.reset,
            Kind::FirstByteTimeout | Kind::IdleTimeout => on.timeout,
            Kind::Dns
            | Kind::Refused
            | Kind::Unreachable
            | Kind::NoDescriptor
            | Kind::ConnectTimeout
            | Kind::TlsExpired
            | Kind::TlsUntrusted
            | Kind::TlsName
            | Kind::TlsHandshake
            | Kind::ProtocolMismatch
            | Kind::Truncated
            | Kind::BadResponse
            | Kind::HeadLimit
            | Kind::BadUpgrade
            | Kind::NoneHealthy
            | Kind::AllDrained
            | Kind::BreakerOpen => false,
        }
    }
}

impl Call<'_> {
    /// Where to go after an attempt that failed; none where that was the last one.
    pub(super) fn after_setback(&mut self, trail: &mut Trail, setback: &Setback) -> Option<Next> {
        let Setback { error, again } = setback;
        trail.named |= error.kind != Kind::Dns;
        let price = match (&self.upstream.retry, again) {
            (None, Again::Elsewhere) => Price::FreeElsewhere,
            (Some(retry), Again::Elsewhere) if retry.rule.on.connect => Price::FreeElsewhere,
            (Some(retry), Again::No) => {
                let safe = self.harmless || error.sent == Sent::Nothing;
                if !(safe && self.is_replayable() && retry.covers(error)) {
                    return None;
                }
                Price::Token
            }
            (None, Again::No) | (Some(_), Again::Elsewhere) | (_, Again::Here) => return None,
        };
        self.plan(trail, price, error.kind.cause())
    }

    /// Where to go after an answer that is no good; none where it is to be handed on.
    pub(super) fn after_answer(
        &mut self,
        trail: &mut Trail,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Option<Next> {
        let retry = self.upstream.retry.as_ref()?;
        if status.as_u16() < 400 || !retry.rule.on.status.contains(status.as_u16()) {
            return None;
        }
        // An upstream that says when to come back is not asked again before.
        let alone = self.upstream.endpoints.len() == 1;
        if !self.harmless || !self.is_replayable() || alone && headers.contains_key(RETRY_AFTER) {
            return None;
        }
        self.plan(trail, Price::Token, Cause::UpstreamStatus)
    }

    #[cold]
    fn plan(&mut self, trail: &mut Trail, price: Price, cause: Cause) -> Option<Next> {
        let upstream = self.upstream;
        let most = upstream.retry.as_ref().map_or(ENDPOINTS, |retry| retry.rule.attempts);
        if trail.visits >= most {
            return None;
        }
        if upstream.breaker.as_ref().is_some_and(|breaker| !breaker.is_closed()) {
            return None;
        }
        let now = clock::now();
        let (place, pause, known) = match self.pick(trail.avoided(), now) {
            Some(place) => (place, Duration::ZERO, false),
            None => {
                upstream.retry.as_ref()?;
                trail.forgive();
                (self.pick(trail.avoided(), now)?, backoff(trail.visits), true)
            }
        };
        if now + pause >= self.options.deadline {
            return None;
        }
        if let Some(retry) = &upstream.retry
            && (price == Price::Token || known)
            && !retry.budget.spend(now)
        {
            self.retried(Retried::OverBudget);
            return None;
        }
        self.retried(Retried::After(cause));
        self.rewind();
        Some(Next { place, pause })
    }
}

impl Trail {
    /// The first endpoint, or the next one.
    pub(super) fn visit(&mut self, place: usize) {
        if let (Some(slot), Ok(place)) = (self.places.get_mut(self.avoided), u16::try_from(place)) {
            *slot = place;
            self.avoided += 1;
        }
        self.visits = self.visits.saturating_add(1);
    }

    fn avoided(&self) -> &[u16] {
        &self.places[..self.avoided]
    }

    /// Everybody was asked: whoever is not the last may be asked again.
    fn forgive(&mut self) {
        let last = self.avoided.checked_sub(1).map(|last| self.places[last]);
        let others = self.avoided > 1;
        self.avoided = 0;
        if let Some(last) = last.filter(|_| others) {
            self.places[0] = last;
            self.avoided = 1;
        }
    }

    /// The failure that is told in the end.
    pub(super) fn verdict(&self, error: UpstreamError) -> UpstreamError {
        if self.named || self.visits < 2 {
            return error;
        }
        // One name that does not resolve is a slip; with no other endpoint left, nobody can serve.
        UpstreamError { kind: Kind::NoneHealthy, ..error }
    }
}

/// Half of a time that doubles with each attempt, and a random part of the other half, so that those
/// who failed together do not come back together.
fn backoff(attempts: u8) -> Duration {
    let doubled = BACKOFF * (1 << attempts.saturating_sub(1).min(8));
    let half = doubled.min(LONGEST_BACKOFF) / 2;
    half + half.mul_f64(fastrand::f64())
}

/// A bucket that requests fill and repeats empty, and beside it a few that time fills, so that an
/// upstream with few requests has its repeats too. Counted in thousandths, by one worker alone.
struct Budget {
    share: u32,
    saved: Cell<u32>,
    floor: Cell<u32>,
    floor_filled: Cell<Option<Instant>>,
}

impl Budget {
    fn new(percent: u8) -> Self {
        let floor = if percent == 0 { 0 } else { FLOOR };
        Self {
            share: u32::from(percent) * (TOKEN / 100),
            saved: Cell::new(0),
            floor: Cell::new(floor),
            floor_filled: Cell::new(None),
        }
    }

    fn earn(&self) {
        self.saved.set((self.saved.get() + self.share).min(SAVED));
    }

    fn spend(&self, now: Instant) -> bool {
        if let Some(rest) = self.saved.get().checked_sub(TOKEN) {
            self.saved.set(rest);
            return true;
        }
        if self.share == 0 {
            return false;
        }
        let since = self.floor_filled.get().unwrap_or(now);
        let grown = now.saturating_duration_since(since).as_millis().min(u128::from(FLOOR));
        // A token a second: a thousandth of one each millisecond.
        let grown = u32::try_from(grown).unwrap_or(FLOOR);
        self.floor_filled.set(Some(now));
        let floor = (self.floor.get() + grown).min(FLOOR);
        let rest = floor.checked_sub(TOKEN);
        self.floor.set(rest.unwrap_or(floor));
        rest.is_some()
    }
}

const RETRY_AFTER: header::HeaderName = header::RETRY_AFTER;

/// Endpoints that one call tries at most where there is no `retry`.
const ENDPOINTS: u8 = 3;
/// Attempts of one call at most, by rule.
const MOST: usize = 10;
/// The first wait before the same endpoint is asked again; it doubles each time.
const BACKOFF: Duration = Duration::from_millis(25);
const LONGEST_BACKOFF: Duration = Duration::from_millis(250);

/// One repeat.
const TOKEN: u32 = 1000;
/// A hundred repeats can be saved up, from the requests of better days.
const SAVED: u32 = 100 * TOKEN;
/// Ten repeats are there from the beginning, and one more each second.
const FLOOR: u32 = 10 * TOKEN;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_grows_with_the_requests_and_is_bounded() {
        let budget = Budget::new(20);
        let now = clock::now();
        let spend = || (0..).take_while(|_| budget.spend(now)).count();
        assert_eq!(spend(), 10, "the floor");
        for _ in 0..100 {
            budget.earn();
        }
        assert_eq!(spend(), 20, "a fifth of a hundred requests");
        for _ in 0..100_000 {
            budget.earn();
        }
        assert_eq!(spend(), 100, "no more than that is saved");
    }

    #[test]
    fn the_floor_comes_back_by_the_second() {
        let budget = Budget::new(1);
        let now = clock::now();
        while budget.spend(now) {}
        assert!(!budget.spend(now + Duration::from_millis(999)));
        assert!(budget.spend(now + Duration::from_millis(1000)));
        let later = now + Duration::from_secs(3600);
        assert_eq!((0..).take_while(|_| budget.spend(later)).count(), 10);
    }

    #[test]
    fn a_budget_of_nothing_has_no_floor() {
        let budget = Budget::new(0);
        budget.earn();
        assert!(!budget.spend(clock::now() + Duration::from_secs(60)));
    }

    #[test]
    fn waits_double_within_bounds_and_differ() {
        for (attempts, longest) in [(1, 25), (2, 50), (3, 100), (4, 200), (5, 250), (10, 250)] {
            let longest = Duration::from_millis(longest);
            for _ in 0..100 {
                let pause = backoff(attempts);
                assert!((longest / 2..=longest).contains(&pause), "{attempts}: {pause:?}");
            }
        }
        assert_ne!(backoff(5), backoff(5), "one in a great many");
    }

    #[test]
    fn the_last_endpoint_is_avoided_until_there_is_no_other() {
        let mut trail = Trail::default();
        trail.visit(4);
        assert_eq!(trail.avoided(), [4]);
        trail.forgive();
        assert!(trail.avoided().is_empty(), "it is the only one");
        trail.visit(4);
        trail.visit(7);
        trail.forgive();
        assert_eq!((trail.avoided(), trail.visits), (&[7][..], 3));
    }
}
