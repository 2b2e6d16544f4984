//! The members of a JSON object in their order, each value as it stands in the text: what is not to be
//! changed is copied byte for byte.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object.
pub(super) struct Members<'j>(pub(super) Vec<(String, &'j RawValue)>);

impl<'j> Members<'j> {
    /// Reads an object; none if the text is something else.
    pub(super) fn of(text: &'j str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The value of a member as it stands; the last one, where a name stands there twice.
    pub(super) fn raw(&self, name: &str) -> Option<&'j RawValue> {
        self.0.iter().rfind(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// The text of a member that is a string.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.raw(name)?.get()).ok()
    }

    /// Whether a member is there, and not null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|value| value.get() != "null")
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key()? {
            members.push((name, map.next_value()?));
        }
        Ok(Members(members))
    }
}

/// Writes an object member by member.
pub(super) struct Writer {
    out: String,
    empty: bool,
}

impl Writer {
    pub(super) fn new(capacity: usize) -> Self {
        let mut out = String::with_capacity(capacity);
        out.push('{');
        Self { out, empty: true }
    }

    /// A member whose value is JSON already.
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(',');
        }
        self.out.push_str(&quoted(name));
        self.out.push(':');
        self.out.push_str(json);
    }

    /// A member whose value is a text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.raw(name, &quoted(text));
    }

    pub(super) fn end(mut self) -> String {
        self.out.push('}');
        self.out
    }
}

fn quoted(text: &str) -> String {
    // Only a map with names that are no strings could fail.
    serde_json::to_string(text).unwrap_or_default()
}

/// A list, its elements as they stand; none if the text is something else.
pub(super) fn list(text: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(text).ok()
}

/// Puts a list together.
pub(super) fn joined(elements: &[String]) -> String {
    format!("[{}]", elements.join(","))
}
