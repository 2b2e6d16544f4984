//! `[upstream.NAME]`: what is done about an upstream that fails. Each of these tables switches its
//! mechanism on by standing there, be it empty.

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
