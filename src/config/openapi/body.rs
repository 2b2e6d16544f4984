//! `requestBody` of an operation: JSON by its schema, a form by its fields.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::document::{Document, Fault, reference, table};
use super::value::{self, entry};
use super::{Known, schema};
use crate::base::media_type;
use crate::config::read::Section;
use crate::config::source::Place;
use crate::config::tree::{Entry, Node, Table, Value};
use crate::parameter::{FormSchema, Schema};

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
    let (mut json, mut others) = (Kinds::None, Kinds::None);
    let (mut urlencoded, mut multipart) = (None, None);
    for entry in section.section("content").entries() {
        let essence = media_type::essence(&entry.key);
        match essence.as_str() {
            "application/x-www-form-urlencoded" => urlencoded = Some(entry),
            "multipart/form-data" => multipart = Some(entry),
            essence if media_type::is_json(essence) => json.add(entry),
            _ => others.add(entry),
        }
    }
    if let Kinds::Several(place) = json {
        document.remark(place, "bodies whose schema depends on the kind of JSON");
    }
    if let Kinds::One(Entry { place, .. }) | Kinds::Several(place) = &others {
        document.remark(*place, "bodies that are neither JSON nor a form");
    }
    let schema = json.one().map(|media| of_json(document, compiled, media)).transpose()?.flatten();
    let form = |media: Option<&'d Entry>| {
        media.map(|media| of_form(document, media)).transpose().map(Option::flatten)
    };
    // Fields by themselves are those of a form that is the same however it is written.
    let same = match (urlencoded, multipart) {
        (Some(one), Some(other)) if one.node.to_json() != other.node.to_json() => None,
        (one, other) => one.or(other),
    };
    let fields = same.map(|media| fields(document, media, optional, limit));
    let fields = fields.transpose()?.flatten();
    let known = Known {
        urlencoded: form(urlencoded)?,
        multipart: form(multipart)?,
        schema,
        optional,
        others: others.is_any(),
    };
    if known.schema.is_none() && known.urlencoded.is_none() && known.multipart.is_none() {
        return Ok((None, None));
    }
    // Nothing is known of one that has no schema, so that every one of its kind passes.
    let unknown = (json.is_any() && known.schema.is_none())
        || (urlencoded.is_some() && known.urlencoded.is_none())
        || (multipart.is_some() && known.multipart.is_none());
    Ok((Some(Known { others: known.others || unknown, ..known }), fields))
}

/// What stands under the media types of JSON, or under those that are not read.
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

/// The schema of a form; none where there is nothing to hold anybody to.
fn of_form<'d>(
    document: &Document<'d>,
    media: &'d Entry,
) -> Result<Option<Arc<FormSchema>>, Fault> {
    let section = Section::of_node(&media.node);
    let Some(node) = section.node("schema") else { return Ok(None) };
    let encoded = section.section("encoding").entries().iter();
    let opaque = encoded.filter(|entry| is_opaque(&entry.node));
    let opaque = opaque.inspect(|entry| document.remark(entry.place, "`encoding` of forms"));
    let opaque = opaque.map(|entry| entry.key.clone()).collect();
    let whole = schema::complete(document, node)?;
    match FormSchema::inline(&whole, opaque) {
        Ok(schema) => Ok(Some(Arc::new(schema))),
        Err(_) => {
            document.remark(node.place, "forms whose patterns need backtracking");
            Ok(None)
        }
    }
}

/// Whether what `encoding` says of a field makes other texts of it than are read: lists in one value,
/// objects by `deepObject`, media types that are neither plain text nor JSON.
fn is_opaque(encoding: &Node) -> bool {
    let section = Section::of_node(encoding);
    let kinds = section.text("contentType").map_or("", |word| word.text).split(',');
    let mut kinds = kinds.map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let read = |kind: &str| matches!(kind, "" | "text/plain" | "application/json");
    section.has("style") || section.has("explode") || !kinds.all(read)
}

/// The fields of a form, each by itself; none where alternatives have a say in what they are.
fn fields<'d>(
    document: &Document<'d>,
    media: &'d Entry,
    optional: bool,
    limit: Option<&Node>,
) -> Result<Option<Entry>, Fault> {
    let section = Section::of_node(&media.node);
    let encoding = section.section("encoding");
    let Some(node) = section.node("schema") else { return Ok(None) };
    let Some(node) = value::plain(document, node)? else { return Ok(None) };
    let section = Section::of_node(node);
    let required: Vec<&str> = section.texts("required").iter().map(|word| word.text).collect();
    let mut fields = Table::default();
    for entry in section.section("properties").entries() {
        if !entry.key.is_empty() {
            let needed = required.contains(&entry.key.as_str());
            let opaque = encoding.node(&entry.key).is_some_and(is_opaque);
            let node = field(document, entry, needed, opaque)?;
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

/// A field that is one text of one type, or a list of them, has a rule; any other one is left to the schema
/// of the whole form.
fn field<'d>(
    document: &Document<'d>,
    entry: &'d Entry,
    needed: bool,
    opaque: bool,
) -> Result<Node, Fault> {
    let mut rule = Table::default();
    let place: Place = entry.place;
    let found = value::plain(document, &entry.node)?;
    let list = found.filter(|node| value::word(node) == "array");
    let one = match list {
        Some(list) => {
            let items = table(list).node("items");
            items.map(|items| value::plain(document, items)).transpose()?.flatten()
        }
        None => found,
    };
    let simple = |node: &Node| !matches!(value::word(node), "object" | "array");
    let nothing = [found, one].into_iter().flatten().any(value::may_be_null);
    let one = one.filter(|node| simple(node) && !nothing && !opaque);
    match one {
        Some(one) => value::rule(document, one, &mut rule, true),
        None => value::anything(&mut rule, place),
    }
    let repeated = list.is_some() || one.is_none();
    rule.entries.retain(|entry| entry.key != "default");
    if repeated {
        rule.entries.push(value::entry("repeated", place, Value::Boolean(true)));
    }
    if !needed {
        rule.entries.push(value::entry("optional", place, Value::Boolean(true)));
    }
    Ok(Node { place: entry.node.place, value: Value::Table(rule) })
}
