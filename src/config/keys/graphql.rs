//! `[route.graphql]`.

use super::{Default, Key, Kind, Others, POSITIVE, Shape, format};

pub(super) static GRAPHQL: Shape = Shape::of(&[
    Key::new(
        "limits",
        Kind::Table(&LIMITS),
        Default::Table,
        "bounds on what an operation asks for",
    ),
    Key::new(
        "timeout",
        POSITIVE,
        Default::Value("\"10s\""),
        "limit on an operation, up to the end of a held reply; the route's `timeout`, if only that is set",
    ),
    Key::new(
        "root_errors",
        Kind::Words { now: &["annotate", "fatal", "pass"], later: &[] },
        Default::Value("\"annotate\""),
        "what errors at the root do to a reply: codes of the vocabulary, beside data or in place of them",
    ),
    Key::new(
        "mutation_errors",
        FIELDS,
        Default::Value("[\"errors\"]"),
        "lists in a payload (data.FIELD.NAME) that say that nothing was done: outcome `refused`",
    )
    .also(&["user_errors", "payload_errors"]),
    Key::new(
        "warnings",
        FIELDS,
        Default::Value("[\"warnings\"]"),
        "lists in a payload beside what was done: outcome `warning`",
    ),
    Key::new(
        "inspect",
        Kind::Size { least: 0, most: 16 << 20 },
        Default::Value("\"1MiB\""),
        "bytes of a reply that is held until it is judged; a longer one streams through, judged in passing",
    )
    .also(&["max_reply", "buffer"]),
    Key::new(
        "codes",
        Kind::Table(&CODES),
        Default::None("the spellings that guichet knows"),
        "which code a server means by its `extensions.code`, case aside",
    ),
    Key::new(
        "outcome_header",
        Kind::Bool,
        Default::Value("false"),
        "whether replies tell their outcome in `guichet-outcome`, where it is known with the head",
    ),
]);

static LIMITS: Shape = Shape::of(&[
    Key::new(
        "depth",
        Kind::Integer { least: 1, most: 128 },
        Default::Value("15"),
        "fields that stand in each other, fragments where they are spread",
    )
    .also(&["max_depth"]),
    Key::new(
        "tokens",
        Kind::Integer { least: 3, most: 1_000_000 },
        Default::Value("5000"),
        "tokens of a document",
    )
    .also(&["max_tokens"]),
    Key::new(
        "aliases",
        Kind::Integer { least: 0, most: 1_000_000 },
        Default::Value("30"),
        "fields under another name than their own",
    )
    .also(&["max_aliases"]),
    Key::new(
        "root_fields",
        Kind::Integer { least: 1, most: 1_000_000 },
        Default::Value("20"),
        "fields that stand in no other field",
    )
    .also(&["max_root_fields"]),
    Key::new(
        "introspection",
        Kind::Bool,
        Default::Value("true"),
        "whether __schema and __type may be asked for",
    ),
    Key::new(
        "batch",
        Kind::Bool,
        Default::Value("false"),
        "whether a request may hold a list of operations; the limits hold for all of them together",
    )
    .also(&["batching"]),
]);

const FIELDS: Kind = Kind::List { of: &Kind::Text(&format::FIELD), least: 0 };

static CODES: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "SPELLING",
        names: &format::SPELLING,
        kind: Kind::Text(&format::CODE),
        doc: "the code of the vocabulary that is meant",
        example: ("BAD_USER_INPUT", "\"InvalidParameter\""),
    }),
};
