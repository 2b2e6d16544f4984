//! Operations of GraphQL routes, read and judged before the upstream gets any of them. Nothing of it
//! is inlined: most exchanges never come here.

use http::request::Parts;

use super::Gateway;
use super::exchange::Exchange;
use super::limit::Waits;
use crate::base::Inflow;
use crate::config::model::{GraphqlRule, Route};
use crate::gate::{self, Carrier};

impl Gateway {
    /// Judges what the request asks for. A body goes on as it came, byte for byte.
    ///
    /// # Errors
    /// What is refused, or what broke the body.
    #[inline(never)]
    pub(super) fn judge_operation<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        (route, rule): (&'a Route, &'a GraphqlRule),
        parts: &'a Parts,
        query: Option<&'a str>,
        body: Inflow,
    ) -> Waits<'a, Inflow> {
        Box::pin(async move {
            match gate::carrier(&parts.method, &parts.headers, query)? {
                Carrier::Nothing => Ok(body),
                Carrier::Query => gate::judge_query(rule, query).map(|()| body),
                Carrier::Body => {
                    let limit = self.config.server.limits.body;
                    let bytes = self.arrived(exchange, route, limit, body).await?;
                    gate::judge_operations(rule, &bytes)?;
                    Ok(Inflow::Read(bytes))
                }
            }
        })
    }
}
