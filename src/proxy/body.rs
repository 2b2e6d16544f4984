//! Bodies that a route declares: read whole, judged, and sent on as they came. All others stream.
//! Nothing of it is inlined: most exchanges never come here.

use std::future::Future;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http_body_util::BodyExt as _;

use super::Gateway;
use super::exchange::Exchange;
use super::limit::Waits;
use crate::base::body::{Capped, Meter};
use crate::base::{Body, BodyFault, Inflow};
use crate::config::model::{BodyRule, Route, Target};
use crate::gate;
use crate::problem::{Cause, Problem};
use crate::upstream::Kind;

impl Gateway {
    /// Reads and judges the body of a request. It has as long to arrive as the whole exchange may
    /// take. Trailers are not kept: what they describe has been read.
    ///
    /// # Errors
    /// 415, 400, or what broke the body.
    #[inline(never)]
    pub(super) fn examine<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        (route, rule): (&'a Route, &'a BodyRule),
        parts: &'a Parts,
        body: Inflow,
    ) -> Waits<'a, Inflow> {
        Box::pin(async move {
            if body.is_end() && rule.optional {
                return Ok(body);
            }
            let limit = rule.limit.min(self.config.server.limits.body);
            let media = if body.is_end() {
                gate::Media::Json
            } else {
                let Some(media) = gate::media(rule, &parts.headers, &parts.method)? else {
                    return Ok(body);
                };
                if body.size_hint().lower() > limit {
                    return Err(Problem::new(Cause::BodyLimit).closing());
                }
                media
            };
            let bytes = self.arrived(exchange, route, limit, body).await?;
            gate::judge_body(rule, &media, &bytes)?;
            Ok(if bytes.is_empty() { Inflow::Empty } else { Inflow::Read(bytes) })
        })
    }

    /// Judges a body, and only notes what would be refused. One whose length the head does not tell
    /// passes unread: it might be too long to be held.
    ///
    /// # Errors
    /// What broke the body.
    #[inline(never)]
    pub(super) fn watch<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        (route, rule): (&'a Route, &'a BodyRule),
        parts: &'a Parts,
        body: Inflow,
    ) -> Waits<'a, Inflow> {
        Box::pin(async move {
            let limit = rule.limit.min(self.config.server.limits.body);
            let (judged, body) = match (gate::media(rule, &parts.headers, &parts.method), body) {
                (_, body) if body.is_end() => {
                    (gate::judge_body(rule, &gate::Media::Json, &[]), body)
                }
                (Err(problem), body) => (Err(problem), body),
                (Ok(None), body) => (Ok(()), body),
                (Ok(Some(media)), body) => match body.size_hint().exact() {
                    None => (Ok(()), body),
                    Some(length) if length > limit => (Err(Problem::new(Cause::BodyLimit)), body),
                    Some(_) => {
                        let bytes = self.arrived(exchange, route, limit, body).await?;
                        (gate::judge_body(rule, &media, &bytes), Inflow::Read(bytes))
                    }
                },
            };
            if let Err(problem) = judged {
                exchange.record.would_change.get_or_insert_with(|| problem.code());
            }
            Ok(body)
        })
    }

    /// The bytes of a body, once all of them are there.
    pub(super) async fn arrived(
        &self,
        exchange: &mut Exchange,
        route: &Route,
        limit: u64,
        body: Inflow,
    ) -> Result<Bytes, Problem> {
        let meter = Rc::new(Meter::default());
        exchange.meter = Some(Rc::clone(&meter));
        let body = Body::Capped(Capped::new(body, limit, meter));
        self.in_time(exchange, route, whole_of(body)).await
    }

    /// Reads a body within the time that the whole exchange may take.
    pub(super) async fn in_time<T>(
        &self,
        exchange: &Exchange,
        route: &Route,
        read: impl Future<Output = Result<T, BodyFault>>,
    ) -> Result<T, Problem> {
        let whole = match &route.target {
            Target::Upstream(id) => self.config.upstream(*id).timeout.total,
            Target::Flow(target) => self.config.flow(target.flow).timeout,
            Target::Respond(_) => self.config.server.limits.body_idle,
        };
        let end = exchange.ready() + route.timeout.unwrap_or(whole);
        let read = tokio::time::timeout_at(end, read).await;
        read.map_err(|_| Problem::new(Cause::BodyTimeout).closing())?
            .map_err(|fault| Problem::new(Kind::Upload(fault).cause()).with_detail(fault).closing())
    }
}

/// A body that came in one piece is not copied.
async fn whole_of(mut body: Body) -> Result<Bytes, BodyFault> {
    let (mut first, mut more) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        match (first.is_empty(), more.is_empty()) {
            (true, true) => first = data,
            (false, true) => {
                more.reserve(first.len() + data.len());
                more.extend_from_slice(&first);
                more.extend_from_slice(&data);
            }
            (_, false) => more.extend_from_slice(&data),
        }
    }
    Ok(if more.is_empty() { first } else { more.freeze() })
}
