//! What rules cannot say of forms and queries, and the schema of the document does.

use super::*;
use crate::parameter::{Pair, Tongue, Verdict};

#[test]
fn fields_of_forms_have_rules_where_they_are_plain() {
    let form = "{type: object, required: [n], properties: {n: {type: integer}, \
        l: {type: array, items: {enum: [a]}, maxItems: 2}, o: {type: object}, \
        z: {type: [integer, 'null']}, d: {type: array, items: {enum: [a]}}}}";
    let document = format!(
        "openapi: 3.1.0\npaths: {{/a: {{post: {{requestBody: {{content: {{multipart/form-data: {{\
         encoding: {{d: {{style: form, explode: false}}}}, schema: {form}}}}}}}}}}}, \
         /b: {{post: {{requestBody: {{content: {{multipart/form-data: {{schema: {form}}}, \
         application/x-www-form-urlencoded: {{schema: {{anyOf: [{form}, {{}}]}}}}}}}}}}}}}}\n"
    );
    let loaded = judged(&document, "").unwrap();
    let rule = loaded.config.routes[0].body.as_ref().unwrap();
    assert!(rule.multipart.is_some() && rule.urlencoded.is_none());
    let rules = &rule.fields().unwrap().rules;
    let takes: Vec<_> = rules.iter().map(|rule| rule.judge("x").is_ok()).collect();
    assert_eq!(takes, [false, false, true, true, true], "{rules:?}");
    let rule = loaded.config.routes[1].body.as_ref().unwrap();
    assert!(rule.multipart.is_some() && rule.urlencoded.is_some() && rule.fields().is_none());
    let said: Vec<_> = loaded.warnings.iter().map(|found| &*found.message).collect();
    assert_eq!(said, ["the document says more than is enforced: `encoding` of forms"]);
}

#[test]
fn a_query_is_held_to_what_only_a_schema_says() {
    let of = |name: &str, schema: &str| format!("{{in: query, name: {name}, schema: {schema}}}");
    let parameters = [
        of("kind", "{anyOf: [{const: all}, {const: some}, {type: integer, maximum: 3}]}"),
        of(
            "ids",
            "{oneOf: [{type: string, pattern: '^[0-9]+$'}, {type: array, items: {type: integer}, maxItems: 3}]}",
        ),
        of("step", "{type: integer, multipleOf: 5}"),
        of("tags", "{type: array, maxItems: 2, items: {enum: [a, b]}}"),
        of("share", "{type: number, exclusiveMinimum: 0}"),
        of("plain", "{type: integer}"),
    ];
    let document = format!(
        "openapi: 3.1.0\npaths: {{/a: {{get: {{parameters: [{}]}}}}}}\n",
        parameters.join(", ")
    );
    let loaded = judged(&document, "").unwrap();
    assert_eq!(loaded.warnings, []);
    let params = loaded.config.routes[0].params.as_ref().unwrap();
    let schema = &params.schemas[0].1;
    assert!(!schema.knows("plain"), "a rule says all of it");
    for (query, fine) in [
        (&[("kind", "all")][..], true),
        (&[("kind", "3")], true),
        (&[("kind", "none")], false),
        (&[("kind", "4")], false),
        (&[("kind", "all"), ("kind", "all")], false),
        (&[("ids", "x")], false),
        (&[("ids", "1"), ("ids", "2")], true),
        (&[("ids", "1"), ("ids", "2"), ("ids", "3"), ("ids", "4")], false),
        (&[("step", "10")], true),
        (&[("step", "11")], false),
        (&[("tags", "a"), ("tags", "b")], true),
        (&[("tags", "a"), ("tags", "b"), ("tags", "a")], false),
        (&[("share", "0")], false),
        (&[("share", "0.1")], true),
    ] {
        let pairs: Vec<_> = query
            .iter()
            .map(|(name, text)| Pair { name: (*name).into(), text: (*text).into(), is_file: false })
            .collect();
        let verdict = schema.judge_at(crate::problem::Place::Query, &pairs, &[Tongue::English]);
        assert_eq!(matches!(verdict, Verdict::Fine), fine, "{query:?}: {verdict:?}");
    }
    let rule = |name: &str| params.rules.iter().find(|rule| &*rule.name == name).unwrap();
    assert!(rule("kind").repeated && rule("kind").judge("none").is_ok(), "left to the schema");
    assert!(!rule("step").repeated && rule("step").judge("x").is_err());
}

#[test]
fn null_beside_an_enum_without_it_is_told() {
    let document = "openapi: 3.0.3\npaths: {/a: {post: {requestBody: {content: {application/json: \
        {schema: {properties: {e: {type: string, nullable: true, enum: [a]}}}}}}}}}\n";
    let loaded = judged(document, "").unwrap();
    let [said] = &*loaded.warnings else { panic!("{:?}", loaded.warnings) };
    assert_eq!((said.id, said.severity), (Id::Unenforced, Severity::Note));
    assert!(said.message.ends_with("null is refused"), "{}", said.message);
    assert_eq!(&document[said.span.clone().unwrap()], "nullable");
}
