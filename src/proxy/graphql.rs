//! Operations of GraphQL routes, read and judged before the upstream gets any of them. Nothing of it
//! is inlined: most exchanges never come here. What becomes of their replies stands in `replies`.

use http::request::Parts;

use super::Gateway;
use super::exchange::Exchange;
use super::limit::Waits;
use crate::base::Inflow;
use crate::config::model::{Graphql, Route};
use crate::gate::{self, Carrier};
use crate::observe::Operations;

impl Gateway {
    /// Judges what the request asks for. A body goes on as it came, byte for byte.
    ///
    /// # Errors
    /// What is refused, or what broke the body.
    #[inline(never)]
    pub(super) fn judge_operation<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        (route, graphql): (&'a Route, &'a Graphql),
        parts: &'a Parts,
        query: Option<&'a str>,
        body: Inflow,
    ) -> Waits<'a, Inflow> {
        Box::pin(async move {
            let rule = &graphql.operations;
            exchange.tells_outcome = graphql.replies.outcome_header;
            let carrier = gate::carrier(&parts.method, &parts.headers, query)?;
            if carrier == Carrier::Nothing {
                return Ok(body);
            }
            // What cannot be read is one, too.
            exchange.record.operations = Some(Operations::unknown());
            let (operations, body) = match carrier {
                Carrier::Nothing | Carrier::Elsewhere => return Ok(body),
                Carrier::Query => (gate::judge_query(rule, query)?, body),
                Carrier::Body => {
                    let limit = self.config.server.limits.body;
                    let bytes = self.arrived(exchange, route, limit, body).await?;
                    (gate::judge_operations(rule, &bytes)?, Inflow::Read(bytes))
                }
            };
            exchange.record.operations = Some(operations);
            Ok(body)
        })
    }
}
