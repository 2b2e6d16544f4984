//! `match` as operators write it: `METHODS PATH`.
//!
//! | Written | Means |
//! |---|---|
//! | `/users` | every method |
//! | `GET /users` | one method; GET takes HEAD as well where no route names HEAD |
//! | `GET,POST /users`, `GET \| POST /users` | several methods |
//! | `/users/{id}` | `{name}`: one segment, never empty |
//! | `/img/pic-{id}.png` | literal text before and after |
//! | `/{from}...{to}` | several captures in a segment, with text between: where it stands first |
//! | `/files/{*rest}` | `{*name}`: all that is left, at the end; `/files/` too, but not `/files` |
//!
//! The literal parts must be in the form of [`canonical`], because only that form is ever
//! matched. Every mistake is told with its place and, where one exists, the right way to write it.

use std::ops::Range;

use http::Method;

use super::segment::{self, Segment, Written};
use super::{Captures, PathFault, canonical};

/// A parsed `match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Empty means every method.
    pub methods: Vec<Method>,
    /// The path with `{name}` and `{*name}`.
    pub path: String,
    /// Names of the captures, in order.
    pub names: Vec<String>,
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// A sentence for the operator.
    pub message: String,
    /// Byte range within the pattern.
    pub at: Range<usize>,
}

impl PatternError {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { message: message.into(), at }
    }
}

impl Pattern {
    /// Parses `GET,POST /v1/users/{id}`.
    ///
    /// # Errors
    /// The first mistake, and where it stands.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let start = path_start(text)?;
        let methods = methods(text.get(..start).unwrap_or_default())?;
        let path = text.get(start..).unwrap_or_default().trim_end();
        let names = names(path, start)?;
        check_literals(path, start)?;
        Ok(Self { methods, path: path.to_owned(), names })
    }

    /// The segments of the path.
    pub(super) fn segments(&self) -> Vec<Segment> {
        self.path.split('/').skip(1).map(Segment::of).collect()
    }
}

/// Where the path begins: at the first slash, which must open a word.
fn path_start(text: &str) -> Result<usize, PatternError> {
    if text.trim().is_empty() {
        return Err(PatternError::new(
            0..text.len(),
            "a pattern is METHODS PATH, such as \"GET /v1/users/{id}\"",
        ));
    }
    if let Some(scheme) = text.find("://") {
        let start = last_word(&text[..scheme]);
        return Err(PatternError::new(
            start..text.trim_end().len(),
            "a pattern holds no scheme and no host: write the path here, and the host in `hosts`",
        ));
    }
    let word = |at: usize| text.get(..at).and_then(|before| before.chars().next_back());
    match text.find('/') {
        Some(at) if word(at).is_none_or(char::is_whitespace) => Ok(at),
        Some(_) | None => {
            let trimmed = text.trim_end();
            let start = last_word(trimmed);
            let message = if trimmed.len() > start && is_method(&trimmed[start..]) {
                format!("the path is missing: write \"{} /\" for the root", trimmed.trim_start())
            } else {
                format!("a path begins with `/`: write \"/{}\"", &trimmed[start..])
            };
            Err(PatternError::new(start..trimmed.len(), message))
        }
    }
}

/// Where the last word of a text begins.
fn last_word(text: &str) -> usize {
    text.len() - text.rsplit(char::is_whitespace).next().map_or(0, str::len)
}

fn is_method(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
}

/// Parses the methods before the path; none means all.
fn methods(text: &str) -> Result<Vec<Method>, PatternError> {
    let mut found = Vec::new();
    if text.trim().is_empty() {
        return Ok(found);
    }
    let mut start = 0;
    for piece in text.split([',', '|']) {
        let name = piece.trim();
        let from = start + (piece.len() - piece.trim_start().len());
        let at = from..from + name.len();
        start += piece.len() + 1;
        let method = method(name, at.clone())?;
        if found.contains(&method) {
            return Err(PatternError::new(at, format!("the method {name} stands here twice")));
        }
        found.push(method);
    }
    Ok(found)
}

fn method(name: &str, at: Range<usize>) -> Result<Method, PatternError> {
    if name.is_empty() {
        return Err(PatternError::new(at, "a method is missing beside this separator"));
    }
    if name == "*" {
        return Err(PatternError::new(at, "leave the methods out to match every method"));
    }
    if name.contains(char::is_whitespace) {
        let list = name.split_whitespace().collect::<Vec<_>>().join(",");
        return Err(PatternError::new(at, format!("separate methods with commas: \"{list}\"")));
    }
    if name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        let upper = name.to_ascii_uppercase();
        return Err(PatternError::new(at, format!("methods are in capital letters: {upper}")));
    }
    Method::from_bytes(name.as_bytes())
        .map_err(|_| PatternError::new(at, format!("`{name}` is not a method of HTTP")))
}

/// Finds the captures, and refuses what is wrong with one. `offset` is the place of the path.
fn names(path: &str, offset: usize) -> Result<Vec<String>, PatternError> {
    let mut names: Vec<String> = Vec::new();
    let mut start = offset;
    let mut segments = path.split('/').peekable();
    while let Some(text) = segments.next() {
        let at = start..start + text.len();
        start = at.end + 1;
        check_habits(text, at.clone())?;
        for Written { name, rest } in segment::captures(text, at.start)? {
            let message = if rest && segments.peek().is_some() {
                format!("`{{*{name}}}` takes all that is left, so it stands at the end")
            } else if names.iter().any(|known| known == name) {
                format!("the name `{name}` stands in this path twice")
            } else if names.len() == Captures::MAX {
                format!("a path has at most {} captures", Captures::MAX)
            } else {
                names.push(name.to_owned());
                continue;
            };
            return Err(PatternError::new(at, message));
        }
    }
    Ok(names)
}

/// Refuses what other routers read as a capture. Taken literally it would match nothing that an
/// operator had in mind, and nobody would be told.
fn check_habits(text: &str, at: Range<usize>) -> Result<(), PatternError> {
    if let Some(name) = text.strip_prefix(':').filter(|name| !name.is_empty()) {
        return Err(PatternError::new(at, format!("a capture is written `{{{name}}}`")));
    }
    if matches!(text, "*" | "**") {
        return Err(PatternError::new(
            at,
            "write `{name}` for one segment, `{*name}` for all that is left",
        ));
    }
    Ok(())
}

/// Braces are ordinary characters to [`canonical`], so the whole path can be asked at once.
fn check_literals(path: &str, offset: usize) -> Result<(), PatternError> {
    let whole = offset..offset + path.len();
    match canonical(path) {
        Ok(form) if form == path => Ok(()),
        Ok(form) => Err(PatternError::new(
            whole,
            format!("no request is ever matched in this form: write \"{form}\""),
        )),
        Err(fault) => Err(PatternError::new(place(path, offset, fault), advice(path, fault))),
    }
}

fn advice(path: &str, fault: PathFault) -> String {
    match fault {
        PathFault::Query => {
            "a pattern holds no query: parameters are declared in [route.params]".into()
        }
        PathFault::Fragment => "a pattern holds no fragment: `#` is never sent".into(),
        PathFault::Space => "a path holds no space: write `%20`".into(),
        PathFault::NonAscii => {
            format!("write the characters beyond ASCII percent-encoded: \"{}\"", encoded(path))
        }
        PathFault::BadPercent => "`%` is followed by two hexadecimal digits".into(),
        PathFault::Control
        | PathFault::HiddenDots
        | PathFault::Backslash
        | PathFault::NotAbsolute
        | PathFault::Nul => format!("requests like this are refused: {fault}"),
    }
}

/// The bytes that a fault is about, as far as one character tells.
fn place(path: &str, offset: usize, fault: PathFault) -> Range<usize> {
    let found = match fault {
        PathFault::Query => path.find('?'),
        PathFault::Fragment => path.find('#'),
        PathFault::Space => path.find(' '),
        PathFault::NonAscii => path.find(|character: char| !character.is_ascii()),
        PathFault::Control
        | PathFault::BadPercent
        | PathFault::HiddenDots
        | PathFault::Backslash
        | PathFault::NotAbsolute
        | PathFault::Nul => None,
    };
    let Some(at) = found else { return offset..offset + path.len() };
    let length = path[at..].chars().next().map_or(1, char::len_utf8);
    offset + at..offset + at + length
}

fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len() * 3);
    for byte in path.bytes() {
        if byte.is_ascii() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests;
