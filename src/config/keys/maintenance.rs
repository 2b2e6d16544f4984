//! `[[maintenance]]`.

use super::{Default, Key, Kind, Others, Shape, format};

pub(super) static MAINTENANCE: Shape = Shape::of(&[
    Key::new(
        "routes",
        Kind::List { of: &Kind::Text(&format::ROUTES), least: 1 },
        Default::None("every route"),
        "names of routes; `users.*` stands for all that begin so",
    )
    .also(&["route"])
    .example("[\"app\"]"),
    Key::new(
        "from",
        Kind::Moment,
        Default::None("at once"),
        "when it begins: a date, a time and an offset",
    )
    .also(&["start", "begin", "since"])
    .example("2026-12-01T02:00:00+01:00"),
    Key::new(
        "until",
        Kind::Moment,
        Default::None("until the file says otherwise"),
        "when it ends; Retry-After comes from it",
    )
    .also(&["to", "end", "stop"])
    .example("2026-12-01T04:00:00+01:00"),
    Key::new(
        "allow",
        Kind::List { of: &Kind::Text(&format::NETWORK), least: 0 },
        Default::Value("[]"),
        "addresses and networks whose requests are served all the same",
    )
    .also(&["except", "allow_from", "bypass"]),
    Key::new(
        "text",
        Kind::Table(&TEXT),
        Default::None("the catalogue's"),
        "what clients are told, in every configured language; {until} stands for the end",
    )
    .also(&["message", "texts", "reason"]),
]);

static TEXT: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "LANGUAGE",
        names: &format::LANGUAGE,
        kind: Kind::Text(&format::TEXT),
        doc: "the text in a language",
        example: ("en", "\"Database upgrade: back at {until}.\""),
    }),
};
