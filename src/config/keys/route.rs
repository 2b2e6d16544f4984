//! `[[route]]`.

use super::errors::RULES;
use super::{
    Default, Key, Kind, POSITIVE, Shape, auth, body, compress, cors, format, graphql, grpc,
    overload, params,
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
    HOSTS,
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
        "flow",
        Kind::Text(&format::NAME),
        Default::None("`upstream` answers"),
        "the flow that answers",
    )
    .example("\"checkout\""),
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
    TIMEOUT,
    NORMALISE,
    RULES,
    Key::new(
        "auth",
        Kind::Either(&[Kind::Text(&format::NAME), Kind::Table(&auth::RULE)]),
        Default::None("everybody"),
        "who may call: the name of one [auth.*], or { any = […] } or { all = […] }, and scopes",
    )
    .also(&["security", "authentication", "auth_request", "require"]),
    LIMITS,
    cors::CORS,
    compress::COMPRESS,
    overload::in_flight(
        "exchanges on this route at once, over all workers: a number, or \"adaptive\"",
    ),
    STRICT,
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
        Kind::Table(&graphql::GRAPHQL),
        Default::None("plain HTTP"),
        "a GraphQL endpoint: errors take GraphQL's form, operations are read and bounded",
    ),
    Key::new(
        "grpc",
        Kind::Table(&grpc::GRPC),
        Default::None("gRPC passes, held to `server.limits.body`"),
        "gRPC services: calls alone are taken, and their messages are bounded one by one",
    ),
]);

// These five the routes of an OpenAPI document have as well, and `cors` and `compress`.

const HOST_NAMES: Kind = Kind::List { of: &Kind::Text(&format::HOST), least: 1 };
const LIMIT_NAMES: Kind = Kind::List { of: &Kind::Text(&format::NAME), least: 1 };

pub(super) const HOSTS: Key = Key::new(
    "hosts",
    HOST_NAMES,
    Default::None("every host"),
    "hosts it answers to; *.example.fr for every name below",
)
.also(&["host", "domain", "domains", "server_name"])
.example("[\"api.example.fr\"]");

pub(super) const TIMEOUT: Key = Key::new(
    "timeout",
    POSITIVE,
    Default::None("the upstream's total"),
    "limit on the whole exchange, up to the head of the answer",
)
.example("\"10s\"");

pub(super) const NORMALISE: Key = Key::new(
    "normalise",
    Kind::Either(&[Kind::Bool, Kind::Words { now: &["observe"], later: &[] }]),
    Default::Value("true"),
    "whether upstream errors get one form; \"observe\" only counts and logs",
)
.also(&["normalize"]);

pub(super) const LIMITS: Key = Key::new(
    "limits",
    LIMIT_NAMES,
    Default::None("no rate is limited"),
    "names of the rate limits that hold here; the strictest decides",
)
.also(&["limit", "rate_limit", "rate_limits", "limit_req"])
.example("[\"per-client\"]");

pub(super) const STRICT: Key = Key::new(
    "strict",
    Kind::Bool,
    Default::Value("false"),
    "whether parameters that are not declared are refused, in the query and in forms",
)
.also(&["additional_parameters", "reject_unknown"]);

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
