//! Mistakes of syntax in words of our own.
//!
//! The parser reports where it noticed; people look for where it began. A bracket that is never
//! closed is shown where it was opened, and what the parser made of the lines behind it is left
//! out: nobody wrote those mistakes.

use std::ops::Range;

use toml::de::Error;

use super::super::diagnostic::{Diagnostic, Id};
use super::super::source::{FileId, Place};
use super::super::tree::{Node, Table, Value};

/// One complaint of the parser.
pub(super) struct Fault {
    message: String,
    /// On character boundaries within the text.
    pub(super) at: Range<usize>,
}

impl Fault {
    pub(super) fn of(error: &Error, text: &str) -> Self {
        let span = error.span().unwrap_or(text.len()..text.len());
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
        Self { message: error.message().to_owned(), at: start..end }
    }

    /// Whether the mistake leaves the lines around it readable.
    pub(super) fn is_confined(&self) -> bool {
        CONFINED.iter().any(|start| self.message.starts_with(start))
    }

    fn is_about(&self, starts: &[&str]) -> bool {
        starts.iter().any(|start| self.message.starts_with(start))
    }
}

/// What is told of the faults: each once, where it began.
pub(super) fn diagnose(
    mut faults: Vec<Fault>,
    file: FileId,
    text: &str,
    table: &Table,
) -> Vec<Diagnostic> {
    let nodes = nodes(table);
    for fault in &mut faults {
        if fault.is_about(UNCLOSED)
            && let Some(opened) = opened(&nodes, fault)
        {
            fault.at = opened;
        } else if fault.is_about(SCALARS)
            && let Some(whole) = around(&nodes, &fault.at)
        {
            fault.at = whole;
        }
    }
    faults.sort_by_key(|fault| fault.at.start);
    let mut told: Vec<Diagnostic> = Vec::new();
    let mut last: Option<&Fault> = None;
    for fault in &faults {
        // What follows something unclosed is what the parser made of it.
        let follows = last.is_some_and(|last| {
            let same_line = !text.get(last.at.start..fault.at.start).unwrap_or("\n").contains('\n');
            last.is_about(&["unclosed"])
                || last.is_about(UNCLOSED)
                || (same_line && !last.is_confined() && !fault.is_confined())
        });
        if follows && !fault.is_about(&["invalid basic string", "invalid literal string"]) {
            continue;
        }
        if fault.is_about(&["invalid basic string", "invalid literal string"])
            && last.is_some_and(|last| last.is_about(UNCLOSED))
        {
            // The bracket is unclosed because the string swallowed its end.
            told.pop();
        }
        told.push(one(fault, file, text, table));
        last = Some(fault);
    }
    told
}

fn one(fault: &Fault, file: FileId, text: &str, table: &Table) -> Diagnostic {
    let place = Place::new(file, &fault.at);
    let slice = text.get(fault.at.clone()).unwrap_or_default();
    if fault.is_about(&["duplicate key"]) {
        let made = Diagnostic::at(Id::SetTwice, place, format!("`{slice}` is set twice"))
            .label("again here")
            .help("keep one of the two");
        return match first_of(file, text, &fault.at, table) {
            Some(first) => made.other(first, "first set here"),
            None => made,
        };
    }
    let friendly = FRIENDLY.iter().find(|(start, _, _)| fault.message.starts_with(start));
    let (message, help) = match friendly {
        Some((_, friendly, help)) => (*friendly, (*help).to_owned()),
        None => (fault.message.as_str(), String::new()),
    };
    let bare = fault.is_about(SCALARS) && slice.contains(|found: char| !is_numeric(found));
    let (message, help) = if slice.starts_with(['“', '”', '‘', '’', '«']) {
        (NO_QUOTES, "these are typographic quotes: TOML wants straight ones, `\"…\"`".to_owned())
    } else if message == NO_QUOTES || bare {
        (NO_QUOTES, format!("write `\"{}\"`", slice.trim_end()))
    } else if message == NO_EQUALS {
        (NO_EQUALS, as_toml(line_around(text, fault.at.start)).unwrap_or(help))
    } else {
        (message, help)
    };
    Diagnostic::at(Id::Syntax, place, message).help_if((!help.is_empty()).then_some(help))
}

fn is_numeric(found: char) -> bool {
    found.is_ascii_digit() || "+-._eExob".contains(found)
}

/// How a line in the manner of another format would be TOML.
fn as_toml(line: &str) -> Option<String> {
    if let Some(section) = line.strip_suffix('{') {
        let words: Vec<_> = section.split_whitespace().collect();
        return Some(format!("a section of TOML is written `[{}]`", words.join(".")));
    }
    let (key, value) = line.split_once([':', ' '])?;
    let value = value.trim().trim_end_matches(';');
    if key.is_empty() {
        return None;
    }
    if value.is_empty() {
        return Some(format!("a section of TOML is written `[{key}]`, a value `{key} = …`"));
    }
    let plain = value.parse::<f64>().is_ok()
        || matches!(value, "true" | "false")
        || value.starts_with(['"', '\'', '[', '{']);
    let value = if plain { value.to_owned() } else { format!("\"{value}\"") };
    Some(format!("a line of TOML is `key = value`: `{key} = {value}`"))
}

/// Every value of the tree.
fn nodes(table: &Table) -> Vec<&Node> {
    let mut found: Vec<&Node> = table.entries.iter().map(|entry| &entry.node).collect();
    let mut next = 0;
    while let Some(node) = found.get(next).copied() {
        next += 1;
        match &node.value {
            Value::Table(table) => found.extend(table.entries.iter().map(|entry| &entry.node)),
            Value::Array(items) => found.extend(items),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Broken => {}
        }
    }
    found
}

/// The opening bracket or quote of what ends where the parser gave up.
fn opened(nodes: &[&Node], fault: &Fault) -> Option<Range<usize>> {
    let string = fault.is_about(&["invalid basic string", "invalid literal string"]);
    // Of nested brackets the outermost: the inner ones took the closing brackets that there are.
    let node = nodes
        .iter()
        .filter(|node| node.place.start < fault.at.end && fault.at.start <= node.place.end)
        .filter(|node| string == (node.as_table().is_none() && node.as_array().is_none()))
        .min_by_key(|node| node.place.start)?;
    // Only the bracket itself: the rest may be half the file.
    let end = if string { node.place.end } else { node.place.start + 1 };
    Some(node.place.start..end)
}

/// The whole value in which a fault stands.
fn around(nodes: &[&Node], at: &Range<usize>) -> Option<Range<usize>> {
    nodes
        .iter()
        .filter(|node| node.as_table().is_none() && node.as_array().is_none())
        .map(|node| node.place.span())
        .find(|span| span.start <= at.start && at.end <= span.end)
}

/// The earlier place of a key that is set twice: the nearest one whose line begins alike, so that
/// `[listen.a]` is not taken for `[upstream.a]`.
fn first_of(file: FileId, text: &str, again: &Range<usize>, table: &Table) -> Option<Place> {
    let wanted = head(text, again)?;
    if wanted.starts_with('[') {
        return earlier_header(file, text, again, wanted);
    }
    let mut found: Option<Place> = None;
    let mut tables = vec![table];
    while let Some(table) = tables.pop() {
        for entry in &table.entries {
            let span = entry.place.span();
            let nearer = found.is_none_or(|found| found.start < span.start);
            if span.end <= again.start && nearer && head(text, &span) == Some(wanted) {
                found = Some(entry.place);
            }
            match &entry.node.value {
                Value::Table(inner) => tables.push(inner),
                Value::Array(items) => tables.extend(items.iter().filter_map(Node::as_table)),
                Value::String(_)
                | Value::Integer(_)
                | Value::Float(_)
                | Value::Boolean(_)
                | Value::Datetime(_)
                | Value::Broken => {}
            }
        }
    }
    found
}

/// The last header before `again` that begins alike. The parser forgets the first of two.
fn earlier_header(file: FileId, text: &str, again: &Range<usize>, wanted: &str) -> Option<Place> {
    let before = text.get(..again.start)?;
    let name = again.end - again.start;
    let mut end = before.rfind('\n')?;
    loop {
        let start = before.get(..end)?.rfind('\n').map_or(0, |at| at + 1);
        let line = before.get(start..end)?;
        let indent = line.len() - line.trim_start().len();
        if line.trim_start().strip_prefix(wanted).is_some_and(|rest| rest.starts_with(']')) {
            let name_end = start + indent + wanted.len();
            return Some(Place::new(file, &(name_end - name..name_end)));
        }
        end = start.checked_sub(1)?;
    }
}

/// The line up to the end of a span, without its indent.
fn head<'t>(text: &'t str, span: &Range<usize>) -> Option<&'t str> {
    let start = text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
    text.get(start..span.end).map(str::trim_start)
}

fn line_around(text: &str, at: usize) -> &str {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim()
}

/// Something that goes on to the end of the line or of the file.
const UNCLOSED: &[&str] = &[
    "unclosed array, ",
    "unclosed inline table",
    "invalid basic string",
    "invalid literal string",
];

/// Complaints about a part of a number or a word.
const SCALARS: &[&str] = &[
    "invalid float",
    "invalid integer",
    "invalid date-time",
    "invalid boolean",
    "unexpected leading",
];

/// Beginnings of the parser's messages about a single value.
const CONFINED: &[&str] = &[
    "string values must be quoted",
    "duplicate key",
    "unexpected leading zero",
    "invalid boolean",
    "invalid float",
    "invalid integer",
    "invalid date-time",
    "`_` may only go between digits",
    "missing escaped value",
    "radix must be lowercase",
    "redundant",
    "integers with a radix cannot be signed",
];

const NO_QUOTES: &str = "this value needs quotes";
const NO_EQUALS: &str = "there is no `=` between key and value here";

/// Beginning of the parser's message, what is said instead, and the likely fix.
const FRIENDLY: &[(&str, &str, &str)] = &[
    ("string values must be quoted", NO_QUOTES, ""),
    ("key with no value", NO_EQUALS, "a line of TOML is `key = value`"),
    ("invalid unquoted key", NO_EQUALS, "a line of TOML is `key = value`"),
    ("unclosed table", "this `[` is never closed", "write `[name]` on a line of its own"),
    ("unclosed array table", "this `[[` is never closed", "write `[[name]]` on a line of its own"),
    ("unclosed array", "this list is never closed", "add the missing `]`"),
    ("unclosed inline table", "this table is never closed", "add the missing `}`"),
    (
        "missing comma between array elements",
        "a comma is missing between two values of this list",
        "separate the values of a list by `,` and end it with `]`",
    ),
    (
        "missing comma between key-value pairs",
        "a comma is missing between two keys of this table",
        "separate the keys of an inline table by `,` and end it with `}`",
    ),
    (
        "extra comma in inline table",
        "there is a comma too many in this table",
        "take the comma away",
    ),
    ("invalid basic string", "this string is never closed", "end it with `\"` on the same line"),
    ("invalid literal string", "this string is never closed", "end it with `'` on the same line"),
    (
        "missing escaped value",
        "this is no escape that TOML knows",
        "write `\\\\` for a backslash, or put the string between single quotes",
    ),
    (
        "unexpected leading zero",
        "a number cannot begin with a zero",
        "take the zero away, or write a string",
    ),
    (
        "invalid boolean",
        "this is neither `true` nor `false`",
        "write `true`, `false`, or a string between quotes",
    ),
    ("invalid float", "this is not a number", "put it between quotes if it is a text"),
    ("invalid integer", "this is not a number", "put it between quotes if it is a text"),
    (
        "cannot extend value",
        "this key already holds a value, so nothing can be put inside it",
        "keep either the value or the keys inside it",
    ),
    ("invalid key-value pair", "a key is expected here", "a line of TOML is `key = value`"),
    ("recursion limit", "this is nested too deeply", "no key needs more than a few levels"),
];
