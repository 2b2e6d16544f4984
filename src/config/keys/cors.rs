//! `[[route]] cors`.

use std::time::Duration;

use super::{Default, Key, Kind, Shape, format};

pub(super) const CORS: Key = Key::new(
    "cors",
    Kind::Table(&SHARING),
    Default::None("no page of another origin may read replies"),
    "pages of which other origins may call this route, and read what it answers",
)
.also(&["cross_origin", "allow_origin", "access_control"]);

static SHARING: Shape = Shape::of(&[
    Key::new(
        "origins",
        Kind::List { of: &Kind::Text(&format::ORIGIN), least: 1 },
        Default::Required,
        "whose pages: an origin, https://*.example.fr for every name below, \"null\", or \"*\"",
    )
    .also(&["origin", "allow_origins", "allowed_origins", "allow_origin"])
    .example("[\"https://app.example.fr\"]"),
    Key::new(
        "methods",
        Kind::List { of: &Kind::Text(&format::METHOD), least: 1 },
        Default::None("those of the route's match"),
        "what they may send",
    )
    .also(&["allow_methods", "allowed_methods", "method"])
    .example("[\"GET\", \"POST\"]"),
    Key::new(
        "headers",
        Kind::List { of: &Kind::Text(&format::SHARED_HEADER), least: 0 },
        Default::Value("[\"Content-Type\", \"Authorization\"]"),
        "fields that they may set; \"*\" for every one but Authorization",
    )
    .also(&["allow_headers", "allowed_headers", "request_headers"]),
    Key::new(
        "expose",
        Kind::List { of: &Kind::Text(&format::SHARED_HEADER), least: 0 },
        Default::Value("[\"X-Request-ID\", \"Retry-After\", \"RateLimit\", \"RateLimit-Policy\"]"),
        "fields of replies that they may read, beside the few that browsers always show",
    )
    .also(&["expose_headers", "exposed_headers", "response_headers"]),
    Key::new(
        "credentials",
        Kind::Bool,
        Default::Value("false"),
        "whether cookies and client certificates of the browser come with it; never with \"*\"",
    )
    .also(&["allow_credentials", "cookies"]),
    Key::new(
        "max_age",
        Kind::Duration { least: Duration::ZERO },
        Default::Value("\"10m\""),
        "how long a browser keeps the answer to its preflight",
    )
    .also(&["maxage", "cache", "preflight_max_age"]),
]);
