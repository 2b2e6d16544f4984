//! The skimmer beside a parser that builds a tree: what one takes, the other takes.
//!
//! Known differences. The parser takes more than the grammar of October 2021:
//! - descriptions before definitions and variables, which a later draft has;
//! - empty parentheses, and a document with nothing in it;
//! - types whose brackets do not pair, and `!!`;
//! - variables where a directive stands on a variable;
//! - form feeds, and control characters in comments.
//!
//! It takes less in strings: no character beyond U+FFFF (it panics in block strings), and no escape
//! that is half of a surrogate pair.

use cynic_parser::parse_executable_document;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

const CORPUS: &[&str] = &[
    "{ a }",
    "query A { a b: c d(e: 1) @f { g } }",
    "query A($a: Int = 1, $b: [ID!]! = [\"x\"]) @c(d: $a) { e(f: {g: [$a, 2.5], h: B}) { i } }",
    "mutation { a(b: \"\"\"block \\\"\"\" text\"\"\", c: \"\\u00e9\\n\") { ok errors { message } } }",
    "subscription S { a { ...f ... on B { c } ... @skip(if: true) { d } ... { e } } }
     fragment f on A @g(h: null) { i ...j } fragment j on A { k(l: true, m: -0.5e+3) }",
    "query on { on } fragment query on type { null: true(false: enum) }",
    "# comment\nquery A{a}query B{b}\r\n,,,\u{feff}{c}",
];

fn parsed(text: &str) -> bool {
    parse_executable_document(text).is_ok()
}

fn taken(text: &str) -> bool {
    match skim(text, None, PLENTY) {
        Ok(_) | Err(Refusal::NoOperation) => true,
        Err(Refusal::Syntax(..)) => false,
        Err(refusal) => panic!("{refusal:?}"),
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut lexer = Lexer::new(text);
    let mut tokens = Vec::new();
    while let Ok(token) = lexer.next()
        && token.kind != Kind::End
    {
        tokens.push(text[token.start..token.end].to_owned());
    }
    tokens
}

/// Whether the parser is known to take it, and the grammar does not.
fn is_lenient(text: &str) -> bool {
    let tokens = tokens(text);
    let described =
        |next: &str| matches!(next, "$" | "query" | "mutation" | "subscription" | "fragment");
    let mut braces = 0_i32;
    let mut outside = Vec::new();
    for token in &tokens {
        braces += i32::from(token == "{") - i32::from(token == "}");
        if braces == 0 {
            outside.push(token.as_str());
        }
    }
    let count = |bracket: &str| outside.iter().filter(|token| **token == bracket).count();
    let beside = |first: &str, second: &str| {
        tokens.windows(2).any(|two| two[0] == first && two[1] == second)
    };
    tokens.is_empty()
        || beside("(", ")")
        || beside("!", "!")
        || tokens.windows(2).any(|two| two[0].starts_with('"') && described(&two[1]))
        || outside.contains(&"@") && outside.windows(2).any(|two| two == [":", "$"])
        || count("[") != count("]")
}

/// What the parser takes and the skimmer refuses must be a known difference; never otherwise.
fn agree(text: &str) -> Result<(), TestCaseError> {
    match (taken(text), parsed(text)) {
        (true, false) => prop_assert!(false, "only skimmed: {text:?}"),
        (false, true) => prop_assert!(is_lenient(text), "only parsed: {text:?}"),
        (true, true) | (false, false) => {}
    }
    Ok(())
}

#[test]
fn the_corpus_is_taken_by_both() {
    for text in CORPUS {
        assert!(parsed(text) && taken(text), "{text}");
    }
}

#[test]
fn the_known_differences_are_still_there() {
    for text in [
        "\"about\" query { a }",
        "query (\"about\" $a: Int) { b }",
        "{ a() }",
        "# nothing",
        "query ($a: [Int) { b }",
        "query ($a: Int!!) { b }",
        "query ($a: Int @b(c: $a)) { d }",
    ] {
        assert!(parsed(text) && !taken(text) && is_lenient(text), "{text}");
    }
    assert!(taken("{ a(b: \"\u{1f600}\") }") && !parsed("{ a(b: \"\u{1f600}\") }"));
    assert!(parsed("{ a }\u{c}") && !taken("{ a }\u{c}"));
}

fn change() -> impl Strategy<Value = (Index, Index, u8, &'static str)> {
    let words = select(vec![
        "{", "}", "(", ")", ":", "$", "@", "=", "...", "on", "a", "query", "fragment", "1",
        "\"s\"", "&", "|", "null",
    ]);
    (any::<Index>(), any::<Index>(), 0..4_u8, words)
}

proptest! {
    #[test]
    fn whole_tokens_may_come_and_go(
        text in select(CORPUS),
        changes in proptest::collection::vec(change(), 1..4),
    ) {
        let mut tokens = tokens(text);
        for (at, other, how, word) in changes {
            let (at, other) = (at.index(tokens.len()), other.index(tokens.len()));
            // Brackets of types stay where they are: the parser does not look whether they pair.
            let fixed = |at: usize| matches!(tokens[at].as_str(), "[" | "]" | "!");
            match (how, fixed(at), fixed(other)) {
                (0, false, _) if tokens.len() > 1 => drop(tokens.remove(at)),
                (1, ..) => tokens.insert(at, word.to_owned()),
                (2, false, false) => tokens.swap(at, other),
                (3, false, _) => word.clone_into(&mut tokens[at]),
                _ => {}
            }
        }
        agree(&tokens.join(" "))?;
        // Without the spaces some tokens become others.
        agree(&tokens.concat())?;
    }

    #[test]
    fn whatever_is_skimmed_is_parsed(
        text in select(CORPUS),
        at in any::<Index>(),
        length in 0..3_usize,
        with in "[{}()\\[\\]:!$@\"\\\\.#,a0e +\n\r\u{e9}-]{0,3}",
    ) {
        let letters: Vec<char> = text.chars().collect();
        let at = at.index(letters.len());
        let rest = letters.get(at + length..).unwrap_or_default();
        let text: String = letters[..at].iter().copied().chain(with.chars()).collect();
        let text = text + &rest.iter().collect::<String>();
        prop_assert!(!taken(&text) || parsed(&text), "{text:?}");
    }

    #[test]
    fn nothing_makes_it_panic(text in "\\PC{0,200}", most in 0..50_u32) {
        let _ = skim(&text, None, most);
        let _ = skim(&text, Some("a"), u32::MAX);
    }
}
