//! `[limit.NAME]`.

use super::{Default, Key, Kind, Others, Shape, format};

pub(super) static LIMIT: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "NAME",
        names: &format::NAME,
        kind: Kind::Table(&ONE),
        doc: "a rate limit, under the name that routes, logs, metrics and RateLimit headers use",
        example: ("per-client", ""),
    }),
};

static ONE: Shape = Shape::of(&[
    Key::new(
        "key",
        Kind::Text(&format::LIMIT_KEY),
        Default::Required,
        "whose requests are counted together: ip, header:NAME, route, gateway, api_key or jwt:CLAIM",
    )
    .also(&["by", "per", "zone"])
    .example("\"ip\""),
    Key::new(
        "rate",
        Kind::Text(&format::RATE),
        Default::Required,
        "how many requests, in the long run: \"100/s\", \"30/m\", \"1000/h\" or \"5000/d\"",
    )
    .also(&["limit", "requests", "average"])
    .example("\"100/s\""),
    Key::new(
        "burst",
        Kind::Integer { least: 1, most: 1_000_000 },
        Default::None("the number of the rate"),
        "how many may come at once after a pause",
    )
    .example("200"),
    Key::new(
        "status",
        Kind::Integer { least: 429, most: 503 },
        Default::None("429 for a caller's own key, 503 for route and gateway"),
        "429 (the caller's quota) or 503 (we are full)",
    )
    .also(&["code", "reject"])
    .example("429"),
    Key::new(
        "keys",
        Kind::Integer { least: 16, most: 16_000_000 },
        Default::Value("65536"),
        "callers that are remembered, 16 bytes each; more make it forget those who ask least",
    )
    .also(&["size", "entries", "max_keys"]),
    Key::new(
        "store",
        Kind::Text(&format::NAME),
        Default::None("each process counts alone"),
        "the [store.NAME] that replicas count in together",
    )
    .also(&["shared", "backend", "redis"])
    .example("\"shared\""),
]);
