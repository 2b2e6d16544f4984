use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

struct Values(Value);

impl Scope for Values {
    fn member(&self, root: &str, member: &str) -> Result<Option<Cow<'_, Value>>, String> {
        Ok(self.0.get(root).and_then(|root| root.get(member)).map(Cow::Borrowed))
    }
}

fn values() -> Values {
    Values(json!({
        "a": { "ok": true, "status": 200, "body": { "n": 7, "big": 18_446_744_073_709_551_615_u64,
            "f": 1.5, "t": "x\"y", "list": [1, 2, 3], "deep": { "z": null } } },
        "b": { "ok": false, "error": { "code": "fr.ammyGone" } },
        "input": { "id": "é/ü" },
    }))
}

fn evaluated(text: &str) -> Result<Value, String> {
    let expression = Expression::compile(text).map_err(|fault| fault.message)?;
    expression.evaluate(&values()).map(Cow::into_owned).map_err(|failure| failure.what)
}

#[test]
fn a_path_is_followed_and_all_else_is_worked_out() {
    for (text, value) in [
        ("a.body.n", json!(7)),
        ("a.body['n']", json!(7)),
        ("a.body.list[1]", json!(2)),
        ("a.body.big", json!(18_446_744_073_709_551_615_u64)),
        ("a.body.n + 1", json!(8)),
        ("a.body.f * 2.0", json!(3.0)),
        ("a.body.t + '!'", json!("x\"y!")),
        ("a.body.list.map(x, x * x)", json!([1, 4, 9])),
        ("a.body.list.filter(x, x > a.body.list[0])", json!([2, 3])),
        ("size(a.body.list) == 3 && a.ok", json!(true)),
        ("{'k': a.body.deep}", json!({ "k": { "z": null } })),
        ("b.ok ? b.body : null", json!(null)),
        ("has(b.body) ? 1 : 2", json!(2)),
        ("has(a.body.n)", json!(true)),
        ("b.error.code.endsWith('Gone')", json!(true)),
        ("a.body.t.matches('^x.y$')", json!(true)),
        ("string(a.status)", json!("200")),
        ("'é' + input.id", json!("éé/ü")),
    ] {
        assert_eq!(evaluated(text), Ok(value), "{text}");
    }
}

#[test]
fn what_has_no_value_says_why() {
    for (text, why) in [
        ("a.body.m", "`a.body` has no member `m`"),
        ("a.body.n.m", "`a.body.n` has no member `m`"),
        ("a.body.list[3]", "`a.body.list` has no item 3"),
        ("b.body", "`b` has no `body` here"),
        ("a.body.m + 1", "there is no member `m`"),
        ("a.body.n + 'x'", "`add` does not go with these two"),
        ("a.body.n / 0", "it divides by zero"),
    ] {
        let said = evaluated(text).unwrap_err();
        assert!(said.contains(why), "{text}: {said}");
    }
}

#[test]
fn reads_are_found_with_what_is_known_of_them() {
    let reads = |text: &str| -> Vec<(String, usize)> {
        let expression = Expression::compile(text).unwrap();
        let shown = |read: &Read| {
            let path: String = read.path.iter().map(ToString::to_string).collect();
            assert_eq!(text.get(read.at.clone()).unwrap(), format!("{}{path}", read.root));
            (format!("{}{path}", read.root), read.facts.len())
        };
        expression.reads().iter().map(shown).collect()
    };
    let owned = |all: &[(&str, usize)]| -> Vec<(String, usize)> {
        all.iter().map(|(path, facts)| ((*path).to_owned(), *facts)).collect()
    };
    assert_eq!(reads("a.body.x + b.status"), owned(&[("a.body.x", 0), ("b.status", 0)]));
    assert_eq!(
        reads("a.ok ? a.body : b.body"),
        owned(&[("a.ok", 0), ("a.body", 1), ("b.body", 1)])
    );
    assert_eq!(reads("a.ok && a.body.x > 1"), owned(&[("a.ok", 0), ("a.body.x", 1)]));
    assert_eq!(reads("!a.ok || a.body.x"), owned(&[("a.ok", 0), ("a.body.x", 1)]));
    assert_eq!(reads("a.body.map(x, x.y + b.status)"), owned(&[("a.body", 0), ("b.status", 0)]));
    let turned = Expression::compile("!(a.ok) ? a.error : 1").unwrap();
    assert_eq!(turned.reads()[1].facts[0], Fact::Ok("a".into(), false));
    let tested = Expression::compile("has(a.body.x) ? a.body.x : 0").unwrap();
    assert!(tested.reads()[0].tested && !tested.reads()[1].tested);
    assert_eq!(tested.reads()[1].facts.len(), 1);
}

#[test]
fn what_an_expression_may_cost_is_bounded() {
    let refused = |text: &str| Expression::compile(text).unwrap_err().message;
    assert!(refused(&format!("'{}'", "x".repeat(1100))).contains("1024 bytes"));
    assert!(refused("a.body.map(x, a.body.map(y, y))").contains("loop"));
    assert!(refused("a.body.matches(b.body)").contains("written out"));
    let many = Values(json!({ "a": { "body": vec![0; 1000] } }));
    let square = Expression::compile("a.body.map(x, a.body)").unwrap();
    let failure = square.evaluate(&many).unwrap_err();
    assert!(failure.what.contains("too much"), "{failure}");
    let many = Values(json!({ "a": { "body": vec![0; 100_001] } }));
    let sum = Expression::compile("size(a.body)").unwrap();
    assert!(sum.evaluate(&many).is_err());
    // What is only handed on is not counted.
    assert!(Expression::compile("a.body").unwrap().evaluate(&many).is_ok());
}

#[test]
fn holes_are_found_whatever_stands_in_them() {
    let parts = |text| scan(text).unwrap();
    assert_eq!(parts("a$$b$c"), [Part::Literal("a$"), Part::Literal("b$c")]);
    assert_eq!(parts("${a}${b}"), [Part::Hole("a", 2), Part::Hole("b", 6)]);
    let inside = "{'}': \"}\\\"}\"}['}']";
    let text = format!("x ${{{inside}}} y");
    let expected = [Part::Literal("x "), Part::Hole(inside, 4), Part::Literal(" y")];
    assert_eq!(parts(&text), expected);
    assert!(scan("${a").is_err() && scan("${'}").is_err());
}

#[test]
fn a_string_that_is_one_hole_keeps_the_type() {
    let filled = |text: &str| Template::of_text(text).unwrap().fill(&values()).unwrap();
    assert_eq!(filled("${a.body.n}"), json!(7));
    assert_eq!(filled("${a.body.n}!"), json!("7!"));
    assert_eq!(filled("5$$ ${a.ok}"), json!("5$ true"));
    assert_eq!(filled(""), json!(""));
    assert_eq!(filled("$$"), json!("$"));
    let failure = Text::compile("x${a.body.list}").unwrap().plain(&values()).unwrap_err();
    assert_eq!(failure.what, "it is a list, and text is due here");
}

proptest! {
    #[test]
    fn odd_texts_are_refused_and_nothing_panics(text in "[a-z0-9 .?:!&|+*(){}\\[\\]'\"$<>=,-]{0,24}") {
        let _ = Expression::compile(&text);
        let _ = Text::compile(&text);
    }

    #[test]
    fn json_comes_back_as_it_went(numbers in proptest::collection::vec(any::<i64>(), 0..8), text in ".*") {
        let value = json!({ "n": numbers, "t": text, "f": 0.5 });
        let scope = Values(json!({ "a": { "body": value } }));
        let whole = Expression::compile("true ? a.body : null").unwrap();
        prop_assert_eq!(&*whole.evaluate(&scope).unwrap(), &scope.0["a"]["body"]);
    }
}
