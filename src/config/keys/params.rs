//! `[route.params]`, and what the fields of forms share with it.

use super::{Default, Key, Kind, Others, Shape, format};

pub(super) static PARAMS: Shape = Shape {
    keys: &[],
    others: Some(Others {
        placeholder: "NAME",
        names: &format::CAPTURE,
        kind: Kind::Table(&PARAM),
        doc: "a parameter by its name",
        example: ("id", ""),
    }),
};

static PARAM: Shape = Shape::of(&[
    Key::new(
        "in",
        Kind::Words { now: &["path", "query", "header", "cookie"], later: &[] },
        Default::Value("\"path\""),
        "where the parameter stands",
    ),
    Key::new(
        "identifier",
        Kind::Bool,
        Default::Value("false"),
        "it names a thing: a 404 of the upstream becomes InvalidIdentifier and names it",
    ),
    TYPE,
    OPTIONAL,
    Key::new(
        "default",
        VALUE,
        Default::None("the upstream decides"),
        "what the upstream gets where the parameter is absent; it is optional then",
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

pub(super) const TYPE: Key = Key::new(
    "type",
    Kind::Words {
        now: &[
            "string",
            "integer",
            "number",
            "boolean",
            "date",
            "date-time",
            "uuid",
            "email",
            "siret",
            "siren",
            "iban",
        ],
        later: &[],
    },
    Default::Value("\"string\""),
    "what its value is",
)
.also(&["format"]);

pub(super) const OPTIONAL: Key =
    Key::new("optional", Kind::Bool, Default::Value("false"), "whether it may be absent")
        .also(&["required"]);

pub(super) const MIN: Key =
    Key::new("min", Kind::Number, Default::None("no bound"), "the smallest integer or number")
        .also(&["minimum", "ge", "gte"])
        .example("1");

pub(super) const MAX: Key =
    Key::new("max", Kind::Number, Default::None("no bound"), "the largest integer or number")
        .also(&["maximum", "le", "lte"])
        .example("100");

pub(super) const MIN_LENGTH: Key = Key::new(
    "min_length",
    LENGTH,
    Default::None("1, so that it is not empty"),
    "fewest characters of a string; 0 lets it be empty",
)
.also(&["minLength"])
.example("0");

pub(super) const MAX_LENGTH: Key =
    Key::new("max_length", LENGTH, Default::None("no bound"), "most characters of a string")
        .also(&["maxLength"])
        .example("100");

pub(super) const PATTERN: Key = Key::new(
    "pattern",
    Kind::Text(&format::TEXT),
    Default::None("any text"),
    "a regular expression that is found in the string; ^ and $ hold it to the whole",
)
.also(&["regex", "regexp"])
.example("\"^[A-Z]{2}[0-9]+$\"");

pub(super) const ONE_OF: Key = Key::new(
    "one_of",
    Kind::List { of: &VALUE, least: 1 },
    Default::None("every value of its type"),
    "the only values",
)
.also(&["enum", "values", "choices"])
.example("[\"roles\", \"teams\"]");

pub(super) const REPEATED: Key = Key::new(
    "repeated",
    Kind::Bool,
    Default::Value("false"),
    "whether it may come several times; else once at most",
)
.also(&["multiple", "array", "explode"]);

const VALUE: Kind = Kind::Either(&[Kind::Text(&format::TEXT), Kind::Number, Kind::Bool]);
const LENGTH: Kind = Kind::Integer { least: 0, most: 1 << 24 };
