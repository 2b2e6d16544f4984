//! `[flow.NAME]` and `[object.NAME]`.

use super::params::{MAX, MAX_LENGTH, MIN, MIN_LENGTH, ONE_OF, OPTIONAL, PATTERN, REPEATED};
use super::{Default, Key, Kind, Others, POSITIVE, Shape, format};

pub(super) static FLOW: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "NAME",
        names: &format::NAME,
        kind: Kind::Table(&ONE),
        doc: "an endpoint made of calls, under the name that routes and other flows use",
        example: ("create_person", ""),
    }),
};

static ONE: Shape = Shape::of(&[
    Key::new(
        "timeout",
        POSITIVE,
        Default::Value("\"10s\""),
        "limit on all of it; a step gets what is left",
    )
    .also(&["deadline"]),
    Key::new(
        "limit",
        Kind::Size { least: 1024, most: 64 << 20 },
        Default::Value("\"1MiB\""),
        "most bytes of a reply that a step reads, and of a body that it sends; more is a 502",
    )
    .also(&["max_reply", "buffer"]),
    Key::new(
        "input",
        Kind::Table(&INPUT),
        Default::None("only `input.body`"),
        "what it is given: from the path, the query or the body, or from the flow that calls it",
    )
    .also(&["inputs", "params", "parameters"]),
    Key::new(
        "returns",
        DECLARED,
        Default::None("anything"),
        "what its success is; checked before it leaves",
    )
    .also(&["return", "output", "type"])
    .example("\"object:person\""),
    Key::new(
        "step",
        Kind::Tables(&STEP),
        Default::Required,
        "the calls, one [[flow.NAME.step]] for each, in their order",
    )
    .also(&["steps", "call", "calls"])
    .example("[{ call = \"GET app:/people/${input.id}\" }]"),
    Key::new(
        "result",
        Kind::Tables(&RESULT),
        Default::None("the last step's reply, or the failing step's error"),
        "what leaves, one [[flow.NAME.result]] for each",
    )
    .also(&["results", "respond", "reply"]),
]);

static STEP: Shape = Shape::of(&[
    Key::new(
        "name",
        Kind::Text(&format::STEP),
        Default::None("step1, step2, … by place"),
        "the name that expressions, `next` and `on_error` use",
    )
    .also(&["id"])
    .example("\"lookup\""),
    Key::new(
        "call",
        Kind::Text(&format::CALL),
        Default::Required,
        "METHOD upstream:/path, or flow:NAME; ${…} in the path is percent-encoded",
    )
    .also(&["url", "request", "upstream", "to"])
    .example("\"POST app:/people/${input.id}\""),
    Key::new(
        "send",
        Kind::Any,
        Default::None("no body"),
        "the body, as JSON; or the input of the flow that is called",
    )
    .also(&["body", "json", "data", "with"])
    .example("{ id = \"${input.id}\" }"),
    Key::new(
        "headers",
        Kind::Table(&HEADERS),
        Default::None("those of every call"),
        "more headers of the call",
    )
    .also(&["header"]),
    Key::new(
        "timeout",
        POSITIVE,
        Default::None("what is left of the flow's"),
        "limit on this step",
    )
    .example("\"2s\""),
    Key::new(
        "when",
        Kind::Text(&format::EXPRESSION),
        Default::None("always"),
        "an expression: where it is false the step is skipped",
    )
    .also(&["if", "condition"])
    .example("\"input.id != ''\""),
    Key::new(
        "next",
        Kind::Text(&format::STEP),
        Default::None("the following step"),
        "the step or the result after a success",
    )
    .also(&["then", "on_success", "goto"])
    .example("\"done\""),
    Key::new(
        "on_error",
        Kind::Text(&format::STEP),
        Default::None("the flow ends with this step's error"),
        "the step or the result after a failure: a status of 400 or above, or no answer",
    )
    .also(&["catch", "else", "on_failure", "error"])
    .example("\"done\""),
    Key::new(
        "group",
        Kind::Text(&format::STEP),
        Default::None("by itself"),
        "steps in a row with the same group run side by side",
    )
    .also(&["parallel"])
    .example("\"all\""),
    Key::new(
        "graphql",
        Kind::Table(&GRAPHQL),
        Default::None("the body is `send`"),
        "a GraphQL operation, sent with POST; errors in its reply are a failure of the step",
    )
    .also(&["query", "mutation"]),
]);

static GRAPHQL: Shape = Shape::of(&[
    Key::new(
        "query",
        Kind::Text(&format::TEXT),
        Default::Required,
        "the document; values go into `variables`",
    )
    .also(&["mutation", "document", "operation"])
    .example("\"query($id: ID!) { person(id: $id) { name } }\""),
    Key::new(
        "variables",
        Kind::Any,
        Default::None("none"),
        "values of its variables, by their names",
    )
    .also(&["vars"])
    .example("{ id = \"${input.id}\" }"),
]);

static HEADERS: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "HEADER",
        names: &format::SENT_HEADER,
        kind: Kind::Text(&format::TEXT),
        doc: "a header by its name",
        example: ("x-tenant", "\"${input.id}\""),
    }),
};

static RESULT: Shape = Shape::of(&[
    Key::new(
        "name",
        Kind::Text(&format::STEP),
        Default::Required,
        "the name that `next` and `on_error` use",
    )
    .also(&["id"])
    .example("\"done\""),
    Key::new(
        "status",
        Kind::Either(&[Kind::Integer { least: 200, most: 599 }, Kind::Text(&format::HOLE)]),
        Default::None("200, or the error's own"),
        "HTTP status, below 400 with `data`, from 400 on with `error`",
    )
    .example("201"),
    Key::new("data", Kind::Any, Default::None("no body"), "what a success hands on")
        .also(&["body", "json", "value"])
        .example("\"${lookup.body}\""),
    Key::new(
        "error",
        Kind::Text(&format::TEXT),
        Default::None("a success"),
        "the error of a step, or a code of the vocabulary",
    )
    .also(&["raise", "code", "problem"])
    .example("\"${lookup.error}\""),
]);

static INPUT: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "NAME",
        names: &format::STEP,
        kind: Kind::Either(&[Kind::Text(&format::TYPE), Kind::Table(&GIVEN)]),
        doc: "a value by its name: its type, or a table with bounds",
        example: ("id", "\"uuid\""),
    }),
};

pub(super) static OBJECT: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "NAME",
        names: &format::NAME,
        kind: Kind::Table(&FIELDS),
        doc: "an object that flows hand to each other and to clients",
        example: ("person", ""),
    }),
};

static FIELDS: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "MEMBER",
        names: &format::CAPTURE,
        kind: DECLARED,
        doc: "a member by its name: its type, or a table with bounds",
        example: ("id", "\"uuid\""),
    }),
};

const DECLARED: Kind = Kind::Either(&[Kind::Text(&format::TYPE), Kind::Table(&FIELD)]);

static FIELD: Shape =
    Shape::of(&[TYPE, OPTIONAL, MIN, MAX, MIN_LENGTH, MAX_LENGTH, PATTERN, ONE_OF, REPEATED]);

static GIVEN: Shape = Shape::of(&[
    TYPE,
    OPTIONAL,
    Key::new(
        "default",
        Kind::Any,
        Default::None("it has to be given"),
        "what holds where it is absent; it is optional then",
    )
    .example("20"),
    MIN,
    MAX,
    MIN_LENGTH,
    MAX_LENGTH,
    PATTERN,
    ONE_OF,
    REPEATED,
]);

const TYPE: Key = Key::new(
    "type",
    Kind::Text(&format::TYPE),
    Default::Value("\"string\""),
    "string, integer, number, boolean, date, date-time, uuid, …, any, object or object:NAME",
)
.also(&["format"]);
