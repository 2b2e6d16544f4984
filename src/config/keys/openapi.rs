//! `[[openapi]]`.

use super::{Default, Key, Kind, Others, Shape, compress, cors, format, overload, route};

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
        "responses",
        Kind::Words { now: &["off", "report"], later: &[] },
        Default::Value("\"off\""),
        "whether the upstream's answers are compared with the document; \"report\" only counts and logs",
    )
    .also(&["response_validation", "validate_responses", "response"]),
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
    route::HOSTS,
    route::TIMEOUT,
    route::NORMALISE,
    route::LIMITS,
    cors::CORS,
    compress::COMPRESS,
    overload::in_flight(
        "exchanges on each of its routes at once, over all workers: a number, or \"adaptive\"",
    ),
    route::STRICT,
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
