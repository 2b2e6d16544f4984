//! The text of a document → the tree of `config`, with places. YAML 1.2 (core schema) and JSON, each
//! by its own parser: JSON has escapes that YAML does not read.
//!
//! Whatever is written, the tree is bounded: in its depth, and in its size with every alias written
//! out. `null` is [`Value::Broken`](crate::config::tree::Value::Broken), which JSON writes as null.

mod json;
mod yaml;

use std::collections::HashSet;
use std::ops::Range;

use crate::config::source::FileId;
use crate::config::tree::{Entry, Node};

/// Why a text is no document, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: Range<usize>,
    pub(super) message: String,
}

impl Fault {
    fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// Reads a text. What begins like JSON and is not, is read as YAML, whose flow style looks the same.
pub(super) fn read(file: FileId, name: &str, text: &str) -> Result<Node, Fault> {
    let is_json = name.ends_with(".json");
    if is_json || text.trim_start().starts_with('{') {
        match json::read(file, text) {
            Err(_) if !is_json => {}
            read => return read,
        }
    }
    yaml::read(file, text)
}

/// The first key that stands twice: two readers would take two different values.
fn twice(entries: &[Entry]) -> Option<Fault> {
    let mut known = HashSet::new();
    let again = entries.iter().find(|entry| !known.insert(entry.key.as_str()))?;
    let message = format!("`{}` stands here twice", crate::config::shape::quoted(&again.key));
    Some(Fault::new(again.place.span(), message))
}

const DEEPEST: usize = 100;
const MOST_NODES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::tree::Value;

    fn json_of(name: &str, text: &str) -> serde_json::Value {
        read(FileId::MAIN, name, text).unwrap().to_json()
    }

    fn refused(name: &str, text: &str) -> String {
        let fault = read(FileId::MAIN, name, text).unwrap_err();
        assert!(text.get(fault.at.clone()).is_some(), "{fault:?}");
        fault.message
    }

    #[test]
    fn both_languages_give_one_tree() {
        let yaml = "a: &x {b: [1, 2.5, true, null, '1']}\nc: *x\n\"d\": 0x10\ne: ~\nf: |\n  é\n";
        let json = r#"{"a":{"b":[1,2.5,true,null,"1"]},"c":{"b":[1,2.5,true,null,"1"]},
            "d":16,"e":null,"f":"\u00e9\n"}"#;
        assert_eq!(json_of("a.yaml", yaml), json_of("a.json", json));
        assert_eq!(json_of("a.yaml", json), json_of("a.json", json), "JSON by its looks");
        assert_eq!(json_of("a.yaml", "{a: b}"), serde_json::json!({"a": "b"}), "YAML after all");
        assert_eq!(json_of("a.json", r#"{"a":"\ud83d\ude00"}"#), serde_json::json!({"a": "😀"}));
    }

    #[test]
    fn places_are_those_of_the_text() {
        for (name, text) in
            [("a.yaml", "é: 1\nkey: value # x\n"), ("a.json", "{\"é\": 1, \"key\" : \"value\"}")]
        {
            let node = read(FileId::MAIN, name, text).unwrap();
            let Value::Table(table) = &node.value else { panic!("{node:?}") };
            let entry = table.entry("key").unwrap();
            assert_eq!(text[entry.place.span()].trim_matches('"'), "key");
            assert_eq!(text[entry.node.place.span()].trim_matches('"'), "value");
        }
    }

    #[test]
    fn what_has_no_bound_is_refused() {
        let bomb: String = (1..60).fold("a0: &a0 [x, x]\n".to_owned(), |text, at| {
            let below = at - 1;
            format!("{text}a{at}: &a{at} [*a{below}, *a{below}]\n")
        });
        assert!(refused("a.yaml", &bomb).contains("once its aliases are written out"));
        for levels in [120, 5000] {
            let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            assert!(levels > 120 || refused("a.yaml", &deep).contains("deep"));
            assert!(!refused("a.yaml", &deep).is_empty() && !refused("a.json", &deep).is_empty());
        }
        assert!(refused("a.yaml", "a: 1\na: 2\n").contains("twice"));
        assert!(refused("a.json", r#"{"a":1,"a":2}"#).contains("twice"));
        assert!(refused("a.yaml", "a: {<<: {b: 1}}\n").contains("`<<`"));
        assert!(refused("a.yaml", "[a]: 1\n").contains("name"));
        assert!(!refused("a.yaml", "a: [").is_empty());
        assert!(!refused("a.yaml", "").is_empty());
        assert!(!refused("a.json", "{\"a\": tru}").is_empty());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}:,&*a-c\"'|>#!%@\\- \n\u{e9}]{0,80}") {
            for name in ["a.yaml", "a.json"] {
                if let Err(fault) = read(FileId::MAIN, name, &text) {
                    prop_assert!(text.get(fault.at).is_some());
                }
            }
        }
    }
}
