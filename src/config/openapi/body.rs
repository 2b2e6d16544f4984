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

/// Schemas that were compiled, by what refers to them: many operations take the same.
pub(super) type Compiled<'d> = RefCell<HashMap<&'d str, Schema>>;

/// What is known of the body of an operation, and `[route.body]` where it may be a form.
pub(super) fn body<'d>(
    document: &Document<'d>,
    compiled: &Compiled<'d>,
    operation: Section<'d>,
    limit: Option<&Node>,
) -> Result<(Option<Known>, Option<Entry>), Fault> {
    let Some(node) = operation.node("requestBody") else { return Ok((None, None)) };
    let section = Section::of_node(document.follow(node)?);
    let optional = section.boolean("required") != Some(true);
    let (mut json, mut form, mut others) = (Kinds::None, Kinds::None, Kinds::None);
    for entry in section.section("content").entries() {
        let essence = entry.key.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-www-form-urlencoded" | "multipart/form-data" => form.add(entry),
            _ if essence == "application/json" || essence.ends_with("+json") => json.add(entry),
            _ => others.add(entry),
        }
    }
    for kinds in [&json, &form] {
        if let Kinds::Several(place) = kinds {
            document.remark(*place, "bodies whose schema depends on the kind of JSON, or of form");
        }
    }
    if let Kinds::One(Entry { place, .. }) | Kinds::Several(place) = &others {
        document.remark(*place, "bodies that are neither JSON nor a form");
    }
    let schema = json.one().map(|media| of_json(document, compiled, media)).transpose()?.flatten();
    let fields = form.one().map(|media| fields(document, media, optional, limit));
    let fields = fields.transpose()?.flatten();
    if schema.is_none() && fields.is_none() {
        return Ok((None, None));
    }
    // Nothing is known of one that has no schema, so that every one of its kind passes.
    let unknown = (json.is_any() && schema.is_none()) || (form.is_any() && fields.is_none());
    Ok((Some(Known { schema, optional, others: others.is_any() || unknown }), fields))
}

/// What stands under media types that are read in one way.
enum Kinds<'d> {
    None,
    One(&'d Entry),
    /// Different things, and where the second one stands.
    Several(Place),
}

impl<'d> Kinds<'d> {
    fn add(&mut self, entry: &'d Entry) {
        match self {
            Self::None => *self = Self::One(entry),
            Self::One(known) if known.node.to_json() == entry.node.to_json() => {}
            Self::One(_) => *self = Self::Several(entry.place),
            Self::Several(_) => {}
        }
    }

    fn one(&self) -> Option<&'d Entry> {
        match self {
            Self::One(entry) => Some(entry),
            Self::None | Self::Several(_) => None,
        }
    }

    fn is_any(&self) -> bool {
        !matches!(self, Self::None)
    }
}

/// The schema of JSON; none where there is nothing to hold anybody to.
fn of_json<'d>(
    document: &Document<'d>,
    compiled: &Compiled<'d>,
    media: &'d Entry,
) -> Result<Option<Schema>, Fault> {
    let Some(node) = Section::of_node(&media.node).node("schema") else { return Ok(None) };
    let name = reference(node).and_then(Node::as_str).filter(|_| table(node).entries.len() == 1);
    if let Some(schema) = name.and_then(|name| compiled.borrow().get(name).cloned()) {
        return Ok(Some(schema));
    }
    let whole = schema::complete(document, node)?;
    let schema = Schema::inline(&whole, true).map_err(|why| {
        Fault::new(node.place, format!("the schema of this body cannot be used: {why}"))
            .help("patterns have neither look-around nor back-references")
    })?;
    if let Some(name) = name {
        compiled.borrow_mut().insert(name, schema.clone());
    }
    Ok(Some(schema))
}

/// The fields of a form; none where nothing is known of them.
fn fields<'d>(
    document: &Document<'d>,
    media: &'d Entry,
    optional: bool,
    limit: Option<&Node>,
) -> Result<Option<Entry>, Fault> {
    let section = Section::of_node(&media.node);
    if let Some(place) = section.place("encoding") {
        document.remark(place, "`encoding` of forms");
    }
    let Some(node) = section.node("schema") else { return Ok(None) };
    let Some(node) = value::simple(document, node)? else { return Ok(None) };
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
        return Ok(None);
    }
    let mut body = Table::default();
    body.entries.push(entry("fields", media.place, Value::Table(fields)));
    body.entries.push(entry("optional", media.place, Value::Boolean(optional)));
    if let Some(limit) = limit {
        body.entries.push(entry("limit", limit.place, limit.value.clone()));
    }
    Ok(Some(entry("body", media.place, Value::Table(body))))
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
