//! `[upstream.NAME]`.

use std::time::Duration;

use super::errors::RULES;
use super::{Default, Key, Kind, Others, POSITIVE, Shape, failing, format, overload};

pub(super) static UPSTREAM: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "NAME",
        names: &format::NAME,
        kind: Kind::Table(&ONE),
        doc: "a backend, under the name that routes, logs and metrics use",
        example: ("app", ""),
    }),
};

static ONE: Shape = Shape::of(&[
    Key::new(
        "endpoints",
        Kind::List {
            of: &Kind::Either(&[Kind::Text(&format::ENDPOINT), Kind::Table(&ENDPOINT)]),
            least: 1,
        },
        Default::Required,
        "where it listens: http://host:port, https://host:port or unix:/path",
    )
    .also(&["servers", "server", "url", "urls", "address", "addresses", "hosts", "targets"])
    .example("[\"http://127.0.0.1:9000\"]")
    .active(),
    Key::new(
        "protocol",
        Kind::Words { now: &["http/1.1", "h2", "h2c"], later: &[] },
        Default::None("http/1.1; https endpoints negotiate"),
        "http/1.1, h2 (over TLS only) or h2c (in the clear only)",
    )
    .also(&["protocols"])
    .example("\"http/1.1\""),
    Key::new(
        "balance",
        Kind::Text(&format::BALANCE),
        Default::Value("\"p2c\""),
        "p2c (the better of two at random), round_robin, least or hash:header:NAME",
    )
    .also(&["lb", "strategy", "policy", "load_balancing"]),
    Key::new(
        "slow_start",
        Kind::Duration { least: Duration::ZERO },
        Default::Value("\"5s\""),
        "how long an endpoint that was down or ejected takes to its whole share; 0s: none",
    )
    .also(&["slowstart", "warmup", "slow_start_window"]),
    Key::new("timeout", Kind::Table(&TIMEOUT), Default::Table, "time limits").also(&["timeouts"]),
    Key::new(
        "deadline",
        Kind::Text(&format::HEADER),
        Default::None("none is sent; gRPC has grpc-timeout"),
        "the header that tells the upstream how many milliseconds are left",
    )
    .also(&["timeout_header", "deadline_header"])
    .example("\"x-request-timeout\""),
    Key::new("pool", Kind::Table(&POOL), Default::Table, "idle connections that are kept")
        .also(&["keepalive", "connections"]),
    Key::new(
        "tls",
        Kind::Table(&TLS),
        Default::None("the system's authorities, no certificate of our own"),
        "TLS towards https endpoints; certificates are always verified",
    )
    .also(&["ssl"]),
    Key::new(
        "host",
        Kind::Text(&format::HOST_POLICY),
        Default::Value("\"preserve\""),
        "the Host that is sent: preserve (the client's), endpoint, or a host",
    )
    .also(&["host_header"]),
    RULES,
    failing::RETRY,
    failing::HEALTH,
    failing::EJECT,
    failing::BREAKER,
    overload::in_flight("exchanges with it at once, over all workers: a number, or \"adaptive\""),
]);

static ENDPOINT: Shape = Shape::of(&[
    Key::new("url", Kind::Text(&format::ENDPOINT), Default::Required, "where it listens")
        .also(&["address", "host"])
        .example("\"http://127.0.0.1:9001\""),
    Key::new(
        "weight",
        Kind::Integer { least: 1, most: 1000 },
        Default::Value("1"),
        "its share of requests, relative to the others",
    ),
]);

static TIMEOUT: Shape = Shape::of(&[
    Key::new("connect", POSITIVE, Default::Value("\"500ms\""), "name, TCP and TLS together"),
    Key::new(
        "first_byte",
        POSITIVE,
        Default::Value("\"10s\""),
        "from the sent request to the head of the answer",
    )
    .also(&["read", "response", "header"]),
    Key::new("idle", POSITIVE, Default::Value("\"30s\""), "longest silence within a body"),
    Key::new(
        "total",
        POSITIVE,
        Default::Value("\"60s\""),
        "the whole exchange, up to the head of the answer",
    )
    .also(&["request"]),
]);

static POOL: Shape = Shape::of(&[
    Key::new(
        "idle",
        Kind::Integer { least: 0, most: 65_535 },
        Default::Value("256"),
        "idle connections for each endpoint and worker; 0 keeps none",
    )
    .also(&["size", "max"]),
    Key::new(
        "idle_time",
        POSITIVE,
        Default::Value("\"4s\""),
        "how long an idle connection is kept; shorter than the upstream's own limit",
    )
    .also(&["idle_timeout", "ttl"]),
]);

static TLS: Shape = Shape::of(&[
    Key::new(
        "ca",
        Kind::Text(&format::PATH),
        Default::None("the system's"),
        "PEM file of the authorities that are trusted",
    )
    .example("\"tls/ca.pem\""),
    Key::new(
        "cert",
        Kind::Text(&format::PATH),
        Default::None("none is shown"),
        "PEM file of our own certificate chain",
    )
    .example("\"tls/me.pem\""),
    Key::new("key", Kind::Secret, Default::None("none"), "PEM of our own private key")
        .example("{ file = \"tls/me.key\" }"),
    Key::new(
        "server_name",
        Kind::Text(&format::SERVER_NAME),
        Default::None("the endpoint's host"),
        "the name that is verified and sent as SNI",
    )
    .also(&["sni"])
    .example("\"users.internal\""),
]);
