//! `[route.graphql]`: what an operation may ask for, and how long it may take.

use std::time::Duration;

use crate::config::defaults;
use crate::config::model::GraphqlRule;
use crate::config::read::Section;

pub(super) fn graphql(route: Section<'_>) -> Option<Box<GraphqlRule>> {
    route.has("graphql").then(|| {
        let limits = route.section("graphql").section("limits");
        let most = defaults::GRAPHQL;
        Box::new(GraphqlRule {
            depth: limits.integer("depth").unwrap_or(most.depth),
            tokens: limits.integer("tokens").unwrap_or(most.tokens),
            aliases: limits.integer("aliases").unwrap_or(most.aliases),
            root_fields: limits.integer("root_fields").unwrap_or(most.root_fields),
            introspection: limits.boolean("introspection").unwrap_or(most.introspection),
            batch: limits.boolean("batch").unwrap_or(most.batch),
        })
    })
}

/// `timeout` of the route, and that of its operations: the shorter one, where both are written.
pub(super) fn timeout(route: Section<'_>) -> Option<Duration> {
    let whole = route.duration("timeout");
    if !route.has("graphql") {
        return whole;
    }
    let operation = route.section("graphql").duration("timeout");
    whole.into_iter().chain(operation).min().or(Some(defaults::GRAPHQL_TIMEOUT))
}
