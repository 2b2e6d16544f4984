//! `responses`: what answers are compared with, and what is said of what they are not.

use super::*;
use crate::config::model::{Answer, ReplyRule};
use crate::parameter::Verdict;

const REPORT: &str = "responses = \"report\"";

fn ruled(document: &str) -> (Arc<ReplyRule>, Vec<String>) {
    let loaded = judged(document, REPORT).unwrap_or_else(|refused| {
        panic!("{}", refused.human(Colour::Never));
    });
    let said = loaded.warnings.iter().map(|found| {
        assert_eq!((found.id, found.severity), (Id::Unenforced, Severity::Note));
        found.message.clone()
    });
    let said = said.collect();
    (loaded.config.routes[0].replies.clone().expect("something is said"), said)
}

fn of(responses: &str) -> (Arc<ReplyRule>, Vec<String>) {
    ruled(&format!("openapi: 3.0.3\npaths:\n  /a:\n    get:\n      responses: {responses}\n"))
}

fn takes(answer: &Answer, media: &str, text: &str) -> bool {
    let schema = answer.media(media).unwrap().schema.as_ref().unwrap();
    matches!(schema.judge(text.as_bytes(), &[]), Verdict::Fine)
}

#[test]
fn the_more_precise_status_and_media_type_decide() {
    let json = |word: &str| format!("{{schema: {{type: {word}}}}}");
    let (rule, said) = of(&format!(
        "{{default: {{content: {{'*/*': {any}, 'application/*': {all}, application/json: {one}}}}}, \
         4xx: {{description: a}}, '404': {{content: {{text/html: {{}}}}}}, x-other: 1}}",
        any = json("boolean"),
        all = json("integer"),
        one = json("string"),
    ));
    assert_eq!(said, Vec::<String>::new());
    let rest = rule.answer(599).unwrap();
    assert!(takes(rest, "Application/JSON", "\"a\""));
    assert!(takes(rest, "application/x+json", "1") && !takes(rest, "application/x+json", "true"));
    assert!(takes(rest, "text/x+json", "true"));
    assert!(rule.answer(499).unwrap().media.is_empty());
    assert!(rule.answer(404).unwrap().media("text/html").is_some());
    assert!(rule.answer(404).unwrap().media("text/plain").is_none());
    assert_eq!(rule.limit, defaults::CHECKED_BODY);
    assert!(of("{2XX: {description: a}}").0.answer(300).is_none());
}

#[test]
fn nothing_is_looked_at_where_nobody_asks() {
    let document = "openapi: 3.1.0\npaths: {/a: {get: {responses: {'200': {$ref: '#/none'}}}}}\n";
    for lines in ["", "responses = \"off\""] {
        let loaded = judged(document, lines).unwrap();
        assert!(loaded.config.routes[0].replies.is_none() && loaded.warnings.is_empty());
    }
    assert!(judged(document, "responses = \"enforce\"").is_err());
}

#[test]
fn what_is_not_compared_is_told_and_keeps_nothing_from_starting() {
    for (responses, expected) in [
        ("{'200': {$ref: '#/none'}}", "references that lead nowhere"),
        ("{'200': {content: {application/json: {schema: {$ref: '#/none'}}}}}", "cannot be used"),
        ("{'200': {content: {application/json: {schema: {pattern: '(?=a)'}}}}}", "cannot be used"),
        ("{'200': {content: {application/xml: {schema: {type: object}}}}}", "not JSON"),
        ("{'200': {content: {json: {}}}}", "without a slash"),
        (
            "{'200': {content: {application/json;v=1: {schema: {type: string}}, \
             application/json;v=2: {schema: {type: integer}}}}}",
            "parameters of a media type",
        ),
        ("{'200': {headers: {A B: {schema: {type: string}}}}}", "names are none"),
        ("{'200': {headers: {A: {schema: {type: array}}}}}", "lists or objects"),
        ("{'200': {headers: {A: {content: {text/plain: {}}}}}}", "by `content`"),
        ("{'200': {headers: {A: {$ref: '#/none'}}}}", "references that lead nowhere"),
        (
            "{'200': {headers: {A: {schema: {type: string, format: a, $id: x}}}}}",
            "fields whose schema",
        ),
        ("{'200': {description: a}, '2000': {description: a}}", "no status"),
    ] {
        let (rule, said) = of(responses);
        assert!(said.len() == 1 && said[0].contains(expected), "{responses}: {said:?}");
        assert!(rule.answer(200).is_some());
    }
    let document = "openapi: 3.1.0\npaths: {/a: {get: {responses: {x-a: 1}}, put: {}}}\n";
    let loaded = judged(document, REPORT).unwrap();
    assert!(loaded.config.routes.iter().all(|route| route.replies.is_none()));
    let [said] = &*loaded.warnings else { panic!("{:?}", loaded.warnings) };
    assert!(said.message.contains("say nothing of their answers"), "{}", said.message);
    assert!(said.label.as_deref().is_some_and(|label| label.contains("one other place")));
}

#[test]
fn fields_are_those_that_the_upstream_sets() {
    let (rule, said) =
        of("{'200': {headers: {Content-Type: {required: true, schema: {type: integer}}, \
         X-Request-Id: {required: true}, X-A: {required: true}, x-b: {schema: {type: integer}}}}}");
    let answer = rule.answer(200).unwrap();
    assert_eq!((&*answer.required, said.len()), (&["x-a".parse().unwrap()][..], 0));
    let [(name, shown)] = &*answer.fields else { panic!("{:?}", answer.fields) };
    assert_eq!((name.as_str(), &**shown), ("x-b", "x-b"));
}
