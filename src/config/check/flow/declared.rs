//! What is declared before anything is built: objects, and what each flow takes and returns.

use std::collections::HashMap;

use crate::base::{FlowId, ObjectId};
use crate::config::check::{Check, kind, number, params};
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::Input;
use crate::config::read::{Section, Word, word};
use crate::config::shape::quoted;
use crate::config::tree::{Entry, Node};
use crate::parameter::{Field, Form, Kind, Object, Rule, Tongue};
use crate::problem::Place;

/// Everything that flows know of each other.
#[derive(Default)]
pub(in crate::config::check) struct Declared<'t> {
    pub(super) objects: Vec<Object>,
    pub(super) signatures: Vec<Signature<'t>>,
    pub(in crate::config::check) ids: HashMap<&'t str, FlowId>,
}

/// What a flow takes and returns.
pub(super) struct Signature<'t> {
    pub(super) name: &'t str,
    pub(super) input: Box<[Input]>,
    pub(super) returns: Option<Box<Field>>,
}

type Ids<'t> = HashMap<&'t str, ObjectId>;

impl<'t> Declared<'t> {
    /// Reads `[object.*]`, and the names, inputs and results' types of `[flow.*]`.
    pub(in crate::config::check) fn new(
        root: Section<'t>,
        tongues: &[Tongue],
        check: &mut Check<'_>,
    ) -> Self {
        let mut made = Self::default();
        let entries = root.section("object").entries();
        let mut ids = Ids::new();
        for (at, entry) in entries.iter().enumerate() {
            ids.insert(&entry.key, ObjectId(number(at, "objects", &entry.node, check)));
        }
        made.objects = entries.iter().map(|entry| object(entry, &ids, tongues, check)).collect();
        for (at, entry) in root.section("flow").entries().iter().enumerate() {
            made.ids.insert(&entry.key, FlowId(number(at, "flows", &entry.node, check)));
            let section = Section::of_node(&entry.node);
            let input = section.section("input").entries();
            let input = input.iter().map(|entry| input_of(entry, &ids, tongues, &made, check));
            let input: Box<[Input]> = input.collect();
            let returns = section.node("returns").map(|node| field("", node, &ids, tongues, check));
            let returns = returns.map(Box::new);
            made.signatures.push(Signature { name: &entry.key, input, returns });
        }
        made
    }

    /// What a flow takes and returns.
    pub(super) fn signature(&self, id: FlowId) -> Option<&Signature<'t>> {
        self.signatures.get(usize::from(id.0))
    }
}

fn object(entry: &Entry, ids: &Ids<'_>, tongues: &[Tongue], check: &mut Check<'_>) -> Object {
    let fields = Section::of_node(&entry.node).entries();
    if fields.is_empty() && !entry.node.is_broken() {
        let message = format!("the object `{}` has no members", entry.key);
        check.push(Diagnostic::at(Id::Incomplete, entry.place, message));
    }
    let fields = fields.iter().map(|entry| field(&entry.key, &entry.node, ids, tongues, check));
    Object { name: entry.key.clone(), fields: fields.collect() }
}

fn input_of(
    entry: &Entry,
    ids: &Ids<'_>,
    tongues: &[Tongue],
    declared: &Declared<'_>,
    check: &mut Check<'_>,
) -> Input {
    let mut field = field(&entry.key, &entry.node, ids, tongues, check);
    if entry.key == "body" {
        let message = "`input.body` is the whole body, and cannot be declared";
        check.push(Diagnostic::at(Id::Conflict, entry.place, message).help("take another name"));
    }
    let fallback = Section::of_node(&entry.node).node("default").and_then(|node| {
        let mut value = node.to_json();
        field.rule.optional = true;
        match field.admit(&mut value, &declared.objects) {
            Ok(()) => Some(value),
            Err(misfit) => {
                let message = format!("this default is not {}", misfit.due);
                check.push(Diagnostic::at(Id::FlowType, node.place, message));
                None
            }
        }
    });
    Input { field, fallback }
}

/// A declared value: `"uuid"`, `"object:person"`, or a table with a type and bounds.
pub(super) fn field(
    name: &str,
    node: &Node,
    ids: &Ids<'_>,
    tongues: &[Tongue],
    check: &mut Check<'_>,
) -> Field {
    let section = Section::of_node(node);
    let written = word(node).or_else(|| section.text("type"));
    let text = written.map_or("string", |word| word.text);
    let form = written.map_or(Form::Scalar, |word| form(word, ids, check));
    let mut rule = match (form, node.as_table()) {
        // The bounds of a table are read with its type.
        (Form::Scalar, Some(_)) => {
            let entry = Entry { key: name.to_owned(), place: node.place, node: node.clone() };
            params::rule(&entry, Place::Body, check)
        }
        (Form::Scalar, None) => Rule::new(name, Place::Body, kind::named(text)),
        (Form::Any | Form::Object | Form::Declared(_), _) => {
            let any = Kind::String { least: 0, most: usize::MAX, pattern: None };
            let mut rule = Rule::new(name, Place::Body, any);
            rule.optional = section.boolean("optional").unwrap_or_default();
            rule.repeated = section.boolean("repeated").unwrap_or_default();
            bounds(section, text, check);
            rule
        }
    };
    rule = rule.speaking(tongues);
    Field { rule, form, word: text.into() }
}

/// What bounds texts and numbers says nothing about objects.
fn bounds(section: Section<'_>, text: &str, check: &mut Check<'_>) {
    for key in ["min", "max", "min_length", "max_length", "pattern", "one_of"] {
        if let Some(place) = section.place(key) {
            let message = format!("`{key}` says nothing about the type \"{text}\"");
            check.push(Diagnostic::at(Id::BadParameter, place, message));
        }
    }
}

fn form(word: Word<'_>, ids: &Ids<'_>, check: &mut Check<'_>) -> Form {
    match word.text {
        "any" => Form::Any,
        "object" => Form::Object,
        text => match text.strip_prefix("object:") {
            None => Form::Scalar,
            Some(name) => match ids.get(name) {
                Some(id) => Form::Declared(*id),
                None => {
                    let mut names: Vec<&str> = ids.keys().copied().collect();
                    names.sort_unstable();
                    let inner = Word { text: name, place: word.place };
                    let place = check.within(word, &("object:".len()..text.len()));
                    let inner = Word { place, ..inner };
                    check.unknown(Id::UnknownName, inner, "object", names.iter().copied());
                    Form::Any
                }
            },
        },
    }
}

/// A text of the file, shortened for a sentence.
pub(super) fn shown(text: &str) -> String {
    quoted(text)
}
