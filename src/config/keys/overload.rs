//! `[overload]`, and `in_flight` wherever it stands.

use std::time::Duration;

use super::{Default, Key, Kind, Shape, format};

pub(super) static OVERLOAD: Shape = Shape::of(&[
    in_flight("exchanges that the whole gateway carries at once: a number, or \"adaptive\""),
    Key::new(
        "queue",
        Kind::Table(&QUEUE),
        Default::Table,
        "who waits where `in_flight` is reached, of the gateway, a route or an upstream",
    ),
    Key::new(
        "reserve",
        Kind::Table(&RESERVE),
        Default::None("no room is kept"),
        "room of the gateway's `in_flight` that is kept for some routes",
    )
    .also(&["priority", "reserved"]),
]);

/// The same key for the gateway, a route and an upstream.
pub(super) const fn in_flight(doc: &'static str) -> Key {
    Key::new("in_flight", IN_FLIGHT, Default::None("as many as come"), doc)
        .also(&["max_in_flight", "concurrency", "max_requests", "maxconn", "max_conns"])
        .example("\"adaptive\"")
}

const IN_FLIGHT: Kind = Kind::Either(&[
    Kind::Words { now: &["adaptive"], later: &[] },
    Kind::Integer { least: 1, most: 1_000_000 },
]);

static QUEUE: Shape = Shape::of(&[
    Key::new(
        "depth",
        Kind::Integer { least: 0, most: 100_000 },
        Default::Value("512"),
        "requests that wait at once; 0 refuses at once",
    )
    .also(&["size", "length", "max"]),
    Key::new(
        "wait",
        Kind::Duration { least: Duration::ZERO },
        Default::Value("\"250ms\""),
        "longest wait; who would wait longer is refused at once",
    )
    .also(&["timeout", "max_wait", "delay"]),
]);

static RESERVE: Shape = Shape::of(&[
    Key::new(
        "routes",
        Kind::List { of: &Kind::Text(&format::ROUTES), least: 1 },
        Default::Required,
        "names of routes; `users.*` stands for all that begin so",
    )
    .also(&["route"])
    .example("[\"app\"]"),
    Key::new(
        "share",
        Kind::Text(&format::PERCENT),
        Default::Value("\"5%\""),
        "share of `in_flight` that only these routes can use",
    ),
]);
