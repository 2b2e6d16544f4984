//! Parameters of an operation → entries of `[route.params]`.

use std::sync::Arc;

use super::document::{Document, Fault, table};
use super::schema;
use super::value::{self, entry};
use crate::config::check::{JUDGED, OWN_HEADERS};
use crate::config::read::Section;
use crate::config::source::Place as At;
use crate::config::tree::{Entry, Node, Table, Value};
use crate::parameter::FormSchema;
use crate::problem::Place;

/// What an operation says of its parameters.
pub(super) struct Parameters {
    pub(super) table: Table,
    /// Whether nothing else can stand in the query by the document.
    pub(super) is_complete: bool,
    /// Where more is said than a rule can hold.
    pub(super) schemas: Vec<(Place, Arc<FormSchema>)>,
}

/// What is gathered.
struct Gathered<'d> {
    table: Table,
    is_complete: bool,
    /// Parameters whose schemas judge them, by their place.
    judged: Vec<(Place, Vec<(&'d str, &'d Node)>)>,
}

/// The parameters of an operation: its own, and those of its path that it does not say anew.
pub(super) fn parameters<'d>(
    document: &Document<'d>,
    path: Section<'d>,
    operation: Section<'d>,
    merged: &[String],
) -> Result<Parameters, Fault> {
    let mut found: Vec<(&'d str, &str, &'d Node, At)> = Vec::new();
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
    let mut told = Gathered { table: Table::default(), is_complete: true, judged: Vec::new() };
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
    let mut schemas = Vec::new();
    for (place, members) in &told.judged {
        let schema = FormSchema::inline(&schema::object(document, members)?, Vec::new());
        match (schema, members.first()) {
            (Ok(schema), _) => schemas.push((*place, Arc::new(schema))),
            (Err(_), Some((_, first))) => document
                .remark(first.place, "alternatives of parameters whose patterns need backtracking"),
            (Err(_), None) => {}
        }
    }
    Ok(Parameters { table: told.table, is_complete: told.is_complete, schemas })
}

impl<'d> Gathered<'d> {
    /// Has a parameter judged by its schema.
    fn judge(&mut self, place: &str, name: &'d str, schema: &'d Node) {
        let place = match place {
            "path" => Place::Path,
            "header" => Place::Header,
            "cookie" => Place::Cookie,
            _ => Place::Query,
        };
        match self.judged.iter_mut().find(|(known, _)| *known == place) {
            Some((_, members)) => members.push((name, schema)),
            None => self.judged.push((place, vec![(name, schema)])),
        }
    }
}

struct Parameter<'p, 'd> {
    document: &'p Document<'d>,
    name: &'d str,
    node: &'d Node,
    at: At,
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
        let style = section.text("style").map(|word| word.text);
        let plain_query = place == "query"
            && matches!(style, None | Some("form"))
            && section.boolean("explode") != Some(false);
        // A list or an object in one text is not taken apart.
        let is_judged = plain_query
            || (place != "query"
                && matches!(style, None | Some("simple" | "form"))
                && value::is_scalar(self.document, schema));
        let found = match is_judged {
            true => value::plain(self.document, schema)?,
            false => value::simple(self.document, schema)?,
        };
        let Some(simple) = found else {
            value::anything(rule, self.at);
            if is_judged {
                into.judge(place, self.name, schema);
                rule.entries.push(entry(JUDGED, self.at, Value::Boolean(true)));
            }
            if plain_query {
                // Whether it is a list is for the schema to say.
                rule.entries.push(entry("repeated", self.at, Value::Boolean(true)));
            }
            return Ok(());
        };
        if is_judged && value::says_more(simple) {
            into.judge(place, self.name, schema);
            rule.entries.push(entry(JUDGED, self.at, Value::Boolean(true)));
        }
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
                    into.judge(place, self.name, schema);
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
                value::rule(self.document, simple, rule, is_judged);
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
