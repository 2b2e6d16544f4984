//! `requestBody` of an operation: JSON by its schema, a form by its fields.

use std::cell::RefCell;
use std::collections::HashMap;

use super::document::{Document, Fault, reference, table};
use super::value::{self, entry};
use super::{Known, schema};
use crate::config::read::Section;
use crate::config::source::Place;
use crate::config::tree::{Entry, Node, Table, Value};
use crate::parameter::Schema;

/// What a body is.
pub(super) enum Body {
    /// Nothing is known of it.
    Any,
    /// JSON.
    Json(Box<Known>),
    /// A form: `[route.body]`.
    Form(Entry),
}

/// Schemas that were compiled, by what refers to them: many operations take the same.
pub(super) type Compiled<'d> = RefCell<HashMap<&'d str, Schema>>;

pub(super) fn body<'d>(
    document: &Document<'d>,
    compiled: &Compiled<'d>,
    operation: Section<'d>,
    limit: Option<&Node>,
) -> Result<Body, Fault> {
    let Some(node) = operation.node("requestBody") else { return Ok(Body::Any) };
    let section = Section::of_node(document.follow(node)?);
    let optional = section.boolean("required") != Some(true);
    let media = section.section("content").entries();
    let (mut json, mut form, mut others) = (None, None, None);
    for entry in media {
        let essence = entry.key.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-www-form-urlencoded" | "multipart/form-data" => {
                form.get_or_insert(entry);
            }
            _ if essence == "application/json" || essence.ends_with("+json") => {
                json.get_or_insert(entry);
            }
            _ => {
                others.get_or_insert(entry);
            }
        }
    }
    let place = section.place("content").unwrap_or(node.place);
    let several = match (json, form, others) {
        (None, None, Some(_)) => "bodies that are neither JSON nor a form",
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            "bodies of which a client may choose the form"
        }
        (_, _, None) => "",
    };
    if !several.is_empty() {
        document.remark(place, several);
        return Ok(Body::Any);
    }
    match (json, form) {
        (Some(media), _) => known(document, compiled, media, optional),
        (None, Some(media)) => fields(document, media, optional, limit),
        (None, None) => Ok(Body::Any),
    }
}

fn known<'d>(
    document: &Document<'d>,
    compiled: &Compiled<'d>,
    media: &'d Entry,
    optional: bool,
) -> Result<Body, Fault> {
    let Some(node) = Section::of_node(&media.node).node("schema") else { return Ok(Body::Any) };
    let name = reference(node).and_then(Node::as_str).filter(|_| table(node).entries.len() == 1);
    if let Some(schema) = name.and_then(|name| compiled.borrow().get(name).cloned()) {
        return Ok(Body::Json(Box::new(Known { schema, optional })));
    }
    let whole = schema::complete(document, node)?;
    let schema = Schema::inline(&whole, true).map_err(|why| {
        Fault::new(node.place, format!("the schema of this body cannot be used: {why}"))
            .help("patterns have neither look-around nor back-references")
    })?;
    if let Some(name) = name {
        compiled.borrow_mut().insert(name, schema.clone());
    }
    Ok(Body::Json(Box::new(Known { schema, optional })))
}

fn fields<'d>(
    document: &Document<'d>,
    media: &'d Entry,
    optional: bool,
    limit: Option<&Node>,
) -> Result<Body, Fault> {
    let section = Section::of_node(&media.node);
    if let Some(place) = section.place("encoding") {
        document.remark(place, "`encoding` of forms");
    }
    let Some(node) = section.node("schema") else { return Ok(Body::Any) };
    let Some(node) = value::simple(document, node)? else { return Ok(Body::Any) };
    let section = Section::of_node(node);
    let required: Vec<&str> = section.texts("required").iter().map(|word| word.text).collect();
    let mut fields = Table::default();
    for entry in section.section("properties").entries() {
        if !entry.key.is_empty() {
            let needed = required.contains(&entry.key.as_str());
            let node = field(document, entry, needed)?;
            fields.entries.push(Entry { key: entry.key.clone(), place: entry.place, node });
        }
    }
    if fields.entries.is_empty() {
        return Ok(Body::Any);
    }
    let mut body = Table::default();
    body.entries.push(entry("fields", media.place, Value::Table(fields)));
    body.entries.push(entry("optional", media.place, Value::Boolean(optional)));
    if let Some(limit) = limit {
        body.entries.push(entry("limit", limit.place, limit.value.clone()));
    }
    Ok(Body::Form(entry("body", media.place, Value::Table(body))))
}

fn field<'d>(document: &Document<'d>, entry: &'d Entry, needed: bool) -> Result<Node, Fault> {
    let mut rule = Table::default();
    let place: Place = entry.place;
    let simple = value::simple(document, &entry.node)?;
    let (repeated, simple) = match simple {
        Some(list) if value::word(list) == "array" => {
            value::bounds_of_lists(document, list);
            let items = table(list).node("items");
            let items = items.map(|items| value::simple(document, items)).transpose()?.flatten();
            (true, items)
        }
        other => (false, other),
    };
    match simple {
        Some(simple) if !matches!(value::word(simple), "object" | "array") => {
            value::rule(document, simple, &mut rule);
        }
        Some(_) => {
            document.remark(place, "fields of forms that are objects");
            value::anything(&mut rule, place);
        }
        None => value::anything(&mut rule, place),
    }
    rule.entries.retain(|entry| entry.key != "default");
    if repeated {
        rule.entries.push(value::entry("repeated", place, Value::Boolean(true)));
    }
    if !needed {
        rule.entries.push(value::entry("optional", place, Value::Boolean(true)));
    }
    Ok(Node { place: entry.node.place, value: Value::Table(rule) })
}
