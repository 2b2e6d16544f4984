//! What documents weigh, where they break, and that a parser with a tree agrees.

mod differential;

use super::*;

const PLENTY: u32 = 100_000;

fn skimmed(text: &str) -> Operation<'_> {
    skim(text, None, PLENTY).unwrap_or_else(|refusal| panic!("{refusal:?}: {text}"))
}

fn weight(text: &str) -> (u32, u32, u32) {
    let it = skimmed(text);
    (it.depth, it.aliases, it.root_fields)
}

#[test]
fn an_operation_is_named_and_counted() {
    let text = "mutation Buy($id: ID! = \"1\", $all: [[Int!]!]) @log(at: $id) {
        one: buy(id: $id, with: {a: [1, -2.5e3, {b: $all}], c: null, d: true, e: RED}) { ok }
        two: buy(id: \"\"\"2\"\"\") @skip(if: false) { ok, sum { value } }
    }";
    let it = skimmed(text);
    assert_eq!((it.kind, it.name), (OperationKind::Mutation, Some("Buy")));
    assert_eq!((it.depth, it.aliases, it.root_fields), (3, 2, 2));
    assert!(!it.introspection);
    let short = skimmed("{a}");
    assert_eq!((short.kind, short.name, short.tokens), (OperationKind::Query, None, 3));
    assert_eq!(skimmed("subscription {a}").kind, OperationKind::Subscription);
    assert!(skimmed("{ a { __schema { types } } }").introspection);
    assert!(skimmed("{ x: __type(name: \"A\") { name } }").introspection);
    assert!(!skimmed("{ __typename __schemas }").introspection);
}

#[test]
fn words_of_the_grammar_are_names_elsewhere() {
    let text = "query query($fragment: on) { on mutation: query fragment(true: null) { type } }";
    assert_eq!(skimmed(text).name, Some("query"));
    assert_eq!(weight(text), (2, 1, 3));
}

#[test]
fn fragments_count_where_they_are_spread() {
    assert_eq!(weight("{ a ...f } fragment f on Q { b c { d } }"), (2, 0, 3));
    assert_eq!(weight("{ a { ...f } } fragment f on A { x: b { c } }"), (3, 1, 1));
    assert_eq!(weight("{ a { ...f } b { ...f } } fragment f on A { x: c }"), (2, 2, 2));
    let nested = "{ ...f } fragment f on Q { a { ...g } } fragment g on A { b { ...h } } \
                  fragment h on B { c: c }";
    assert_eq!(weight(nested), (3, 1, 1));
    assert_eq!(weight("{ ... { a ... on Q @include(if: true) { b { c } } } }"), (2, 0, 2));
    assert_eq!(weight("{ a ...gone }"), (1, 0, 1), "whoever validates refuses that");
    assert_eq!(weight("{ a } fragment unused on A { b { c { d } } }"), (1, 0, 1));
}

#[test]
fn a_fragment_that_contains_itself_has_no_bottom() {
    let endless = (u32::MAX, u32::MAX, u32::MAX);
    assert_eq!(weight("{ ...f } fragment f on Q { a ...f }"), endless);
    let circle = "{ ...f } fragment f on Q { a { ...g } } fragment g on A { b { ...f } }";
    assert_eq!(weight(circle).0, u32::MAX);
    assert_eq!(weight("{ a } fragment f on Q { ...f }"), (1, 0, 1), "nobody spreads it");
}

#[test]
fn doubling_fragments_are_weighed_in_linear_time() {
    let mut text = String::from("{ ...f0 }");
    for at in 0..5000 {
        use std::fmt::Write as _;
        let next = at + 1;
        let _ = write!(text, "fragment f{at} on Q {{ a {{ ...f{next} }} b {{ ...f{next} }} }}");
    }
    text.push_str("fragment f5000 on Q { x: c }");
    assert_eq!(weight(&text), (5001, u32::MAX, 2));
}

#[test]
fn the_operation_that_is_wanted_is_the_one_that_counts() {
    let text = "query A { a } mutation B { b { c } }";
    assert_eq!(skim(text, Some("B"), PLENTY).unwrap().kind, OperationKind::Mutation);
    assert_eq!(skim(text, Some("A"), PLENTY).unwrap().depth, 1);
    for (text, wanted) in [
        (text, None),
        (text, Some("C")),
        ("{ a }", Some("A")),
        ("{ a } { b }", None),
        ("query A { a } query A { b }", Some("A")),
        ("fragment A on Q { a }", None),
        ("fragment A on Q { a }", Some("A")),
    ] {
        assert_eq!(skim(text, wanted, PLENTY), Err(Refusal::NoOperation), "{text}");
    }
}

#[test]
fn what_does_not_parse_is_shown_by_line_and_column() {
    for (text, line, column) in [
        ("", 1, 1),
        ("# nothing", 1, 10),
        ("{", 1, 2),
        ("{ }", 1, 3),
        ("{ a { } }", 1, 7),
        ("{ a() }", 1, 5),
        ("{ a: }", 1, 6),
        ("query {\n  a(b: )\n}", 2, 8),
        ("query ($a) { b }", 1, 10),
        ("query () { b }", 1, 8),
        ("query ($a: [Int) { b }", 1, 16),
        ("query ($a: Int!!) { b }", 1, 16),
        ("query ($a: Int = $b) { c }", 1, 18),
        ("query ($a: Int @b(c: $d)) { e }", 1, 22),
        ("{ a } }", 1, 7),
        ("{ a(b: [1}) }", 1, 10),
        ("{ a(b: {c 1}) }", 1, 11),
        ("{ ... }", 1, 7),
        ("{ ... on { a } }", 1, 10),
        ("{ ... @a }", 1, 10),
        ("fragment on on A { b }", 1, 10),
        ("fragment a { b }", 1, 12),
        ("type A { b: Int }", 1, 1),
        ("\"text\" query { a }", 1, 1),
        ("{ \u{e9} }", 1, 3),
        ("{ a(b: \"\u{e9}\" ?) }", 1, 12),
    ] {
        let found = skim(text, None, PLENTY);
        assert_eq!(found, Err(Refusal::Syntax(line, column)), "{text:?}");
    }
}

#[test]
fn tokens_and_nesting_are_bounded() {
    assert_eq!(skim("{ a b }", None, 4).unwrap().tokens, 4);
    assert_eq!(skim("{ a b }", None, 3), Err(Refusal::Tokens));
    assert_eq!(skim("{ a b c ?", None, 3), Err(Refusal::Tokens), "no further than that");
    let deep = |levels: usize| "{a".repeat(levels) + &"}".repeat(levels);
    assert_eq!(skim(&deep(128), None, PLENTY).unwrap().depth, 128);
    assert_eq!(skim(&deep(129), None, PLENTY), Err(Refusal::Nesting));
    let list = |levels: usize| format!("{{a(b: {}{})}}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(skim(&list(128), None, PLENTY).unwrap().depth, 1);
    assert_eq!(skim(&list(129), None, PLENTY), Err(Refusal::Nesting));
    assert_eq!(skim(&"[".repeat(1 << 20), None, PLENTY), Err(Refusal::Syntax(1, 1)));
}

#[test]
fn skimming_allocates_for_definitions_and_spreads_alone() {
    let long = format!("query A($a: [Int!]) {{ {} }}", "x: a(b: [1, \"c\"]) { d } ".repeat(500));
    let measured = allocation_counter::measure(|| {
        assert_eq!(skimmed(&long).aliases, 500);
    });
    assert!(measured.count_total <= 1, "{measured:?}");
}
