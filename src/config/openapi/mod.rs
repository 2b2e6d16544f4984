//! `[[openapi]]`: every operation of a document as a route.
//!
//! A document becomes tables as an operator would write them in `[[route]]`, with places in the
//! document, and `check` judges both alike. Four things cannot be said in a file and stand beside
//! the table: the pattern, whose captures keep the names of the document; what the upstream gets
//! where a prefix is put before; the compiled schema of a JSON body; and what answers are compared
//! with. What a document says and
//! guichet does not hold anybody to is told as a warning, once for each kind.

mod body;
mod document;
mod parameters;
mod paths;
mod read;
mod responses;
mod schema;
mod security;
mod value;

use std::sync::Arc;

use body::Compiled;
use document::{Document, Fault};
use security::Binding;

use super::defaults;
use super::diagnostic::{Diagnostic, Id, Report};
use super::model::{ReplyRule, Rewrite};
use super::read::{Section, Word};
use super::read_at_most;
use super::source::{Place, Sources};
use super::tree::{Entry, Node, Table, Value};
use crate::parameter::{FormSchema, Schema};
use crate::route::Pattern;

/// A route that comes from a document.
#[derive(Debug)]
pub(crate) struct Operation {
    /// As `[[route]]`.
    pub(crate) node: Node,
    pub(crate) beside: Beside,
}

/// What no table can say.
#[derive(Debug)]
pub(crate) struct Beside {
    pub(crate) pattern: Pattern,
    pub(crate) rewrite: Option<Rewrite>,
    pub(crate) body: Option<Box<Known>>,
    /// Schemas of parameters, by their place.
    pub(crate) schemas: Vec<(crate::problem::Place, Arc<FormSchema>)>,
    /// `mode = "observe"`.
    pub(crate) is_observed: bool,
    /// Bytes of a body that are read.
    pub(crate) limit: Option<u64>,
    /// `responses = "report"`.
    pub(crate) replies: Option<Arc<ReplyRule>>,
}

/// What is known of a body, beside the fields of a form.
#[derive(Debug)]
pub(crate) struct Known {
    /// Of JSON.
    pub(crate) schema: Option<Schema>,
    /// Of a form, in either way of writing it.
    pub(crate) urlencoded: Option<Arc<FormSchema>>,
    pub(crate) multipart: Option<Arc<FormSchema>>,
    pub(crate) optional: bool,
    /// Whether it may be of a media type that guichet does not read.
    pub(crate) others: bool,
}

/// Reads every document that a file names.
pub(crate) fn operations(
    root: &Table,
    sources: &mut Sources,
    report: &mut Report,
) -> Vec<Operation> {
    let root = Section::of(root);
    let mut found = Vec::new();
    for (at, (node, section)) in root.tables("openapi").enumerate() {
        if at == MOST_DOCUMENTS {
            let message = format!("there are at most {MOST_DOCUMENTS} documents");
            report.push(Diagnostic::at(Id::OutOfRange, node.place, message));
            break;
        }
        let Some(file) = section.text("file") else { continue };
        let path = sources.resolve(file.place.file, file.text);
        let id = match read_at_most(LONGEST, &path, sources) {
            Ok(id) => {
                sources.rests_on_text(id);
                id
            }
            Err(diagnostic) => {
                report.push((*diagnostic).other(file.place, "named here"));
                continue;
            }
        };
        let tree = match read::read(id, file.text, sources.text(id)) {
            Ok(tree) => tree,
            Err(unread) => {
                report.push(Fault::unread(id, unread));
                continue;
            }
        };
        let settings = Settings { root, section, file };
        match Document::of(&tree) {
            Ok(document) => settings.routes(document, &mut found, report),
            Err(fault) => report.push(fault.diagnostic()),
        }
    }
    found
}

/// One `[[openapi]]`.
struct Settings<'s> {
    root: Section<'s>,
    section: Section<'s>,
    file: Word<'s>,
}

impl Settings<'_> {
    fn routes(&self, document: Document<'_>, found: &mut Vec<Operation>, report: &mut Report) {
        let before = found.len();
        let base = paths::base(&document).unwrap_or_else(|fault| {
            report.push(fault.diagnostic());
            String::new()
        });
        let is_observed = self.section.text("mode").is_some_and(|word| word.text == "observe");
        let binding = Binding::of(self.root.section("auth"), self.section);
        let binding = binding.filter(|_| !is_observed);
        let compiled = Compiled::default();
        let is_compared = self.section.text("responses").is_some_and(|word| word.text == "report");
        let known = is_compared.then(responses::Known::default);
        let known = known.as_ref();
        let paths = document.section().section("paths");
        for entry in paths.entries().iter().filter(|entry| !entry.key.starts_with("x-")) {
            let item = match document.follow(&entry.node) {
                Ok(node) => Section::of_node(node),
                Err(fault) => {
                    report.push(fault.diagnostic());
                    continue;
                }
            };
            for method in item.entries().iter().filter(|one| paths::method(&one.key).is_some()) {
                let one = One { path: entry, item, method, base: &base, is_observed, known };
                match self.route(&document, &compiled, binding.as_ref(), &one, report) {
                    Ok(operation) => found.push(operation),
                    Err(fault) => report.push(fault.diagnostic()),
                }
            }
        }
        if let Some(place) = document.section().place("webhooks") {
            document.remark(place, "webhooks");
        }
        if found.len() == before && !report.has_errors() {
            let message = "no operation stands in this document";
            report.push(Diagnostic::at(Id::BadDocument, self.file.place, message));
        }
        document.tell(report);
    }

    fn route<'d>(
        &self,
        document: &Document<'d>,
        compiled: &Compiled<'d>,
        binding: Option<&Binding<'_>>,
        one: &One<'_, 'd>,
        report: &mut Report,
    ) -> Result<Operation, Fault> {
        let place = one.method.place;
        let operation = Section::of_node(&one.method.node);
        for section in [one.item, operation] {
            if let Some(place) = section.place("servers") {
                document.remark(place, "`servers` of a path or an operation");
            }
        }
        let method = one.method.key.to_ascii_uppercase();
        let prefix = self.section.text("prefix").map_or("", |word| word.text);
        let prefix = prefix.trim_end_matches('/');
        let path = paths::path(&method, (prefix, one.base), &one.path.key, one.path.place)?;
        let parameters = parameters::parameters(document, one.item, operation, &path.merged)?;
        let mut route = Table::default();
        let mut push = |entry: Entry| route.entries.push(entry);
        push(self.name(operation, &path.shown, place));
        push(value::entry("match", one.path.place, Value::String(path.shown)));
        for key in COPIED {
            if let Some((node, place)) = self.section.node(key).zip(self.section.place(key)) {
                push(Entry { key: (*key).to_owned(), place, node: node.clone() });
            }
        }
        if let Some(place) = self.section.place("strict")
            && self.section.boolean("strict") == Some(true)
        {
            match parameters.is_complete {
                true => push(value::entry("strict", place, Value::Boolean(true))),
                false => document.remark(one.method.place, "`strict`, beside objects in the query"),
            }
        }
        let mut declared = parameters.table;
        if one.is_observed {
            forget_defaults(&mut declared);
        }
        push(value::entry("params", place, Value::Table(declared)));
        if let Some(binding) = binding
            && let Some(rule) = binding.rule(document, operation, report)?
        {
            push(rule);
        }
        let limit = self.section.node("body_limit");
        let (body, form) = body::body(document, compiled, operation, limit)?;
        form.into_iter().for_each(push);
        let beside = Beside {
            pattern: path.pattern,
            rewrite: path.rewrite,
            body: body.map(Box::new),
            schemas: parameters.schemas,
            is_observed: one.is_observed,
            limit: self.section.size("body_limit"),
            replies: one.known.and_then(|known| {
                let limit = self.section.size("body_limit").unwrap_or(defaults::CHECKED_BODY);
                responses::responses(document, known, (operation, one.method), limit)
            }),
        };
        Ok(Operation { node: Node { place, value: Value::Table(route) }, beside })
    }

    /// The name of the operation, or its method and path, in the letters of names.
    fn name(&self, operation: Section<'_>, shown: &str, place: Place) -> Entry {
        let id = operation.text("operationId");
        let (text, place) = id.map_or((shown, place), |word| (word.text, word.place));
        let mut name = String::new();
        if let Some(before) = self.section.text("name") {
            name.push_str(before.text);
            name.push('.');
        }
        for character in text.chars() {
            match character {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' | '-' => name.push(character),
                _ if name.ends_with(['-', '.']) || name.is_empty() => {}
                _ => name.push('-'),
            }
        }
        let name = name.trim_start_matches(['-', '.']).trim_end_matches(['-', '.']);
        value::entry("name", place, Value::String(name.to_owned()))
    }
}

/// An operation where it stands.
struct One<'o, 'd> {
    path: &'d Entry,
    item: Section<'d>,
    method: &'d Entry,
    base: &'o str,
    is_observed: bool,
    /// What is known of answers, where they are looked at.
    known: Option<&'o responses::Known<'d>>,
}

/// Who only watches sends nothing that the client has not sent; what has a default may be absent.
fn forget_defaults(parameters: &mut Table) {
    for entry in &mut parameters.entries {
        if let Value::Table(rule) = &mut entry.node.value {
            for key in &mut rule.entries {
                if key.key == "default" {
                    *key = value::entry("optional", key.place, Value::Boolean(true));
                }
            }
        }
    }
}

/// Keys that hold for every route of a document.
const COPIED: &[&str] =
    &["upstream", "hosts", "timeout", "normalise", "limits", "cors", "compress", "in_flight"];
const MOST_DOCUMENTS: usize = 64;
/// Those of whole clouds have some 30 MiB.
const LONGEST: u64 = 32 << 20;

#[cfg(test)]
mod tests;
