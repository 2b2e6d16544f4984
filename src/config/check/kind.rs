//! The type of a parameter or a field, with what bounds it.

use super::Check;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::read::{self, Section};
use crate::config::tree::{Node, Value};
use crate::parameter::{Kind, Pattern};

/// The type, with what bounds it. A key that says nothing of the type is refused, not ignored.
pub(super) fn kind(section: Section<'_>, check: &mut Check<'_>) -> Kind {
    let word = section.text("type").map_or("string", |word| word.text);
    let (kind, known): (_, &[&str]) = match word {
        "string" => (string(section, check), &["min_length", "max_length", "pattern"]),
        "integer" => (
            Kind::Integer {
                min: bound(section, "min", check).unwrap_or(i64::MIN),
                max: bound(section, "max", check).unwrap_or(i64::MAX),
            },
            &["min", "max"],
        ),
        "number" => (
            Kind::Number {
                min: section.node("min").and_then(number).unwrap_or(f64::NEG_INFINITY),
                max: section.node("max").and_then(number).unwrap_or(f64::INFINITY),
            },
            &["min", "max"],
        ),
        "boolean" => (Kind::Boolean, &[]),
        "date" => (Kind::Date, &[]),
        "date-time" => (Kind::DateTime, &[]),
        "uuid" => (Kind::Uuid, &[]),
        "email" => (Kind::Email, &[]),
        "siret" => (Kind::Siret, &[]),
        "siren" => (Kind::Siren, &[]),
        "iban" => (Kind::Iban, &[]),
        // Reported by the form of the file.
        _ => (string(section, check), &["min", "max", "min_length", "max_length", "pattern"]),
    };
    for key in ["min", "max", "min_length", "max_length", "pattern"] {
        if let Some(place) = section.place(key).filter(|_| !known.contains(&key)) {
            let message = format!("`{key}` says nothing about the type \"{word}\"");
            let help = match key {
                "min" | "max" => {
                    "it bounds \"integer\" and \"number\"; a string has `min_length` and `max_length`"
                }
                _ => "it is about \"string\"; \"integer\" and \"number\" have `min` and `max`",
            };
            check.push(Diagnostic::at(Id::BadParameter, place, message).help(help));
        }
    }
    let empty = match kind {
        Kind::Integer { min, max } => (min > max).then_some(("min", "max")),
        Kind::Number { min, max } => (min > max).then_some(("min", "max")),
        Kind::String { least, most, .. } => (least > most).then_some(("min_length", "max_length")),
        Kind::Boolean
        | Kind::Date
        | Kind::DateTime
        | Kind::Uuid
        | Kind::Email
        | Kind::Siret
        | Kind::Siren
        | Kind::Iban => None,
    };
    if let Some((low, high)) = empty
        && let Some(node) = section.node(high)
    {
        let message = format!("no value lies between `{low}` and `{high}`");
        let made = Diagnostic::at(Id::BadParameter, node.place, message);
        check.push(match section.node(low) {
            Some(node) => made.other(node.place, "the lower bound is above the upper one"),
            None => made.help(format!("`{low}` is 1 where it is left out: write `{low} = 0`")),
        });
    }
    kind
}

/// The type of this name, without bounds.
pub(super) fn named(word: &str) -> Kind {
    match word {
        "integer" => Kind::Integer { min: i64::MIN, max: i64::MAX },
        "number" => Kind::Number { min: f64::NEG_INFINITY, max: f64::INFINITY },
        "boolean" => Kind::Boolean,
        "date" => Kind::Date,
        "date-time" => Kind::DateTime,
        "uuid" => Kind::Uuid,
        "email" => Kind::Email,
        "siret" => Kind::Siret,
        "siren" => Kind::Siren,
        "iban" => Kind::Iban,
        _ => Kind::String { least: 1, most: usize::MAX, pattern: None },
    }
}

fn string(section: Section<'_>, check: &mut Check<'_>) -> Kind {
    let pattern = section.text("pattern").and_then(|word| match Pattern::compile(word.text) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            let message = format!("this pattern cannot be used: {why}");
            let made = Diagnostic::at(Id::BadParameter, word.place, message);
            check.push(made.help(
                "patterns are those of Rust's `regex`: they cannot backtrack, so they have neither \
                 look-around nor back-references",
            ));
            None
        }
    });
    Kind::String {
        least: section.integer("min_length").unwrap_or(1),
        most: section.integer("max_length").unwrap_or(usize::MAX),
        pattern,
    }
}

fn bound(section: Section<'_>, key: &str, check: &mut Check<'_>) -> Option<i64> {
    let node = section.node(key)?;
    if let Value::Float(_) = node.value {
        let message = format!("`{key}` of an \"integer\" has no fraction");
        let made = Diagnostic::at(Id::BadParameter, node.place, message);
        check.push(made.help("write it without one, or `type = \"number\"`"));
        return None;
    }
    read::integer(node)
}

#[allow(clippy::cast_precision_loss, reason = "bounds of doubles are doubles")]
fn number(node: &Node) -> Option<f64> {
    match node.value {
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        Value::String(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_)
        | Value::Table(_)
        | Value::Broken => None,
    }
}

/// A value as a client would send it.
pub(super) fn plain(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) | Value::Broken => None,
    }
}

pub(super) fn fits(kind: &Kind, text: &str) -> bool {
    // Chosen by hand, so that an empty one is meant.
    let meant = text.is_empty() && matches!(kind, Kind::String { least: 0 | 1, .. });
    meant || kind.takes(text)
}
