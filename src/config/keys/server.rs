//! `[server]`, `[listen.NAME]` and `[admin]`.

use super::{Default, Key, Kind, Others, POSITIVE, Shape, format};
use std::time::Duration;

pub(super) static SERVER: Shape = Shape::of(&[
    Key::new(
        "workers",
        Kind::Either(&[
            Kind::Words { now: &["auto"], later: &[] },
            Kind::Integer { least: 1, most: 1024 },
        ]),
        Default::Value("\"auto\""),
        "threads, each with its own sockets and pools; auto = the CPU quota",
    )
    .also(&["threads", "worker_processes"]),
    Key::new(
        "languages",
        Kind::List { of: &Kind::Text(&format::LANGUAGE), least: 1 },
        Default::Value("[\"fr\", \"en\"]"),
        "languages of error messages; the first is the fallback",
    )
    .also(&["language", "locales", "locale"]),
    Key::new(
        "trusted_proxies",
        Kind::List { of: &Kind::Text(&format::NETWORK), least: 0 },
        Default::Value("[]"),
        "whose Forwarded, X-Forwarded-*, PROXY protocol and x-request-id are believed",
    ),
    Key::new("limits", Kind::Table(&LIMITS), Default::Table, "bounds on what a client may send"),
    Key::new("shutdown", Kind::Table(&SHUTDOWN), Default::Table, "how the process ends"),
]);

static LIMITS: Shape = Shape::of(&[
    Key::new(
        "header",
        Kind::Size { least: 1 << 10, most: 1 << 20 },
        Default::Value("\"16KiB\""),
        "bytes of all header fields of a request together",
    ),
    Key::new(
        "headers",
        Kind::Integer { least: 1, most: 1000 },
        Default::Value("100"),
        "number of header fields of a request",
    ),
    Key::new(
        "uri",
        Kind::Size { least: 256, most: 64 << 10 },
        Default::Value("\"8KiB\""),
        "bytes of the request target",
    ),
    Key::new(
        "body",
        Kind::Size { least: 0, most: u64::MAX },
        Default::Value("\"2MiB\""),
        "bytes of a request body",
    )
    .also(&["client_max_body_size", "max_body"]),
    Key::new(
        "header_time",
        POSITIVE,
        Default::Value("\"10s\""),
        "time for a whole request head, and for a TLS handshake",
    ),
    Key::new(
        "body_idle",
        POSITIVE,
        Default::Value("\"30s\""),
        "longest silence within a body, in either direction",
    ),
    Key::new("idle", POSITIVE, Default::Value("\"60s\""), "longest silence between two requests")
        .also(&["keepalive_timeout", "keep_alive"]),
    Key::new(
        "connections",
        Kind::Integer { least: 1, most: 10_000_000 },
        Default::Value("20000"),
        "open client connections, over all workers",
    )
    .also(&["max_connections", "maxconn", "worker_connections"]),
    Key::new(
        "handshakes",
        Kind::Integer { least: 1, most: 1_000_000 },
        Default::Value("1000"),
        "TLS handshakes under way at once, for each worker; the oldest makes room",
    )
    .also(&["maxsslrate", "max_handshakes"]),
    Key::new(
        "memory",
        Kind::Size { least: 1 << 20, most: u64::MAX },
        Default::None("the limit of the cgroup, or else the machine's memory"),
        "memory of the process: near it idle connections close, then new requests get 503",
    )
    .also(&["memory_limit", "max_memory", "budget"])
    .example("\"512MiB\""),
]);

static SHUTDOWN: Shape = Shape::of(&[
    Key::new(
        "delay",
        Kind::Duration { least: Duration::ZERO },
        Default::Value("\"0s\""),
        "time between \"not ready\" and the end of accepting",
    ),
    Key::new(
        "drain",
        Kind::Duration { least: Duration::ZERO },
        Default::Value("\"30s\""),
        "time for exchanges under way to end",
    )
    .also(&["timeout", "grace"]),
]);

pub(super) static LISTEN: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "NAME",
        names: &format::NAME,
        kind: Kind::Table(&LISTENER),
        doc: "a listener, under the name that logs and metrics use",
        example: ("public", ""),
    }),
};

static LISTENER: Shape = Shape::of(&[
    Key::new(
        "bind",
        Kind::List { of: &Kind::Text(&format::ADDRESS), least: 1 },
        Default::Required,
        "addresses and ports to listen on",
    )
    .also(&["address", "addr", "port", "listen", "addresses"])
    .example("[\"127.0.0.1:8443\"]")
    .active(),
    Key::new(
        "protocols",
        Kind::List { of: &Kind::Words { now: &["h2", "http/1.1"], later: &[] }, least: 1 },
        Default::None("h2 and http/1.1 with TLS, http/1.1 without"),
        "versions of HTTP; h2 on a plain listener means prior knowledge",
    )
    .also(&["protocol", "alpn"])
    .example("[\"h2\", \"http/1.1\"]"),
    Key::new(
        "tls",
        Kind::Either(&[Kind::Table(&TLS), Kind::List { of: &Kind::Table(&TLS), least: 1 }]),
        Default::None("plain HTTP"),
        "the certificate, or a list of them chosen by SNI",
    )
    .also(&["ssl", "certificate", "cert"])
    .active(),
    Key::new(
        "plain",
        Kind::Words { now: &["refuse", "redirect", "allow"], later: &[] },
        Default::None("refuse, unless `tls` is set"),
        "without TLS: refuse (426), redirect (308 to https) or allow",
    )
    .example("\"refuse\""),
    Key::new(
        "proxy_protocol",
        Kind::Bool,
        Default::Value("false"),
        "whether connections begin with a PROXY header (v1 or v2) from a trusted proxy",
    ),
]);

static TLS: Shape = Shape::of(&[
    Key::new(
        "cert",
        Kind::Text(&format::PATH),
        Default::None("`self_signed` stands for it"),
        "PEM file of the certificate chain",
    )
    .also(&["certificate", "ssl_certificate", "chain"])
    .example("\"tls/api.pem\""),
    Key::new(
        "key",
        Kind::Secret,
        Default::None("`self_signed` stands for it"),
        "PEM of the private key",
    )
    .also(&["ssl_certificate_key", "private_key"])
    .example("{ file = \"tls/api.key\" }"),
    Key::new(
        "self_signed",
        Kind::List { of: &Kind::Text(&format::SERVER_NAME), least: 1 },
        Default::None("`cert` and `key` are read"),
        "names for a certificate made at start, for development",
    )
    .example("[\"localhost\"]")
    .active(),
    Key::new(
        "profile",
        Kind::Words { now: &["modern", "intermediate"], later: &[] },
        Default::Value("\"intermediate\""),
        "Mozilla's profiles: modern is TLS 1.3 alone, intermediate allows TLS 1.2 beside it",
    )
    .also(&["ciphers", "ssl_ciphers", "cipher_suites", "policy"]),
    Key::new(
        "min",
        Kind::Words { now: &["1.2", "1.3"], later: &[] },
        Default::None("what the profile allows"),
        "lowest version of TLS",
    )
    .also(&["min_version", "versions", "protocols"])
    .example("\"1.2\""),
    Key::new(
        "client_ca",
        Kind::Text(&format::PATH),
        Default::None("clients cannot prove a certificate"),
        "PEM file of the authorities that sign client certificates",
    )
    .example("\"tls/clients.pem\""),
    Key::new(
        "client_auth",
        Kind::Words { now: &["none", "optional", "required"], later: &[] },
        Default::Value("\"none\""),
        "whether clients prove a certificate; needs client_ca",
    )
    .also(&["verify_client", "ssl_verify_client"]),
    Key::new(
        "hsts",
        POSITIVE,
        Default::None("no Strict-Transport-Security"),
        "max-age of Strict-Transport-Security",
    )
    .example("\"365d\""),
]);

pub(super) static ADMIN: Shape = Shape::of(&[
    Key::new(
        "bind",
        Kind::Text(&format::ADDRESS),
        Default::None("no admin listener"),
        "address and port of livez, readyz and metrics; keep it on loopback",
    )
    .also(&["address", "addr", "port", "listen"])
    .example("\"127.0.0.1:9180\""),
    Key::new(
        "socket",
        Kind::Text(&format::PATH),
        Default::None("no control by commands"),
        "unix socket for `guichet status`, `reload` and `drain`; for the user who runs guichet alone",
    )
    .also(&["control", "stats_socket"])
    .example("\"/run/guichet/admin.sock\""),
    Key::new(
        "token",
        Kind::Secret,
        Default::None("the admin listener is read only"),
        "who shows it (Authorization: Bearer) may control guichet through the admin listener, too",
    )
    .example("{ env = \"GUICHET_ADMIN_TOKEN\" }"),
]);
