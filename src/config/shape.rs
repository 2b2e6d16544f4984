//! The form of the file: every key known, every value of the right kind.
//!
//! Walks the tree beside the registry and reports all that does not fit. What references mean, and
//! which keys go together, is the business of `check`.

mod unknown;
mod wrong;

use super::diagnostic::{Diagnostic, Id, Report};
use super::keys::{self, Default, Key, Kind, Others, ROOT, Shape, Status};
use super::source::{FileId, Place, Sources};
use super::suggest;
use super::tree::{Entry, Node, Table, Value};
use crate::base::{parse_duration, parse_size};

/// Checks the whole tree. Secrets that stand in the file in clear are masked in `sources`.
pub(crate) fn check(root: &Table, sources: &mut Sources, report: &mut Report) {
    let mut form = Form { sources, report };
    form.table(root, &ROOT, "", None);
}

/// Checks the tree of another file against its own shape.
pub(crate) fn check_as(
    root: &Table,
    shape: &'static Shape,
    sources: &mut Sources,
    report: &mut Report,
) {
    Form { sources, report }.table(root, shape, "", None);
}

/// The key of the table at `path` that an unknown key was probably meant to be.
pub(crate) fn meant(typed: &str, path: &str) -> Option<&'static str> {
    let keys::Found::Key(key) = keys::find(path)? else { return None };
    unknown::suggestion(typed, key.kind.shape()?).map(|key| key.name)
}

struct Form<'f> {
    sources: &'f mut Sources,
    report: &'f mut Report,
}

impl Form<'_> {
    fn table(&mut self, table: &Table, shape: &'static Shape, path: &str, place: Option<Place>) {
        let mut meant = Vec::new();
        for entry in &table.entries {
            let inner = keys::join(path, &entry.key);
            match (shape.key(&entry.key), &shape.others) {
                (Some(key), _) => self.known(entry, key, &inner),
                (None, Some(others)) => self.chosen(entry, others, path, &inner),
                (None, None) => {
                    let (diagnostic, likely) = unknown::diagnose(entry, shape, path);
                    meant.extend(likely);
                    self.report.push(diagnostic);
                }
            }
        }
        for key in shape.keys {
            let missing = matches!(key.default, Default::Required)
                && table.entry(key.name).is_none()
                && !meant.contains(&key.name);
            if missing {
                self.missing(key, path, place);
            }
        }
    }

    fn known(&mut self, entry: &Entry, key: &'static Key, path: &str) {
        match key.status {
            Status::Now if path == "version" => self.version(entry),
            Status::Now => self.node(&entry.node, &key.kind, &entry.key, path),
            Status::Later(feature) => self.report.push(
                Diagnostic::at(
                    Id::LaterKey,
                    entry.place,
                    format!("`{}` arrives with a later version of guichet", entry.key),
                )
                .label(feature)
                .help("take it away: this version would not act on it"),
            ),
        }
    }

    /// A key that the operator chose: a name, a code, a language, a pointer.
    fn chosen(&mut self, entry: &Entry, others: &'static Others, table: &str, path: &str) {
        let inner = others.kind.shape();
        let misplaced = !matches!(others.kind, Kind::Either(_))
            && !matches!(entry.node.value, Value::Table(_) | Value::Broken)
            && inner.is_some_and(|shape| {
                unknown::suggestion(&entry.key, shape).is_some() || shape.others.is_none()
            });
        if misplaced {
            let name = others.example.0;
            self.report.push(
                Diagnostic::at(
                    Id::UnknownKey,
                    entry.place,
                    format!("`{}` cannot stand directly in `[{table}]`", entry.key),
                )
                .help(format!("give the table a name of your choice: `[{table}.{name}]`")),
            );
            return;
        }
        if let Err(why) = (others.names.check)(&entry.key) {
            let message = format!("`{}` is not {}", quoted(&entry.key), others.names.words);
            self.report.push(Diagnostic::at(Id::BadValue, entry.place, message).help(why));
        }
        self.node(&entry.node, &others.kind, &entry.key, path);
    }

    fn version(&mut self, entry: &Entry) {
        let message = match super::read::integer::<i64>(&entry.node) {
            Some(1) => return,
            Some(other) => format!(
                "this file is written for version {other} of the format, and this guichet reads \
                 version 1"
            ),
            None if entry.node.is_broken() => return,
            None => "`version` must be the number 1".to_owned(),
        };
        let made = Diagnostic::at(Id::Version, entry.node.place, message);
        self.report.push(made.help("write `version = 1`"));
    }

    fn missing(&mut self, key: &'static Key, path: &str, place: Option<Place>) {
        if path.is_empty() {
            // A missing listener is reported by `check::listen`, in better words.
            if key.name == "version" {
                let message = "the version of the format is missing";
                self.report.push(
                    Diagnostic::whole(Id::Version, FileId::MAIN, message)
                        .help("write `version = 1` on the first line"),
                );
            }
            return;
        }
        let Some(place) = place else { return };
        let example = key.example.unwrap_or("…");
        self.report.push(
            Diagnostic::at(Id::MissingKey, place, format!("`{}` is missing here", key.name))
                .label(key.doc)
                .help(format!("add `{} = {example}`", key.name)),
        );
    }

    fn node(&mut self, node: &Node, kind: &'static Kind, key: &str, path: &str) {
        match (kind, &node.value) {
            (_, Value::Broken)
            | (Kind::Any, _)
            | (Kind::Bool, Value::Boolean(_))
            | (Kind::Number, Value::Integer(_) | Value::Float(_)) => {}
            (Kind::Either(kinds), value) => {
                let fitting = kinds.iter().find(|kind| fits(kind, value));
                match fitting {
                    Some(fitting) if !wrong::is_quoted_by_mistake(kinds, value) => {
                        self.node(node, fitting, key, path);
                    }
                    Some(_) | None => self.wrong_type(node, kind, key),
                }
            }
            (Kind::Text(format), Value::String(text))
                if std::ptr::eq(*format, &raw const keys::STORE_URL)
                    && super::value::has_password(text) =>
            {
                self.secret(node);
            }
            (Kind::Text(format), Value::String(text)) => {
                if let Err(why) = (format.check)(text) {
                    let message = format!("\"{}\" is not {}", quoted(text), format.words);
                    // Most sentences show already what would be right.
                    let example = (!why.contains('"'))
                        .then(|| format!("a right one is \"{}\"", format.example));
                    let found = Diagnostic::at(Id::BadValue, node.place, message).help(why);
                    self.report.push(found.help_if(example));
                }
            }
            (Kind::Duration { least }, Value::String(text)) => match parse_duration(text) {
                Ok(duration) if duration >= *least => {}
                Ok(_) => self.out_of_range(node, format!("`{key}` must be more than 0")),
                Err(why) => self.bad_quantity(node, text, kind, key, why),
            },
            (Kind::Size { least, most }, Value::String(text)) => match parse_size(text) {
                Ok(size) if (*least..=*most).contains(&size) => {}
                Ok(_) => self.out_of_range(node, wrong::size_range(key, *least, *most)),
                Err(why) => self.bad_quantity(node, text, kind, key, why),
            },
            (Kind::Duration { .. } | Kind::Size { .. }, Value::Integer(number)) => {
                self.missing_unit(node, &number.to_string(), kind, key);
            }
            (Kind::Integer { least, most }, Value::Integer(number)) => {
                if !(*least..=*most).contains(number) {
                    let message = format!("`{key}` must be {}", kind.described());
                    self.out_of_range(node, message);
                }
            }
            (Kind::Share, Value::Float(_) | Value::Integer(_)) => {
                if super::read::share(node).is_none() {
                    self.out_of_range(node, format!("`{key}` must be a number from 0 to 1"));
                }
            }
            (Kind::Moment, Value::Datetime(text)) => {
                if let Err(why) = super::value::moment(text) {
                    let message = format!("`{key}` must be {}", kind.described());
                    self.report.push(Diagnostic::at(Id::BadValue, node.place, message).help(why));
                }
            }
            (Kind::False, Value::Boolean(yes)) => {
                if *yes {
                    let message = format!("`{key}` is either `false` or a table");
                    self.report.push(
                        Diagnostic::at(Id::BadValue, node.place, message)
                            .help("it is on by default: leave it out"),
                    );
                }
            }
            (Kind::Words { now, later }, Value::String(text)) => {
                self.word(node, text, now, later, key);
            }
            (Kind::Secret, _) => self.secret(node),
            (Kind::List { of, least }, Value::Array(items)) => {
                if items.len() < *least {
                    self.out_of_range(node, format!("`{key}` must not be empty"));
                }
                for item in items {
                    self.node(item, of, key, path);
                }
            }
            (Kind::Table(shape), Value::Table(table)) => {
                self.table(table, shape, path, Some(node.place));
            }
            (Kind::Tables(shape), Value::Array(items)) => {
                for item in items {
                    match item.as_table() {
                        Some(table) => self.table(table, shape, path, Some(item.place)),
                        None if item.is_broken() => {}
                        None => self.wrong_type(item, kind, key),
                    }
                }
            }
            _ => self.wrong_type(node, kind, key),
        }
    }

    fn word(
        &mut self,
        node: &Node,
        text: &str,
        now: &'static [&'static str],
        later: &'static [(&'static str, &'static str)],
        key: &str,
    ) {
        if now.contains(&text) {
            return;
        }
        let known_later = later
            .iter()
            .find(|(word, _)| *word == text || (word.ends_with(':') && text.starts_with(word)));
        let known = suggest::one_of(now.iter().copied()).replace('`', "\"");
        if let Some((_, feature)) = known_later {
            let message = format!("\"{}\" arrives with a later version of guichet", quoted(text));
            self.report.push(
                Diagnostic::at(Id::LaterWord, node.place, message)
                    .label(*feature)
                    .help(format!("this version knows {known}")),
            );
            return;
        }
        let message = format!("`{key}` cannot be \"{}\"", quoted(text));
        let likely = suggest::nearest(text, now.iter().copied());
        let help = match likely {
            Some(word) => format!("did you mean \"{word}\"? known: {known}"),
            None => format!("write {known}"),
        };
        self.report.push(Diagnostic::at(Id::UnknownWord, node.place, message).help(help));
    }

    fn secret(&mut self, node: &Node) {
        let Value::Table(table) = &node.value else {
            self.sources.mask(node.place);
            self.report.push(
                Diagnostic::at(Id::BadSecret, node.place, "a secret is not written into the file")
                    .help(
                        "say where it is: `{ file = \"tls/api.key\" }`, `{ env = \"NAME\" }` or \
                         `{ credential = \"name\" }`",
                    ),
            );
            return;
        };
        if let Err((place, why)) = super::secret::reference(table) {
            self.report.push(Diagnostic::at(Id::BadSecret, place.unwrap_or(node.place), why).help(
                "write one of `{ file = \"…\" }`, `{ env = \"…\" }` and \
                     `{ credential = \"…\" }`",
            ));
        }
    }

    fn wrong_type(&mut self, node: &Node, kind: &'static Kind, key: &str) {
        self.report.push(wrong::diagnose(node, kind, key, self.sources));
    }

    fn out_of_range(&mut self, node: &Node, message: String) {
        self.report.push(Diagnostic::at(Id::OutOfRange, node.place, message));
    }

    fn bad_quantity(&mut self, node: &Node, text: &str, kind: &Kind, key: &str, why: String) {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            self.missing_unit(node, text, kind, key);
            return;
        }
        let message = format!("\"{}\" is not {}", quoted(text), kind.described());
        let likely = wrong::likely_quantity(text, kind);
        let help = likely.map_or(why, |likely| format!("write \"{likely}\""));
        self.report.push(Diagnostic::at(Id::BadValue, node.place, message).help(help));
    }

    fn missing_unit(&mut self, node: &Node, number: &str, kind: &Kind, key: &str) {
        let help = if matches!(kind, Kind::Size { .. }) {
            match number.parse::<u64>() {
                Ok(1024..) => format!("write \"{number}B\" if these are bytes"),
                _ => format!("write \"{number}KiB\" or \"{number}MiB\""),
            }
        } else {
            format!("write \"{number}s\" for seconds or \"{number}ms\" for milliseconds")
        };
        let message = format!("`{key}` needs a unit");
        self.report.push(
            Diagnostic::at(Id::MissingUnit, node.place, message)
                .label("which unit is this?")
                .help(help),
        );
    }
}

/// Whether a value is of the type of a kind, right or wrong.
fn fits(kind: &Kind, value: &Value) -> bool {
    match value {
        Value::String(_) => matches!(
            kind,
            Kind::Text(_) | Kind::Duration { .. } | Kind::Size { .. } | Kind::Words { .. }
        ),
        Value::Integer(_) => matches!(kind, Kind::Integer { .. } | Kind::Share | Kind::Number),
        Value::Float(_) => matches!(kind, Kind::Share | Kind::Number),
        Value::Boolean(_) => matches!(kind, Kind::Bool | Kind::False),
        Value::Array(_) => matches!(kind, Kind::List { .. } | Kind::Tables(_)),
        Value::Table(_) => matches!(kind, Kind::Table(_) | Kind::Secret),
        Value::Datetime(_) => matches!(kind, Kind::Moment),
        Value::Broken => true,
    }
}

/// A value as it can stand in a message: bounded, on one line.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_QUOTE).flat_map(char::escape_debug).collect();
    shown = shown.replace("\\\"", "\"").replace("\\'", "'").replace("\\\\", "\\");
    if text.chars().nth(LONGEST_QUOTE).is_some() {
        shown.push('…');
    }
    shown
}

const LONGEST_QUOTE: usize = 60;
