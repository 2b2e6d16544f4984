//! `[errors]`, and the rules that upstreams and routes share.

use super::{Default, Key, Kind, Others, POSITIVE, Shape, format};

pub(super) static ERRORS: Shape = Shape::of(&[
    Key::new(
        "prefix",
        Kind::Text(&format::PREFIX),
        Default::Value("\"fr.ammy\""),
        "stands before the name in every code: fr.ammyInvalidParameter",
    ),
    Key::new(
        "format",
        Kind::Words { now: &["json", "problem+json"], later: &[] },
        Default::Value("\"json\""),
        "shape of errors for clients that accept anything",
    ),
    Key::new(
        "docs",
        Kind::Text(&format::DOCS),
        Default::None("no links"),
        "where codes are documented: the link of a code is this and its name",
    )
    .example("\"https://api.example.fr/errors/\""),
    Key::new(
        "inspect",
        Kind::Size { least: 0, most: 16 << 20 },
        Default::Value("\"64KiB\""),
        "bytes of an upstream's error body that are read",
    ),
    Key::new(
        "retry_after",
        POSITIVE,
        Default::Value("\"5s\""),
        "Retry-After where nothing better is known",
    ),
    Key::new(
        "keep_headers",
        Kind::List { of: &Kind::Text(&format::HEADER), least: 0 },
        Default::Value("[]"),
        "headers of upstream errors that are kept, beside the built-in list",
    ),
    Key::new(
        "catalogue",
        Kind::Table(&CATALOGUE),
        Default::None("the built-in codes and texts"),
        "reword a code, or add one",
    )
    .also(&["catalog", "codes", "messages"]),
]);

static CATALOGUE: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "CODE",
        names: &format::NEW_CODE,
        kind: Kind::Table(&ENTRY),
        doc: "a text in every configured language; a status makes it a new code",
        example: (
            "OutOfStock",
            "{ status = 409, fr = \"Cet article n'est plus disponible.\", en = \"This item is no \
             longer available.\" }",
        ),
    }),
};

static ENTRY: Shape = Shape {
    keys: &[Key::new(
        "status",
        Kind::Integer { least: 400, most: 599 },
        Default::None("the built-in code's own"),
        "HTTP status of a new code",
    )
    .example("409")],
    others: Some(Others {
        placeholder: "LANGUAGE",
        names: &format::LANGUAGE,
        kind: Kind::Text(&format::TEXT),
        doc: "the message in this language",
        example: ("en", "\"This item is no longer available.\""),
    }),
};

/// `errors = [ … ]` of an upstream or a route.
pub(super) const RULES: Key = Key::new(
    "errors",
    Kind::List { of: &ONE_RULE, least: 0 },
    Default::Value("[]"),
    "rules that turn errors of the upstream into codes; the first that fits wins",
)
.also(&["error", "rules"]);

static ONE_RULE: Kind = Kind::Table(&RULE);

static RULE: Shape = Shape::of(&[
    Key::new("when", Kind::Table(&WHEN), Default::Table, "conditions that must all hold"),
    Key::new("raise", Kind::Text(&format::CODE), Default::Required, "the code that clients get")
        .also(&["code", "then"])
        .example("\"OutOfStock\""),
    Key::new(
        "take",
        Kind::Table(&TAKE),
        Default::Table,
        "what is taken from the upstream's JSON body, by JSON pointer",
    ),
]);

const CLASSES: Kind = Kind::Words { now: &["4xx", "5xx"], later: &[] };
const STATUS: Kind = Kind::Integer { least: 400, most: 999 };

static WHEN: Shape = Shape::of(&[
    Key::new(
        "status",
        Kind::Either(&[
            STATUS,
            CLASSES,
            Kind::List { of: &Kind::Either(&[STATUS, CLASSES]), least: 1 },
        ]),
        Default::None("every status of 400 and above"),
        "a status, a class such as \"4xx\", or a list of them",
    )
    .example("[402, \"5xx\"]"),
    Key::new(
        "json",
        Kind::Table(&POINTERS),
        Default::None("any body"),
        "JSON pointers and the values that must stand there",
    )
    .also(&["body"]),
]);

static POINTERS: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "POINTER",
        names: &format::POINTER,
        kind: Kind::Any,
        doc: "the value that must stand there",
        example: ("/error/code", "\"SOLD_OUT\""),
    }),
};

static TAKE: Shape = Shape::of(&[
    Key::new(
        "parameter",
        Kind::Text(&format::POINTER),
        Default::None("none"),
        "where the name of the parameter at fault stands",
    )
    .example("\"/error/field\""),
    Key::new(
        "message",
        Kind::Text(&format::POINTER),
        Default::None("the catalogue's"),
        "where a message stands that was meant for clients",
    )
    .example("\"/error/text\""),
    Key::new(
        "retry_after",
        Kind::Text(&format::POINTER),
        Default::None("none"),
        "where the seconds to wait stand",
    )
    .example("\"/error/wait\""),
]);
