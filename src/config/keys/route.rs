//! `[[route]]`.

use super::errors::RULES;
use super::{
    Default, Key, Kind, POSITIVE, Shape, auth, body, compress, cors, format, overload, params,
};

pub(super) static ROUTE: Shape = Shape::of(&[
    Key::new(
        "name",
        Kind::Text(&format::NAME),
        Default::None("route-1, route-2, … by place"),
        "the name that logs and metrics use",
    )
    .also(&["id"])
    .example("\"app\"")
    .active(),
    Key::new(
        "match",
        Kind::Text(&format::MATCH),
        Default::Required,
        "METHODS PATH; no method = all; {name} one segment, {*name} the rest",
    )
    .also(&["path", "url", "uri", "pattern", "prefix"])
    .example("\"/{*path}\"")
    .active(),
    Key::new(
        "hosts",
        Kind::List { of: &Kind::Text(&format::HOST), least: 1 },
        Default::None("every host"),
        "hosts it answers to; *.example.fr for every name below",
    )
    .also(&["host", "domain", "domains", "server_name"])
    .example("[\"api.example.fr\"]"),
    Key::new(
        "upstream",
        Kind::Text(&format::NAME),
        Default::None("`respond` answers"),
        "the backend that answers",
    )
    .also(&["backend", "service", "proxy_pass", "to", "target"])
    .example("\"app\"")
    .active(),
    Key::new(
        "respond",
        Kind::Table(&RESPOND),
        Default::None("`upstream` answers"),
        "a fixed reply",
    )
    .also(&["reply", "response", "return"]),
    Key::new(
        "rewrite",
        Kind::Text(&format::REWRITE),
        Default::None("the path as it came"),
        "the path that the upstream gets",
    )
    .also(&["strip_prefix", "replace"])
    .example("\"/{path}\""),
    Key::new(
        "timeout",
        POSITIVE,
        Default::None("the upstream's total"),
        "limit on the whole exchange, up to the head of the answer",
    )
    .example("\"10s\""),
    Key::new(
        "normalise",
        Kind::Either(&[Kind::Bool, Kind::Words { now: &["observe"], later: &[] }]),
        Default::Value("true"),
        "whether upstream errors get one form; \"observe\" only counts and logs",
    )
    .also(&["normalize"]),
    RULES,
    Key::new(
        "auth",
        Kind::Either(&[Kind::Text(&format::NAME), Kind::Table(&auth::RULE)]),
        Default::None("everybody"),
        "who may call: the name of one [auth.*], or { any = […] } or { all = […] }, and scopes",
    )
    .also(&["security", "authentication", "auth_request", "require"]),
    Key::new(
        "limits",
        Kind::List { of: &Kind::Text(&format::NAME), least: 1 },
        Default::None("no rate is limited"),
        "names of the rate limits that hold here; the strictest decides",
    )
    .also(&["limit", "rate_limit", "rate_limits", "limit_req"])
    .example("[\"per-client\"]"),
    cors::CORS,
    compress::COMPRESS,
    overload::in_flight(
        "exchanges on this route at once, over all workers: a number, or \"adaptive\"",
    ),
    Key::new(
        "strict",
        Kind::Bool,
        Default::Value("false"),
        "whether parameters that are not declared are refused, in the query and in forms",
    )
    .also(&["additional_parameters", "reject_unknown"]),
    Key::new(
        "params",
        Kind::Table(&params::PARAMS),
        Default::None("nothing is checked"),
        "what is known about parameters; those in the query, in headers and in cookies, too",
    )
    .also(&["parameters", "param"]),
    Key::new(
        "body",
        Kind::Table(&body::BODY),
        Default::None("bodies stream through unread"),
        "what the body must be; it is read whole before the upstream gets any of it",
    )
    .also(&["request_body", "payload"]),
    Key::new(
        "graphql",
        Kind::Table(&GRAPHQL),
        Default::None("plain HTTP"),
        "an empty table marks a GraphQL endpoint: errors take GraphQL's form",
    ),
    Key::later("flow", "flows"),
]);

static RESPOND: Shape = Shape::of(&[
    Key::new(
        "status",
        Kind::Integer { least: 200, most: 599 },
        Default::None("200, or what the code says"),
        "HTTP status; from 400 on it comes from a code",
    )
    .example("200"),
    Key::new("json", Kind::Any, Default::None("no body"), "a JSON body, written as TOML")
        .also(&["body"])
        .example("{ ok = true }"),
    Key::new("text", Kind::Text(&format::TEXT), Default::None("no body"), "a plain text body")
        .example("\"ok\""),
    Key::new("html", Kind::Text(&format::TEXT), Default::None("no body"), "an HTML body")
        .example("\"<p>ok</p>\""),
    Key::new(
        "code",
        Kind::Text(&format::CODE),
        Default::None("a success"),
        "an error of the vocabulary, in place of status and body",
    )
    .also(&["raise", "error"])
    .example("\"Gone\""),
]);

const GRAPHQL_LATER: &str = "reading of GraphQL operations";

static GRAPHQL: Shape = Shape::of(&[
    Key::later("limits", GRAPHQL_LATER),
    Key::later("timeout", GRAPHQL_LATER),
    Key::later("root_errors", GRAPHQL_LATER),
    Key::later("mutation_errors", GRAPHQL_LATER),
    Key::later("warnings", GRAPHQL_LATER),
    Key::later("inspect", GRAPHQL_LATER),
    Key::later("codes", GRAPHQL_LATER),
]);
