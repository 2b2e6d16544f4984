//! F3: intent. What the operator wrote, judged as a whole, and what the program needs of it.
//!
//! A file goes through the same rooms whether it is checked, loaded or reloaded:
//! `source` and `parse` (text → tree with places), `include` (files merged), `substitute`
//! (variables), `shape` (the tree against the registry of `keys`), `check` (the tree → [`model`]).
//! Every room gathers mistakes in one report and none stops at the first; a file is taken whole or
//! refused whole. Nothing here opens a socket, resolves a name or writes.

mod callers;
pub mod carry;
mod check;
pub mod defaults;
mod diagnostic;
mod explain;
mod include;
mod keys;
pub mod model;
mod openapi;
mod parse;
mod print;
mod read;
mod schema;
pub mod secret;
mod shape;
mod show;
mod source;
mod starter;
mod substitute;
mod suggest;
mod tree;
mod value;

use std::io::Read as _;
use std::path::{Path, PathBuf};

pub use callers::{BadCallers, Callers, callers};
pub use diagnostic::{Diagnostic, Id, Severity};
pub use explain::{Explanation, explain, explain_key, key_paths};
pub use print::{Colour, github, human, json};
pub use schema::schema;
pub use secret::Secret;
pub use show::Effective;
pub use source::{FileId, Place, Position, Sources};
pub use starter::{Starter, starter};
pub use substitute::{Environment, system_environment};
pub(crate) use suggest::nearest;
pub(crate) use value::{consumer, moment, network, routes, scope};

use diagnostic::Report;
use tree::Table;

/// A configuration that was taken.
#[derive(Debug)]
pub struct Loaded {
    /// What the program needs.
    pub config: model::Config,
    /// What somebody should look at, and what there is to know: warnings and notes.
    pub warnings: Vec<Diagnostic>,
    /// The files, to print warnings with.
    pub sources: Sources,
    /// Every value that holds, and where it came from.
    pub effective: Effective,
}

/// A configuration that was refused, with every mistake.
#[derive(Debug)]
pub struct Refused {
    /// Errors and warnings, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
    /// The files, to print them with.
    pub sources: Sources,
}

impl Refused {
    /// The diagnostics as people read them.
    pub fn human(&self, colour: Colour) -> String {
        human(&self.diagnostics, &self.sources, colour)
    }
}

/// Loads a file and what it includes. Relative paths start from the folder of the file that they
/// stand in.
///
/// # Errors
/// Every mistake at once.
pub fn load(path: &Path, environment: Environment<'_>) -> Result<Loaded, Refused> {
    let mut sources = Sources::default();
    match read_text(path, &mut sources) {
        Ok(_) => judge(sources, environment),
        Err(diagnostic) => Err(Refused { diagnostics: vec![*diagnostic], sources }),
    }
}

/// Loads a text, for the demonstration and for tests. Relative paths start from the current folder.
///
/// # Errors
/// Every mistake at once.
pub fn load_text(name: &str, text: &str, environment: Environment<'_>) -> Result<Loaded, Refused> {
    load_text_in(Path::new(""), name, text, environment)
}

/// Loads a text as if it stood in a file of this folder.
///
/// # Errors
/// Every mistake at once.
pub fn load_text_in(
    folder: &Path,
    name: &str,
    text: &str,
    environment: Environment<'_>,
) -> Result<Loaded, Refused> {
    let mut sources = Sources::default();
    sources.add(name.to_owned(), folder.to_owned(), text.to_owned());
    judge(sources, environment)
}

fn judge(mut sources: Sources, environment: Environment<'_>) -> Result<Loaded, Refused> {
    let mut report = Report::default();
    let root = parse::parse(FileId::MAIN, &sources, &mut report)
        .map(|root| expand(root, &mut sources, environment, &mut report));
    let config = root.as_ref().and_then(|(root, complete)| {
        shape::check(root, &mut sources, &mut report);
        // Without one of its files every name defined there would be called unknown.
        complete.then(|| {
            let operations = openapi::operations(root, &mut sources, &mut report);
            check::model(root, operations, &mut sources, environment, &mut report)
        })?
    });
    match (config, root) {
        (Some(config), Some((root, _))) if !report.has_errors() => Ok(Loaded {
            config,
            warnings: report.into_sorted(),
            effective: Effective::new(root, &sources),
            sources,
        }),
        _ => Err(Refused { diagnostics: report.into_sorted(), sources }),
    }
}

/// Includes, then variables: `include` itself may name a variable, so it is expanded first. Says
/// too whether every included file could be read.
fn expand(
    mut root: Table,
    sources: &mut Sources,
    environment: Environment<'_>,
    report: &mut Report,
) -> (Table, bool) {
    let known_now =
        |key: &str| keys::ROOT.key(key).is_some_and(keys::Key::is_now) && key != "include";
    if let Some(entry) = root.entries.iter_mut().find(|entry| entry.key == "include") {
        substitute::substitute(&mut entry.node, sources, environment, report);
    }
    let complete = include::include(&mut root, sources, report);
    for entry in root.entries.iter_mut().filter(|entry| known_now(&entry.key)) {
        if substitute::holds_expressions(&entry.key) {
            let node = &mut entry.node;
            substitute::substitute_beside_expressions(node, sources, environment, report);
        } else {
            substitute::substitute(&mut entry.node, sources, environment, report);
        }
    }
    (root, complete)
}

/// Reads a file of the configuration into `sources`. What cannot be read is there too, empty, so that
/// it has a name.
fn read_text(path: &Path, sources: &mut Sources) -> Result<FileId, Box<Diagnostic>> {
    read_at_most(LONGEST_FILE, path, sources)
}

fn read_at_most(
    longest: u64,
    path: &Path,
    sources: &mut Sources,
) -> Result<FileId, Box<Diagnostic>> {
    let name = path.display().to_string();
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let read = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(longest + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = match read() {
        Ok(bytes) => bytes,
        Err(error) => {
            let file = sources.add(name, folder, String::new());
            let message = format!("this file cannot be read: {error}");
            return Err(Box::new(Diagnostic::whole(Id::Unreadable, file, message)));
        }
    };
    if bytes.len() as u64 > longest {
        let file = sources.add(name, folder, String::new());
        let longest = longest >> 20;
        let message =
            format!("this file is longer than {longest} MiB, which no configuration needs");
        return Err(Box::new(Diagnostic::whole(Id::TooLarge, file, message)));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(sources.add(name, folder, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let file = sources.add(name, folder, text);
            let place = Place { file, start: at, end: at + char::REPLACEMENT_CHARACTER.len_utf8() };
            let made = Diagnostic::at(Id::Encoding, place, "this file is not UTF-8");
            Err(Box::new(made.label("the first byte that is not").help("save it as UTF-8")))
        }
    }
}

const LONGEST_FILE: u64 = 4 << 20;

#[cfg(test)]
mod tests;
