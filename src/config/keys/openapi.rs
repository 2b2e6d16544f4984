//! `[[openapi]]`.

use super::{Default, Key, Kind, Others, POSITIVE, Shape, format, overload};

pub(super) static OPENAPI: Shape = Shape::of(&[
    Key::new(
        "file",
        Kind::Text(&format::PATH),
        Default::Required,
        "the document, OpenAPI 3.0 or 3.1, in YAML or JSON; one file, from its operations come routes",
    )
    .also(&["document", "spec", "path"])
    .example("\"petstore.yaml\""),
    Key::new(
        "upstream",
        Kind::Text(&format::NAME),
        Default::Required,
        "the backend that answers",
    )
    .also(&["backend", "service", "proxy_pass", "to", "target"])
    .example("\"app\""),
    Key::new(
        "prefix",
        Kind::Text(&format::PATH_PREFIX),
        Default::None("paths as in the document"),
        "what clients put before the paths of the document; the upstream does not get it",
    )
    .also(&["base_path", "mount"])
    .example("\"/v1\""),
    Key::new(
        "mode",
        Kind::Words { now: &["enforce", "observe"], later: &[] },
        Default::Value("\"enforce\""),
        "whether requests are refused; \"observe\" only counts and logs, and asks nobody who he is",
    ),
    Key::new(
        "name",
        Kind::Text(&format::NAME),
        Default::None("operationId alone"),
        "what stands before each operationId in the names of the routes",
    )
    .example("\"pets\""),
    Key::new(
        "auth",
        Kind::Either(&[Kind::False, Kind::Table(&SCHEMES)]),
        Default::None("a scheme is the [auth.*] of its name"),
        "names of [auth.*] for security schemes; false leaves callers to the upstream",
    )
    .also(&["security"]),
    Key::new(
        "hosts",
        Kind::List { of: &Kind::Text(&format::HOST), least: 1 },
        Default::None("every host"),
        "hosts it answers to; *.example.fr for every name below",
    )
    .also(&["host", "domain", "domains", "server_name"])
    .example("[\"api.example.fr\"]"),
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
    Key::new(
        "limits",
        Kind::List { of: &Kind::Text(&format::NAME), least: 1 },
        Default::None("no rate is limited"),
        "names of the rate limits that hold here; the strictest decides",
    )
    .also(&["limit", "rate_limit", "rate_limits", "limit_req"])
    .example("[\"per-client\"]"),
    overload::in_flight(
        "exchanges on each of its routes at once, over all workers: a number, or \"adaptive\"",
    ),
    Key::new(
        "strict",
        Kind::Bool,
        Default::Value("false"),
        "whether parameters that are not declared are refused, in the query and in forms",
    )
    .also(&["additional_parameters", "reject_unknown"]),
    Key::new(
        "body_limit",
        Kind::Size { least: 1, most: 16 << 20 },
        Default::Value("\"256KiB\""),
        "bytes of a body that is read; never more than server.limits.body",
    ),
]);

static SCHEMES: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "SCHEME",
        names: &format::CAPTURE,
        kind: Kind::Text(&format::NAME),
        doc: "the [auth.*] for this security scheme",
        example: ("petstore_auth", "\"partners\""),
    }),
};
