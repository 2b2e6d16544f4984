//! A schema, compiled when the configuration loads, and the verdict on a document.
//!
//! Patterns run on the `regex` crate, as those of parameters do: what a client sends cannot make them
//! backtrack. A schema whose patterns need look-around is refused.

use std::fmt;
use std::path::Path;
use std::sync::PoisonError;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use super::local::{self, Files, Folder};
use super::strict::{self, DEEPEST, Unfit};
use super::told;
use crate::base::percent;
use crate::parameter::Tongue;
use crate::problem::{BuiltIn, Place, Reason, Violation};

/// A compiled schema.
#[derive(Clone)]
pub struct Schema(Validator);

/// What a document is.
#[derive(Debug)]
pub enum Verdict {
    /// As the schema wants it.
    Fine,
    /// Not JSON; where and why, for the log.
    Unreadable(String),
    /// Not as the schema wants it; never empty.
    Wrong(Vec<Violation>),
}

impl Schema {
    /// Reads and compiles the schema in a file. The files that it was read from are added, whatever
    /// comes of them.
    ///
    /// # Errors
    /// Why it cannot be used, for the operator.
    pub fn load(path: &Path, formats: bool, files: &mut Files) -> Result<Self, String> {
        let named = path;
        let path = path.canonicalize().map_err(|error| error.to_string())?;
        let bytes = local::read(&path)?;
        let schema = strict::read(&bytes);
        files.push((named.to_owned(), bytes));
        let schema = schema.map_err(|unfit| format!("it is not JSON: {}", local::words(&unfit)))?;
        let folder = Folder::new(path.parent().unwrap_or(&path));
        let read = folder.read();
        let schema = Self::compile(&schema, &path, folder, formats);
        files.append(&mut read.lock().unwrap_or_else(PoisonError::into_inner));
        schema
    }

    /// Compiles a schema that stands in another document, and needs nothing around it.
    ///
    /// # Errors
    /// Why it cannot be used, for the operator.
    pub fn inline(schema: &Value, formats: bool) -> Result<Self, String> {
        Self::compile(schema, Path::new("/document"), local::Nowhere, formats)
    }

    fn compile(
        schema: &Value,
        path: &Path,
        retriever: impl jsonschema::Retrieve + 'static,
        formats: bool,
    ) -> Result<Self, String> {
        if let Some(version) = schema.get("$schema").and_then(Value::as_str)
            && version.starts_with("http://json-schema.org/") | version.contains("/draft/2019-09/")
        {
            return Err(format!("it is written for `{version}`: this version reads 2020-12"));
        }
        let segments = path.to_string_lossy();
        let segments: Vec<String> = segments.split('/').map(percent::encoded).collect();
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_base_uri(format!("file://{}", segments.join("/")))
            .with_retriever(retriever)
            .with_pattern_options(PatternOptions::regex().size_limit(MOST_COMPILED))
            .should_validate_formats(formats)
            .should_ignore_unknown_formats(true)
            .build(schema)
            .map(Self)
            .map_err(|error| {
                let said = error.to_string();
                // A reference that leads nowhere: what `Folder` says of it is all that matters.
                let said = said.split_once("retrieving it failed: ").map_or(&*said, |(_, why)| why);
                match error.instance_path().as_str() {
                    "" => said.to_owned(),
                    place => format!("at `{place}`: {said}"),
                }
            })
    }

    /// Judges a document.
    pub fn judge(&self, bytes: &[u8], tongues: &[Tongue]) -> Verdict {
        let document = match strict::read(bytes) {
            Ok(document) => document,
            Err(Unfit::Syntax(why)) => return Verdict::Unreadable(why),
            Err(Unfit::Deep) => return wrong(String::new(), tongues, &deep),
            Err(Unfit::Twice(pointer)) => return wrong(pointer, tongues, &once),
        };
        // A document that is fine, as nearly all are, is judged without gathering anything.
        if self.takes(&document) {
            return Verdict::Fine;
        }
        Verdict::Wrong(self.violations(&document, tongues))
    }

    /// Whether a document is as the schema wants it.
    pub(super) fn takes(&self, document: &Value) -> bool {
        self.0.is_valid(document)
    }

    /// What is wrong with a document that is not; never empty.
    pub(super) fn violations(&self, document: &Value, tongues: &[Tongue]) -> Vec<Violation> {
        let mut told = told::Told::new(tongues);
        for error in self.0.iter_errors(document) {
            if !told.take(&error) {
                break;
            }
        }
        told.close()
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
}

fn wrong(name: String, tongues: &[Tongue], say: &dyn Fn(Tongue) -> String) -> Verdict {
    let expected = tongues.iter().map(|tongue| say(*tongue)).collect();
    let (code, reason) = (BuiltIn::InvalidParameter, Reason::Invalid);
    Verdict::Wrong(vec![Violation { name, place: Some(Place::Body), code, reason, expected }])
}

fn deep(tongue: Tongue) -> String {
    match tongue {
        Tongue::French => format!("{DEEPEST} niveaux d’imbrication au plus"),
        Tongue::English => format!("at most {DEEPEST} levels of nesting"),
        Tongue::Other => String::new(),
    }
}

fn once(tongue: Tongue) -> String {
    match tongue {
        Tongue::French => "un nom qui ne figure qu’une fois dans son objet",
        Tongue::English => "a name that stands once in its object",
        Tongue::Other => "",
    }
    .to_owned()
}

const MOST_COMPILED: usize = 256 << 10;

#[cfg(test)]
mod tests;
