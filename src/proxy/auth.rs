//! Who the caller is, on the request's way: after what can be refused without it, and before what
//! depends on it. Nothing of it is inlined: most routes are open.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;

use super::Gateway;
use super::connection::Connection;
use super::exchange::Exchange;
use crate::base::{RouteId, clock};
use crate::config::model::{AuthRule, Route};
use crate::gate::{Callers, Decision, Identity, Inquiry, Shown};
use crate::problem::{Cause, Problem};

impl Gateway {
    /// Finds out who calls; or whom to ask.
    ///
    /// # Errors
    /// Nobody who may call here.
    #[inline(never)]
    pub(super) fn authenticate(
        &self,
        exchange: &mut Exchange,
        connection: &Connection,
        rule: &AuthRule,
        (headers, query): (&HeaderMap, Option<&str>),
    ) -> Result<Option<Inquiry>, Problem> {
        let now = exchange.record.began;
        let shown = Shown { headers, query, peer: &connection.peer, now };
        match self.callers()?.decide(rule, &shown, &self.witness) {
            Decision::Known(identity) => recognised(exchange, identity),
            Decision::Refused(problem) => return Err(problem),
            Decision::Ask(inquiry) => return Ok(Some(inquiry)),
        }
        Ok(None)
    }

    /// Asks whoever has to be asked. Boxed, so that exchanges which need not ask do not carry the
    /// room for it.
    ///
    /// # Errors
    /// Nobody who may call here.
    #[inline(never)]
    pub(super) fn inquire<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        connection: &'a Connection,
        rule: &'a AuthRule,
        (headers, query): (&'a HeaderMap, Option<&'a str>),
        inquiry: Inquiry,
    ) -> Pin<Box<dyn Future<Output = Result<(), Problem>> + 'a>> {
        Box::pin(async move {
            let now = exchange.record.began;
            let shown = Shown { headers, query, peer: &connection.peer, now };
            let known = self.callers()?.inquire(rule, &shown, inquiry, &self.witness).await;
            // What comes next begins now: the upstream is not to blame for the wait.
            exchange.asked = Some(clock::now());
            recognised(exchange, known?);
            Ok(())
        })
    }

    /// Takes the request from the quotas that count by who calls.
    ///
    /// # Errors
    /// One of them is used up.
    #[inline]
    pub(super) fn limit_caller(
        &self,
        exchange: &mut Exchange,
        id: RouteId,
        route: &Route,
        headers: &HeaderMap,
    ) -> Result<(), Problem> {
        match route.limits.last() {
            Some(last) if !self.counts_all(*last) => self.limit(exchange, id, route, headers),
            Some(_) | None => Ok(()),
        }
    }

    /// Tells the upstream who calls, in place of how that was proved.
    #[inline(never)]
    pub(super) fn introduce(&self, route: &Route, identity: &Identity, head: &mut Parts) {
        if let (Some(callers), Some(rule)) = (&self.callers, &route.auth) {
            callers.strip(rule, identity, head);
        }
        identity.tell(&mut head.headers);
    }

    /// There are some wherever a route wants any.
    fn callers(&self) -> Result<&Callers, Problem> {
        self.callers.as_ref().ok_or_else(|| Problem::new(Cause::AuthMissing))
    }
}

fn recognised(exchange: &mut Exchange, identity: Arc<Identity>) {
    exchange.record.consumer = Some(identity.consumer().clone());
    exchange.identity = Some(identity);
}
