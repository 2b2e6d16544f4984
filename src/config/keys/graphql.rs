//! `[route.graphql]`.

use super::{Default, Key, Kind, POSITIVE, Shape};

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
        "limit on an operation up to the head of its answer; the route's `timeout`, if only that is set",
    ),
    Key::later("root_errors", LATER),
    Key::later("mutation_errors", LATER),
    Key::later("warnings", LATER),
    Key::later("inspect", LATER),
    Key::later("codes", LATER),
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

const LATER: &str = "reading of GraphQL replies";
