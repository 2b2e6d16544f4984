use std::fs;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const TONGUES: &[Tongue] = &[Tongue::French, Tongue::English];

struct Nowhere;

impl jsonschema::Retrieve for Nowhere {
    fn retrieve(
        &self,
        uri: &jsonschema::Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("{uri} is not fetched").into())
    }
}

fn schema(schema: &Value) -> Schema {
    Schema::compile(schema, Path::new("/s.json"), Nowhere, true).unwrap()
}

/// `pointer reason` of each, with what is expected in English.
fn said(schema_of: &Value, document: &Value) -> Vec<String> {
    match schema(schema_of).judge(document.to_string().as_bytes(), TONGUES) {
        Verdict::Fine => Vec::new(),
        Verdict::Unreadable(why) => vec![why],
        Verdict::Wrong(said) => said
            .iter()
            .map(|one| format!("{} {} {}", one.name, one.reason.as_str(), one.expected[1]))
            .map(|line| line.trim_end().to_owned())
            .collect(),
    }
}

#[test]
fn everything_is_named_by_its_pointer() {
    let schema = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "minLength": 1 },
            "age": { "type": "integer", "minimum": 0 },
            "tags": { "type": "array", "items": { "enum": ["a", "b"] }, "uniqueItems": true },
            "a/b": { "type": ["string", "null"] },
            "born": { "format": "date" },
        },
        "required": ["name", "age"],
        "additionalProperties": false,
    });
    assert_eq!(said(&schema, &json!({ "name": "x", "age": 0 })), [""; 0]);
    let mut all = said(
        &schema,
        &json!({ "name": "", "tags": ["a", "secret"], "a/b": 1, "x~y": 1, "born": "secret" }),
    );
    all.sort();
    assert_eq!(
        all,
        [
            "/age missing",
            "/a~1b invalid null or a text",
            "/born invalid a text of the format date",
            "/name empty a value that is not empty",
            "/tags/1 invalid a or b",
            "/x~0y unknown",
        ]
    );
    assert_eq!(said(&schema, &json!([])), [" invalid an object"]);
}

#[test]
fn no_keyword_is_without_words_in_either_language() {
    for (schema_of, document) in [
        (json!({ "minimum": 1 }), json!(0)),
        (json!({ "maximum": 1 }), json!(2)),
        (json!({ "exclusiveMinimum": 1 }), json!(1)),
        (json!({ "exclusiveMaximum": 1 }), json!(1)),
        (json!({ "multipleOf": 2 }), json!(1)),
        (json!({ "maxLength": 1 }), json!("abc")),
        (json!({ "minItems": 1 }), json!([])),
        (json!({ "maxItems": 1 }), json!([1, 2])),
        (json!({ "minProperties": 1 }), json!({})),
        (json!({ "maxProperties": 0 }), json!({ "a": 1 })),
        (json!({ "uniqueItems": true }), json!([1, 1])),
        (json!({ "pattern": "^a" }), json!("b")),
        (json!({ "contains": { "const": 1 } }), json!([2])),
        (json!({ "const": "x" }), json!("y")),
        (json!({ "anyOf": [{ "const": 1 }, { "const": 2 }] }), json!(3)),
        (json!({ "oneOf": [{ "const": 1 }, true, true] }), json!(3)),
        (json!({ "oneOf": [{ "const": 1 }] }), json!(3)),
        (json!({ "not": {} }), json!(3)),
        (json!({ "propertyNames": { "maxLength": 1 } }), json!({ "abc": 1 })),
        (json!({ "prefixItems": [true], "items": false }), json!([1, 2])),
        (json!({ "unevaluatedItems": false }), json!([1])),
        (json!(false), json!(1)),
    ] {
        let Verdict::Wrong(said) =
            schema(&schema_of).judge(document.to_string().as_bytes(), TONGUES)
        else {
            panic!("{schema_of}")
        };
        let worded = said[0].reason == Reason::Unknown
            || said[0].expected.iter().all(|text| !text.is_empty());
        assert!(worded, "{schema_of}: {said:?}");
    }
}

#[test]
fn doubled_names_deep_nests_and_no_json_are_three_different_things() {
    let any = schema(&json!(true));
    assert!(matches!(any.judge(b"{", TONGUES), Verdict::Unreadable(_)));
    for (text, name) in [("{\"a\":1,\"a\":1}", "/a"), (&*"[".repeat(100), "")] {
        let Verdict::Wrong(said) = any.judge(text.as_bytes(), TONGUES) else { panic!("{text}") };
        assert_eq!((said.len(), said[0].name.as_str()), (1, name));
        assert!(!said[0].expected[0].is_empty());
    }
}

#[test]
fn fifty_are_told_at_most() {
    let list: Vec<u32> = (0..1000).collect();
    let told = said(&json!({ "items": { "type": "string" } }), &json!(list));
    assert_eq!((told.len(), told[49].as_str()), (50, "/49 invalid a text"));
}

#[test]
fn only_files_below_the_schema_are_read() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("schemas");
    fs::create_dir_all(folder.join("parts")).unwrap();
    fs::write(outside.path().join("secret.json"), "true").unwrap();
    fs::write(folder.join("parts/id.json"), r#"{ "type": "integer" }"#).unwrap();
    let load = |text: &str| {
        let file = folder.join("user.json");
        fs::write(&file, text).unwrap();
        Schema::load(&file, true, &mut Vec::new())
    };
    let local = load(r##"{ "properties": { "id": { "$ref": "parts/id.json" } } }"##).unwrap();
    assert!(matches!(local.judge(br#"{"id":1}"#, TONGUES), Verdict::Fine));
    assert!(matches!(local.judge(br#"{"id":"1"}"#, TONGUES), Verdict::Wrong(_)));
    for (text, why) in [
        (r#"{ "$ref": "../secret.json" }"#, "in the schema's folder"),
        (r#"{ "$ref": "http://127.0.0.1:9/x.json" }"#, "not fetched"),
        (r#"{ "$ref": "gone.json" }"#, "cannot be read"),
        (r#"{ "$schema": "http://json-schema.org/draft-07/schema#" }"#, "2020-12"),
        (r#"{ "type": "strin" }"#, "at `/type`"),
        (r#"{ "pattern": "(?=a)" }"#, "pattern"),
        (r#"{ "type": "string", "type": "string" }"#, "`/type` stands twice"),
        ("{", "not JSON"),
    ] {
        let refused = load(text).unwrap_err();
        assert!(refused.contains(why), "{text}: {refused}");
    }
    let none = Schema::load(&folder.join("none.json"), true, &mut Vec::new());
    assert!(none.unwrap_err().contains("No such file"));
}

/// A reference that leads back without looking at anything smaller says nothing, and ends.
#[test]
fn references_in_a_circle_end() {
    for circle in [
        json!({ "$ref": "#" }),
        json!({ "allOf": [{ "$ref": "#" }] }),
        json!({ "anyOf": [{ "$ref": "#" }, { "type": "object" }] }),
        json!({ "oneOf": [{ "$ref": "#" }] }),
        json!({ "not": { "$ref": "#" } }),
        json!({ "if": { "$ref": "#" }, "then": { "$ref": "#" }, "else": { "$ref": "#" } }),
        json!({ "dependentSchemas": { "a": { "$ref": "#" } } }),
        json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } }),
        json!({ "$ref": "#/$defs/a", "$defs": { "a": { "allOf": [{ "$ref": "#/$defs/a" }, true] } } }),
        json!({ "$dynamicRef": "#a", "$dynamicAnchor": "a" }),
        json!({ "$ref": "#", "unevaluatedProperties": { "$ref": "#" } }),
        json!({ "properties": { "a": { "$ref": "#" } }, "propertyNames": { "$ref": "#" } }),
    ] {
        let schema = schema(&circle);
        for document in ["{\"a\":{\"a\":[1]}}", "[[{}]]", "1"] {
            let _ = schema.judge(document.as_bytes(), TONGUES);
        }
        let deep = format!("{}1{}", "{\"a\":".repeat(64), "}".repeat(64));
        let _ = schema.judge(deep.as_bytes(), TONGUES);
    }
}

/// Long chains, and nests as deep as they may be, on a stack like that of a worker.
#[test]
fn long_chains_of_references_fit_the_stack() {
    let chain = |length: usize, link: &dyn Fn(String) -> Value| {
        let mut names = serde_json::Map::new();
        for at in 0..length {
            names.insert(format!("a{at}"), link(format!("#/$defs/a{}", at + 1)));
        }
        names.insert(format!("a{length}"), json!({ "type": "integer" }));
        json!({ "$ref": "#/$defs/a0", "$defs": names })
    };
    let plain = |to: String| json!({ "$ref": to });
    let within = |to: String| json!({ "allOf": [{ "$ref": to }] });
    for (length, link) in [(2000, &plain as &dyn Fn(String) -> Value), (2000, &within)] {
        match Schema::compile(&chain(length, link), Path::new("/s.json"), Nowhere, true) {
            Ok(schema) => {
                assert!(matches!(schema.judge(b"1", TONGUES), Verdict::Fine));
                assert!(matches!(schema.judge(b"\"1\"", TONGUES), Verdict::Wrong(_)));
            }
            Err(why) => assert!(why.contains("too long"), "{why}"),
        }
    }
}

/// By a reader that tries again from every place these would not end.
#[test]
fn no_text_makes_a_pattern_try_again() {
    let schema = json!({ "pattern": "^(a|a)*(a+)+$", "type": "string" });
    let text = format!("{}!", "a".repeat(100_000));
    assert_eq!(said(&schema, &json!(text)).len(), 1);
    assert_eq!(said(&schema, &json!("a".repeat(100_000))), [""; 0]);
}

/// Names that a client chooses cannot meet in one place of a table: objects are kept in order.
#[test]
fn names_by_the_thousand_are_read_in_their_order() {
    let names: Vec<String> = (0..20_000).map(|at| format!("{:x}", at ^ 0x2a5a)).collect();
    let object: serde_json::Map<_, _> = names.iter().map(|name| (name.clone(), json!(1))).collect();
    let schema = json!({ "additionalProperties": { "type": "integer" } });
    assert_eq!(said(&schema, &Value::Object(object.clone())), [""; 0]);
    assert!(object.keys().is_sorted(), "serde_json was built with another map");
}

proptest! {
    #[test]
    fn any_schema_is_compiled_or_refused(
        key in "(type|pattern|\\$ref|properties|items|enum|minimum|format|allOf|required|\\$defs|not)",
        value in "[\\[\\]{}\":,a-z#/$0-9.\\-]{0,24}",
    ) {
        for value in [value.clone(), format!("\"{}\"", value.replace('"', ""))] {
            let Ok(value) = serde_json::from_str::<Value>(&value) else { continue };
            if let Ok(schema) = Schema::inline(&json!({ key.clone(): value }), true) {
                let _ = schema.judge(b"{\"a\":[1,\"b\"]}", TONGUES);
            }
        }
    }

    #[test]
    fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in r#"[\[\]{}",:ab0-9]{0,30}"#) {
        let schema = schema(&json!({ "properties": { "a": { "type": "array", "items": { "type": "string" } } } }));
        let _ = (schema.judge(&bytes, TONGUES), schema.judge(text.as_bytes(), TONGUES));
    }
}

mod suite;
