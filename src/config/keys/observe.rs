//! `[observe]`.

use super::{Default, Key, Kind, Shape, format};

pub(super) static OBSERVE: Shape = Shape::of(&[
    Key::new(
        "access_log",
        Kind::Either(&[Kind::False, Kind::Table(&ACCESS_LOG)]),
        Default::Table,
        "one JSON object a line for each exchange, or false",
    )
    .also(&["log", "access"]),
    Key::later("traces", "traces over OTLP"),
]);

static ACCESS_LOG: Shape = Shape::of(&[
    Key::new(
        "format",
        Kind::Words { now: &["json"], later: &[] },
        Default::Value("\"json\""),
        "shape of a line",
    ),
    Key::new(
        "to",
        Kind::Text(&format::LOG_TARGET),
        Default::Value("\"stdout\""),
        "stdout, stderr or a file that is appended to",
    )
    .also(&["file", "path", "output"]),
    Key::new("sample", Kind::Share, Default::Value("1.0"), "share of exchanges that are logged"),
    Key::new(
        "always",
        Kind::List { of: &Kind::Text(&format::ALWAYS), least: 0 },
        Default::Value("[\"error\", \"slow:1s\"]"),
        "exchanges that are logged whatever the sample",
    ),
]);
