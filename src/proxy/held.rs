//! Slow bodies, held back where there are many of them.
//!
//! A body is sent on as it comes: an upstream that answers early is heard early, and nothing is kept.
//! But then a client that sends a byte a second has a connection to the upstream for as long as it
//! likes, and a thousand of them have a thousand. So once enough bodies are under way, the upstream is
//! called for another one only when a fair piece of it is there: an honest client has sent that before
//! anybody could notice, and a slow one waits here, where it costs little.
//!
//! Only bodies whose length is known: others may be one side of a talk, of which nothing comes until
//! the upstream has had its say. All but the look at how many there are is out of line: most exchanges
//! never come here.

use std::future::poll_fn;
use std::rc::Rc;

use bytes::BytesMut;

use super::Gateway;
use super::exchange::Exchange;
use super::limit::Waits;
use crate::base::body::{Begun, Capped, Meter};
use crate::base::{BodyFault, Inflow, clock};
use crate::config::model::{Route, Target};

impl Gateway {
    /// Whether a body has to be [gathered](Self::gather) before anybody is called with it.
    #[inline]
    pub(super) fn must_gather(&self, route: &Route, body: &Inflow) -> bool {
        self.uploads.count() >= UNDER_WAY && may_be_slow(route, body)
    }

    /// Waits for the beginning of a body, or all of it where it is short. The call begins after that.
    ///
    /// # Errors
    /// What broke the body, or it has not come within the time of the exchange.
    #[inline(never)]
    pub(super) fn gather<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        route: &'a Route,
        body: Inflow,
    ) -> Waits<'a, Inflow> {
        Box::pin(async move {
            let meter = Rc::new(Meter::default());
            exchange.meter = Some(Rc::clone(&meter));
            let enough = body.size_hint().lower().min(ENOUGH);
            // Its length has been judged already, or will be message by message.
            let body = Capped::new(body, u64::MAX, meter);
            let gathered = self.in_time(exchange, route, beginning_of(body, enough)).await?;
            exchange.waited = Some(clock::now());
            Ok(gathered)
        })
    }
}

#[cold]
fn may_be_slow(route: &Route, body: &Inflow) -> bool {
    !matches!(body, Inflow::Empty | Inflow::Read(_))
        && !matches!(route.target, Target::Respond(_))
        && body.size_hint().exact().is_some()
}

/// The same body, once so much of it is there, which is all of it at most: trailers are left to come.
async fn beginning_of(mut body: Capped, enough: u64) -> Result<Inflow, BodyFault> {
    let mut first = BytesMut::new();
    while (first.len() as u64) < enough
        && let Some(frame) = poll_fn(|cx| body.poll_frame(cx)).await
    {
        if let Ok(data) = frame?.into_data() {
            // Copied, since what lies where it was read holds all that was read beside it.
            first.extend_from_slice(&data);
        }
    }
    let first = first.freeze();
    if body.is_end() {
        return Ok(Inflow::Read(first));
    }
    Ok(Inflow::Begun(Box::new(Begun { first, rest: body.into_rest() })))
}

/// Bodies that may be under way on a worker before others are held.
const UNDER_WAY: usize = 64;
/// Bytes of a body that are enough to call an upstream with it.
const ENOUGH: u64 = 16 * 1024;
