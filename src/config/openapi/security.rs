//! `security` of an operation → `auth` of its route: each scheme is the policy of its name, or of the
//! name that `auth` of the `[[openapi]]` table gives it.

use std::cell::RefCell;
use std::collections::HashSet;

use super::document::{Document, Fault, table};
use super::value::entry;
use crate::config::diagnostic::{Diagnostic, Id, Report};
use crate::config::read::Section;
use crate::config::source::Place;
use crate::config::tree::{Entry, Node, Table, Value};

/// The policies of a file, and how the schemes of a document are bound to them.
pub(super) struct Binding<'b> {
    policies: Section<'b>,
    names: Section<'b>,
    /// Schemes of which something has been said.
    told: RefCell<HashSet<String>>,
}

impl<'b> Binding<'b> {
    /// None where the operator leaves all of it to the upstream.
    pub(super) fn of(policies: Section<'b>, openapi: Section<'b>) -> Option<Self> {
        let names = openapi.section("auth");
        let left = openapi.boolean("auth") == Some(false);
        (!left).then(|| Self { policies, names, told: RefCell::default() })
    }

    /// What the route says of its callers; nothing where everybody may call.
    pub(super) fn rule<'d>(
        &self,
        document: &Document<'d>,
        operation: Section<'d>,
        report: &mut Report,
    ) -> Result<Option<Entry>, Fault> {
        let own = operation.node("security");
        let Some(node) = own.or_else(|| document.section().node("security")) else {
            return Ok(None);
        };
        let place = node.place;
        let alternatives: Vec<&Table> =
            node.as_array().unwrap_or_default().iter().map(table).collect();
        if alternatives.is_empty() {
            return Ok(None);
        }
        if alternatives.iter().any(|one| one.entries.is_empty()) {
            document.remark(place, "credentials that may be absent: everybody passes");
            return Ok(None);
        }
        let all = alternatives.len() == 1;
        if !all && alternatives.iter().any(|one| one.entries.len() > 1) {
            let message = "alternatives of which one asks for several schemes cannot be bound";
            let fault = Fault::new(place, message);
            return Err(fault.help("`auth = false` in [[openapi]] leaves callers to the upstream"));
        }
        let schemes: Vec<&Entry> = alternatives.iter().flat_map(|one| &one.entries).collect();
        let mut names = Vec::new();
        for scheme in &schemes {
            let Some(name) = self.policy(document, scheme, report)? else { continue };
            let named = Node { place: scheme.place, value: Value::String(name) };
            if !names.iter().any(|known: &Node| known.as_str() == named.as_str()) {
                names.push(named);
            }
        }
        if names.is_empty() {
            return Ok(None);
        }
        let mut rule = Table::default();
        let scopes = scopes(document, &schemes, all, place);
        rule.entries.push(entry(if all { "all" } else { "any" }, place, Value::Array(names)));
        rule.entries.push(entry("scopes", place, Value::Array(scopes)));
        Ok(Some(entry("auth", place, Value::Table(rule))))
    }

    fn policy(
        &self,
        document: &Document<'_>,
        scheme: &Entry,
        report: &mut Report,
    ) -> Result<Option<String>, Fault> {
        let known = document.section().section("components").section("securitySchemes");
        let Some(found) = known.node(&scheme.key) else {
            let message = format!("the document declares no scheme `{}`", scheme.key);
            return Err(Fault::new(scheme.place, message));
        };
        let declared = known.place(&scheme.key).unwrap_or(found.place);
        let found = Section::of_node(document.follow(found)?);
        let bound = self.names.text(&scheme.key);
        let name = bound.map_or(scheme.key.as_str(), |word| word.text);
        let is_new = self.told.borrow_mut().insert(scheme.key.clone());
        let Some(policy) = self.policies.node(name).map(Section::of_node) else {
            if is_new {
                let place = bound.map_or(declared, |word| word.place);
                let message =
                    format!("there is no `[auth.{name}]` for the scheme `{}`", scheme.key);
                let help = format!(
                    "add the policy, or name another: `auth = {{ {} = \"…\" }}` in [[openapi]]; \
                     `auth = false` leaves callers to the upstream",
                    scheme.key
                );
                let made = Diagnostic::at(Id::UnknownName, place, message).help(help);
                report.push(made.other(scheme.place, "an operation asks for it here"));
            }
            return Ok(None);
        };
        let fitting = fitting(found);
        let kind = policy.text("type").map_or("", |word| word.text);
        if is_new && !fitting.is_empty() && !fitting.contains(&kind) && kind != "forward" {
            let message =
                format!("`[auth.{name}]` is \"{kind}\", and the scheme asks for another kind");
            let made = Diagnostic::at(Id::Conflict, declared, message);
            report.push(
                made.help(format!("it fits \"{}\" or \"forward\"", fitting.join("\" or \""))),
            );
        }
        Ok(Some(name.to_owned()))
    }
}

/// The types of policies that a scheme may be.
fn fitting(scheme: Section<'_>) -> &'static [&'static str] {
    let kind = scheme.text("type").map_or("", |word| word.text);
    let http = scheme.text("scheme").map(|word| word.text.to_ascii_lowercase());
    match (kind, http.as_deref()) {
        // A key in `Authorization` is a token as often as not.
        ("apiKey", _) => &["api_key", "jwt"],
        ("http", Some("basic")) => &["basic"],
        ("http", Some("bearer")) | ("oauth2" | "openIdConnect", _) => &["jwt"],
        ("mutualTLS", _) => &["mtls"],
        (_, _) => &[],
    }
}

/// What the caller must be allowed. A route asks for the same of everybody.
fn scopes(document: &Document<'_>, schemes: &[&Entry], all: bool, place: Place) -> Vec<Node> {
    let of = |scheme: &Entry| scheme.node.as_array().unwrap_or_default().to_vec();
    let words = |nodes: &[Node]| -> Vec<String> {
        let mut words: Vec<_> = nodes.iter().filter_map(Node::as_str).map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    let Some(first) = schemes.first().map(|scheme| of(scheme)) else { return Vec::new() };
    if all {
        return schemes.iter().flat_map(|scheme| of(scheme)).collect();
    }
    if schemes.iter().any(|scheme| words(&of(scheme)) != words(&first)) {
        document.remark(place, "scopes that differ between alternatives: none is asked for");
        return Vec::new();
    }
    first
}
