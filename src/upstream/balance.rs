//! Which endpoint is next: by turns, the better of two at random, the least busy, or always the same
//! one for the same caller.
//!
//! All by this worker's own knowledge alone, and by weight. A weight of 0 is never chosen: that is how
//! the roster takes an endpoint out, and by less than the whole how it lets one come back slowly.
//!
//! `p2c` takes two by weight and of these the one with the smaller product of requests under way and
//! time to answer. The time is a moving average that fades within ten seconds, so that one slow answer
//! does not condemn an endpoint for good; one that nothing is known of gets one request at a time. A
//! failure counts as an answer that took a second, or a fast refusal would draw all requests.

mod hash;

use std::cell::Cell;
use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use self::hash::Ring;
use crate::config::model::{self, Balance};

/// The choice among the endpoints of one upstream, by this worker alone.
pub(super) struct Balancer {
    kind: Kind,
    /// As configured.
    shares: Box<[u32]>,
    /// As they are now; 0 for an endpoint that is not to be chosen.
    weights: Box<[Cell<u32>]>,
    total: Cell<u32>,
}

enum Kind {
    P2c(Box<[Pace]>),
    RoundRobin(Box<[Cell<i64>]>),
    /// And who comes first among equals.
    Least(Cell<usize>),
    Hash(Ring),
}

/// How fast an endpoint has answered lately, in nanoseconds.
#[derive(Default)]
struct Pace {
    average: Cell<f64>,
    at: Cell<Option<Instant>>,
}

/// What a choice may depend on.
pub(super) struct Choice<'c> {
    /// Places that are not to be chosen.
    pub(super) avoided: &'c [u16],
    /// The fields of the request.
    pub(super) headers: &'c HeaderMap,
    /// Now.
    pub(super) now: Instant,
}

impl Balancer {
    /// To the endpoints of an upstream, in their order.
    pub(super) fn new(upstream: &model::Upstream) -> Self {
        let endpoints = &upstream.endpoints;
        let shares: Box<[u32]> =
            endpoints.iter().map(|endpoint| endpoint.weight.clamp(1, HEAVIEST)).collect();
        let kind = match &upstream.balance {
            Balance::P2c => Kind::P2c(shares.iter().map(|_| Pace::default()).collect()),
            Balance::RoundRobin => Kind::RoundRobin(shares.iter().map(|_| Cell::new(0)).collect()),
            Balance::Least => Kind::Least(Cell::new(0)),
            Balance::Hash(header) => {
                let urls = endpoints.iter().map(|endpoint| endpoint.url.as_str());
                Kind::Hash(Ring::new(header.clone(), urls))
            }
        };
        let weights = shares.iter().map(|_| Cell::default()).collect();
        let balancer = Self { kind, weights, total: Cell::new(0), shares };
        balancer.weigh(|_| WHOLE);
        balancer
    }

    /// Gives every endpoint this part of its share, from 0 to [`WHOLE`].
    pub(super) fn weigh(&self, part: impl Fn(usize) -> u32) {
        let mut total = 0_u32;
        for (place, (share, weight)) in self.shares.iter().zip(&self.weights).enumerate() {
            let before = weight.replace(share * part(place).min(WHOLE));
            if let (0, Kind::P2c(paces)) = (before, &self.kind) {
                // What was known of one that was out is from before.
                paces[place].at.set(None);
            }
            total = total.saturating_add(weight.get());
        }
        self.total.set(total);
    }

    /// Whether it wants to be told how long answers take.
    pub(super) fn learns(&self) -> bool {
        matches!(self.kind, Kind::P2c(_)) && self.shares.len() > 1
    }

    /// Notes how long an answer took.
    pub(super) fn learn(&self, place: usize, took: Duration, now: Instant) {
        if let Kind::P2c(paces) = &self.kind {
            paces[place].learn(took, now);
        }
    }

    /// Notes that there was none.
    pub(super) fn learn_failure(&self, place: usize, now: Instant) {
        self.learn(place, FAILURE, now);
    }

    /// The place of the next endpoint; none if nobody can be chosen. `busy` tells how many requests
    /// an endpoint carries.
    pub(super) fn pick(&self, choice: &Choice<'_>, busy: impl Fn(usize) -> u32) -> Option<usize> {
        if let [weight] = &*self.weights {
            return (choice.avoided.is_empty() && weight.get() > 0).then_some(0);
        }
        match &self.kind {
            Kind::RoundRobin(turns) => self.next_turn(turns, choice.avoided),
            Kind::Least(first) => self.least(first, choice.avoided, busy),
            Kind::P2c(paces) => {
                let cost = |place| self.cost(place, paces, &busy, choice.now);
                self.better_of_two(choice.avoided, cost)
            }
            Kind::Hash(ring) => match ring.key(choice.headers) {
                Some(key) => {
                    let weights = self.eligible(choice.avoided);
                    let weights = weights.map(|place| (place, self.weights[place].get()));
                    ring.pick(key, weights, busy)
                }
                None => self.better_of_two(choice.avoided, |place| self.load(place, &busy)),
            },
        }
    }

    /// nginx's smooth weighted turns: everybody gains its weight, the richest goes and pays all.
    fn next_turn(&self, turns: &[Cell<i64>], avoided: &[u16]) -> Option<usize> {
        let mut best: Option<usize> = None;
        let mut sum = 0;
        for place in self.eligible(avoided) {
            let weight = i64::from(self.weights[place].get());
            sum += weight;
            turns[place].set(turns[place].get() + weight);
            if best.is_none_or(|best| turns[place].get() > turns[best].get()) {
                best = Some(place);
            }
        }
        if let Some(best) = best {
            turns[best].set(turns[best].get() - sum);
        }
        best
    }

    fn least(
        &self,
        first: &Cell<usize>,
        avoided: &[u16],
        busy: impl Fn(usize) -> u32,
    ) -> Option<usize> {
        // Another one comes first each time, or equals would all send to the same.
        let (count, start) = (self.weights.len(), first.get());
        first.set((start + 1) % count);
        let turned = |place: &usize| (place + count - start % count) % count;
        self.eligible(avoided).min_by(|a, b| {
            let by_load = self.load(*a, &busy).total_cmp(&self.load(*b, &busy));
            by_load.then(turned(a).cmp(&turned(b)))
        })
    }

    fn better_of_two(&self, avoided: &[u16], cost: impl Fn(usize) -> f64) -> Option<usize> {
        if !avoided.is_empty() {
            // After a failure the choice is small and rare: the best of the rest.
            return self.eligible(avoided).min_by(|a, b| cost(*a).total_cmp(&cost(*b)));
        }
        let total = self.total.get();
        if total == 0 {
            return None;
        }
        let first = self.draw(total, |_| true);
        let rest = total - self.weights[first].get();
        if rest == 0 {
            return Some(first);
        }
        let second = self.draw(rest, |place| place != first);
        // By weight already drawn first, the first also wins a tie: weights hold without load.
        Some(if cost(second) < cost(first) { second } else { first })
    }

    /// Who can be chosen, and is not to be avoided.
    fn eligible(&self, avoided: &[u16]) -> impl Iterator<Item = usize> + Clone {
        let weights = self.weights.iter().enumerate();
        let weighty = weights.filter(|(_, weight)| weight.get() > 0).map(|(place, _)| place);
        weighty.filter(|place| !avoided.iter().any(|avoided| usize::from(*avoided) == *place))
    }

    /// One of the allowed places, likely by weight; `total` is the weight of all allowed.
    fn draw(&self, total: u32, allowed: impl Fn(usize) -> bool) -> usize {
        let mut ticket = fastrand::u32(0..total.max(1));
        let mut last = 0;
        for place in (0..self.weights.len()).filter(|place| allowed(*place)) {
            let weight = self.weights[place].get();
            if weight == 0 {
                continue;
            }
            last = place;
            if ticket < weight {
                break;
            }
            ticket -= weight;
        }
        last
    }

    fn load(&self, place: usize, busy: &impl Fn(usize) -> u32) -> f64 {
        f64::from(busy(place)) / f64::from(self.weights[place].get())
    }

    fn cost(
        &self,
        place: usize,
        paces: &[Pace],
        busy: &impl Fn(usize) -> u32,
        now: Instant,
    ) -> f64 {
        let (busy, weight) = (busy(place), f64::from(self.weights[place].get()));
        match paces[place].value(now) {
            Some(pace) => pace * f64::from(busy + 1) / weight,
            // Nothing is known: the first to be asked, and the last to be asked twice.
            None if busy == 0 => 0.0,
            None => UNKNOWN * f64::from(busy) / weight,
        }
    }
}

impl Pace {
    fn learn(&self, took: Duration, now: Instant) {
        let sample = took.as_secs_f64() * 1e9;
        let known = self.value(now);
        self.average.set(known.map_or(sample, |known| known + (sample - known) * PART));
        self.at.set(Some(now));
    }

    /// The average, less what has faded of it; none where nothing is left.
    fn value(&self, now: Instant) -> Option<f64> {
        let age = now.saturating_duration_since(self.at.get()?);
        let left = 1.0 - age.as_secs_f64() / FADES.as_secs_f64();
        (left > 0.0).then(|| self.average.get() * left)
    }
}

/// The whole of a share. Small enough that all endpoints together fit into 32 bits.
pub(super) const WHOLE: u32 = 16;
/// The largest share; configurations allow less.
const HEAVIEST: u32 = 4096;
/// How much one answer moves the average.
const PART: f64 = 0.3;
/// When an average is forgotten.
const FADES: Duration = Duration::from_secs(10);
/// How long no answer took.
const FAILURE: Duration = Duration::from_secs(1);
/// What an endpoint costs of which nothing is known but that it has work: more than an hour.
const UNKNOWN: f64 = 3.6e12;

#[cfg(test)]
mod tests;
