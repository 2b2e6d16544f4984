//! Errors at the root of a reply, put in the words of the vocabulary (errors.md, section 6).
//!
//! Of each error `extensions` gains `problem` and `request_id` (and `status`, where errors are all that
//! is left), and `code` becomes one of GraphQL's own;
//! everything else stands byte for byte as it came, data above all. Two things do not: a message that
//! looks as if internals had slipped into it gives way to the catalogue's, and members that carry
//! traces are left out. An error that a gateway of the same house has annotated stays as it is.
//!
//! | Asked in this order | Code |
//! |---|---|
//! | `extensions.problem` | that code, if the catalogue has it |
//! | `extensions.code`, by `route.graphql.codes`, the known spellings, the catalogue's names | its code |
//! | the message, where servers give no better sign | `InvalidNull`, `GraphqlParseError` |
//! | the status of the reply, if that is an error | the table's |
//! | whether anything was executed: a `path`, or data | `ServerError`; else `BadRequest` |

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::members::{Members, Writer, joined, list};
use super::{Spellings, code};
use crate::outcome::text;
use crate::problem::{BuiltIn, Catalogue, Cause, Code, Language, Problem};

/// What errors are put in words with.
#[derive(Debug)]
pub struct Annotation<'a> {
    /// The vocabulary.
    pub catalogue: &'a Catalogue,
    /// What the operator knows of the upstream's spellings.
    pub codes: &'a Spellings,
    /// The language of messages that give way.
    pub language: Language,
    /// The request's id.
    pub request_id: &'a str,
    /// The status of the reply.
    pub status: u16,
    /// Whether an error leaves no data.
    pub fatal: bool,
}

impl Annotation<'_> {
    /// Whether the errors will be all there is: then each tells its status, too.
    fn is_problem(&self) -> bool {
        self.fatal || self.status >= 400
    }
}

/// A reply whose errors are in the words of the vocabulary.
#[derive(Debug, PartialEq, Eq)]
pub struct Annotated {
    /// The whole of it.
    pub body: String,
    /// Its list of errors alone; of a batch, that of the reply with the worst one.
    pub errors: String,
    /// What it has beside them; of a batch, what the richest reply has.
    pub data: Data,
    /// Whether it is a list of replies.
    pub is_batch: bool,
    /// The worst error: the first that is not the client's fault, else the first.
    pub worst: Worst,
}

/// What a reply has beside its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Data {
    /// Not even a member of that name: nothing was executed.
    Absent,
    /// Nothing is left of what was executed.
    Null,
    /// Something.
    Some,
}

/// An error as the log tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worst {
    /// Its code.
    pub code: Code,
    /// The status that the code has by nature.
    pub status: u16,
    /// Private words: what the upstream has called it, and its message.
    pub detail: String,
}

/// Puts the errors of a reply in words. None if it is no GraphQL reply, or has none.
pub fn annotate(body: &str, annotation: &Annotation<'_>) -> Option<Annotated> {
    if !body.trim_ascii_start().starts_with('[') {
        return one(body, annotation);
    }
    let mut worst: Option<Annotated> = None;
    let mut replies = Vec::new();
    for reply in list(body)? {
        let Some(mut annotated) = one(reply.get(), annotation) else {
            replies.push(reply.get().to_owned());
            continue;
        };
        replies.push(std::mem::take(&mut annotated.body));
        let data = worst.as_ref().map_or(annotated.data, |known| known.data.max(annotated.data));
        if worst.as_ref().is_none_or(|known| known.worst.gives_way_to(annotated.worst.status)) {
            worst = Some(annotated);
        }
        worst.iter_mut().for_each(|worst| worst.data = data);
    }
    Some(Annotated { body: joined(&replies), is_batch: true, ..worst? })
}

/// The worst of errors that stand in a list by themselves, beside data or none.
pub fn worst_of(errors: &str, has_data: bool, annotation: &Annotation<'_>) -> Option<Worst> {
    let mut worst: Option<Worst> = None;
    for raw in list(errors)? {
        let error = Told::of(raw, annotation, has_data);
        error.weigh(&mut worst, annotation);
    }
    worst
}

fn one(body: &str, annotation: &Annotation<'_>) -> Option<Annotated> {
    let root = Members::of(body)?;
    let errors = list(root.raw("errors")?.get())?;
    let data = match root.raw("data").map(RawValue::get) {
        None => Data::Absent,
        Some("null") => Data::Null,
        Some(_) => Data::Some,
    };
    let mut worst: Option<Worst> = None;
    let mut written = Vec::with_capacity(errors.len());
    for raw in errors {
        let error = Told::of(raw, annotation, data > Data::Absent);
        error.weigh(&mut worst, annotation);
        written.push(error.written(raw, annotation));
    }
    let errors = joined(&written);
    let mut writer = Writer::new(body.len() + errors.len());
    for (name, value) in &root.0 {
        match name.as_str() {
            "errors" => writer.raw(name, &errors),
            "data" if annotation.fatal => writer.raw(name, "null"),
            _ => writer.raw(name, value.get()),
        }
    }
    Some(Annotated { body: writer.end(), errors, data, is_batch: false, worst: worst? })
}

impl Worst {
    fn gives_way_to(&self, status: u16) -> bool {
        self.status < 500 && status >= 500
    }
}

/// One error.
struct Told<'j> {
    members: Option<Members<'j>>,
    extensions: Option<Members<'j>>,
    message: String,
    /// What its server has called it.
    spelling: Option<String>,
    /// Whether a gateway of the same house has been here.
    is_ours: bool,
    code: Code,
}

impl<'j> Told<'j> {
    fn of(raw: &'j RawValue, annotation: &Annotation<'_>, has_data: bool) -> Self {
        let members = Members::of(raw.get());
        let extensions =
            members.as_ref().and_then(|error| Members::of(error.raw("extensions")?.get()));
        let named = members.as_ref().and_then(|error| error.text("message"));
        // Some servers' errors are texts and nothing more.
        let message = named.or_else(|| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        let extension = |name| extensions.as_ref().and_then(|known| known.text(name));
        let ours = extension("problem").and_then(|name| annotation.catalogue.code_by_full(&name));
        let spelling = extension("code");
        let executed = has_data || members.as_ref().is_some_and(|error| error.has("path"));
        let code = ours.unwrap_or_else(|| {
            let spelled = spelling.as_deref().and_then(|text| spelled(text, annotation));
            let hinted =
                || hinted(&message).filter(|_| !matches!(spelled, Some(it) if it != ERROR));
            hinted().or(spelled).unwrap_or_else(|| by_nature(annotation.status, executed))
        });
        let is_ours = ours.is_some() && extension("request_id").is_some();
        Self { members, extensions, message, spelling, is_ours, code }
    }

    /// Takes the place of the worst one so far, if it is worse.
    fn weigh(&self, worst: &mut Option<Worst>, annotation: &Annotation<'_>) {
        let status = annotation.catalogue.code_status(self.code);
        if worst.as_ref().is_none_or(|known| known.gives_way_to(status)) {
            *worst = Some(Worst { code: self.code, status, detail: self.detail() });
        }
    }

    fn detail(&self) -> String {
        let message = text::message(&self.message).unwrap_or_default();
        match &self.spelling {
            Some(spelling) => format!("{spelling:?}: {message}"),
            None => message,
        }
    }

    fn written(&self, raw: &RawValue, annotation: &Annotation<'_>) -> String {
        if self.is_ours {
            return raw.get().to_owned();
        }
        let mut writer = Writer::new(raw.get().len() + ROOM);
        let known = self.members.as_ref().map_or(&[][..], |members| &members.0);
        let leaks = text::leaks(&self.message);
        if leaks || !known.iter().any(|(name, _)| name == "message") {
            writer.text("message", &self.message_for_clients(leaks, annotation));
        }
        for (name, value) in known {
            let is_written = name == "extensions" || name == "message" && leaks;
            if !is_written && !TRACES.contains(&name.as_str()) {
                writer.raw(name, value.get());
            }
        }
        writer.raw("extensions", &self.extensions(annotation));
        writer.end()
    }

    fn message_for_clients(&self, leaks: bool, annotation: &Annotation<'_>) -> Cow<'_, str> {
        if !leaks && !self.message.is_empty() {
            return Cow::Borrowed(&self.message);
        }
        let problem = Problem::new(Cause::GraphqlErrors).with_code(self.code);
        Cow::Owned(annotation.catalogue.message(&problem, annotation.language).into_owned())
    }

    fn extensions(&self, annotation: &Annotation<'_>) -> String {
        let mut writer = Writer::new(ROOM);
        writer.text("code", annotation.catalogue.graphql(self.code));
        writer.text("problem", annotation.catalogue.full_code_text(self.code));
        if annotation.is_problem() {
            writer.raw("status", &annotation.catalogue.code_status(self.code).to_string());
        }
        writer.text("request_id", annotation.request_id);
        for (name, value) in self.extensions.iter().flat_map(|known| &known.0) {
            let is_written = matches!(name.as_str(), "code" | "problem" | "request_id")
                || name == "status" && annotation.is_problem();
            if !is_written && !TRACES.contains(&name.as_str()) {
                writer.raw(name, value.get());
            }
        }
        writer.end()
    }
}

fn spelled(text: &str, annotation: &Annotation<'_>) -> Option<Code> {
    let known = annotation.codes.find(text);
    let status = if annotation.status < 400 { 500 } else { annotation.status };
    known
        .or_else(|| code(text, status).map(Code::from))
        .or_else(|| annotation.catalogue.code_by_name(text))
}

/// What the reference implementation, and all that follow it, say without a code of their own.
fn hinted(message: &str) -> Option<Code> {
    const HINTS: [(&str, BuiltIn); 2] = [
        ("Cannot return null for non-nullable", BuiltIn::InvalidNull),
        ("Syntax Error", BuiltIn::GraphqlParseError),
    ];
    let (_, code) = HINTS.iter().find(|(begin, _)| message.starts_with(begin))?;
    Some((*code).into())
}

fn by_nature(status: u16, executed: bool) -> Code {
    match BuiltIn::for_status(status) {
        Some((code, _)) => code.into(),
        None if executed => ERROR,
        None => BuiltIn::BadRequest.into(),
    }
}

const ERROR: Code = Code::BuiltIn(BuiltIn::ServerError);

/// Members of errors and their extensions in which servers show where their code stands.
const TRACES: [&str; 4] = ["stacktrace", "exception", "trace", "debugMessage"];

/// What an error gains, about.
const ROOM: usize = 160;

#[cfg(test)]
mod tests;
