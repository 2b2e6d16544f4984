//! `[store.NAME]`.

use super::{Default, Key, Kind, Others, POSITIVE, Shape, format};

pub(super) static STORE: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "NAME",
        names: &format::NAME,
        kind: Kind::Table(&ONE),
        doc: "a Redis or Valkey server, for limits that several gateways share",
        example: ("shared", ""),
    }),
};

static ONE: Shape = Shape::of(&[
    Key::new(
        "url",
        Kind::Either(&[Kind::Text(&format::STORE_URL), Kind::Secret]),
        Default::Required,
        "redis://, rediss:// (TLS) or unix:// and the address; by reference where it has a password",
    )
    .also(&["address", "addr", "host", "server", "dsn"])
    .example("{ env = \"VALKEY_URL\" }"),
    Key::new(
        "timeout",
        POSITIVE,
        Default::Value("\"20ms\""),
        "how long a request waits for the store's answer",
    ),
    Key::new(
        "on_down",
        Kind::Words { now: &["local", "allow", "refuse"], later: &[] },
        Default::Value("\"local\""),
        "without its answer: this process counts alone, everybody passes, or nobody",
    )
    .also(&["on_error", "on_failure", "fallback"]),
]);
