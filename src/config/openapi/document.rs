//! A document: its version, and what its references lead to. A reference leads into the document
//! itself; nothing is fetched, and no other file is opened.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use super::read::Fault as Unread;
use crate::base::percent;
use crate::config::diagnostic::{Diagnostic, Id, Report};
use crate::config::read::Section;
use crate::config::source::Place;
use crate::config::tree::{Node, Table};

/// What is wrong at a place of the document.
#[derive(Debug)]
pub(super) struct Fault(Box<Diagnostic>);

impl Fault {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self(Box::new(Diagnostic::at(Id::BadDocument, place, message)))
    }

    pub(super) fn help(mut self, help: &'static str) -> Self {
        self.0.help.push(help.to_owned());
        self
    }

    pub(super) fn diagnostic(self) -> Diagnostic {
        *self.0
    }

    pub(super) fn unread(file: crate::config::FileId, unread: Unread) -> Diagnostic {
        let place = Place::new(file, &unread.at);
        Diagnostic::at(Id::BadDocument, place, unread.message)
    }
}

/// A document that is read.
pub(super) struct Document<'d> {
    pub(super) root: &'d Node,
    /// Whether its schemas are JSON Schema 2020-12 as they stand; in 3.0 they are a dialect.
    pub(super) is_31: bool,
    /// Where pointers lead, so that a reference that stands a thousand times is followed once.
    found: RefCell<HashMap<&'d str, Option<&'d Node>>>,
    /// What is not enforced, or not as it may be meant: where first, and how often.
    remarks: RefCell<BTreeMap<String, (Place, usize)>>,
}

impl<'d> Document<'d> {
    pub(super) fn of(root: &'d Node) -> Result<Self, Fault> {
        let version = root.as_table().and_then(|table| table.node("openapi"));
        let said = version.map(|node| match node.as_str() {
            Some(text) => text.to_owned(),
            None => node.to_json().to_string(),
        });
        let is_31 = match said.as_deref() {
            Some(text) if text == "3.0" || text.starts_with("3.0.") => false,
            Some(text) if text == "3.1" || text.starts_with("3.1.") => true,
            found => {
                let swagger = Section::of_node(root).place("swagger");
                let place = version.map(|node| node.place).or(swagger).unwrap_or(root.place);
                let message = match (found, swagger) {
                    (Some(_), _) => "this guichet reads OpenAPI 3.0 and 3.1",
                    (None, Some(_)) => "this is Swagger 2.0; guichet reads OpenAPI 3.0 and 3.1",
                    (None, None) => "this is no OpenAPI document: `openapi: 3.1.0` is missing",
                };
                let fault = Fault::new(place, message);
                return Err(match swagger {
                    Some(_) => fault.help("convert it first, with swagger2openapi for instance"),
                    None => fault,
                });
            }
        };
        let (found, remarks) = (RefCell::default(), RefCell::default());
        Ok(Self { root, is_31, found, remarks })
    }

    pub(super) fn section(&self) -> Section<'d> {
        Section::of_node(self.root)
    }

    /// What a node is, references followed.
    pub(super) fn follow(&self, node: &'d Node) -> Result<&'d Node, Fault> {
        let mut at = node;
        for _ in 0..MOST_STEPS {
            match reference(at) {
                Some(to) => at = self.lead(to)?,
                None => return Ok(at),
            }
        }
        Err(Fault::new(node.place, "this reference leads to itself"))
    }

    /// Where a reference leads, one step.
    pub(super) fn lead(&self, to: &'d Node) -> Result<&'d Node, Fault> {
        let text = to.as_str().unwrap_or_default();
        let Some(pointer) = text.strip_prefix("#/") else {
            let elsewhere = text.contains("://") || text.starts_with("//");
            let message = match (text.starts_with('#'), elsewhere) {
                (true, _) => "a reference is a pointer into the document: `#/components/…`",
                (_, true) => "nothing is fetched: a reference leads into the document itself",
                (_, false) => "references to other files are not followed: a document is one file",
            };
            let bundle = "bundle the document into one file, and name that one";
            return Err(Fault::new(to.place, message).help(bundle));
        };
        let known = self.found.borrow().get(text).copied();
        let found = known.unwrap_or_else(|| {
            let found = pointed(self.root, pointer);
            self.found.borrow_mut().insert(text, found);
            found
        });
        found.ok_or_else(|| Fault::new(to.place, "this reference leads nowhere"))
    }

    /// Notes something that the document says and guichet does not hold anybody to.
    pub(super) fn remark(&self, place: Place, what: impl Into<String>) {
        let what = what.into();
        self.note(place, format!("the document says more than is enforced: {what}"));
    }

    /// Notes something that the document says, in a sentence of its own.
    pub(super) fn note(&self, place: Place, what: impl Into<String>) {
        let mut remarks = self.remarks.borrow_mut();
        let what = what.into();
        if remarks.len() < MOST_REMARKS || remarks.contains_key(&what) {
            remarks.entry(what).or_insert((place, 0)).1 += 1;
        }
    }

    /// Says what was noted: each once, with how often it stands there.
    pub(super) fn tell(self, report: &mut Report) {
        for (what, (place, count)) in self.remarks.into_inner() {
            let label = match count {
                1 => "here".to_owned(),
                2 => "here, and in one other place".to_owned(),
                more => format!("here, and in {} other places", more - 1),
            };
            report.push(Diagnostic::at(Id::Unenforced, place, what).label(label));
        }
    }
}

/// The `$ref` of a node.
pub(super) fn reference(node: &Node) -> Option<&Node> {
    node.as_table()?.node("$ref").filter(|to| to.as_str().is_some())
}

fn pointed<'d>(root: &'d Node, pointer: &str) -> Option<&'d Node> {
    let mut at = root;
    for word in pointer.split('/') {
        let word = percent::decoded(word).ok()?;
        let word = word.replace("~1", "/").replace("~0", "~");
        at = match at.as_array() {
            Some(items) => items.get(word.parse::<usize>().ok()?)?,
            None => at.as_table()?.node(&word)?,
        };
    }
    Some(at)
}

/// The table of a node; a node that is none reads as empty.
pub(super) fn table(node: &Node) -> &Table {
    static NONE: Table = Table { entries: Vec::new() };
    node.as_table().unwrap_or(&NONE)
}

const MOST_STEPS: usize = 32;
const MOST_REMARKS: usize = 40;
