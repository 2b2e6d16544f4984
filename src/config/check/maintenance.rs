//! `[[maintenance]]`: which routes, when, for whom, and in which words.

use std::sync::Arc;

use super::{Check, overload};
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Maintenance, Route};
use crate::config::read::Section;
use crate::config::tree::{Node, Value};
use crate::config::value;

pub(super) fn windows(
    root: Section<'_>,
    routes: &[Route],
    languages: &[String],
    check: &mut Check<'_>,
) -> Vec<Maintenance> {
    let tables = root.tables("maintenance");
    tables.map(|(node, section)| window(node, section, routes, languages, check)).collect()
}

fn window(
    node: &Node,
    section: Section<'_>,
    routes: &[Route],
    languages: &[String],
    check: &mut Check<'_>,
) -> Maintenance {
    let moment = |key| match &section.node(key)?.value {
        Value::Datetime(text) => value::moment(text).ok(),
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Array(_)
        | Value::Table(_)
        | Value::Broken => None,
    };
    let (from, until) = (moment("from"), moment("until"));
    if let (Some(begin), Some(end)) = (&from, &until)
        && end <= begin
        && let (Some(at), Some(other)) = (section.node("until"), section.node("from"))
    {
        let made = Diagnostic::at(Id::Conflict, at.place, "it ends before it begins");
        check.push(made.other(other.place, "it begins here"));
    }
    let millis = |at: &jiff::Zoned| u64::try_from(at.timestamp().as_millisecond()).unwrap_or(0);
    let named = section.texts("routes");
    let words: Vec<&str> = named.iter().map(|word| word.text).collect();
    let all = named.is_empty();
    Maintenance {
        scope: if all { "*".to_owned() } else { words.join(",") },
        routes: (!all).then(|| overload::named(section, routes, check)),
        from: from.as_ref().map_or(0, millis),
        until: until.as_ref().map(millis),
        allow: section
            .texts("allow")
            .iter()
            .filter_map(|word| value::network(word.text).ok())
            .collect(),
        text: text(node, section, languages, until.as_ref(), check),
    }
}

/// The texts in the order of the languages: all of them or none. The end of a window is known now, so
/// it is written into them once.
fn text(
    node: &Node,
    section: Section<'_>,
    languages: &[String],
    until: Option<&jiff::Zoned>,
    check: &mut Check<'_>,
) -> Option<Arc<[Box<str>]>> {
    let place = section.node("text")?.place;
    let given = section.section("text");
    let end = until.map(|until| until.strftime("%Y-%m-%d %H:%M (UTC%:z)").to_string());
    let mut texts = Vec::new();
    for language in languages {
        let entry = given.entries().iter().find(|entry| entry.key.eq_ignore_ascii_case(language));
        let Some((entry, text)) = entry.and_then(|entry| Some((entry, entry.node.as_str()?)))
        else {
            let message = format!("the text is missing in `{language}`");
            let made = Diagnostic::at(Id::Incomplete, place, message);
            check.push(made.help("a text stands in every language of `server.languages`"));
            continue;
        };
        if text.contains("{until}") && end.is_none() {
            let message = "`{until}` stands in the text, and the window has no end";
            let made = Diagnostic::at(Id::Incomplete, entry.node.place, message);
            check.push(made.other(node.place, "this window").help("add `until = …`"));
        }
        texts.push(text.replace("{until}", end.as_deref().unwrap_or("…")).into_boxed_str());
    }
    for entry in given.entries() {
        if !languages.iter().any(|language| entry.key.eq_ignore_ascii_case(language)) {
            let message = format!("`{}` is not one of `server.languages`", entry.key);
            let made = Diagnostic::at(Id::NoEffect, entry.place, message);
            check.push(made.help("nobody is ever answered in it"));
        }
    }
    Some(texts.into())
}
