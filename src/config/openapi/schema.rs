//! Schemas of bodies → JSON Schema 2020-12 that needs nothing around it: what references lead to is
//! brought along in `$defs`.
//!
//! Schemas of 3.1 are 2020-12 as they stand. Those of 3.0 are a dialect: `nullable`, bounds that are
//! excluded by a boolean, and a `$ref` beside which nothing counts. In both, a member that is
//! `readOnly` need not be in a request, whatever `required` says; one that is `writeOnly` has no place in
//! an answer.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use super::document::{Document, Fault, reference, table};
use crate::config::tree::{Node, Value};

/// The schema of what a client sends, complete.
pub(super) fn complete<'d>(document: &Document<'d>, schema: &'d Node) -> Result<Json, Fault> {
    let mut translation = Translation::of(document);
    let whole = translation.schema(schema)?;
    translation.close(whole)
}

/// The schema of what an upstream answers, complete.
pub(super) fn of_reply<'d>(document: &Document<'d>, schema: &'d Node) -> Result<Json, Fault> {
    let mut translation = Translation { is_reply: true, ..Translation::of(document) };
    let whole = translation.schema(schema)?;
    translation.close(whole)
}

/// An object with members of these schemas, complete.
pub(super) fn object<'d>(
    document: &Document<'d>,
    members: &[(&'d str, &'d Node)],
) -> Result<Json, Fault> {
    let mut translation = Translation::of(document);
    let mut properties = Map::new();
    for (name, node) in members {
        properties.insert((*name).to_owned(), translation.schema(node)?);
    }
    translation.close(json!({ "properties": properties }))
}

struct Translation<'t, 'd> {
    document: &'t Document<'d>,
    /// The name in `$defs` of what a reference leads to.
    names: HashMap<&'d str, String>,
    waiting: Vec<(String, &'d Node)>,
    left: usize,
    /// Whether it is of an answer.
    is_reply: bool,
}

impl<'t, 'd> Translation<'t, 'd> {
    fn of(document: &'t Document<'d>) -> Self {
        let (names, waiting) = (HashMap::new(), Vec::new());
        Self { document, names, waiting, left: MOST_SCHEMAS, is_reply: false }
    }

    /// The whole, with what its references lead to.
    fn close(mut self, mut whole: Json) -> Result<Json, Fault> {
        let mut definitions = Map::new();
        while let Some((name, node)) = self.waiting.pop() {
            definitions.insert(name, self.schema(node)?);
        }
        if let (Json::Object(whole), false) = (&mut whole, definitions.is_empty()) {
            whole.insert("$defs".to_owned(), Json::Object(definitions));
        }
        Ok(whole)
    }

    fn schema(&mut self, node: &'d Node) -> Result<Json, Fault> {
        if let Value::Boolean(yes) = node.value {
            return Ok(Json::Bool(yes));
        }
        if node.as_table().is_none() {
            return Err(Fault::new(node.place, "a schema is an object"));
        }
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| Fault::new(node.place, "the schema of one body is too large"))?;
        let mut out = Map::new();
        if let Some(to) = reference(node) {
            let name = self.name(to)?;
            out.insert("$ref".to_owned(), Json::String(format!("#/$defs/{name}")));
            if !self.document.is_31 {
                return Ok(Json::Object(out));
            }
        }
        for entry in &table(node).entries {
            self.keyword(&entry.key, &entry.node, &mut out)?;
        }
        self.one_way(node, &mut out);
        narrow(node, &mut out);
        if !self.document.is_31 {
            return Ok(self.of_30(node, out));
        }
        Ok(Json::Object(out))
    }

    fn keyword(
        &mut self,
        key: &str,
        node: &'d Node,
        out: &mut Map<String, Json>,
    ) -> Result<(), Fault> {
        let value = match key {
            "$ref" | "$schema" | "$comment" | "title" | "description" | "example" | "examples"
            | "default" | "deprecated" | "readOnly" | "writeOnly" | "xml" | "externalDocs"
            | "discriminator" | "nullable" => return Ok(()),
            "$id" | "$anchor" | "$dynamicAnchor" | "$dynamicRef" | "$vocabulary" => {
                let message =
                    format!("`{key}` is not read: references are pointers, `#/components/…`");
                return Err(Fault::new(node.place, message));
            }
            _ if key.starts_with("x-") => return Ok(()),
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
                let mut members = Map::new();
                for entry in &table(node).entries {
                    members.insert(entry.key.clone(), self.schema(&entry.node)?);
                }
                // `$defs` of a part would hide those of the whole.
                let key = if key == "$defs" { "definitions" } else { key };
                out.insert(key.to_owned(), Json::Object(members));
                return Ok(());
            }
            "items"
            | "additionalProperties"
            | "not"
            | "if"
            | "then"
            | "else"
            | "contains"
            | "propertyNames"
            | "unevaluatedItems"
            | "unevaluatedProperties" => self.schema(node)?,
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                let items = node.as_array().unwrap_or_default().iter();
                Json::Array(items.map(|item| self.schema(item)).collect::<Result<_, _>>()?)
            }
            _ => node.to_json(),
        };
        out.insert(key.to_owned(), value);
        Ok(())
    }

    fn name(&mut self, to: &'d Node) -> Result<String, Fault> {
        let text = to.as_str().unwrap_or_default();
        if let Some(name) = self.names.get(text) {
            return Ok(name.clone());
        }
        let node = self.document.lead(to)?;
        // A chain of nothing but references would be followed for ever.
        self.document.follow(node)?;
        let name = format!("s{}", self.names.len());
        self.names.insert(text, name.clone());
        self.waiting.push((name.clone(), node));
        Ok(name)
    }

    /// Takes what only the other side sends from `required`, and from answers what is in requests alone.
    fn one_way(&self, node: &'d Node, out: &mut Map<String, Json>) {
        let Some(properties) = table(node).node("properties").map(table) else { return };
        let word = if self.is_reply { "writeOnly" } else { "readOnly" };
        let is_other = |name: &str| {
            let found = properties.node(name).and_then(|member| {
                let own = table(member).node(word);
                own.or_else(|| table(self.document.follow(member).ok()?).node(word))
            });
            matches!(found.map(|node| &node.value), Some(Value::Boolean(true)))
        };
        if let Some(Json::Array(required)) = out.get_mut("required") {
            required.retain(|name| !name.as_str().is_some_and(is_other));
        }
        if let (true, Some(Json::Object(members))) = (self.is_reply, out.get_mut("properties")) {
            for (_, member) in members.iter_mut().filter(|(name, _)| is_other(name)) {
                *member = Json::Bool(false);
            }
        }
    }

    /// What 3.0 says in its own way.
    fn of_30(&self, node: &Node, mut out: Map<String, Json>) -> Json {
        for (bound, excluded) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")]
        {
            match out.remove(excluded) {
                Some(Json::Bool(true)) => {
                    if let Some(value) = out.remove(bound) {
                        out.insert(excluded.to_owned(), value);
                    }
                }
                Some(Json::Bool(false)) | None => {}
                Some(number) => {
                    out.insert(excluded.to_owned(), number);
                }
            }
        }
        let nullable = table(node).entry("nullable");
        let Some(nullable) =
            nullable.filter(|entry| matches!(entry.node.value, Value::Boolean(true)))
        else {
            return Json::Object(out);
        };
        // It adds null to the types; what the enum lists is all that there is (3.0.3, 4.7.24).
        let listed = out.get("enum").and_then(Json::as_array);
        if listed.is_some_and(|listed| !listed.contains(&Json::Null)) {
            self.document.note(nullable.place, IDLE_NULLABLE);
            return Json::Object(out);
        }
        match out.get("type").cloned() {
            Some(Json::String(word)) => {
                out.insert("type".to_owned(), json!([word, "null"]));
                Json::Object(out)
            }
            // Without a type it says nothing by the letter, and is meant so beside `allOf` all the same.
            _ => json!({ "anyOf": [{ "type": "null" }, out] }),
        }
    }
}

/// `int32` and `int64` are bounds, which no other reader of schemas knows.
fn narrow(node: &Node, out: &mut Map<String, Json>) {
    let (low, high) = match table(node).node("format").and_then(Node::as_str) {
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        Some("int64") => (i64::MIN, i64::MAX),
        _ => return,
    };
    let known = |key: &str, out: &Map<String, Json>| out.get(key).and_then(Json::as_f64);
    #[allow(clippy::cast_precision_loss, reason = "only to see which bound is the narrower one")]
    let (least, most) = (low as f64, high as f64);
    if known("minimum", out).is_none_or(|bound| bound < least) {
        out.insert("minimum".to_owned(), low.into());
    }
    if known("maximum", out).is_none_or(|bound| bound > most) {
        out.insert("maximum".to_owned(), high.into());
    }
}

const IDLE_NULLABLE: &str =
    "`nullable: true` has no effect beside an `enum` that does not list null: null is refused";
const MOST_SCHEMAS: usize = 50_000;

#[cfg(test)]
mod tests {
    use super::super::read::read;
    use super::*;
    use crate::config::FileId;

    fn translated(version: &str, schema: &str) -> Json {
        by(complete, version, schema)
    }

    fn by(
        complete: impl for<'d> Fn(&Document<'d>, &'d Node) -> Result<Json, Fault>,
        version: &str,
        schema: &str,
    ) -> Json {
        let text = format!(
            "{{openapi: {version}, s: {schema}, c: {{A: {{type: object, properties: \
             {{next: {{$ref: '#/c/A'}}}}}}, R: {{readOnly: true, type: string}}}}}}"
        );
        let root = read(FileId::MAIN, "a.yaml", &text).unwrap();
        let document = Document::of(&root).unwrap();
        let node = table(&root).node("s").unwrap();
        complete(&document, node).unwrap()
    }

    #[test]
    fn the_dialect_of_30_is_translated() {
        let said = translated(
            "3.0.3",
            "{type: object, nullable: true, required: [id, n], example: {a: 1}, properties: {\
             id: {readOnly: true, type: string}, n: {type: integer, minimum: 0, \
             exclusiveMinimum: true}, e: {nullable: true, type: string, enum: [a]}, \
             f: {nullable: true, type: string, enum: [a, null]}, a: {$ref: '#/c/A', type: string}}}",
        );
        let expected = json!({
            "type": ["object", "null"], "required": ["n"],
            "properties": {
                "id": { "type": "string" },
                "n": { "type": "integer", "exclusiveMinimum": 0 },
                "e": { "type": "string", "enum": ["a"] },
                "f": { "type": ["string", "null"], "enum": ["a", null] },
                "a": { "$ref": "#/$defs/s0" },
            },
            "$defs": { "s0": {
                "type": "object", "properties": { "next": { "$ref": "#/$defs/s0" } },
            } },
        });
        assert_eq!(said, expected);
    }

    #[test]
    fn what_is_only_written_has_no_place_in_an_answer() {
        let schema = "{type: object, nullable: true, required: [id, secret], properties: {\
             id: {readOnly: true, type: string}, secret: {writeOnly: true, type: string}}}";
        let expected = json!({
            "type": ["object", "null"], "required": ["id"],
            "properties": { "id": { "type": "string" }, "secret": false },
        });
        assert_eq!(by(of_reply, "3.0.3", schema), expected);
        let expected = json!(["secret"]);
        assert_eq!(translated("3.0.3", schema)["required"], expected);
    }

    #[test]
    fn widths_of_integers_are_bounds() {
        let said = translated("3.0.0", "{format: int64, minimum: 1, maximum: 1e30}");
        assert_eq!(said, json!({ "format": "int64", "minimum": 1, "maximum": i64::MAX }));
        let said = translated("3.1.0", "{format: int32, maximum: 5, exclusiveMaximum: 4}");
        let expected = json!({
            "format": "int32", "minimum": i32::MIN, "maximum": 5, "exclusiveMaximum": 4,
        });
        assert_eq!(said, expected);
    }

    #[test]
    fn schemas_of_31_stay_as_they_are() {
        let said = translated(
            "3.1.0",
            "{type: [object, 'null'], exclusiveMinimum: 0, const: null, required: [r], \
             properties: {r: {$ref: '#/c/R', maxLength: 3}}}",
        );
        let expected = json!({
            "type": ["object", "null"], "exclusiveMinimum": 0, "const": null, "required": [],
            "properties": { "r": { "$ref": "#/$defs/s0", "maxLength": 3 } },
            "$defs": { "s0": { "type": "string" } },
        });
        assert_eq!(said, expected);
    }
}
