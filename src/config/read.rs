//! Typed reading of a tree whose form has been checked.
//!
//! Every method answers None for a key that is absent and for one that is malformed: the latter
//! was reported by `shape`, with the same parsers, so nothing is ever lost in silence.

use std::time::Duration;

use super::source::Place;
use super::tree::{Entry, Node, Table, Value};
use crate::base::{parse_duration, parse_size};

/// A table to read from; an absent table reads as an empty one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Section<'t> {
    table: Option<&'t Table>,
}

/// A string and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'t> {
    pub(crate) text: &'t str,
    pub(crate) place: Place,
}

impl<'t> Section<'t> {
    pub(crate) fn of(table: &'t Table) -> Self {
        Self { table: Some(table) }
    }

    pub(crate) fn of_node(node: &'t Node) -> Self {
        Self { table: node.as_table() }
    }

    /// Whether the key stands in the file, rightly or wrongly.
    pub(crate) fn has(self, key: &str) -> bool {
        self.node(key).is_some()
    }

    pub(crate) fn node(self, key: &str) -> Option<&'t Node> {
        self.table?.node(key)
    }

    pub(crate) fn place(self, key: &str) -> Option<Place> {
        self.table?.entry(key).map(|entry| entry.place)
    }

    pub(crate) fn entries(self) -> &'t [Entry] {
        self.table.map_or(&[], |table| table.entries.as_slice())
    }

    pub(crate) fn section(self, key: &str) -> Self {
        self.node(key).map_or_else(Self::default, Self::of_node)
    }

    /// The tables of `[[key]]`.
    pub(crate) fn tables(self, key: &str) -> impl Iterator<Item = (&'t Node, Self)> {
        let items = self.node(key).and_then(Node::as_array).unwrap_or_default();
        items.iter().map(|item| (item, Self::of_node(item)))
    }

    pub(crate) fn text(self, key: &str) -> Option<Word<'t>> {
        self.node(key).and_then(word)
    }

    pub(crate) fn texts(self, key: &str) -> Vec<Word<'t>> {
        self.items(key).iter().filter_map(word).collect()
    }

    pub(crate) fn items(self, key: &str) -> &'t [Node] {
        self.node(key).and_then(Node::as_array).unwrap_or_default()
    }

    pub(crate) fn duration(self, key: &str) -> Option<Duration> {
        self.text(key).and_then(|word| parse_duration(word.text).ok())
    }

    pub(crate) fn size(self, key: &str) -> Option<u64> {
        self.text(key).and_then(|word| parse_size(word.text).ok())
    }

    /// A size that is bounded so that it fits into memory.
    pub(crate) fn length(self, key: &str) -> Option<usize> {
        self.size(key).and_then(|size| usize::try_from(size).ok())
    }

    pub(crate) fn integer<N: TryFrom<i64>>(self, key: &str) -> Option<N> {
        self.node(key).and_then(integer)
    }

    pub(crate) fn boolean(self, key: &str) -> Option<bool> {
        let Value::Boolean(yes) = self.node(key)?.value else { return None };
        Some(yes)
    }

    pub(crate) fn share(self, key: &str) -> Option<f64> {
        self.node(key).and_then(share)
    }
}

pub(crate) fn word(node: &Node) -> Option<Word<'_>> {
    node.as_str().map(|text| Word { text, place: node.place })
}

pub(crate) fn integer<N: TryFrom<i64>>(node: &Node) -> Option<N> {
    let Value::Integer(number) = node.value else { return None };
    N::try_from(number).ok()
}

/// A number from 0 to 1.
pub(crate) fn share(node: &Node) -> Option<f64> {
    let number = match (integer::<u8>(node), &node.value) {
        (Some(whole), _) => f64::from(whole),
        (None, Value::Float(number)) => *number,
        (None, _) => return None,
    };
    (0.0..=1.0).contains(&number).then_some(number)
}
