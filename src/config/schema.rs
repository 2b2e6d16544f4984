//! The JSON Schema of the file (draft 2020-12), for editors. Made from the registry, so it knows
//! exactly what `check` knows of the form.

use serde_json::{Map, Value, json};

use super::keys::{Default, Format, Key, Kind, Others, ROOT, Shape};

/// The schema, as indented JSON.
pub fn schema() -> String {
    let mut root = object(&ROOT);
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    root["title"] = "guichet.toml".into();
    root["description"] =
        "Configuration of guichet, a gateway whose errors come out in one form".into();
    // Indented JSON of a value without floats that are not finite cannot fail.
    let mut text = serde_json::to_string_pretty(&root).unwrap_or_default();
    text.push('\n');
    text
}

fn object(shape: &'static Shape) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in shape.keys.iter().filter(|key| key.is_now()) {
        properties.insert(key.name.to_owned(), property(key));
        // Files that are included lack what the main file has, so the top requires little.
        if matches!(key.default, Default::Required) && !matches!(key.kind, Kind::Table(_)) {
            required.push(key.name);
        }
    }
    let mut made = json!({ "type": "object" });
    if !properties.is_empty() {
        made["properties"] = properties.into();
    }
    if !required.is_empty() {
        made["required"] = required.into();
    }
    match &shape.others {
        Some(Others { names, kind, doc, .. }) => {
            let mut inner = of(kind);
            inner["description"] = (*doc).into();
            made["additionalProperties"] = inner;
            if let Some(pattern) = names.pattern {
                // Fixed keys, such as `status` beside languages, follow the same pattern.
                made["propertyNames"] = json!({ "pattern": pattern });
            }
        }
        None => made["additionalProperties"] = false.into(),
    }
    if shape.keys.iter().any(|key| key.name == "status") && shape.others.is_some() {
        made.as_object_mut().map(|made| made.remove("propertyNames"));
    }
    made
}

fn property(key: &'static Key) -> Value {
    let mut made = of(&key.kind);
    made["description"] = key.doc.into();
    if let Default::Value(text) = key.default {
        made["default"] = from_toml(text);
    }
    if let Some(example) = key.example {
        made["examples"] = vec![from_toml(example)].into();
    }
    made
}

fn of(kind: &'static Kind) -> Value {
    match kind {
        Kind::Text(format) => text(format),
        Kind::Duration { .. } => variable_or(r"[0-9]+(ms|s|m|h|d)"),
        Kind::Size { .. } => variable_or(r"[0-9]+(B|KiB|MiB|GiB)"),
        Kind::Integer { least, most: i64::MAX } => json!({ "type": "integer", "minimum": least }),
        Kind::Integer { least, most } => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        // Editors for TOML hand a date on as a string.
        Kind::Moment => json!({ "type": "string", "format": "date-time" }),
        Kind::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Kind::Number => json!({ "type": "number" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::False => json!({ "const": false }),
        Kind::Words { now, .. } => {
            json!({ "anyOf": [{ "enum": now }, { "type": "string", "pattern": VARIABLE }] })
        }
        Kind::Secret => secret(),
        Kind::List { of: inner, least } => {
            let mut made = json!({ "type": "array", "items": of(inner) });
            if *least > 0 {
                made["minItems"] = (*least).into();
            }
            made
        }
        Kind::Table(shape) => object(shape),
        Kind::Tables(shape) => json!({ "type": "array", "items": object(shape) }),
        Kind::Either(kinds) => json!({ "anyOf": kinds.iter().map(of).collect::<Vec<_>>() }),
        Kind::Any => json!({}),
    }
}

fn secret() -> Value {
    let one = |key: &str| {
        json!({ "type": "object", "properties": { key: { "type": "string" } }, "required": [key],
                "additionalProperties": false })
    };
    json!({ "oneOf": [one("file"), one("env"), one("credential")] })
}

fn text(format: &Format) -> Value {
    match format.pattern {
        None => json!({ "type": "string" }),
        Some(pattern) => json!({
            "type": "string",
            "anyOf": [{ "pattern": pattern }, { "pattern": VARIABLE }],
        }),
    }
}

fn variable_or(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": format!("^{pattern}$|{VARIABLE}") })
}

/// A default or an example, which the laws of the registry hold to be TOML.
fn from_toml(text: &str) -> Value {
    let mut report = super::diagnostic::Report::default();
    let mut sources = super::source::Sources::default();
    let file = sources.add(String::new(), std::path::PathBuf::new(), format!("x = {text}"));
    super::parse::parse(file, &sources, &mut report)
        .and_then(|table| table.node("x").map(super::tree::Node::to_json))
        .unwrap_or(Value::Null)
}

/// Every string may name a variable, whose value the editor cannot know.
const VARIABLE: &str = r"\$\{env\.";
