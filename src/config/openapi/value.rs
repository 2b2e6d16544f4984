//! A schema of one value, as far as `[route.params]` can say it. What cannot be said is noted.

use super::document::{Document, Fault, reference, table};
use crate::config::read::Section;
use crate::config::source::Place;
use crate::config::tree::{Entry, Node, Table, Value};
use crate::parameter::Pattern;

pub(super) fn entry(key: &str, place: Place, value: Value) -> Entry {
    Entry { key: key.to_owned(), place, node: Node { place, value } }
}

/// Any text, empty or not.
pub(super) fn anything(rule: &mut Table, place: Place) {
    rule.entries.push(entry("min_length", place, Value::Integer(0)));
}

/// The schema behind references and behind compositions of one; none where several have a say, which is
/// noted.
pub(super) fn simple<'d>(
    document: &Document<'d>,
    schema: &'d Node,
) -> Result<Option<&'d Node>, Fault> {
    match behind(document, schema)? {
        Ok(at) => {
            let section = Section::of_node(at);
            if let Some(place) = section.place("not").or_else(|| section.place("if")) {
                document.remark(place, "`not` and `if` in the schemas of parameters");
            }
            Ok(Some(at))
        }
        Err(place) => {
            document.remark(place, "alternatives in the schemas of parameters");
            Ok(None)
        }
    }
}

/// As `simple`, and nothing is noted.
pub(super) fn plain<'d>(
    document: &Document<'d>,
    schema: &'d Node,
) -> Result<Option<&'d Node>, Fault> {
    Ok(behind(document, schema)?.ok())
}

/// Whether a value is one text, number or boolean, whichever of the alternatives it follows.
pub(super) fn is_scalar<'d>(document: &Document<'d>, schema: &'d Node) -> bool {
    is_scalar_within(document, schema, MOST_ALTERNATIVES)
}

fn is_scalar_within<'d>(document: &Document<'d>, schema: &'d Node, steps: usize) -> bool {
    let (Ok(node), Some(steps)) = (document.follow(schema), steps.checked_sub(1)) else {
        return false;
    };
    let section = Section::of_node(node);
    let types = section.node("type").and_then(Node::as_array).unwrap_or_default();
    let mut types = types.iter().filter_map(Node::as_str).chain([word(node)]);
    !types.any(|word| matches!(word, "array" | "object"))
        && ["allOf", "anyOf", "oneOf"]
            .iter()
            .flat_map(|key| section.items(key))
            .all(|item| is_scalar_within(document, item, steps))
}

/// Whether null is among the types of a schema, or alternatives have a say in that.
pub(super) fn may_be_null(schema: &Node) -> bool {
    let section = Section::of_node(schema);
    let types = section.node("type").and_then(Node::as_array).unwrap_or_default();
    section.boolean("nullable") == Some(true)
        || types.len() > 1
        || section.text("type").is_some_and(|word| word.text == "null")
        || ["anyOf", "oneOf"].iter().any(|key| section.has(key))
}

/// The schema, or the place where several have a say.
fn behind<'d>(document: &Document<'d>, schema: &'d Node) -> Result<Result<&'d Node, Place>, Fault> {
    let mut at = schema;
    for _ in 0..MOST_STEPS {
        if reference(at).is_some() {
            at = document.follow(at)?;
            continue;
        }
        let section = Section::of_node(at);
        let Some(key) = ["allOf", "anyOf", "oneOf"].into_iter().find(|key| section.has(key)) else {
            return Ok(Ok(at));
        };
        let mut real = section.items(key).iter().filter(|item| word(item) != "null");
        match (real.next(), real.next()) {
            (Some(one), None) if !section.has("type") => at = one,
            _ => {
                return Ok(Err(section.place(key).unwrap_or(at.place)));
            }
        }
    }
    Err(Fault::new(schema.place, "this schema leads to itself"))
}

/// The type of a schema, null aside; `string` where it has several or none.
pub(super) fn word(schema: &Node) -> &str {
    let Some(node) = table(schema).node("type") else {
        return if table(schema).node("properties").is_some() { "object" } else { "string" };
    };
    let mut words = node.as_array().unwrap_or_default().iter().filter_map(Node::as_str);
    let mut words = node.as_str().into_iter().chain(words.by_ref()).filter(|word| *word != "null");
    match (words.next(), words.next()) {
        (Some(one), None) => one,
        (None, _) if node.as_str() == Some("null") => "null",
        (Some(_), Some(_)) | (None, _) => "string",
    }
}

/// What is not held of a list's length.
pub(super) fn bounds_of_lists(document: &Document<'_>, schema: &Node) {
    for key in ["minItems", "maxItems", "uniqueItems"] {
        if let Some(place) = Section::of_node(schema).place(key) {
            document.remark(place, "how many values a list has");
        }
    }
}

/// Whether a schema says more of a value than a rule can hold, its items included.
pub(super) fn says_more(schema: &Node) -> bool {
    let section = Section::of_node(schema);
    let keywords = [
        "not",
        "if",
        "multipleOf",
        "minItems",
        "maxItems",
        "uniqueItems",
        "contains",
        "prefixItems",
    ];
    let excluded = ["exclusiveMinimum", "exclusiveMaximum"];
    let format = section.text("format").is_some_and(|word| FORMATS.contains(&word.text));
    keywords.iter().any(|key| section.has(key))
        || (word(schema) == "number" && excluded.iter().any(|key| section.has(key)))
        || format
        || section.node("items").is_some_and(says_more)
}

/// Writes what a schema of a scalar says as keys of a parameter. `whole` where the schema itself judges
/// what these cannot say.
pub(super) fn rule(document: &Document<'_>, schema: &Node, rule: &mut Table, whole: bool) {
    let section = Section::of_node(schema);
    let place = section.place("type").unwrap_or(schema.place);
    let mut push = |key: &str, place: Place, value: Value| {
        rule.entries.push(entry(key, place, value));
    };
    let format = section.text("format");
    let kind = match (word(schema), format.map(|word| word.text)) {
        ("integer", _) => "integer",
        ("number", _) => "number",
        ("boolean", _) => "boolean",
        (_, Some(format @ ("date" | "date-time" | "uuid" | "email"))) => format,
        (_, format) => {
            if let (Some(name), Some(word)) = (format, section.text("format"))
                && !matches!(name, "password" | "binary" | "byte" | "int64" | "string")
                && !(whole && FORMATS.contains(&name))
            {
                document.remark(word.place, format!("the format `{name}` of parameters"));
            }
            "string"
        }
    };
    push("type", place, Value::String(kind.to_owned()));
    match kind {
        "integer" => integer(section, &mut push),
        "number" => number(document, section, &mut push, whole),
        "string" => string(document, section, place, &mut push),
        _ => {}
    }
    if let Some(place) = section.place("multipleOf").filter(|_| !whole) {
        document.remark(place, "`multipleOf` of parameters");
    }
    let one = section.node("const").map(std::slice::from_ref);
    let items = one.unwrap_or_else(|| section.items("enum"));
    let items: Vec<Node> = items.iter().filter(|item| scalar(item)).cloned().collect();
    if !items.is_empty() {
        let place = section.place("enum").or_else(|| section.place("const"));
        push("one_of", place.unwrap_or(schema.place), Value::Array(items));
    }
    if let Some(node) = section.node("default").filter(|node| scalar(node)) {
        push("default", node.place, node.value.clone());
    }
}

fn scalar(node: &Node) -> bool {
    matches!(node.value, Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_))
}

fn integer(section: Section<'_>, push: &mut impl FnMut(&str, Place, Value)) {
    let narrow = section.text("format").is_some_and(|word| word.text == "int32");
    let (mut low, mut high) = (i64::MIN, i64::MAX);
    if narrow {
        (low, high) = (i64::from(i32::MIN), i64::from(i32::MAX));
    }
    let (least, most) = (bound(section, "minimum"), bound(section, "maximum"));
    let (over, under) = (bound(section, "exclusiveMinimum"), bound(section, "exclusiveMaximum"));
    let strictly = |key| section.boolean(key) == Some(true);
    if let Some((value, _)) = least {
        let least = whole(value.ceil());
        let strict = strictly("exclusiveMinimum") && value.fract() == 0.0;
        low = low.max(least.saturating_add(i64::from(strict)));
    }
    if let Some((value, _)) = most {
        let most = whole(value.floor());
        let strict = strictly("exclusiveMaximum") && value.fract() == 0.0;
        high = high.min(most.saturating_sub(i64::from(strict)));
    }
    if let Some((value, _)) = over {
        low = low.max(whole(value.floor()).saturating_add(1));
    }
    if let Some((value, _)) = under {
        high = high.min(whole(value.ceil()).saturating_sub(1));
    }
    let place = |found: Option<(f64, Place)>, other: Option<(f64, Place)>| {
        found.or(other).map(|(_, place)| place).or_else(|| section.place("format"))
    };
    if let (true, Some(place)) = (low > i64::MIN, place(least, over)) {
        push("min", place, Value::Integer(low));
    }
    if let (true, Some(place)) = (high < i64::MAX, place(most, under)) {
        push("max", place, Value::Integer(high));
    }
}

fn number(
    document: &Document<'_>,
    section: Section<'_>,
    push: &mut impl FnMut(&str, Place, Value),
    whole: bool,
) {
    for (key, plain, strict) in
        [("min", "minimum", "exclusiveMinimum"), ("max", "maximum", "exclusiveMaximum")]
    {
        if let Some(place) =
            section.place(strict).filter(|_| !whole && section.boolean(strict) != Some(false))
        {
            document.remark(place, "bounds of fractional parameters that are themselves excluded");
        }
        if let Some((value, place)) = bound(section, plain).or_else(|| bound(section, strict)) {
            push(key, place, Value::Float(value));
        }
    }
}

fn string(
    document: &Document<'_>,
    section: Section<'_>,
    place: Place,
    push: &mut impl FnMut(&str, Place, Value),
) {
    let length = |key| section.integer::<u32>(key).map(|length| i64::from(length.min(MOST_LENGTH)));
    let least = length("minLength").unwrap_or_default();
    push("min_length", section.place("minLength").unwrap_or(place), Value::Integer(least));
    if let Some((most, place)) = length("maxLength").zip(section.place("maxLength")) {
        push("max_length", place, Value::Integer(most));
    }
    if let Some(word) = section.text("pattern") {
        match Pattern::compile(word.text) {
            Ok(_) => push("pattern", word.place, Value::String(word.text.to_owned())),
            Err(_) => document.remark(word.place, "patterns that need backtracking"),
        }
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "bounds beyond 2^53 are those of a double in JSON, too"
)]
fn bound(section: Section<'_>, key: &str) -> Option<(f64, Place)> {
    let place = section.place(key)?;
    let value = match section.node(key)?.value {
        Value::Integer(number) => number as f64,
        Value::Float(number) => number,
        Value::String(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_)
        | Value::Table(_)
        | Value::Broken => return None,
    };
    Some((value, place))
}

#[allow(clippy::cast_possible_truncation, reason = "the cast keeps to the bounds of the type")]
fn whole(value: f64) -> i64 {
    value as i64
}

/// Formats that a schema judges and no type of parameters does.
const FORMATS: &[&str] =
    &["uri", "uri-reference", "iri", "time", "duration", "ipv4", "ipv6", "hostname", "regex"];
const MOST_STEPS: usize = 32;
/// Alternatives within alternatives that are looked into.
const MOST_ALTERNATIVES: usize = 8;
const MOST_LENGTH: u32 = 1 << 24;
