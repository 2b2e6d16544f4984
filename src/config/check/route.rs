//! `[[route]]`: what matches, what answers, and whether a request can ever get there.

use std::collections::HashMap;

use super::errors::Codes;
use super::respond::respond;
use super::rewrite::rewrite;
use super::{
    Check, auth, body, compress, cors, graphql, grpc, limit, number, overload, params, rule,
};
use crate::base::{AuthId, FlowId, LimitId, RouteId, UpstreamId};
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{
    Auth, BodyRule, Flow, FlowTarget, Form, Limit, Normalise, Respond, Route, Target,
};
use crate::config::openapi::{Beside, Operation};
use crate::config::read::{Section, Word};
use crate::config::shape;
use crate::config::source::Place;
use crate::config::tree::{Node, Value};
use crate::parameter::Tongue;
use crate::problem::{BuiltIn, Dialect};
use crate::route::{HostPattern, Pattern, Table};

/// What routes refer to by name.
#[derive(Clone, Copy)]
pub(super) struct Names<'n> {
    pub(super) upstreams: &'n HashMap<&'n str, UpstreamId>,
    pub(super) flows: (&'n HashMap<&'n str, FlowId>, &'n [Flow]),
    pub(super) limits: (&'n HashMap<&'n str, LimitId>, &'n [Limit]),
    pub(super) auth: (&'n HashMap<&'n str, AuthId>, &'n [Auth]),
    pub(super) codes: &'n Codes,
    pub(super) tongues: &'n [Tongue],
}

/// Those of the file come first, so that an operation of a document can be written anew by hand.
pub(super) fn routes(
    root: Section<'_>,
    operations: Vec<Operation>,
    known: Names<'_>,
    check: &mut Check<'_>,
) -> (Vec<Route>, Table) {
    let mut routes = Vec::new();
    let mut table = Table::default();
    let mut names: HashMap<String, Place> = HashMap::new();
    let mut places: Vec<Place> = Vec::new();
    let written = root.tables("route").map(|(node, _)| Candidate { node, operation: None });
    let (nodes, beside): (Vec<_>, Vec<_>) =
        operations.into_iter().map(|operation| (operation.node, operation.beside)).unzip();
    let told = nodes.iter().zip(beside);
    let told = told.map(|(node, beside)| Candidate { node, operation: Some(beside) });
    let by_hand = root.items("route").len();
    for Candidate { node, operation } in written.chain(told) {
        let section = Section::of_node(node);
        let id = RouteId(number(routes.len(), "routes", node, check));
        let place = section.node("match").map_or(node.place, |node| node.place);
        places.push(place);
        let pattern = match &operation {
            Some(operation) => Some(operation.pattern.clone()),
            None => section.text("match").and_then(|word| pattern(word, check)),
        };
        let hosts = hosts(section, check);
        if let (Some(pattern), Some(hosts)) = (&pattern, &hosts)
            && let Err(shadow) = table.insert(id, hosts, pattern)
        {
            let first = usize::from(shadow.shadowed_by.0);
            let again = operation.is_some() && first < by_hand;
            let made = match again {
                false => {
                    let help = match &operation {
                        None => "make one of the two more precise: another path, method or host",
                        Some(_) => {
                            "paths that differ in names alone are one path in OpenAPI: take one away, \
                             or write a [[route]] that takes the requests of both"
                        }
                    };
                    Diagnostic::at(Id::Unreachable, place, "no request can ever reach this route")
                        .help(help)
                }
                true => Diagnostic::at(
                    Id::Unenforced,
                    place,
                    "a [[route]] takes the requests of this operation: the document does not count",
                ),
            };
            check.push(match places.get(first) {
                Some(first) => made.other(*first, "this route takes them all"),
                None => made,
            });
            if again {
                // It would stand among the routes and never be one.
                places.pop();
                continue;
            }
        }
        let name = name(node, section, routes.len() + 1, &mut names, check);
        let mut route = route(node, section, name, (pattern.as_ref(), &operation), known, check);
        if let Some(operation) = operation {
            complete(&mut route, operation, known.tongues);
        }
        routes.push(route);
    }
    (routes, table)
}

/// A table of the file, or one that comes from a document.
struct Candidate<'c> {
    node: &'c Node,
    operation: Option<Beside>,
}

/// Adds what a document says and no table can.
fn complete(route: &mut Route, operation: Beside, tongues: &[Tongue]) {
    route.rewrite = operation.rewrite;
    route.is_observed = operation.is_observed;
    route.replies = operation.replies;
    if let Some(params) = &mut route.params {
        params.schemas = operation.schemas.into();
    }
    if let Some(known) = operation.body {
        let fields = route.body.take().and_then(|body| body.urlencoded?.fields);
        let form = |whole| Form { fields: fields.clone(), whole: Some(whole) };
        route.body = Some(Box::new(BodyRule {
            json: known.schema,
            urlencoded: known.urlencoded.map(form),
            multipart: known.multipart.map(form),
            others: known.others,
            limit: operation.limit.unwrap_or(defaults::CHECKED_BODY),
            optional: known.optional,
            tongues: tongues.into(),
        }));
    }
}

fn route(
    node: &Node,
    section: Section<'_>,
    name: String,
    (pattern, operation): (Option<&Pattern>, &Option<Beside>),
    known: Names<'_>,
    check: &mut Check<'_>,
) -> Route {
    let target = target(node, section, pattern, known, check);
    match target {
        Target::Respond(_) if section.has("respond") => {
            let keys = &["rewrite", "timeout", "normalise", "errors"];
            without_effect(section, keys, "a fixed reply", check);
        }
        Target::Flow(_) => {
            without_effect(section, &["rewrite", "normalise", "errors"], "a flow", check);
        }
        Target::Respond(_) | Target::Upstream(_) => {}
    }
    let rule = auth::rule(section, known.auth.0, check);
    // What a document's table says of methods is said for all operations, and none takes them all.
    let cors = cors::cors(section, pattern.filter(|_| operation.is_none()), check);
    let compress = compress::compress(section, cors.as_deref(), rule.as_ref(), known.auth.1);
    let text = |key| section.text(key).map_or("", |word| word.text).to_owned();
    Route {
        name,
        pattern: text("match"),
        hosts: section.texts("hosts").iter().map(|word| word.text.to_owned()).collect(),
        target,
        rewrite: section.text("rewrite").and_then(|word| rewrite(word, pattern, check)),
        timeout: graphql::timeout(section),
        normalise: match section.node("normalise").map(|node| &node.value) {
            Some(Value::Boolean(true)) => Normalise::On,
            Some(Value::Boolean(false)) => Normalise::Off,
            Some(Value::String(_)) => Normalise::Observe,
            Some(_) | None => defaults::NORMALISE,
        },
        errors: rule::rules(section, known.codes, check),
        identifier: params::identifier(section.section("params"), check),
        params: params::params(section, pattern, known.tongues, check),
        body: body::body(section, known.tongues, check),
        replies: None,
        graphql: graphql::graphql(section, known.codes, check),
        grpc: grpc::grpc(section, pattern, check),
        dialect: if section.has("graphql") { Dialect::GraphQl } else { Dialect::Http },
        limits: limit::named(
            section,
            known.limits.0,
            known.limits.1,
            rule.as_ref(),
            known.auth.1,
            check,
        ),
        auth: rule.map(Box::new),
        compress,
        cors,
        in_flight: overload::in_flight(section),
        is_observed: false,
    }
}

fn name(
    node: &Node,
    section: Section<'_>,
    count: usize,
    names: &mut HashMap<String, Place>,
    check: &mut Check<'_>,
) -> String {
    let written = section.text("name");
    let place = written.map_or(node.place, |word| word.place);
    let name = written.map_or_else(|| format!("route-{count}"), |word| word.text.to_owned());
    if let Some(first) = names.get(&name) {
        let made =
            Diagnostic::at(Id::TakenName, place, format!("two routes have the name `{name}`"))
                .label("again here")
                .other(*first, "first used here")
                .help("logs and metrics tell routes apart by their names: choose another one");
        check.push(made);
    }
    names.entry(name.clone()).or_insert(place);
    name
}

fn pattern(word: Word<'_>, check: &mut Check<'_>) -> Option<Pattern> {
    match Pattern::parse(word.text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let place = check.within(word, &error.at);
            // Many of these sentences say already what to write.
            let help = (!error.message.contains("write"))
                .then_some("a pattern is METHODS PATH, such as \"GET,POST /v1/users/{id}\"");
            check.push(Diagnostic::at(Id::BadMatch, place, error.message).help_if(help));
            None
        }
    }
}

/// The hosts; none if one of them cannot be read.
fn hosts(section: Section<'_>, check: &mut Check<'_>) -> Option<Vec<HostPattern>> {
    let mut hosts = Some(Vec::new());
    for word in section.texts("hosts") {
        match HostPattern::parse(word.text) {
            Ok(host) => hosts.iter_mut().for_each(|hosts| hosts.push(host.clone())),
            Err(error) => {
                let place = check.within(word, &error.at);
                let help = (!error.message.contains("write"))
                    .then_some("a host is written \"api.example.fr\" or \"*.example.fr\"");
                check.push(Diagnostic::at(Id::BadHost, place, error.message).help_if(help));
                hosts = None;
            }
        }
    }
    hosts
}

/// What answers: exactly one of `upstream`, `flow` and `respond`.
fn target(
    node: &Node,
    section: Section<'_>,
    pattern: Option<&Pattern>,
    known: Names<'_>,
    check: &mut Check<'_>,
) -> Target {
    let set: Vec<(&str, Place)> = ["upstream", "respond", "flow"]
        .into_iter()
        .filter_map(|key| section.place(key).map(|place| (key, place)))
        .collect();
    match set.as_slice() {
        // A slip in the key itself was reported.
        [] if section.entries().iter().any(|entry| {
            matches!(shape::meant(&entry.key, "route"), Some("upstream" | "respond" | "flow"))
        }) => {}
        [] => check.push(
            Diagnostic::at(Id::NoTarget, node.place, "nothing answers this route")
                .help("add `upstream = \"…\"`, `flow = \"…\"` or `respond = { … }`"),
        ),
        [_] => {}
        [(first_key, first), (key, place), ..] => check.push(
            Diagnostic::at(Id::TwoTargets, *place, "two things answer this route")
                .label(format!("`{key}` answers it"))
                .other(*first, format!("`{first_key}` answers it too"))
                .help("keep one of the two"),
        ),
    }
    if let Some(word) = section.text("upstream") {
        match known.upstreams.get(word.text) {
            Some(id) => return Target::Upstream(*id),
            None => {
                let mut names: Vec<&str> = known.upstreams.keys().copied().collect();
                names.sort_unstable();
                check.unknown(Id::UnknownName, word, "upstream", names.iter().copied());
            }
        }
    }
    if let Some(word) = section.text("flow") {
        match known.flows.0.get(word.text) {
            Some(id) => {
                let captures = captures(*id, pattern, known);
                return Target::Flow(FlowTarget { flow: *id, captures });
            }
            None => {
                let mut names: Vec<&str> = known.flows.0.keys().copied().collect();
                names.sort_unstable();
                check.unknown(Id::UnknownName, word, "flow", names.iter().copied());
            }
        }
    }
    let respond = section.node("respond").and_then(|node| respond(node, known.codes, check));
    // Without a target the file is refused, so this placeholder never answers anybody.
    Target::Respond(respond.unwrap_or(Respond::Problem(BuiltIn::ServerError.into())))
}

/// Which captures of the path are inputs of the flow.
fn captures(id: FlowId, pattern: Option<&Pattern>, known: Names<'_>) -> Box<[(usize, usize)]> {
    let flow = known.flows.1.get(usize::from(id.0));
    let (Some(pattern), Some(flow)) = (pattern, flow) else { return Box::default() };
    let input_of =
        |name: &String| flow.input.iter().position(|input| *input.field.rule.name == **name);
    let names = pattern.names.iter().enumerate();
    names.filter_map(|(at, name)| Some((at, input_of(name)?))).collect()
}

/// Keys that only make sense towards an upstream.
fn without_effect(section: Section<'_>, keys: &[&str], what: &str, check: &mut Check<'_>) {
    for key in keys {
        if let Some(place) = section.place(key) {
            let message = format!("`{key}` has no effect on {what}");
            check.push(Diagnostic::at(Id::NoEffect, place, message).help("take it away"));
        }
    }
}
