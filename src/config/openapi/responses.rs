//! `responses` of an operation: what its answers are compared with, where that is asked for.
//!
//! Nothing here is a fault: who only reports does not keep a gateway from starting. What cannot be
//! looked at is told as a note, as what is not enforced of requests.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderName;

use super::document::{Document, reference, table};
use super::{schema, value};
use crate::base::media_type;
use crate::config::model::{Answer, ReplyMedia, ReplyRule, Statuses};
use crate::config::read::Section;
use crate::config::tree::{Entry, Node};
use crate::parameter::{FormSchema, Schema};

/// What was made of references: many operations lead to the same.
#[derive(Default)]
pub(super) struct Known<'d> {
    answers: RefCell<HashMap<&'d str, Arc<Answer>>>,
    schemas: RefCell<HashMap<&'d str, Option<Arc<Schema>>>>,
}

/// What is said of the answers of an operation; none where nothing is.
pub(super) fn responses<'d>(
    document: &Document<'d>,
    known: &Known<'d>,
    operation: (Section<'d>, &'d Entry),
    limit: u64,
) -> Option<Arc<ReplyRule>> {
    let (section, method) = operation;
    let mut answers = Vec::new();
    for entry in section.section("responses").entries() {
        match statuses(&entry.key) {
            Some(statuses) => answers.push((statuses, answer(document, known, entry))),
            None if entry.key.starts_with("x-") => {}
            None => {
                document.note(entry.place, "this is no status: answers are not compared with it")
            }
        }
    }
    if answers.is_empty() {
        document.note(method.place, unseen("operations that say nothing of their answers"));
        return None;
    }
    answers.sort_by_key(|(statuses, _)| *statuses);
    Some(Arc::new(ReplyRule { answers: answers.into(), limit }))
}

fn statuses(key: &str) -> Option<Statuses> {
    if key == "default" {
        return Some(Statuses::Rest);
    }
    let digit = key.bytes().next().filter(|digit| (b'1'..=b'5').contains(digit))?;
    match key.get(1..)? {
        "XX" | "xx" => Some(Statuses::Hundred(u16::from(digit - b'0'))),
        rest if rest.len() == 2 => key.parse().ok().map(Statuses::One),
        _ => None,
    }
}

fn answer<'d>(document: &Document<'d>, known: &Known<'d>, entry: &'d Entry) -> Arc<Answer> {
    let name = reference(&entry.node).and_then(Node::as_str);
    if let Some(answer) = name.and_then(|name| known.answers.borrow().get(name).cloned()) {
        return answer;
    }
    let answer = match document.follow(&entry.node) {
        Ok(node) => {
            let section = Section::of_node(node);
            let (required, fields, schema) = headers(document, section);
            Answer { media: media(document, known, section), required, fields, schema }
        }
        Err(_) => {
            document.note(entry.place, unseen("references that lead nowhere"));
            Answer::default()
        }
    };
    let answer = Arc::new(answer);
    if let Some(name) = name {
        known.answers.borrow_mut().insert(name, Arc::clone(&answer));
    }
    answer
}

fn media<'d>(document: &Document<'d>, known: &Known<'d>, answer: Section<'d>) -> Box<[ReplyMedia]> {
    let mut found: Vec<(&'d Entry, ReplyMedia)> = Vec::new();
    for entry in answer.section("content").entries() {
        let essence = media_type::essence(&entry.key);
        let Some((kind, subtype)) = essence.split_once('/') else {
            document.note(entry.place, unseen("media types without a slash"));
            continue;
        };
        let (kind, subtype): (Box<str>, Box<str>) = (kind.into(), subtype.into());
        let same = |one: &ReplyMedia| (&one.kind, &one.subtype) == (&kind, &subtype);
        if let Some((first, one)) = found.iter_mut().find(|(_, one)| same(one)) {
            if first.node.to_json() != entry.node.to_json() {
                document.note(entry.place, unseen("schemas by the parameters of a media type"));
                one.schema = None;
            }
            continue;
        }
        let schema = Section::of_node(&entry.node).node("schema");
        let may_be_json = &*subtype == "*" || media_type::is_json(&essence);
        let schema = match (may_be_json, schema) {
            (true, Some(node)) => of_json(document, known, node),
            (false, Some(node)) if says_something(document, node) => {
                document.note(entry.place, unseen("bodies that are not JSON"));
                None
            }
            (_, _) => None,
        };
        found.push((entry, ReplyMedia { kind, subtype, schema }));
    }
    let mut found: Vec<ReplyMedia> = found.into_iter().map(|(_, media)| media).collect();
    found.sort_by_key(|one| (&*one.kind == "*", &*one.subtype == "*"));
    found.into()
}

/// Whether a schema says more than that there is a text.
fn says_something<'d>(document: &Document<'d>, node: &'d Node) -> bool {
    document.follow(node).is_ok_and(|node| value::word(node) != "string")
}

fn of_json<'d>(document: &Document<'d>, known: &Known<'d>, node: &'d Node) -> Option<Arc<Schema>> {
    let name = reference(node).and_then(Node::as_str).filter(|_| table(node).entries.len() == 1);
    if let Some(schema) = name.and_then(|name| known.schemas.borrow().get(name).cloned()) {
        return schema;
    }
    let schema = schema::of_reply(document, node).ok();
    let schema = schema.and_then(|whole| Schema::inline(&whole, true).ok()).map(Arc::new);
    if schema.is_none() {
        document.note(node.place, unseen("bodies whose schema cannot be used"));
    }
    if let Some(name) = name {
        known.schemas.borrow_mut().insert(name, schema.clone());
    }
    schema
}

type Headers = (Box<[HeaderName]>, Box<[(HeaderName, Box<str>)]>, Option<FormSchema>);

/// The fields of an answer: those that have to be there, and those that are texts, numbers or booleans.
fn headers<'d>(document: &Document<'d>, answer: Section<'d>) -> Headers {
    let (mut required, mut fields, mut schemas) = (Vec::new(), Vec::new(), Vec::new());
    for entry in answer.section("headers").entries() {
        let Ok(name) = entry.key.parse::<HeaderName>() else {
            document.note(entry.place, unseen("fields whose names are none"));
            continue;
        };
        if OWN.contains(&name.as_str()) {
            continue;
        }
        let Ok(node) = document.follow(&entry.node) else {
            document.note(entry.place, unseen("references that lead nowhere"));
            continue;
        };
        let section = Section::of_node(node);
        if section.boolean("required") == Some(true) {
            required.push(name.clone());
        }
        match section.node("schema") {
            Some(node) if is_plain(document, node) => {
                fields.push((name, entry.key.as_str().into()));
                schemas.push((entry.key.as_str(), node));
            }
            Some(_) => {
                document.note(
                    entry.place,
                    unseen("fields that are lists or objects, or have alternatives"),
                );
            }
            None if section.has("content") => {
                document.note(entry.place, unseen("fields that are described by `content`"));
            }
            None => {}
        }
    }
    if schemas.is_empty() {
        return (required.into(), Box::default(), None);
    }
    let schema = schema::object(document, &schemas).ok();
    let schema = schema.and_then(|whole| FormSchema::inline(&whole, Vec::new()).ok());
    if let (None, Some((_, node))) = (&schema, schemas.first()) {
        document.note(node.place, unseen("fields whose schema cannot be used"));
    }
    (required.into(), fields.into(), schema)
}

/// Whether a field of this schema is one text, number or boolean.
fn is_plain<'d>(document: &Document<'d>, node: &'d Node) -> bool {
    let found = value::plain(document, node).ok().flatten();
    found.is_some_and(|node| !matches!(value::word(node), "array" | "object"))
}

fn unseen(what: &str) -> String {
    format!("the document says more of answers than is compared: {what}")
}

/// Fields that are no part of an answer's description, or that guichet itself sets.
const OWN: &[&str] = &[
    "content-type",
    "connection",
    "date",
    "transfer-encoding",
    "x-request-id",
    "strict-transport-security",
];
