//! The top of the file, and the features that later versions bring there.

use super::{
    Default, Key, Kind, Shape, auth, errors, flow, format, limit, maintenance, observe, openapi,
    overload, route, server, store, upstream,
};

pub(crate) static ROOT: Shape = Shape::of(&[
    Key::new(
        "version",
        Kind::Integer { least: 1, most: 1 },
        Default::Required,
        "version of this format",
    )
    .example("1")
    .active(),
    Key::new(
        "include",
        Kind::List { of: &Kind::Text(&format::PATH), least: 0 },
        Default::Value("[]"),
        "more files, as in [\"conf.d/*.toml\"]: merged by table, a key set twice is refused",
    ),
    Key::new(
        "server",
        Kind::Table(&server::SERVER),
        Default::Table,
        "the process: threads, languages, trust, limits, shutdown",
    ),
    Key::new(
        "listen",
        Kind::Table(&server::LISTEN),
        Default::Required,
        "where clients connect, one table for each listener",
    )
    .also(&["listener", "listeners", "bind", "port", "http", "https", "entrypoints"])
    .active(),
    Key::new(
        "admin",
        Kind::Table(&server::ADMIN),
        Default::Table,
        "livez, readyz and metrics, for operators",
    ),
    Key::new("observe", Kind::Table(&observe::OBSERVE), Default::Table, "what is logged").also(&[
        "log",
        "logs",
        "logging",
        "access_log",
    ]),
    Key::new(
        "errors",
        Kind::Table(&errors::ERRORS),
        Default::Table,
        "the error vocabulary: prefix, format, texts, the operator's own codes",
    )
    .also(&["error"]),
    Key::new(
        "upstream",
        Kind::Table(&upstream::UPSTREAM),
        Default::None("only fixed replies"),
        "backends, one table for each",
    )
    .also(&["backend", "backends", "upstreams", "service", "services", "cluster", "server_pool"])
    .active(),
    Key::new(
        "route",
        Kind::Tables(&route::ROUTE),
        Default::None("every request gets InvalidResource"),
        "which request goes where, one [[route]] for each",
    )
    .also(&["routes", "location", "rule", "rules"])
    .active(),
    Key::new(
        "limit",
        Kind::Table(&limit::LIMIT),
        Default::None("no rate is limited"),
        "rate limits, one table for each; a route names those that hold there",
    )
    .also(&["limits", "rate_limit", "rate_limits", "ratelimit", "limit_req"]),
    Key::new(
        "auth",
        Kind::Table(&auth::AUTH),
        Default::None("nobody is asked who he is"),
        "who callers are: API keys, passwords, tokens, certificates; a route names what it wants",
    )
    .also(&["authentication", "security", "consumers", "auth_basic", "auth_jwt"]),
    Key::new(
        "store",
        Kind::Table(&store::STORE),
        Default::None("each process counts alone"),
        "where limits are counted that replicas share, one table for each server",
    )
    .also(&["stores", "redis", "valkey", "shared_dict"]),
    Key::new(
        "overload",
        Kind::Table(&overload::OVERLOAD),
        Default::Table,
        "how much is carried at once, and what becomes of the rest",
    )
    .also(&["concurrency", "load_shedding", "max_in_flight", "limit_conn"]),
    Key::new(
        "maintenance",
        Kind::Tables(&maintenance::MAINTENANCE),
        Default::None("no window is planned"),
        "planned maintenance, one [[maintenance]] for each window",
    )
    .also(&["downtime", "window", "windows"]),
    Key::new(
        "openapi",
        Kind::Tables(&openapi::OPENAPI),
        Default::None("no route comes from a document"),
        "every operation of an OpenAPI document as a checked route, one [[openapi]] for each",
    )
    .also(&["swagger", "spec", "oas"]),
    Key::new(
        "flow",
        Kind::Table(&flow::FLOW),
        Default::None("no endpoint is composed"),
        "endpoints made of calls, one table for each; a route names the one that answers it",
    )
    .also(&["flows", "workflow", "pipeline", "orchestration"]),
    Key::new(
        "object",
        Kind::Table(&flow::OBJECT),
        Default::None("no object is declared"),
        "typed objects that flows hand to each other and to clients, one table for each",
    )
    .also(&["objects", "model", "models"]),
    Key::later("fault", "fault injection"),
]);
