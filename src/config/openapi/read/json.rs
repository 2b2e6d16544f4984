//! JSON, level by level: a value that is not looked into is a slice of the text, which tells where it
//! stands. Each level is scanned once more, so the time is that of the text times its depth.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{DEEPEST, Fault, MOST_NODES, twice};
use crate::config::source::{FileId, Place};
use crate::config::tree::{Entry, Node, Table, Value};

pub(super) fn read(file: FileId, text: &str) -> Result<Node, Fault> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| broken(text, &error))?;
    Reader { file, text, left: MOST_NODES }.node(raw.get(), DEEPEST)
}

/// The byte that the parser stopped at.
fn broken(text: &str, error: &serde_json::Error) -> Fault {
    let before = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let start = before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    let start = text.floor_char_boundary(start.min(text.len()));
    let end = text.ceil_char_boundary((start + 1).min(text.len()));
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(&*said, |(said, _)| said);
    Fault::new(start..end, format!("this is not JSON: {said}"))
}

struct Reader<'t> {
    file: FileId,
    text: &'t str,
    left: usize,
}

impl<'t> Reader<'t> {
    fn node(&mut self, raw: &'t str, depth: usize) -> Result<Node, Fault> {
        let at = self.range(raw);
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Fault::new(at.start..at.start, "this is nested too deeply"));
        };
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            Fault::new(at.start..at.start, format!("there are more than {MOST_NODES} values"))
        })?;
        let fault = |error: serde_json::Error| {
            Fault::new(at.start..at.start, format!("this is not JSON: {error}"))
        };
        let value = match raw.as_bytes().first() {
            Some(b'{') => {
                let members: Members<'_> = serde_json::from_str(raw).map_err(fault)?;
                let mut entries = Vec::with_capacity(members.0.len());
                for (key, value) in members.0 {
                    let place = self.before(self.range(value.get()).start);
                    let node = self.node(value.get(), depth)?;
                    entries.push(Entry { key, place, node });
                }
                match twice(&entries) {
                    Some(fault) => return Err(fault),
                    None => Value::Table(Table { entries }),
                }
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(raw).map_err(fault)?;
                let items = items.into_iter().map(|item| self.node(item.get(), depth));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Value::String(serde_json::from_str(raw).map_err(fault)?),
            Some(b't') => Value::Boolean(true),
            Some(b'f') => Value::Boolean(false),
            Some(b'n') | None => Value::Broken,
            Some(_) => match raw.parse() {
                Ok(whole) => Value::Integer(whole),
                Err(_) => Value::Float(raw.parse().unwrap_or(f64::MAX)),
            },
        };
        Ok(Node { place: Place::new(self.file, &at), value })
    }

    fn range(&self, raw: &str) -> Range<usize> {
        let start = (raw.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        let start = start.min(self.text.len());
        start..(start + raw.len()).min(self.text.len())
    }

    /// The key before a value: the string that ends before the colon. A quote that is part of the
    /// key is written with a backslash.
    fn before(&self, value: usize) -> Place {
        let blank = |text: &'t str| text.trim_end_matches([' ', '\t', '\n', '\r']);
        let text = blank(self.text.get(..value).unwrap_or_default());
        let text = blank(text.strip_suffix(':').unwrap_or(text));
        let inside = text.strip_suffix('"').unwrap_or(text);
        let start = inside.rmatch_indices('"').map(|(at, _)| at).find(|at| {
            let before = inside.get(..*at).unwrap_or_default();
            (before.len() - before.trim_end_matches('\\').len()).is_multiple_of(2)
        });
        Place::new(self.file, &(start.unwrap_or(value)..text.len()))
    }
}

struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de: 't, 't> Deserialize<'de> for Members<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;

        impl<'de> Visitor<'de> for Seen {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Seen)
    }
}
