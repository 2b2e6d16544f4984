//! Passing the limits of a route of which at least one is counted in a store.
//!
//! The order spares questions: who is known to be refused asks nobody; limits of this process come
//! next, because what they take they can take back; stores come last, and all at once. Where every
//! store's token is in hand there is no waiting. A request takes from all or from none here too.
//!
//! While a store does not answer, its limits do what `on_down` says. Counted alone, a limit goes on
//! from what this process itself has let pass, for that is counted all along.

use std::pin::Pin;
use std::sync::Arc;

use super::fields;
use super::gcra::{Left, Quota};
use super::store::{AGAIN, Account, Store, Stores, Verdict, Waiting};
use super::{Caller, Limiter, Rates, Standing};
use crate::base::clock::{self, Instant};
use crate::base::{LimitId, RouteId};
use crate::config::model::{self, OnDown};
use crate::observe::{Decision, Witness};
use crate::problem::{Cause, Problem};

/// What a limit has beside, that is counted in a store.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Arc<Store>,
    pub(super) account: Arc<Account>,
}

/// How a caller stands, and the refusal if there is one.
pub type Decided = (Standing, Result<(), (LimitId, Problem)>);

/// A request before the limits of its route.
pub enum Passing<'a> {
    /// It is decided.
    Decided(Decided),
    /// A store has to be waited for, for a bounded time.
    Waits(Pin<Box<dyn Future<Output = Decided> + 'a>>),
}

/// Who asks, and for what.
#[derive(Clone, Copy)]
struct Request<'a> {
    rates: &'a Rates,
    /// Those that are asked now.
    limits: &'a [LimitId],
    /// Those that are told: with them the ones that it has passed before.
    told: &'a [LimitId],
    route: RouteId,
    caller: Caller<'a>,
    witness: &'a Witness,
}

/// How a request came past a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Past {
    /// This process has counted it.
    Here,
    /// By a token of the store.
    Store,
    /// The store does not answer, and everybody passes.
    Free,
}

/// Why it did not.
#[derive(Clone, Copy)]
enum Refusal {
    UsedUp(LimitId),
    NoStore(LimitId),
}

impl Shared {
    /// What a limit needs for its store.
    pub(super) fn new(
        limit: &model::Limit,
        stores: &Stores,
        quota: Quota,
        keys: usize,
        began: Instant,
    ) -> Option<Self> {
        let store = Arc::clone(stores.named(limit.store.as_ref()?)?);
        let account = Arc::new(Account::new(quota, keys, began));
        Some(Self { store, account })
    }
}

impl Rates {
    /// Whether a store has a say on a route.
    #[inline]
    pub fn asks_a_store(&self, route: RouteId) -> bool {
        self.shared[usize::from(route.0)]
    }

    /// What [`Self::pass`] is where a store has a say. `earlier` is how the caller stood after the first
    /// of two visits: what it took is put back where a limit refuses on the second one.
    pub fn pass_shared<'a>(
        &'a self,
        limits: &'a [LimitId],
        route: RouteId,
        caller: Caller<'a>,
        now: Instant,
        witness: &'a Witness,
        earlier: Option<Standing>,
    ) -> Passing<'a> {
        // Those that count by who the caller is come last, and are asked once that is known.
        let others = limits.partition_point(|id| !self.limiter(*id).limit.key.needs_identity());
        let (told, limits) = match caller.identity {
            None => (&limits[..others], &limits[..others]),
            Some(_) => (limits, &limits[others..]),
        };
        let request = Request { rates: self, limits, told, route, caller, witness };
        let earlier = earlier.map(|standing| standing.past).unwrap_or_default();
        let mut past = Vec::with_capacity(limits.len());
        let mut waits = Vec::new();
        match request.begin(now, &mut past, &mut waits) {
            Err(refusal) => Passing::Decided(request.refused(&earlier, &past, refusal, now)),
            Ok(()) if waits.is_empty() => Passing::Decided(request.passed(past, now)),
            Ok(()) => Passing::Waits(Box::pin(request.wait(earlier, past, waits))),
        }
    }
}

impl<'a> Request<'a> {
    /// Everything that is decided here, and the questions for what is not.
    fn begin(
        &self,
        now: Instant,
        past: &mut Vec<(LimitId, Past)>,
        waits: &mut Vec<(LimitId, Waiting)>,
    ) -> Result<(), Refusal> {
        for (id, limiter, shared) in self.shared() {
            let hash = limiter.hash(&self.caller);
            if shared.store.may_answer(now) && shared.account.refuses(hash, now) {
                return Err(Refusal::UsedUp(id));
            }
        }
        for id in self.limits {
            let limiter = self.rates.limiter(*id);
            if limiter.shared.is_none() {
                self.count_here(*id, limiter, now)?;
                past.push((*id, Past::Here));
            }
        }
        for (id, limiter, shared) in self.shared() {
            if !shared.store.may_answer(now) {
                past.push((id, self.without(id, limiter, shared, now)?));
                continue;
            }
            let hash = limiter.hash(&self.caller);
            match shared.account.take(hash, now) {
                Verdict::Refused => return Err(Refusal::UsedUp(id)),
                Verdict::Passes(soon) => {
                    if soon {
                        shared.store.stock(&shared.account, hash, limiter.key(&self.caller));
                    }
                    past.push((id, Past::Store));
                }
                Verdict::Unknown => {
                    let key = limiter.key(&self.caller);
                    match shared.store.ask(&shared.account, hash, key) {
                        Some(waiting) => waits.push((id, waiting)),
                        None => past.push((id, self.without(id, limiter, shared, now)?)),
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits for the stores, one after the other; their times run together.
    async fn wait(
        self,
        earlier: Vec<(LimitId, Past)>,
        mut past: Vec<(LimitId, Past)>,
        waits: Vec<(LimitId, Waiting)>,
    ) -> Decided {
        let mut refusal = None;
        for (id, waiting) in waits {
            let limiter = self.rates.limiter(id);
            let Some(shared) = &limiter.shared else { continue };
            // Those behind a refusal are heard too: what they have taken is put back.
            let passes = match shared.store.answer(waiting).await {
                Some(true) => Ok(Past::Store),
                Some(false) => Err(Refusal::UsedUp(id)),
                None => self.without(id, limiter, shared, clock::now()),
            };
            match passes {
                Ok(how) => past.push((id, how)),
                Err(why) => refusal = refusal.or(Some(why)),
            }
        }
        let now = clock::now();
        match refusal {
            Some(refusal) => self.refused(&earlier, &past, refusal, now),
            None => self.passed(past, now),
        }
    }

    /// What holds while the store does not answer.
    fn without(
        &self,
        id: LimitId,
        limiter: &Limiter,
        shared: &Shared,
        now: Instant,
    ) -> Result<Past, Refusal> {
        shared.store.fell_back();
        match shared.store.on_down() {
            OnDown::Local => self.count_here(id, limiter, now).map(|()| Past::Here),
            OnDown::Allow => Ok(Past::Free),
            OnDown::Refuse => Err(Refusal::NoStore(id)),
        }
    }

    fn count_here(&self, id: LimitId, limiter: &Limiter, now: Instant) -> Result<(), Refusal> {
        let ((taken, _), forgot) = limiter.take(&self.caller, now);
        if forgot {
            self.witness.limit_forgot(id);
        }
        if taken { Ok(()) } else { Err(Refusal::UsedUp(id)) }
    }

    fn passed(&self, past: Vec<(LimitId, Past)>, now: Instant) -> Decided {
        for (id, how) in &past {
            self.witness.limit_decided(*id, Decision::Allow);
            if *how == Past::Store {
                // So that this process knows where to go on if it has to count alone.
                let _ = self.count_here(*id, self.rates.limiter(*id), now);
            }
        }
        let mut standing = self.standing(now, |_, _| {});
        standing.past = past;
        (standing, Ok(()))
    }

    /// Puts back what was taken, and says what the caller waits for longest.
    fn refused(
        &self,
        earlier: &[(LimitId, Past)],
        past: &[(LimitId, Past)],
        refusal: Refusal,
        now: Instant,
    ) -> Decided {
        for (id, _) in earlier.iter().filter(|(_, how)| *how == Past::Store) {
            // This process has noted it already, as what passed.
            self.rates.limiter(*id).put_back(&self.caller, now);
        }
        for (id, how) in earlier.iter().chain(past) {
            let limiter = self.rates.limiter(*id);
            match (how, &limiter.shared) {
                (Past::Here, _) => limiter.put_back(&self.caller, now),
                (Past::Store, Some(Shared { store, account })) => {
                    let hash = limiter.hash(&self.caller);
                    store.give_back(account, hash, limiter.key(&self.caller));
                }
                (Past::Store, None) | (Past::Free, _) => {}
            }
        }
        let id = match refusal {
            Refusal::NoStore(id) => {
                self.witness.limit_decided(id, Decision::Refuse);
                let standing = self.standing(now, |_, _| {});
                return (standing, Err((id, no_store(self.rates.limiter(id)))));
            }
            Refusal::UsedUp(id) => id,
        };
        let mut longest = (id, Default::default());
        let standing = self.standing(now, |id, left| {
            if left.wait > longest.1 {
                longest = (id, left.wait);
            }
        });
        let (id, wait) = longest;
        self.witness.limit_decided(id, Decision::Refuse);
        (standing, Err((id, self.rates.limiter(id).refusal(wait))))
    }

    /// How the caller stands. Nothing is told of a limit that nobody counts.
    fn standing(&self, now: Instant, mut each: impl FnMut(LimitId, Left)) -> Standing {
        let left = self.told.iter().filter_map(|id| {
            let limiter = self.rates.limiter(*id);
            let left = match &limiter.shared {
                Some(Shared { store, account }) if store.may_answer(now) => {
                    for _ in 0..account.take_forgotten() {
                        self.witness.limit_forgot(*id);
                    }
                    account.look(limiter.hash(&self.caller), now)
                }
                Some(Shared { store, .. }) if store.on_down() != OnDown::Local => return None,
                Some(_) | None => limiter.look(&self.caller, now),
            };
            each(*id, left);
            Some((limiter.limit.name.as_str(), left))
        });
        let left = fields::left(left);
        let policy = self.rates.policies[usize::from(self.route.0)].clone();
        Standing { policy, left, past: Vec::new() }
    }

    fn shared(&self) -> impl Iterator<Item = (LimitId, &'a Limiter, &'a Shared)> + use<'a> {
        let rates = self.rates;
        self.limits.iter().filter_map(move |id| {
            let limiter = rates.limiter(*id);
            Some((*id, limiter, limiter.shared.as_ref()?))
        })
    }
}

fn no_store(limiter: &Limiter) -> Problem {
    Problem::new(Cause::StoreDown)
        .with_retry_after(AGAIN)
        .with_detail(format_args!("the store of limit {} does not answer", limiter.limit.name))
}
