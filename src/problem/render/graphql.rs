//! GraphQL over HTTP: `errors` with `extensions.code`.

use super::Format;
use super::facts::Facts;
use super::json::Json;
use crate::problem::{BuiltIn, Cause, Code, Problem};

/// The whole reply: no data, and one error.
pub(super) fn errors(facts: &Facts<'_>) -> String {
    let mut json = Json::with_capacity(facts.capacity());
    json.raw("{");
    if !was_never_executed(facts) {
        json.name("data");
        json.raw("null");
    }
    json.name("errors");
    if let Some(errors) = facts.problem.errors() {
        json.raw(errors);
        json.raw("}");
        return json.finish();
    }
    json.raw("[");
    error(facts, &mut json);
    json.raw("]}");
    json.finish()
}

/// One error by itself.
pub(super) fn error(facts: &Facts<'_>, json: &mut Json) {
    json.raw("{");
    json.name("message");
    json.message(&facts.message);
    locations(facts.problem.locations(), json);
    json.name("extensions");
    json.raw("{");
    json.name("code");
    json.text(facts.catalogue.graphql(facts.problem.code()));
    json.name("problem");
    json.text(facts.code);
    json.name("status");
    json.number(facts.status.into());
    json.name("request_id");
    json.text(facts.request_id.as_str());
    if let Some(wait) = facts.wait {
        json.name("retry_after");
        json.number(wait);
    }
    json.raw("}}");
}

/// Whether GraphQL itself refused to execute the request. In its own type such a reply has no `data`, as
/// GraphQL over HTTP asks for; elsewhere it stands there as null, which every client takes.
fn was_never_executed(facts: &Facts<'_>) -> bool {
    let problem = facts.problem;
    let refused = problem.code() == BuiltIn::GraphqlParseError.into()
        || problem.cause() == Cause::GraphqlOperation
        || problem.errors().is_some() && !problem.was_executed();
    facts.format() == Format::GraphQlResponse && refused
}

/// Whether a well-formed GraphQL request failed in GraphQL itself: the document does not parse, or
/// does not say what to execute or is not valid, a non-null field was null, or the operation outlived its
/// limit. In the legacy type `application/json` such a failure answers 200.
pub(super) fn is_graphql_own(problem: &Problem) -> bool {
    match problem.code() {
        Code::BuiltIn(BuiltIn::GraphqlParseError | BuiltIn::InvalidNull) => true,
        Code::BuiltIn(BuiltIn::GatewayTimeout) => {
            matches!(problem.cause(), Cause::TotalTimeout | Cause::GraphqlErrors)
        }
        Code::BuiltIn(BuiltIn::BadRequest) => {
            matches!(problem.cause(), Cause::GraphqlOperation | Cause::GraphqlErrors)
        }
        Code::BuiltIn(_) | Code::Custom(_) => false,
    }
}

/// GraphQL wants no empty list here (October 2021, section 7.1.2).
fn locations(locations: &[(u32, u32)], json: &mut Json) {
    if locations.is_empty() {
        return;
    }
    json.name("locations");
    json.raw("[");
    for (at, (line, column)) in locations.iter().take(MAX_LOCATIONS).enumerate() {
        json.raw(if at == 0 { "{" } else { ",{" });
        json.name("line");
        json.number((*line).into());
        json.name("column");
        json.number((*column).into());
        json.raw("}");
    }
    json.raw("]");
}

const MAX_LOCATIONS: usize = 50;
