//! `[route.body]`.

use super::params::{MAX, MAX_LENGTH, MIN, MIN_LENGTH, ONE_OF, OPTIONAL, PATTERN, REPEATED, TYPE};
use super::{Default, Key, Kind, Others, Shape, format};

pub(super) static BODY: Shape = Shape::of(&[
    Key::new(
        "schema",
        Kind::Text(&format::PATH),
        Default::None("`fields` says what it is"),
        "file of the JSON Schema (2020-12) that a JSON body follows",
    )
    .also(&["json_schema", "file"])
    .example("\"schemas/user.json\""),
    Key::new(
        "formats",
        Kind::Bool,
        Default::Value("true"),
        "whether `format` in the schema is checked; 2020-12 itself leaves it open",
    ),
    Key::new(
        "limit",
        Kind::Size { least: 1, most: 16 << 20 },
        Default::Value("\"256KiB\""),
        "bytes of a body that is read; never more than server.limits.body",
    )
    .also(&["max", "size"]),
    OPTIONAL,
    Key::new(
        "fields",
        Kind::Table(&FIELDS),
        Default::None("`schema` says what it is"),
        "what is known about the fields of a form, urlencoded or multipart",
    )
    .also(&["form", "params"]),
]);

static FIELDS: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "NAME",
        names: &format::CAPTURE,
        kind: Kind::Table(&FIELD),
        doc: "a field by its name",
        example: ("email", ""),
    }),
};

static FIELD: Shape =
    Shape::of(&[TYPE, OPTIONAL, MIN, MAX, MIN_LENGTH, MAX_LENGTH, PATTERN, ONE_OF, REPEATED]);
