//! The starter files: the shortest useful one, and the one that shows every key with its default.
//! The long one is written from the registry, so that it cannot tell anything else than the code.

use std::fmt::Write as _;

use super::keys::{self, Default, Key, Kind, Others, ROOT, Shape};

/// Which starter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starter {
    /// A listener, an upstream, a route.
    Minimal,
    /// Every key, commented out with its default.
    Full,
}

/// The text of a starter file.
pub fn starter(which: Starter) -> String {
    match which {
        Starter::Minimal => include_str!("../../config/minimal.toml").to_owned(),
        Starter::Full => full(),
    }
}

fn full() -> String {
    let mut out = HEAD.to_owned();
    table(&mut out, &ROOT, "", Shown::Active);
    out
}

/// Whether lines stand in the file or only in its comments.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Active,
    Commented,
}

/// The values of a table, then its sections: in TOML a table ends where the next one begins.
fn table(out: &mut String, shape: &'static Shape, path: &str, shown: Shown) {
    let now = || shape.keys.iter().filter(|key| key.is_now());
    for key in now().filter(|key| has_line(key)) {
        line(out, key, shown);
    }
    for key in now() {
        if let Some(inner) = key.kind.shape() {
            section(out, key, inner, path, shown);
        }
    }
    if let Some(others) = &shape.others {
        chosen(out, others, path, shown);
    }
}

fn line(out: &mut String, key: &'static Key, shown: Shown) {
    let (value, note) = match key.default {
        Default::Value(default) => (default, String::new()),
        Default::None(words) => (key.example.unwrap_or("\"\""), format!(" (left out: {words})")),
        Default::Required => (key.example.unwrap_or("\"\""), " (needed)".to_owned()),
        Default::Table => ("{}", String::new()),
    };
    let mark = if key.active && shown == Shown::Active { "" } else { "# " };
    entry(out, &format!("{mark}{} = {value}", key.name), &format!("{}{note}", key.doc));
}

fn section(out: &mut String, key: &'static Key, inner: &'static Shape, path: &str, shown: Shown) {
    let path = keys::join(path, key.name);
    let active = key.active || matches!(key.default, Default::Table);
    let shown = if active && !has_line(key) { shown } else { Shown::Commented };
    if inner.keys.is_empty() && inner.others.is_some() {
        table(out, inner, &path, shown);
        return;
    }
    let several = matches!(key.kind, Kind::Tables(_) | Kind::List { .. });
    let brackets = if several { ("[[", "]]") } else { ("[", "]") };
    let doc = if has_line(key) { "one of them, written as a table" } else { key.doc };
    header(out, brackets, &path, doc, shown);
    table(out, inner, &path, shown);
}

/// A key that the operator chooses: a table under its example name, or a single value.
fn chosen(out: &mut String, others: &'static Others, path: &str, shown: Shown) {
    let (name, value) = others.example;
    match others.kind.shape() {
        Some(inner) if value.is_empty() => {
            let path = keys::join(path, name);
            // A table of names alone gets its header with the example of one.
            if !inner.keys.is_empty() {
                header(out, ("[", "]"), &path, others.doc, shown);
            }
            table(out, inner, &path, shown);
        }
        Some(_) | None => {
            header(out, ("[", "]"), path, others.doc, Shown::Commented);
            let bare = !name.contains('/');
            let name = if bare { name.to_owned() } else { format!("\"{name}\"") };
            entry(out, &format!("# {name} = {value}"), "an example");
        }
    }
}

fn header(out: &mut String, (open, close): (&str, &str), path: &str, doc: &str, shown: Shown) {
    let mark = if shown == Shown::Active { "" } else { "# " };
    out.push('\n');
    entry(out, &format!("{mark}{open}{path}{close}"), doc);
}

fn entry(out: &mut String, setting: &str, doc: &str) {
    // Writing into a String cannot fail.
    let _ = writeln!(out, "{setting:<42} # {doc}");
}

/// Whether a key can be written on one line: all but tables. A list of tables can be both.
fn has_line(key: &Key) -> bool {
    key.kind.shape().is_none() || matches!(key.kind, Kind::List { .. })
}

const HEAD: &str = "\
# guichet.toml: every key, commented out with its default. What is not commented out is the
# shortest useful file: a listener, an upstream, a route.
#
# Durations are written \"250ms\", \"5s\", \"2m\", \"1h\" or \"1d\", sizes \"512B\", \"16KiB\" or \"2MiB\".
# ${env.NAME} and ${env.NAME:-default} stand for variables in every string; $$ is a dollar.
# Secrets are { file = \"…\" }, { env = \"…\" } or { credential = \"…\" } (systemd).
# Paths start from the folder of the file that they stand in.
#
# `guichet check` finds every mistake, `guichet explain KEY` says more about a key.

";
