//! Parameters of an operation → entries of `[route.params]`.

use std::sync::Arc;

use super::document::{Document, Fault, table};
use super::schema;
use super::value::{self, entry};
use crate::config::check::OWN_HEADERS;
use crate::config::read::Section;
use crate::config::source::Place;
use crate::config::tree::{Entry, Node, Table, Value};
use crate::parameter::FormSchema;

/// What an operation says of its parameters.
pub(super) struct Parameters {
    pub(super) table: Table,
    /// Whether nothing else can stand in the query by the document.
    pub(super) is_complete: bool,
    /// Of the query, where more is said than a rule can hold.
    pub(super) query: Option<Arc<FormSchema>>,
}

/// What is gathered.
struct Gathered<'d> {
    table: Table,
    is_complete: bool,
    query: Vec<(&'d str, &'d Node)>,
}

/// The parameters of an operation: its own, and those of its path that it does not say anew.
pub(super) fn parameters<'d>(
    document: &Document<'d>,
    path: Section<'d>,
    operation: Section<'d>,
    merged: &[String],
) -> Result<Parameters, Fault> {
    let mut found: Vec<(&'d str, &str, &'d Node, Place)> = Vec::new();
    for item in path.items("parameters").iter().chain(operation.items("parameters")) {
        let node = document.follow(item)?;
        let section = Section::of_node(node);
        let (Some(name), Some(place)) = (section.text("name"), section.text("in")) else {
            return Err(Fault::new(item.place, "a parameter has a `name`, and an `in`"));
        };
        match found.iter_mut().find(|known| (known.0, known.1) == (name.text, place.text)) {
            Some(known) => (known.2, known.3) = (node, name.place),
            None => found.push((name.text, place.text, node, name.place)),
        }
    }
    let mut told = Gathered { table: Table::default(), is_complete: true, query: Vec::new() };
    for (name, place, node, at) in found {
        let one = Parameter { document, name, node, at };
        match place {
            "path" if merged.iter().any(|known| known == name) => {
                let what = "parameters of the path without text between";
                document.remark(at, what);
            }
            "path" => one.told("path", true, &mut told)?,
            "query" => one.told("query", false, &mut told)?,
            "header" => {
                let lower = name.to_ascii_lowercase();
                if matches!(&*lower, "accept" | "content-type" | "authorization") {
                    // OpenAPI says that these three are not to be declared here.
                } else if OWN_HEADERS.contains(&&*lower) {
                    document.remark(at, "header parameters that are guichet's own");
                } else {
                    one.told("header", false, &mut told)?;
                }
            }
            "cookie" => one.told("cookie", false, &mut told)?,
            _ => {
                let place = Section::of_node(node).node("in").map_or(at, |node| node.place);
                let message = "a parameter is in `path`, `query`, `header` or `cookie`";
                return Err(Fault::new(place, message));
            }
        }
    }
    let mut query = None;
    if let Some((_, first)) = told.query.first() {
        let schema = FormSchema::inline(&schema::object(document, &told.query)?, Vec::new());
        if schema.is_err() {
            document
                .remark(first.place, "alternatives of parameters whose patterns need backtracking");
        }
        query = schema.ok().map(Arc::new);
    }
    Ok(Parameters { table: told.table, is_complete: told.is_complete, query })
}

struct Parameter<'p, 'd> {
    document: &'p Document<'d>,
    name: &'d str,
    node: &'d Node,
    at: Place,
}

impl<'d> Parameter<'_, 'd> {
    fn told(self, place: &str, in_path: bool, into: &mut Gathered<'d>) -> Result<(), Fault> {
        let section = Section::of_node(self.node);
        let mut rule = Table::default();
        rule.entries.push(entry("in", self.at, Value::String(place.to_owned())));
        match section.node("schema") {
            Some(schema) => self.schema(section, place, schema, &mut rule, into)?,
            None => {
                if section.has("content") {
                    self.document.remark(self.at, "parameters that are described by `content`");
                }
                value::anything(&mut rule, self.at);
            }
        }
        let required = section.boolean("required").unwrap_or_default();
        if !in_path && !required && rule.node("default").is_none() {
            rule.entries.push(entry("optional", self.at, Value::Boolean(true)));
        }
        if in_path || required {
            rule.entries.retain(|entry| entry.key != "default");
        }
        let node = Node { place: self.node.place, value: Value::Table(rule) };
        let declared = Entry { key: self.name.to_owned(), place: self.at, node };
        if !declared.key.is_empty() && rule_is_for_one_name(&declared) {
            into.table.entries.push(declared);
        }
        Ok(())
    }

    fn schema(
        &self,
        section: Section<'d>,
        place: &str,
        schema: &'d Node,
        rule: &mut Table,
        into: &mut Gathered<'d>,
    ) -> Result<(), Fault> {
        let plain_query = place == "query"
            && section.text("style").is_none_or(|word| word.text == "form")
            && section.boolean("explode") != Some(false);
        let found = match plain_query {
            true => value::plain(self.document, schema)?,
            false => value::simple(self.document, schema)?,
        };
        let Some(simple) = found else {
            value::anything(rule, self.at);
            if plain_query {
                // Whether it is a list is for the schema to say.
                rule.entries.push(entry("repeated", self.at, Value::Boolean(true)));
                into.query.push((self.name, schema));
            }
            return Ok(());
        };
        if plain_query && value::says_more(simple) {
            into.query.push((self.name, schema));
        }
        let style = section.text("style").map(|word| word.text);
        let form = matches!((place, style), ("query" | "cookie", None | Some("form")));
        let explode = section.boolean("explode").unwrap_or(form);
        match value::word(simple) {
            "array" => {
                let list = (place == "query" && form && explode)
                    || (place == "header" && matches!(style, None | Some("simple")));
                if !list {
                    self.document.remark(self.at, "lists within one value of a parameter");
                    value::anything(rule, self.at);
                    return Ok(());
                }
                rule.entries.push(entry("repeated", self.at, Value::Boolean(true)));
                if !plain_query {
                    value::bounds_of_lists(self.document, simple);
                }
                let items = Section::of(table(simple)).node("items");
                let several = items.map(|items| value::plain(self.document, items)).transpose()?;
                if let (true, Some(None)) = (plain_query, several) {
                    into.query.push((self.name, schema));
                    value::anything(rule, self.at);
                    return Ok(());
                }
                match items {
                    Some(items) => match value::simple(self.document, items)? {
                        Some(items) => value::rule(self.document, items, rule, plain_query),
                        None => value::anything(rule, self.at),
                    },
                    None => value::anything(rule, self.at),
                }
                rule.entries.retain(|entry| entry.key != "default");
            }
            "object" => {
                self.document.remark(self.at, "parameters that are objects");
                value::anything(rule, self.at);
                if place == "query" {
                    into.is_complete = false;
                    // Its members have names of their own, and it may be that none has this one.
                    rule.entries.push(entry("members", self.at, Value::Boolean(true)));
                }
            }
            _ => {
                value::rule(self.document, simple, rule, plain_query);
                if matches!(style, Some("label" | "matrix")) {
                    self.document.remark(self.at, "the styles `label` and `matrix`");
                    rule.entries.retain(|entry| matches!(&*entry.key, "in"));
                    value::anything(rule, self.at);
                }
            }
        }
        Ok(())
    }
}

/// An object in the query comes as several parameters, so that nothing is declared of its name.
fn rule_is_for_one_name(declared: &Entry) -> bool {
    table(&declared.node).node("members").is_none()
}
