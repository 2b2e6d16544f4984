//! `respond = { … }`: a fixed success, or an error of the vocabulary.

use bytes::Bytes;
use http::HeaderValue;

use super::Check;
use super::errors::Codes;
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::Respond;
use crate::config::read::Section;
use crate::config::source::Place;
use crate::config::tree::Node;

pub(super) fn respond(node: &Node, codes: &Codes, check: &mut Check<'_>) -> Option<Respond> {
    let section = Section::of_node(node);
    node.as_table()?;
    let bodies: Vec<(&str, Place)> = ["json", "text", "html"]
        .into_iter()
        .filter_map(|key| section.place(key).map(|place| (key, place)))
        .collect();
    if let Some(place) = section.place("code") {
        let extra = section.place("status").map(|place| ("status", place));
        if let Some((key, extra)) = extra.into_iter().chain(bodies).next() {
            let message = format!("`{key}` and `code` exclude each other");
            check.push(
                Diagnostic::at(Id::Conflict, extra, message)
                    .other(place, "the code decides status and body")
                    .help(format!("take `{key}` away, or `code`")),
            );
        }
        let code = section.text("code").and_then(|word| codes.resolve(word, check));
        return code.map(Respond::Problem);
    }
    if let [(_, first), (key, second), ..] = bodies.as_slice() {
        let message = format!("a reply has one body, and `{key}` is a second one");
        check.push(Diagnostic::at(Id::Conflict, *second, message).other(*first, "the first body"));
    }
    let status: u16 = section.integer("status").unwrap_or(defaults::RESPOND_STATUS);
    let place = section.node("status").map_or(node.place, |node| node.place);
    if status >= 400 {
        let message = format!("{status} is an error, and errors come from the vocabulary");
        check.push(
            Diagnostic::at(Id::BadRespond, place, message)
                .help("name the error instead: `respond = { code = \"Gone\" }`")
                .help("`guichet errors` lists the codes"),
        );
    }
    if let (204 | 205 | 304, Some((key, body))) = (status, bodies.first()) {
        let message = format!("a reply with status {status} has no body");
        check.push(
            Diagnostic::at(Id::BadRespond, *body, message).help(format!("take `{key}` away")),
        );
    }
    let text = |key| section.text(key).map(|word| Bytes::from(word.text.to_owned()));
    let (content_type, body) = if let Some(json) = section.node("json") {
        ("application/json", Some(Bytes::from(json.to_json().to_string())))
    } else if let Some(html) = text("html") {
        ("text/html; charset=utf-8", Some(html))
    } else {
        ("text/plain; charset=utf-8", text("text"))
    };
    Some(Respond::Fixed {
        status,
        content_type: HeaderValue::from_static(content_type),
        body: body.unwrap_or_default(),
    })
}
