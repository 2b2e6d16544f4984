//! Who the caller is, on the request's way: after what can be refused without it, and before what
//! depends on it. Nothing of it is inlined: most routes are open.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, response};
use http_body::Body as _;
use tokio::time::timeout_at;

use super::Gateway;
use super::exchange::Exchange;
use super::limit::Waits;
use crate::base::{Body, RouteId, clock};
use crate::config::model::{AuthRule, Route};
use crate::gate::{Call, Callers, Decision, Identity, Inquiry, Judgement, Shown};
use crate::problem::{Cause, Problem};
use crate::upstream::{CallOptions, Tally, Upgrade};

impl Gateway {
    /// Finds out who calls; or whom to ask.
    ///
    /// # Errors
    /// Nobody who may call here.
    #[inline(never)]
    pub(super) fn authenticate(
        &self,
        exchange: &mut Exchange,
        rule: &AuthRule,
        shown: &Shown<'_>,
    ) -> Result<Option<Inquiry>, Problem> {
        match self.callers()?.decide(rule, shown, &self.witness) {
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
        rule: &'a AuthRule,
        shown: &'a Shown<'a>,
        inquiry: Inquiry,
    ) -> Waits<'a> {
        Box::pin(async move {
            let known = self.callers()?.inquire(rule, shown, inquiry, &self.witness, self).await;
            // What comes next begins now: the upstream is not to blame for the wait.
            exchange.waited = Some(clock::now());
            recognised(exchange, known?);
            Ok(())
        })
    }

    /// Takes the request from the quotas that count by who calls.
    ///
    /// # Errors
    /// One of them is used up.
    #[inline]
    pub(super) fn limit_caller<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        id: RouteId,
        route: &'a Route,
        headers: &'a HeaderMap,
    ) -> Result<Option<Waits<'a>>, Problem> {
        match route.limits.last() {
            Some(last) if !self.counts_all(*last) => self.limit(exchange, id, route, headers),
            Some(_) | None => Ok(None),
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

impl Call for Gateway {
    async fn call(&self, asked: Judgement) -> Result<response::Parts, Problem> {
        let Judgement { upstream, mut head, timeout, .. } = asked;
        let started = clock::now();
        let options = CallOptions {
            started,
            deadline: started + timeout,
            client_deadline: None,
            is_grpc: false,
            first_byte: None,
            interim: None,
            upgrade: Upgrade::No,
            stamp: None,
        };
        let mut tally = Tally::default();
        let answer =
            self.upstreams.call(upstream, &mut head, Body::Empty, &options, &mut tally).await;
        let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        self.witness.upstream_answered(upstream, status, clock::now() - started);
        let (answer, mut body) = answer?.into_parts();
        // To its end, where that is near: then the connection can be used again.
        for _ in 0..FRAMES {
            let frame =
                timeout_at(started + timeout, poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)));
            if !matches!(frame.await, Ok(Some(Ok(_)))) {
                break;
            }
        }
        Ok(answer)
    }
}

fn recognised(exchange: &mut Exchange, identity: Arc<Identity>) {
    exchange.record.consumer = Some(identity.consumer().clone());
    exchange.identity = Some(identity);
}

/// Frames of an answer that are read at most.
const FRAMES: usize = 16;
