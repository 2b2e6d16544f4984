//! Limits on the request's way: rates, and what is carried at once. What they decide, and why in that
//! order, stands in `gate`. Nothing of it is inlined: most exchanges never come here.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http::HeaderMap;

use super::Gateway;
use super::exchange::Exchange;
use crate::base::clock::Instant;
use crate::base::{LimitId, RouteId};
use crate::config::model::Route;
use crate::gate::{Admitted, Caller, Overload, Standing};
use crate::problem::Problem;

/// What limits have to do with an exchange. Boxed as one, so that an exchange without limits carries
/// one empty pointer.
#[derive(Debug, Default)]
pub(super) struct Limited {
    /// How the caller stands with the rate limits of its route.
    standing: Option<Standing>,
    /// The room that the exchange holds where that is limited.
    admitted: Option<Box<Admitted>>,
}

impl Limited {
    /// When its last room was found.
    pub(super) fn since(&self) -> Option<Instant> {
        self.admitted.as_ref().and_then(|admitted| admitted.since())
    }

    /// The upstream has answered in this time.
    pub(super) fn answered(&self, took: Duration, now: Instant) {
        if let Some(admitted) = &self.admitted {
            admitted.answered(took, now);
        }
    }

    /// Writes what every reply tells; the room is kept until the reply is over.
    #[inline(never)]
    #[allow(clippy::boxed_local, reason = "it lives in its box, and is taken apart there")]
    pub(super) fn tell(self: Box<Self>, headers: &mut HeaderMap) -> Option<Box<Admitted>> {
        if let Some(standing) = self.standing {
            standing.write(headers);
        }
        self.admitted
    }
}

impl Gateway {
    /// Takes the request from the quotas of its route; how they stand is told on every reply.
    ///
    /// # Errors
    /// The limit that makes the caller wait longest.
    #[inline(never)]
    pub(super) fn limit(
        &self,
        exchange: &mut Exchange,
        id: RouteId,
        route: &Route,
        headers: &HeaderMap,
    ) -> Result<(), Problem> {
        let identity = exchange.identity.as_deref();
        if identity.is_none() && !route.limits.first().is_some_and(|first| self.counts_all(*first))
        {
            // All of them wait until somebody knows who calls.
            return Ok(());
        }
        let record = &mut exchange.record;
        let caller = Caller { ip: record.client_ip, headers, route: &route.name, identity };
        let rates = &self.shared.rates;
        let (standing, passed) =
            rates.pass(&route.limits, id, &caller, record.started, &self.witness);
        exchange.limited.get_or_insert_default().standing = Some(standing);
        passed.map_err(|(limit, refused)| {
            record.limit = Some(limit);
            refused
        })
    }

    /// Whether a limit can be asked before anybody knows who calls.
    pub(super) fn counts_all(&self, limit: LimitId) -> bool {
        !self.config.limits[usize::from(limit.0)].key.needs_identity()
    }

    /// Finds room for the exchange, for as long as its reply takes. Boxed, so that exchanges without
    /// such limits do not carry the room for the wait.
    ///
    /// # Errors
    /// There is none, and waiting is in vain.
    #[inline(never)]
    pub(super) fn admit<'a>(
        &'a self,
        overload: &'a Overload,
        exchange: &'a mut Exchange,
        id: RouteId,
        route: &'a Route,
    ) -> Pin<Box<dyn Future<Output = Result<(), Problem>> + 'a>> {
        Box::pin(async move {
            let now = exchange.record.started;
            let admitted = overload.admit(id, &route.target, now).await;
            let admitted = admitted.map_err(|(shed, refused)| {
                self.witness.shed_request(id, shed);
                refused
            })?;
            if let Some(admitted) = admitted {
                exchange.limited.get_or_insert_default().admitted = Some(Box::new(admitted));
            }
            Ok(())
        })
    }
}
