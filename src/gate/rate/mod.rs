//! The rates that routes name: how often a caller, a route or the gateway may be asked.
//!
//! One [`Limiter`] for each `[limit.*]`, shared by all workers, so that a decision holds for the
//! whole process. It is made from its own configuration alone: one that a reload has not changed is
//! carried over and goes on counting. A request passes all limits of its route or takes from none:
//! what was taken before another limit refused is put back, and the longest wait is the one that is
//! told. A route without limits comes here never.
//!
//! The arithmetic is own code, twenty lines, and `governor` only its reference in tests: a request
//! must ask several limits and take from all or none, which that crate cannot take back; the
//! `RateLimit` field needs what is left after a refusal too, which it does not tell; its store knows
//! no bound; and the same arithmetic has to run in a shared store.

mod fields;
mod gcra;
mod key;
mod shared;
mod store;
mod table;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};

pub use self::fields::Standing;
use self::gcra::{Left, Quota};
use self::shared::Shared;
pub use self::shared::{Decided, Passing};
pub use self::store::Stores;
use self::table::Table;
use super::auth::Identity;
use crate::base::clock::{self, Instant};
use crate::base::{LimitId, RouteId};
use crate::config::model::{self, Config, LimitKey};
use crate::observe::{Decision, Witness};
use crate::problem::{Cause, Problem};

/// Every limit of a configuration.
#[derive(Debug)]
pub struct Rates {
    limiters: Box<[Arc<Limiter>]>,
    /// What `RateLimit-Policy` says, by route.
    policies: Box<[HeaderValue]>,
    /// Whether a store has a say, by route.
    shared: Box<[bool]>,
}

/// One `[limit.*]`, and what it remembers.
#[derive(Debug)]
struct Limiter {
    limit: model::Limit,
    quota: Quota,
    table: Table,
    began: Instant,
    /// Where it is counted in a store.
    shared: Option<Shared>,
    /// What the log says of a refusal.
    used_up: String,
}

/// What a limit may count by.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Its address: the peer's, or what a trusted proxy says.
    pub ip: IpAddr,
    /// What it sent.
    pub headers: &'a HeaderMap,
    /// The name of the route that it asks for: names outlive a reload, ids do not.
    pub route: &'a str,
    /// Who it is, once that is known.
    pub identity: Option<&'a Identity>,
}

impl Rates {
    /// The limits of a configuration, which may be counted in these stores. What `before` knows of
    /// limits that are the same is kept.
    pub fn new(config: &Config, stores: &Stores, before: Option<&Self>) -> Self {
        let kept = |limit: &model::Limit| {
            let known = before?.limiters.iter().find(|known| known.limit == *limit)?;
            known.is_counted_in(stores).then(|| Arc::clone(known))
        };
        let make = |limit: &model::Limit| {
            kept(limit).unwrap_or_else(|| Arc::new(Limiter::new(limit.clone(), stores)))
        };
        let limiters: Box<[_]> = config.limits.iter().map(make).collect();
        let policy = |route: &model::Route| {
            fields::policy(route.limits.iter().map(|id| {
                let limiter: &Limiter = &limiters[usize::from(id.0)];
                (limiter.limit.name.as_str(), limiter.limit.burst, limiter.quota.window())
            }))
        };
        let policies = config.routes.iter().map(policy).collect();
        let is_shared = |id: &LimitId| limiters[usize::from(id.0)].shared.is_some();
        let routes = config.routes.iter();
        let shared = routes.map(|route| route.limits.iter().any(is_shared)).collect();
        Self { limiters, policies, shared }
    }

    /// Takes one request from each of these limits, or from none of them. How the caller stands,
    /// which every reply tells, and the refusal if there is one.
    ///
    /// Limits that count by who the caller is come last. They are passed over while nobody knows,
    /// and asked on a second visit, which leaves the others alone.
    pub fn pass(
        &self,
        limits: &[LimitId],
        route: RouteId,
        caller: &Caller<'_>,
        now: Instant,
        witness: &Witness,
    ) -> (Standing, Result<(), (LimitId, Problem)>) {
        let others = limits.partition_point(|id| !self.limiter(*id).limit.key.needs_identity());
        let (before, limits) = match caller.identity {
            None => (0, &limits[..others]),
            Some(_) => (others, limits),
        };
        let mut alone = None;
        for (at, id) in limits.iter().enumerate().skip(before) {
            let limiter = self.limiter(*id);
            let ((taken, left), forgot) = limiter.take(caller, now);
            // Nothing that follows changes what is left where there is no other limit.
            alone = (limits.len() == 1).then_some(left);
            if forgot {
                witness.limit_forgot(*id);
            }
            if !taken {
                for id in &limits[..at] {
                    self.limiter(*id).put_back(caller, now);
                }
                let (standing, refused) = self.look(limits, route, caller, now, (*id, alone));
                witness.limit_decided(refused.0, Decision::Refuse);
                return (standing, Err(refused));
            }
        }
        limits[before..].iter().for_each(|id| witness.limit_decided(*id, Decision::Allow));
        (self.standing(limits, route, caller, now, alone, |_, _| {}), Ok(()))
    }

    /// After a refusal: how the caller stands with each limit, and which one it waits for longest.
    fn look(
        &self,
        limits: &[LimitId],
        route: RouteId,
        caller: &Caller<'_>,
        now: Instant,
        (refused_by, alone): (LimitId, Option<Left>),
    ) -> (Standing, (LimitId, Problem)) {
        let mut longest = (refused_by, Duration::ZERO);
        let standing = self.standing(limits, route, caller, now, alone, |id, left| {
            if left.wait > longest.1 {
                longest = (id, left.wait);
            }
        });
        let (id, wait) = longest;
        (standing, (id, self.limiter(id).refusal(wait)))
    }

    /// `alone` is what is left of the one limit, where there is one and it was asked just now.
    fn standing(
        &self,
        limits: &[LimitId],
        route: RouteId,
        caller: &Caller<'_>,
        now: Instant,
        alone: Option<Left>,
        mut each: impl FnMut(LimitId, Left),
    ) -> Standing {
        let left = limits.iter().map(|id| {
            let limiter = self.limiter(*id);
            let left = alone.unwrap_or_else(|| limiter.look(caller, now));
            each(*id, left);
            (limiter.limit.name.as_str(), left)
        });
        let (policy, left) = (self.policies[usize::from(route.0)].clone(), fields::left(left));
        Standing { policy, left, past: Vec::new() }
    }

    fn limiter(&self, id: LimitId) -> &Limiter {
        &self.limiters[usize::from(id.0)]
    }
}

impl Limiter {
    fn new(limit: model::Limit, stores: &Stores) -> Self {
        let quota = Quota::new(limit.rate, limit.burst);
        let keys = if limit.key == LimitKey::Gateway { 1 } else { limit.keys };
        let (began, table) = (clock::now(), Table::with_room_for(keys));
        let shared = Shared::new(&limit, stores, quota, keys, began);
        let used_up = format!("limit {} is used up", limit.name);
        Self { limit, quota, table, began, shared, used_up }
    }

    /// Whether its store, if it has one, is one of these.
    fn is_counted_in(&self, stores: &Stores) -> bool {
        match (&self.shared, &self.limit.store) {
            (Some(shared), Some(name)) => {
                stores.named(name).is_some_and(|store| Arc::ptr_eq(store, &shared.store))
            }
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Takes one if there is one; what is left then, and whether somebody was forgotten for it.
    fn take(&self, caller: &Caller<'_>, now: Instant) -> ((bool, Left), bool) {
        let now = self.nanos(now);
        self.table.with(self.hash(caller), now, |back| {
            let taken = self.quota.take(back, now);
            (taken, self.quota.look(*back, now))
        })
    }

    fn put_back(&self, caller: &Caller<'_>, now: Instant) {
        let now = self.nanos(now);
        self.table.with(self.hash(caller), now, |back| self.quota.put_back(back));
    }

    fn look(&self, caller: &Caller<'_>, now: Instant) -> Left {
        let now = self.nanos(now);
        self.table.with(self.hash(caller), now, |back| self.quota.look(*back, now)).0
    }

    /// The caller as this limit tells callers apart. What the request does not say is one caller:
    /// who leaves a header away gets no quota of its own for it.
    fn hash(&self, caller: &Caller<'_>) -> u64 {
        match &self.limit.key {
            LimitKey::Ip => self.table.hash(network(caller.ip)),
            LimitKey::Header(name) => {
                self.table.hash(caller.headers.get(name).map(HeaderValue::as_bytes))
            }
            LimitKey::Route => self.table.hash(caller.route),
            LimitKey::Gateway => self.table.hash(()),
            LimitKey::ApiKey => self.table.hash(caller.identity.map(Identity::key)),
            // Who has no such claim is still somebody.
            LimitKey::Claim(name) => match caller.identity.and_then(|known| known.claim(name)) {
                Some(claim) => self.table.hash(claim),
                None => self.table.hash(caller.identity.map(Identity::key)),
            },
        }
    }

    fn refusal(&self, wait: Duration) -> Problem {
        let cause = if self.limit.status == 503 { Cause::CapacityLimit } else { Cause::RateLimit };
        Problem::new(cause).with_retry_after(wait).with_detail(self.used_up.as_str())
    }

    fn nanos(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// What counts as one client: an IPv4 address, or the network that an IPv6 client is given whole.
fn network(ip: IpAddr) -> u128 {
    match ip.to_canonical() {
        IpAddr::V4(address) => address.to_bits().into(),
        // The lower half all ones, which no IPv4 address has.
        IpAddr::V6(address) => address.to_bits() & NETWORK | u128::from(u64::MAX),
    }
}

const NETWORK: u128 = (u64::MAX as u128) << 64;

#[cfg(test)]
mod tests;
