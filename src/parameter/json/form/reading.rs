//! What the texts of a form may be, gathered from a schema: more rather than less, since a reading that is
//! wrong only costs a try, and one that is missing would refuse what is right.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A set of the types of JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Types(u8);

/// What may stand at one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) types: Types,
    /// Of the items, where it is a list.
    pub(super) items: Types,
    /// Whether more is asked of a text than to be one.
    pub(super) bound: bool,
}

/// What may stand at each name, and at all others.
#[derive(Debug, Default)]
pub(super) struct Readings {
    names: BTreeMap<String, Reading>,
    rest: Reading,
}

impl Types {
    pub(super) const NULL: Self = Self(1);
    pub(super) const TEXT: Self = Self(1 << 1);
    pub(super) const LIST: Self = Self(1 << 2);
    const BOOLEAN: Self = Self(1 << 3);
    const NUMBER: Self = Self(1 << 4);
    const OBJECT: Self = Self(1 << 5);
    const ALL: Self = Self((1 << 6) - 1);

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) const fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(_) => Self::NUMBER,
            Value::String(_) => Self::TEXT,
            Value::Array(_) => Self::LIST,
            Value::Object(_) => Self::OBJECT,
        }
    }

    fn named(word: &str) -> Self {
        match word {
            "null" => Self::NULL,
            "boolean" => Self::BOOLEAN,
            "integer" | "number" => Self::NUMBER,
            "string" => Self::TEXT,
            "array" => Self::LIST,
            "object" => Self::OBJECT,
            _ => Self::ALL,
        }
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn or_all(self) -> Self {
        if self.0 == 0 { Self::ALL } else { self }
    }
}

impl Readings {
    /// Of a whole schema; and the names of what lies within objects.
    pub(super) fn of(schema: &Value) -> (Self, Vec<String>) {
        let walk = Walk { root: schema, left: Cell::new(MOST_STEPS) };
        let (mut found, mut spread) = (Self::default(), BTreeSet::new());
        walk.fields(schema, 0, &mut found, &mut spread);
        let plain = Reading { types: Types::TEXT, items: Types::ALL, bound: false };
        // Where nothing is said of other names, whatever stands there is fine as a text.
        found.rest = if found.rest == Reading::default() { plain } else { found.rest.closed() };
        for reading in found.names.values_mut() {
            *reading = reading.closed();
        }
        spread.retain(|name| !found.names.contains_key(name));
        (found, spread.into_iter().collect())
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    pub(super) fn of_name(&self, name: &str) -> &Reading {
        self.names.get(name).unwrap_or(&self.rest)
    }
}

impl Reading {
    fn add(&mut self, other: Self) {
        self.types = self.types.or(other.types);
        self.items = self.items.or(other.items);
        self.bound |= other.bound;
    }

    fn closed(mut self) -> Self {
        (self.types, self.items) = (self.types.or_all(), self.items.or_all());
        self
    }
}

struct Walk<'s> {
    root: &'s Value,
    /// Schemas that are still looked at; what lies beyond may be anything.
    left: Cell<usize>,
}

impl<'s> Walk<'s> {
    fn is_spent(&self, depth: usize) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left == 0 || depth > DEEPEST
    }

    /// What has a say beside the keywords of a schema itself.
    fn parts(&self, schema: &'s Value) -> impl Iterator<Item = &'s Value> {
        let to = schema.get("$ref").and_then(Value::as_str);
        let to = to.and_then(|to| self.root.pointer(to.strip_prefix('#')?));
        let lists = ["allOf", "anyOf", "oneOf"].into_iter();
        let lists = lists.filter_map(|key| schema.get(key)?.as_array()).flatten();
        let one = ["if", "then", "else"].into_iter().filter_map(|key| schema.get(key));
        to.into_iter().chain(lists).chain(one)
    }

    fn fields(
        &self,
        schema: &'s Value,
        depth: usize,
        found: &mut Readings,
        spread: &mut BTreeSet<String>,
    ) {
        if self.is_spent(depth) {
            return;
        }
        for (name, member) in
            schema.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            found.names.entry(name.clone()).or_default().add(self.reading(member, 0));
            self.members(member, 0, spread);
        }
        let others = ["additionalProperties", "unevaluatedProperties"].into_iter();
        for other in others.filter_map(|key| schema.get(key)).filter(|other| other.is_object()) {
            found.rest.add(self.reading(other, 0).closed());
        }
        if schema.get("patternProperties").is_some() {
            found.rest.add(ANYTHING);
        }
        for part in self.parts(schema) {
            self.fields(part, depth + 1, found, spread);
        }
    }

    fn members(&self, schema: &'s Value, depth: usize, spread: &mut BTreeSet<String>) {
        if self.is_spent(depth) {
            return;
        }
        let members = schema.get("properties").and_then(Value::as_object);
        spread.extend(members.into_iter().flatten().map(|(name, _)| name.clone()));
        for part in self.parts(schema) {
            self.members(part, depth + 1, spread);
        }
    }

    fn reading(&self, schema: &'s Value, depth: usize) -> Reading {
        if self.is_spent(depth) {
            return ANYTHING;
        }
        let mut found = Reading::default();
        for part in self.parts(schema) {
            found.add(self.reading(part, depth + 1));
        }
        match schema.get("type") {
            Some(Value::String(word)) => found.types = Types::named(word),
            Some(Value::Array(words)) => {
                let words = words.iter().filter_map(Value::as_str).map(Types::named);
                found.types = words.fold(Types::default(), Types::or);
            }
            _ => {
                let one = schema.get("const").into_iter();
                let all =
                    one.chain(schema.get("enum").and_then(Value::as_array).into_iter().flatten());
                found.types = all.map(Types::of).fold(found.types, Types::or);
            }
        }
        if let Some(items) = schema.get("items") {
            found.items = found.items.or(self.reading(items, depth + 1).types.or_all());
        }
        let format = schema.get("format").and_then(Value::as_str);
        found.bound |= BOUNDS.iter().any(|key| schema.get(key).is_some())
            || format.is_some_and(|format| format != "binary");
        found
    }
}

const ANYTHING: Reading = Reading { types: Types::ALL, items: Types::ALL, bound: true };
/// Keywords that ask something of a text.
const BOUNDS: &[&str] = &["pattern", "minLength", "maxLength", "enum", "const", "not"];
const DEEPEST: usize = 8;
const MOST_STEPS: usize = 20_000;
