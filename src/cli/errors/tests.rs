//! What is printed reads back, and names every code.

use super::*;
use crate::problem::{BuiltIn, Override};

fn catalogue() -> Catalogue {
    let texts = [("fr", "Rupture | <b>{limit}</b>."), ("en", "Out | <b>{limit}</b>.")];
    let own = Override {
        name: "OutOfStock".into(),
        status: Some(409),
        texts: texts.map(|(tag, text)| (tag.into(), text.into())).into(),
    };
    Catalogue::new("fr.ammy", Some("https://x.example/"), &["fr".into(), "en".into()], &[own])
        .unwrap()
}

#[test]
fn every_format_names_every_code() {
    let catalogue = catalogue();
    for format in ErrorsFormat::value_variants() {
        let text = render(&catalogue, *format);
        for code in catalogue.codes() {
            assert!(text.contains(catalogue.full_code_text(code)), "{format:?}");
        }
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{format:?}");
    }
}

#[test]
fn the_table_is_aligned() {
    let text = render(&catalogue(), ErrorsFormat::Table);
    let mut lines = text.lines();
    let column = lines.next().unwrap().find("STATUS").unwrap();
    for line in lines {
        assert!(line[column..column + 3].parse::<u16>().is_ok(), "{line}");
    }
}

#[test]
fn json_holds_every_language() {
    let entries: Value = serde_json::from_str(&render(&catalogue(), ErrorsFormat::Json)).unwrap();
    let entries = entries.as_array().unwrap();
    assert_eq!(entries.len(), BuiltIn::ALL.len() + 1);
    assert_eq!(entries[0]["title"]["fr"], "Ressource introuvable");
    assert_eq!(entries[0]["when"], "No resource answers at this address.");
    let own = entries.last().unwrap();
    assert_eq!(own["built_in"], false);
    assert_eq!(own["when"], Value::Null);
    assert_eq!(own["message"]["en"], "Out | <b>{limit}</b>.");
}

#[test]
fn openapi_refers_to_what_exists() {
    let document: Value =
        serde_json::from_str(&render(&catalogue(), ErrorsFormat::Openapi)).unwrap();
    let mut open = vec![&document];
    let mut seen = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(target)) = members.get("$ref") {
                    let pointer = target.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{target}");
                    seen += 1;
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(seen > 60);
    let conflict = &document["components"]["responses"]["Error409"];
    let examples = &conflict["content"]["application/json"]["examples"];
    assert_eq!(examples["OutOfStock"]["value"]["code"], "fr.ammyOutOfStock");
    assert!(!examples["OutOfStock"]["value"]["message"].as_str().unwrap().contains('{'));
    let busy = &document["components"]["responses"]["Error503"]["headers"];
    assert!(busy.get("retry-after").is_some());
}

#[test]
fn markdown_escapes_an_operators_text() {
    let text = render(&catalogue(), ErrorsFormat::Markdown);
    assert!(text.contains("Out \\| \\<b>{limit}\\</b>."), "{text}");
    assert!(text.contains("{retry_after}"));
}
