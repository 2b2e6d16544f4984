//! Limits on the request's way: rates, and what is carried at once. What they decide, and why in that
//! order, stands in `gate`. Nothing of it is inlined: most exchanges never come here.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http::{HeaderMap, Response};

use super::Gateway;
use super::exchange::Exchange;
use super::stream::Watched;
use crate::base::clock::{self, Instant};
use crate::base::{LimitId, RouteId};
use crate::config::model::Route;
use crate::gate::{Admission, Admitted, Caller, Decided, Overload, Passing, Refused, Standing};
use crate::problem::Problem;

/// What limits have to do with an exchange. Boxed as one, so that an exchange without limits carries
/// one empty pointer.
#[derive(Debug, Default)]
pub(super) struct Limited {
    /// How the caller stands with the rate limits of its route.
    standing: Option<Standing>,
    /// When a store had answered that had to be waited for.
    heard: Option<Instant>,
    /// The room that the exchange holds where that is limited.
    admitted: Option<Box<Admitted>>,
}

impl Limited {
    /// When the last that it had to wait for was there.
    pub(super) fn since(&self) -> Option<Instant> {
        let room = self.admitted.as_ref().and_then(|admitted| admitted.since());
        room.or(self.heard)
    }

    /// The upstream has answered in this time.
    pub(super) fn answered(&self, took: Duration, now: Instant) {
        if let Some(admitted) = &self.admitted {
            admitted.answered(took, now);
        }
    }

    /// Writes what every reply tells; the room is kept until the reply is over. Refusals are many where
    /// one is, so that what they tell goes with their other lines.
    #[inline(never)]
    #[allow(clippy::boxed_local, reason = "it lives in its box, and is taken apart there")]
    pub(super) fn tell(self: Box<Self>, response: &mut Response<Watched>) -> Option<Box<Admitted>> {
        if let Some(standing) = self.standing {
            match response.body_mut().wording_mut() {
                Some(wording) => standing.write_lines(wording.more()),
                None => standing.write(response.headers_mut()),
            }
        }
        self.admitted
    }
}

/// A gate that has to wait. Boxed, so that exchanges which need not wait do not carry the room for it.
pub(super) type Waits<'a, T = ()> = Pin<Box<dyn Future<Output = Result<T, Problem>> + 'a>>;

impl Gateway {
    /// Takes the request from the quotas of its route; how they stand is told on every reply.
    ///
    /// Where a store has to be asked there is something to wait for, boxed like the wait for room.
    ///
    /// # Errors
    /// The limit that makes the caller wait longest.
    #[inline(never)]
    pub(super) fn limit<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        id: RouteId,
        route: &'a Route,
        headers: &'a HeaderMap,
    ) -> Result<Option<Waits<'a>>, Problem> {
        let known = exchange.identity.is_some();
        if !known && !route.limits.first().is_some_and(|first| self.counts_all(*first)) {
            // All of them wait until somebody knows who calls.
            return Ok(None);
        }
        if self.shared.rates.asks_a_store(id) {
            return self.limit_shared(exchange, id, route, headers);
        }
        let record = &exchange.record;
        let identity = exchange.identity.as_deref();
        let caller = Caller { ip: record.client_ip, headers, route: &route.name, identity };
        let rates = &self.shared.rates;
        let (standing, passed) =
            rates.pass(&route.limits, id, &caller, record.started, &self.witness);
        limited(exchange, (standing, passed)).map(|()| None)
    }

    fn limit_shared<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        id: RouteId,
        route: &'a Route,
        headers: &'a HeaderMap,
    ) -> Result<Option<Waits<'a>>, Problem> {
        let (ip, now) = (exchange.record.client_ip, exchange.record.started);
        let rates = &self.shared.rates;
        if exchange.identity.is_some() {
            return Ok(Some(Box::pin(async move {
                // Shared, since the exchange changes while somebody is asked about it.
                let known = exchange.identity.clone();
                let identity = known.as_deref();
                let caller = Caller { ip, headers, route: &route.name, identity };
                let earlier = exchange.limited.as_mut().and_then(|limited| limited.standing.take());
                let (limits, witness) = (&route.limits, &self.witness);
                let decided = match rates.pass_shared(limits, id, caller, now, witness, earlier) {
                    Passing::Decided(decided) => decided,
                    Passing::Waits(wait) => heard(exchange, wait).await,
                };
                limited(exchange, decided)
            })));
        }
        let caller = Caller { ip, headers, route: &route.name, identity: None };
        match rates.pass_shared(&route.limits, id, caller, now, &self.witness, None) {
            Passing::Decided(decided) => limited(exchange, decided).map(|()| None),
            Passing::Waits(wait) => Ok(Some(Box::pin(async move {
                let decided = heard(exchange, wait).await;
                limited(exchange, decided)
            }))),
        }
    }

    /// Whether a limit can be asked before anybody knows who calls.
    pub(super) fn counts_all(&self, limit: LimitId) -> bool {
        !self.config.limits[usize::from(limit.0)].key.needs_identity()
    }

    /// Finds room for the exchange, for as long as its reply takes. Where it has to wait for some, that
    /// is boxed, so that exchanges without such limits do not carry the room for it.
    ///
    /// # Errors
    /// There is none, and waiting is in vain.
    #[inline(never)]
    pub(super) fn admit<'a>(
        &'a self,
        overload: &Overload,
        exchange: &'a mut Exchange,
        id: RouteId,
        route: &Route,
    ) -> Result<Option<Waits<'a>>, Problem> {
        match overload.admit(id, &route.target, exchange.ready()) {
            Admission::Decided(decided) => self.admitted(exchange, id, decided).map(|()| None),
            Admission::Waits(wait) => Ok(Some(Box::pin(async move {
                let decided = wait.await;
                self.admitted(exchange, id, decided)
            }))),
        }
    }

    /// Notes what was decided: the exchange keeps its room.
    fn admitted(
        &self,
        exchange: &mut Exchange,
        id: RouteId,
        decided: Result<Option<Admitted>, Refused>,
    ) -> Result<(), Problem> {
        let admitted = decided.map_err(|(shed, refused)| {
            self.witness.shed_request(id, shed);
            refused
        })?;
        if let Some(admitted) = admitted {
            exchange.limited.get_or_insert_default().admitted = Some(Box::new(admitted));
        }
        Ok(())
    }
}

/// Waits for what a store decides, and notes when that was.
async fn heard(exchange: &mut Exchange, wait: impl Future<Output = Decided>) -> Decided {
    let decided = wait.await;
    exchange.limited.get_or_insert_default().heard = Some(clock::now());
    decided
}

/// Notes what was decided: every reply tells how the caller stands, the log which limit refused.
fn limited(exchange: &mut Exchange, (standing, passed): Decided) -> Result<(), Problem> {
    exchange.limited.get_or_insert_default().standing = Some(standing);
    passed.map_err(|(limit, refused)| {
        exchange.record.limit = Some(limit);
        refused
    })
}
