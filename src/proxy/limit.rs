//! Limits on the request's way: rates, and what is carried at once. What they decide, and why in that order, stands in `gate`.

use http::HeaderMap;

use super::Gateway;
use super::exchange::Exchange;
use crate::base::RouteId;
use crate::config::model::Route;
use crate::gate::{Caller, Overload};
use crate::problem::Problem;

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
        let record = &mut exchange.record;
        let caller = Caller { ip: record.client_ip, headers, route: &route.name };
        let rates = &self.shared.rates;
        let (standing, passed) =
            rates.pass(&route.limits, id, &caller, record.started, &self.witness);
        exchange.standing = Some(Box::new(standing));
        passed.map_err(|(limit, refused)| {
            record.limit = Some(limit);
            refused
        })
    }

    /// Finds room for the exchange, for as long as its reply takes.
    ///
    /// # Errors
    /// There is none, and waiting is in vain.
    pub(super) async fn admit(
        &self,
        overload: &Overload,
        exchange: &mut Exchange,
        id: RouteId,
        route: &Route,
    ) -> Result<(), Problem> {
        let now = exchange.record.started;
        let admitted =
            overload.admit(id, &route.target, now).await.map_err(|(shed, refused)| {
                self.witness.shed_request(id, shed);
                refused
            })?;
        exchange.admitted = admitted.map(Box::new);
        Ok(())
    }
}
