//! Text → tree, with every mistake of syntax at once.
//!
//! The parser goes on after a mistake. Where the mistake is confined to one value, that value is
//! marked [`Value::Broken`] and the rest of the file is checked as usual; where it may have
//! swallowed lines, nothing after it can be trusted and it is the last one that is reported.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::diagnostic::{Diagnostic, Id, Report};
use super::source::{FileId, Place, Sources};
use super::tree::{Entry, Node, Table, Value};

/// Parses one file of `sources`. None where the mistakes of syntax leave nothing to trust.
pub(crate) fn parse(file: FileId, sources: &Sources, report: &mut Report) -> Option<Table> {
    let text = sources.text(file);
    let (parsed, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { file, broken: Vec::new(), report };
    let spans: Vec<_> = errors.iter().map(|error| fault_span(text, error)).collect();
    reader.broken.extend(spans.iter().cloned());
    let table = reader.table(parsed.get_ref());
    // What follows a mistake that may have swallowed lines is mostly its echo.
    let last = errors
        .iter()
        .zip(&spans)
        .filter(|(error, _)| !is_confined(error.message()))
        .map(|(_, span)| span.start)
        .min();
    for (error, span) in errors.iter().zip(&spans) {
        if last.is_none_or(|last| span.start <= last) {
            report.push(diagnose(file, text, error.message(), span, &table));
        }
    }
    last.is_none().then_some(table)
}

struct Reader<'r> {
    file: FileId,
    broken: Vec<Range<usize>>,
    report: &'r mut Report,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>) -> Table {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                place: Place::new(self.file, &key.span()),
                node: self.node(value),
            })
            .collect();
        // The parser sorts by name; people expect the order of the file.
        entries.sort_by_key(|entry| entry.place.start);
        Table { entries }
    }

    fn node(&mut self, value: &Spanned<DeValue<'_>>) -> Node {
        let span = value.span();
        let place = Place::new(self.file, &span);
        let value = match value.get_ref() {
            DeValue::Array(items) => {
                Value::Array(items.iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
            _ if self.is_broken(&span) => Value::Broken,
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(yes) => Value::Boolean(*yes),
            DeValue::Datetime(when) => Value::Datetime(when.to_string()),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Integer(number),
                    Err(_) => self.too_large(place, "this integer does not fit into 64 bits"),
                }
            }
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Float(number),
                Ok(_) | Err(_) => self.too_large(place, "this number is not finite"),
            },
        };
        Node { place, value }
    }

    fn too_large(&mut self, place: Place, message: &str) -> Value {
        self.report.push(Diagnostic::at(Id::OutOfRange, place, message));
        Value::Broken
    }

    fn is_broken(&self, span: &Range<usize>) -> bool {
        self.broken.iter().any(|fault| fault.start <= span.end && span.start <= fault.end)
    }
}

/// Whether a mistake leaves the lines around it readable.
fn is_confined(message: &str) -> bool {
    CONFINED.iter().any(|start| message.starts_with(start))
}

/// The bytes that the parser complains about, on character boundaries within the text.
fn fault_span(text: &str, error: &Error) -> Range<usize> {
    let span = error.span().unwrap_or(text.len()..text.len());
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    start..end
}

fn diagnose(
    file: FileId,
    text: &str,
    message: &str,
    span: &Range<usize>,
    table: &Table,
) -> Diagnostic {
    let place = Place::new(file, span);
    let slice = text.get(span.clone()).unwrap_or_default();
    if message.starts_with("duplicate key") {
        let first = first_of(text, span, table);
        let made = Diagnostic::at(Id::SetTwice, place, format!("`{slice}` is set twice"))
            .label("again here")
            .help("keep one of the two");
        return match first {
            Some(first) => made.other(first, "first set here"),
            None => made,
        };
    }
    let friendly = FRIENDLY.iter().find(|(start, _, _)| message.starts_with(start));
    let (message, help) = match friendly {
        Some((_, friendly, help)) => (*friendly, Some((*help).to_owned())),
        None => (message, None),
    };
    let line = line_around(text, span.start);
    let help = match line.split_once([':', ' ']) {
        _ if slice.starts_with(['“', '”', '‘', '’', '«']) => {
            Some("these are typographic quotes: TOML wants straight ones, `\"…\"`".to_owned())
        }
        _ if message == NO_QUOTES => Some(format!("write `\"{}\"`", slice.trim_end())),
        Some((key, value)) if message == NO_EQUALS && !key.is_empty() => Some(format!(
            "a line of TOML is `key = value`, such as `{key} = {}`",
            if value.trim().is_empty() { "…" } else { value.trim() }
        )),
        Some(_) | None => help,
    };
    Diagnostic::at(Id::Syntax, place, message).help_if(help)
}

/// The earlier place of a key that is set twice: the nearest one whose line begins alike, so that
/// `[listen.a]` is not taken for `[upstream.a]`.
fn first_of(text: &str, again: &Range<usize>, table: &Table) -> Option<Place> {
    let head = |span: &Range<usize>| {
        let start = text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
        text.get(start..span.end).map(str::trim_start)
    };
    let wanted = head(again)?;
    let mut found: Option<Place> = None;
    let mut tables = vec![table];
    while let Some(table) = tables.pop() {
        for entry in &table.entries {
            let span = entry.place.span();
            let nearer = found.is_none_or(|found| found.start < span.start);
            if span.end <= again.start && nearer && head(&span) == Some(wanted) {
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

fn line_around(text: &str, at: usize) -> &str {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim()
}

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
    ("recursion limit", "this is nested too deeply", "no key needs more than a few levels"),
];
