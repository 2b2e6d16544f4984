//! Text → tree, with every mistake of syntax at once.
//!
//! The parser goes on after a mistake. Where the mistake is confined to one value, that value is
//! marked [`Value::Broken`] and the rest of the file is checked as usual; where it may have
//! swallowed lines, nothing after it can be trusted and only the syntax is reported.

mod syntax;

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Id, Report};
use super::source::{FileId, Place, Sources};
use super::tree::{Entry, Node, Table, Value};

/// Parses one file of `sources`. None where the mistakes of syntax leave nothing to trust.
pub(crate) fn parse(file: FileId, sources: &Sources, report: &mut Report) -> Option<Table> {
    let text = sources.text(file);
    let (parsed, errors) = DeTable::parse_recoverable(text);
    let faults: Vec<_> = errors.iter().map(|error| syntax::Fault::of(error, text)).collect();
    let broken = faults.iter().map(|fault| fault.at.clone()).collect();
    let table = Reader { file, broken, report }.table(parsed.get_ref());
    let trusted = faults.iter().all(syntax::Fault::is_confined);
    for diagnostic in syntax::diagnose(faults, file, text, &table) {
        report.push(diagnostic);
    }
    trusted.then_some(table)
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
