//! The registry of keys: name, kind, default and one line of documentation, once for each.
//!
//! From these tables come the check of unknown keys and types, the JSON Schema, `explain KEY`,
//! `config show` and the commented starter. The laws of the tables are tested at the foot; that a
//! default here is the one of `model` is tested by loading each of them.

mod auth;
mod body;
mod compress;
mod cors;
mod errors;
mod failing;
mod flow;
mod format;
mod graphql;
mod grpc;
mod limit;
mod maintenance;
mod observe;
mod openapi;
mod overload;
mod params;
mod root;
mod route;
mod server;
mod store;
mod upstream;

use std::time::Duration;

pub(crate) use auth::{CALLERS, OF_TYPE as AUTH_KEYS};
pub(crate) use format::{Format, STORE_URL};
pub(crate) use root::ROOT;

/// A key.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: Default,
    /// One line: what the key does.
    pub(crate) doc: &'static str,
    pub(crate) status: Status,
    /// Names that people try first, because other products use them.
    pub(crate) also: &'static [&'static str],
    /// How the starter shows a key without default, or a required one.
    pub(crate) example: Option<&'static str>,
    /// Whether the starter sets the key to its example.
    pub(crate) active: bool,
}

/// Whether this version knows the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Now,
    /// Part of the format, but of a later version: refused by name.
    Later(&'static str),
}

/// What holds when a key is left out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Default {
    /// This value, as TOML.
    Value(&'static str),
    /// A table whose keys have their own defaults.
    Table,
    /// No value; the words say what that means.
    None(&'static str),
    /// The key cannot be left out.
    Required,
}

/// What a key may hold.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A string of some format.
    Text(&'static Format),
    /// `"5s"`, of at least this much.
    Duration { least: Duration },
    /// `"16KiB"`, within these bounds.
    Size { least: u64, most: u64 },
    /// An integer within these bounds.
    Integer { least: i64, most: i64 },
    /// A number from 0 to 1.
    Share,
    /// Any number, with a fraction or without.
    Number,
    /// A date, a time and an offset.
    Moment,
    /// `true` or `false`.
    Bool,
    /// `false` alone.
    False,
    /// One of these words; `later` ones are refused by the name of their feature, and one that
    /// ends in a colon stands for all words that begin so.
    Words { now: &'static [&'static str], later: &'static [(&'static str, &'static str)] },
    /// `{ file = … }`, `{ env = … }` or `{ credential = … }`.
    Secret,
    /// A list of at least this many.
    List { of: &'static Self, least: usize },
    /// A table.
    Table(&'static Shape),
    /// `[[tables]]`, which files append to.
    Tables(&'static Shape),
    /// The first alternative of the value's type.
    Either(&'static [Self]),
    /// Any value.
    Any,
}

/// What a table may hold.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) keys: &'static [Key],
    /// What keys that the operator chooses hold.
    pub(crate) others: Option<Others>,
}

/// Keys that the operator chooses.
#[derive(Debug)]
pub(crate) struct Others {
    /// What stands for them in paths, such as `NAME`.
    pub(crate) placeholder: &'static str,
    /// What a key must look like.
    pub(crate) names: &'static Format,
    pub(crate) kind: Kind,
    pub(crate) doc: &'static str,
    /// Name and value in the starter; no value where the kind is a table.
    pub(crate) example: (&'static str, &'static str),
}

impl Key {
    pub(crate) const fn new(
        name: &'static str,
        kind: Kind,
        default: Default,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            default,
            doc,
            status: Status::Now,
            also: &[],
            example: None,
            active: false,
        }
    }

    /// A key of a later version, which brings `feature`.
    pub(crate) const fn later(name: &'static str, feature: &'static str) -> Self {
        let mut key = Self::new(name, Kind::Any, Default::None("not in this version"), feature);
        key.status = Status::Later(feature);
        key
    }

    pub(crate) const fn also(mut self, names: &'static [&'static str]) -> Self {
        self.also = names;
        self
    }

    pub(crate) const fn example(mut self, toml: &'static str) -> Self {
        self.example = Some(toml);
        self
    }

    pub(crate) const fn active(mut self) -> Self {
        self.active = true;
        self
    }

    pub(crate) fn is_now(&self) -> bool {
        self.status == Status::Now
    }
}

impl Shape {
    pub(crate) const fn of(keys: &'static [Key]) -> Self {
        Self { keys, others: None }
    }

    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Kind {
    /// The shape of the table that this kind is or may be.
    pub(crate) fn shape(&self) -> Option<&'static Shape> {
        match self {
            Self::Table(shape) | Self::Tables(shape) => Some(shape),
            Self::List { of, .. } => of.shape(),
            Self::Either(kinds) => kinds.iter().find_map(Self::shape),
            Self::Text(_)
            | Self::Duration { .. }
            | Self::Size { .. }
            | Self::Integer { .. }
            | Self::Share
            | Self::Number
            | Self::Moment
            | Self::Bool
            | Self::False
            | Self::Words { .. }
            | Self::Secret
            | Self::Any => None,
        }
    }

    /// What is expected, with its article, for a sentence.
    pub(crate) fn described(&self) -> String {
        match self {
            Self::Text(format) => format.words.to_owned(),
            Self::Duration { .. } => "a duration with its unit".to_owned(),
            Self::Size { .. } => "a size with its unit".to_owned(),
            Self::Integer { least, most: i64::MAX } => format!("an integer of at least {least}"),
            Self::Integer { least, most } => format!("an integer from {least} to {most}"),
            Self::Share => "a number from 0 to 1".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Moment => "a date, a time and an offset".to_owned(),
            Self::Bool => "`true` or `false`".to_owned(),
            Self::False => "`false`".to_owned(),
            Self::Words { now: [word], .. } => format!("\"{word}\""),
            Self::Words { now, .. } => {
                super::suggest::one_of(now.iter().copied()).replace('`', "\"")
            }
            Self::Secret => "a secret by reference: `{ file = \"…\" }`, `{ env = \"…\" }` or \
                             `{ credential = \"…\" }`"
                .to_owned(),
            Self::List { of, .. } => format!("a list, each value {}", of.described()),
            Self::Table(_) => "a table".to_owned(),
            Self::Tables(_) => "a list of tables".to_owned(),
            Self::Either(kinds) => {
                let described: Vec<_> = kinds.iter().map(Self::described).collect();
                described.join(", or ")
            }
            Self::Any => "any value".to_owned(),
        }
    }
}

/// A key found by its dotted path; a name chosen by the operator matches its placeholder.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    Key(&'static Key),
    Others(&'static Others),
}

/// Finds a key by its path, such as `upstream.users.timeout.connect`.
pub(crate) fn find(path: &str) -> Option<Found> {
    let mut shape = Some(&ROOT);
    let mut found = None;
    for part in path.trim_matches(['[', ']', ' ']).split('.') {
        let here = shape?;
        let next = match (here.key(part), &here.others) {
            (Some(key), _) => Found::Key(key),
            (None, Some(others)) if !part.is_empty() => Found::Others(others),
            (None, _) => return None,
        };
        shape = match next {
            Found::Key(key) => key.kind.shape(),
            Found::Others(others) => others.kind.shape(),
        };
        found = Some(next);
    }
    found
}

/// Every key of this version under `shape`, with its dotted path.
pub(crate) fn walk(shape: &'static Shape, path: &str, each: &mut dyn FnMut(&str, &'static Key)) {
    for key in shape.keys.iter().filter(|key| key.is_now()) {
        let path = join(path, key.name);
        each(&path, key);
        if let Some(inner) = key.kind.shape() {
            walk(inner, &path, each);
        }
    }
    if let Some(others) = &shape.others
        && let Some(inner) = others.kind.shape()
    {
        walk(inner, &join(path, others.placeholder), each);
    }
}

pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Zero makes no sense for most durations.
const POSITIVE: Kind = Kind::Duration { least: Duration::from_millis(1) };

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn every() -> Vec<(String, &'static Key)> {
        let mut all = Vec::new();
        walk(&ROOT, "", &mut |path, key| all.push((path.to_owned(), key)));
        all
    }

    #[test]
    fn every_key_is_documented_in_one_line() {
        for (path, key) in every() {
            assert!(!key.doc.is_empty() && !key.doc.contains('\n'), "{path}");
            assert!(!key.doc.ends_with('.'), "{path}: a phrase, not a sentence");
            assert!(key.doc.chars().count() <= 100, "{path}: {}", key.doc);
        }
    }

    #[test]
    fn paths_are_unique_and_found_again() {
        let all = every();
        assert_eq!(all.iter().map(|(path, _)| path).collect::<HashSet<_>>().len(), all.len());
        for (path, key) in all {
            let Some(Found::Key(found)) = find(&path) else { panic!("{path}") };
            assert!(std::ptr::eq(found, key), "{path}");
        }
        assert!(matches!(find("[upstream.users]"), Some(Found::Others(_))));
        assert!(find("upstream.users.timeout.conect").is_none());
        assert!(find("").is_none());
    }

    #[test]
    fn a_key_without_default_has_an_example() {
        for (path, key) in every() {
            let shown = key.kind.shape().is_some() || key.example.is_some();
            match key.default {
                Default::Value(_) | Default::Table => {}
                Default::None(_) | Default::Required => assert!(shown, "{path}"),
            }
        }
    }

    #[test]
    fn defaults_and_examples_are_toml() {
        for (path, key) in every() {
            let default = match key.default {
                Default::Value(text) => Some(text),
                Default::Table | Default::None(_) | Default::Required => None,
            };
            for text in default.into_iter().chain(key.example) {
                assert!(toml::de::DeValue::parse(text).is_ok(), "{path} = {text}");
            }
        }
    }
}
