//! `[upstream.NAME]`: what is done about an upstream that fails. Each of these tables switches its
//! mechanism on by standing there, be it empty.

use std::time::Duration;

use super::{Default, Key, Kind, POSITIVE, Shape, format};

pub(super) const RETRY: Key = Key::new(
    "retry",
    Kind::Table(&RETRIES),
    Default::None("another endpoint where none was reached; nothing that was sent is sent again"),
    "which requests are tried again after which failures",
)
.also(&["retries", "retry_policy", "next_upstream"]);

static RETRIES: Shape = Shape::of(&[
    Key::new(
        "attempts",
        Kind::Integer { least: 1, most: 10 },
        Default::Value("2"),
        "attempts at one request, the first included",
    )
    .also(&["tries", "max", "num_retries", "count"]),
    Key::new(
        "on",
        Kind::List { of: &Kind::Text(&format::RETRY_ON), least: 1 },
        Default::Value("[\"connect\", \"reset\", \"503\"]"),
        "failures worth another attempt: connect, reset, timeout, a status, 5xx",
    )
    .also(&["when", "retry_on", "conditions", "status"]),
    Key::new(
        "budget",
        Kind::Text(&format::PERCENT),
        Default::Value("\"20%\""),
        "requests sent again, in relation to requests, for each worker",
    )
    .also(&["retry_ratio", "max_ratio", "ratio"]),
]);

pub(super) const EJECT: Key = Key::new(
    "eject",
    Kind::Table(&EJECTION),
    Default::None("endpoints that fail go on being chosen"),
    "when an endpoint that fails is left alone, and for how long",
)
.also(&["outlier_detection", "max_fails", "passive_health"]);

static EJECTION: Shape = Shape::of(&[
    Key::new(
        "failures",
        Kind::Integer { least: 1, most: 1000 },
        Default::Value("5"),
        "failures in a row, as one worker sees them",
    )
    .also(&["consecutive", "max_fails"]),
    Key::new(
        "over",
        POSITIVE,
        Default::Value("\"10s\""),
        "the time within which these failures come",
    )
    .also(&["interval", "window", "fail_timeout"]),
    Key::new(
        "for",
        POSITIVE,
        Default::Value("\"10s\""),
        "how long it is out the first time; up to ten times as long if it goes on",
    )
    .also(&["time", "duration", "base_ejection_time"]),
]);

pub(super) const HEALTH: Key = Key::new(
    "health",
    Kind::Table(&PROBES),
    Default::None("endpoints are not probed"),
    "a request of its own, again and again, that says whether an endpoint is well",
)
.also(&["health_check", "healthcheck", "check", "probe", "health_checks"]);

static PROBES: Shape = Shape::of(&[
    Key::new(
        "path",
        Kind::Text(&format::PROBE),
        Default::Value("\"/\""),
        "what is asked for by GET; 200 to 399 is well",
    )
    .also(&["uri", "url", "http"]),
    Key::new(
        "every",
        Kind::Duration { least: Duration::from_millis(100) },
        Default::Value("\"5s\""),
        "the time between two probes, a tenth more or less",
    )
    .also(&["interval", "period"]),
    Key::new(
        "timeout",
        POSITIVE,
        Default::Value("\"1s\""),
        "for a whole probe, connecting included",
    ),
    Key::new(
        "down_after",
        Kind::Integer { least: 1, most: 100 },
        Default::Value("3"),
        "failed probes in a row that take an endpoint out",
    )
    .also(&["fall", "unhealthy_threshold", "fails"]),
    Key::new(
        "up_after",
        Kind::Integer { least: 1, most: 100 },
        Default::Value("2"),
        "good probes in a row that bring it back",
    )
    .also(&["rise", "healthy_threshold", "passes"]),
]);

pub(super) const BREAKER: Key = Key::new(
    "breaker",
    Kind::Table(&BREAKING),
    Default::None("an upstream that fails as a whole goes on being called"),
    "when an upstream that fails as a whole is spared, and for how long",
)
.also(&["circuit_breaker", "circuit_breakers"]);

static BREAKING: Shape = Shape::of(&[
    Key::new(
        "failures",
        Kind::Text(&format::PERCENT),
        Default::Value("\"50%\""),
        "the share of attempts that fail",
    )
    .also(&["threshold", "failure_rate", "ratio", "error_percent"]),
    Key::new("over", POSITIVE, Default::Value("\"10s\""), "the window in which they are counted")
        .also(&["window", "interval"]),
    Key::new(
        "at_least",
        Kind::Integer { least: 1, most: 1_000_000 },
        Default::Value("20"),
        "attempts in the window before it is judged, of all workers together",
    )
    .also(&["min_requests", "minimum", "request_volume_threshold"]),
    Key::new(
        "open",
        POSITIVE,
        Default::Value("\"5s\""),
        "how long calls are refused before one is let through to see",
    )
    .also(&["for", "timeout", "sleep_window", "break_for"]),
]);
