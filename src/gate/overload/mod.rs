//! What guichet carries at once, and what becomes of a request for which there is no room.
//!
//! Up to three scopes hold for a request: its upstream, its route and the gateway, each with a
//! number that is fixed or found out (`gradient`), each with a short queue (`queue`). They are entered
//! in this order: who waits for the narrow one holds nothing of the wide one. Who is refused learns
//! when to come back (`returns`), measured and not guessed.
//!
//! Invariants: no exchange is in a scope twice; a permit is given back whatever happens to the
//! exchange; who waits is told within the wait; a route without a scope comes here never.

mod gradient;
mod permit;
mod queue;
mod returns;
mod scope;
mod window;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use self::permit::Permit;
use self::queue::{Class, Patience};
use self::scope::{Entered, Scope, Settings, Waiting};
use crate::base::clock::Instant;
use crate::base::{RouteId, UpstreamId};
use crate::config::model::{Config, InFlight, Target};
use crate::observe::{ConcurrencyLimits, Shed};
use crate::problem::{Cause, Problem};

/// Every scope of a configuration.
#[derive(Debug)]
pub struct Overload {
    gateway: Option<Arc<Scope>>,
    routes: Box<[Option<Arc<Scope>>]>,
    upstreams: Box<[Option<Arc<Scope>>]>,
    /// Routes for which room is kept.
    reserved: Box<[bool]>,
}

/// Room in every scope that holds for an exchange, until its reply is over.
#[derive(Debug, Default)]
pub struct Admitted {
    permits: [Option<Permit>; 3],
}

/// What becomes of an exchange that asks for room.
pub enum Admission {
    /// There is some, if any is needed; or there is none.
    Decided(Result<Option<Admitted>, Refused>),
    /// It has to wait for it.
    Waits(Pin<Box<dyn Future<Output = Result<Option<Admitted>, Refused>>>>),
}

/// There is no room: why, and what the client is told.
pub type Refused = (Shed, Problem);

impl Overload {
    /// The scopes of a configuration; none where nothing is limited. What `before` knows of scopes
    /// that are the same is kept.
    pub fn new(config: &Config, before: Option<&Self>) -> Option<Self> {
        let overload = &config.overload;
        let patience = Patience { depth: overload.depth, wait: overload.wait };
        let scope = |name: String, in_flight: Option<InFlight>, reserve: f64| {
            let settings = Settings { name, in_flight: in_flight?, patience, reserve };
            let known = before.and_then(|before| {
                before.scopes().find(|known| known.settings == settings).map(Arc::clone)
            });
            Some(known.unwrap_or_else(|| Scope::new(settings)))
        };
        let routes = config.routes.iter();
        let upstreams = config.upstreams.iter();
        let made = Self {
            gateway: scope("gateway".to_owned(), overload.in_flight, overload.reserve_share),
            routes: routes
                .map(|route| scope(format!("route:{}", route.name), route.in_flight, 0.0))
                .collect(),
            upstreams: upstreams
                .map(|upstream| {
                    scope(format!("upstream:{}", upstream.name), upstream.in_flight, 0.0)
                })
                .collect(),
            reserved: (0..)
                .map(RouteId)
                .take(config.routes.len())
                .map(|id| overload.reserve_routes.contains(&id))
                .collect(),
        };
        let any = made.scopes().next().is_some();
        any.then_some(made)
    }

    /// Finds room for an exchange, or a place where it waits for some if that is not in vain.
    pub fn admit(&self, route: RouteId, target: &Target, now: Instant) -> Admission {
        let class = match self.reserved.get(usize::from(route.0)) {
            Some(true) => Class::Reserved,
            Some(false) | None => Class::Ordinary,
        };
        let upstream = match target {
            Target::Upstream(UpstreamId(id)) => self.upstreams.get(usize::from(*id)),
            Target::Flow(_) | Target::Respond(_) => None,
        };
        let route = self.routes.get(usize::from(route.0));
        let scopes = [upstream, route, Some(&self.gateway)].map(|it| it.and_then(Option::as_ref));
        let mut admitted = Admitted::default();
        match enter(&scopes, 0, class, now, &mut admitted) {
            Err(refused) => Admission::Decided(Err(refused)),
            Ok(None) => Admission::Decided(Ok(admitted.since().map(|_| admitted))),
            Ok(Some(first)) => {
                let scopes = scopes.map(|scope| scope.map(Arc::clone));
                Admission::Waits(Box::pin(wait(scopes, class, first, admitted)))
            }
        }
    }

    /// The limit of each scope, for the metrics page.
    pub fn limits(&self) -> ConcurrencyLimits {
        let limit = |scope: &Arc<Scope>| (scope.settings.name.clone(), Arc::clone(&scope.limit));
        ConcurrencyLimits(self.scopes().map(limit).collect())
    }

    fn scopes(&self) -> impl Iterator<Item = &Arc<Scope>> {
        self.gateway.iter().chain(self.routes.iter().chain(&self.upstreams).flatten())
    }
}

impl Admitted {
    /// When the last room was found; none where nothing was limited.
    pub fn since(&self) -> Option<Instant> {
        self.permits.iter().flatten().map(Permit::since).max()
    }

    /// The upstream has answered in this time: what adaptive limits learn from.
    pub fn answered(&self, took: Duration, now: Instant) {
        for permit in self.permits.iter().flatten() {
            permit.answered(took, now);
        }
    }
}

/// Enters scope by scope, from the one in place `at` on; who waits, in which place, if somebody has to.
fn enter(
    scopes: &[Option<&Arc<Scope>>; 3],
    at: usize,
    class: Class,
    now: Instant,
    admitted: &mut Admitted,
) -> Result<Option<(usize, Waiting)>, Refused> {
    for (at, scope) in scopes.iter().enumerate().skip(at) {
        let Some(scope) = scope else { continue };
        match scope.enter(class, now) {
            Ok(Entered::In(permit)) => admitted.permits[at] = Some(permit),
            Ok(Entered::Waits(waiting)) => return Ok(Some((at, waiting))),
            Err(shed) => return Err((shed, refusal(scope, shed))),
        }
    }
    Ok(None)
}

/// Waits wherever there is no room yet.
async fn wait(
    scopes: [Option<Arc<Scope>>; 3],
    class: Class,
    first: (usize, Waiting),
    mut admitted: Admitted,
) -> Result<Option<Admitted>, Refused> {
    let mut next = Some(first);
    while let Some((at, mut waiting)) = next {
        let told = waiting.told().await;
        let permit = told.map_err(|shed| (shed, refusal(&waiting.scope, shed)))?;
        let now = permit.since();
        admitted.permits[at] = Some(permit);
        let scopes = scopes.each_ref().map(Option::as_ref);
        next = enter(&scopes, at + 1, class, now, &mut admitted)?;
    }
    Ok(Some(admitted))
}

fn refusal(scope: &Scope, shed: Shed) -> Problem {
    let why = [&*scope.settings.name, " is full: ", shed.as_str()].concat();
    Problem::new(Cause::Overload).with_retry_after(scope.retry_after()).with_detail(why)
}

#[cfg(test)]
mod tests;
