//! Values of the wrong type, and how they would be right.

use super::super::diagnostic::{Diagnostic, Id};
use super::super::keys::{Default, Key, Kind, Shape};
use super::super::source::Sources;
use super::super::tree::{Node, Value};
use super::fits;
use crate::base::quantity::format_size;

/// The diagnostic of a value that is not of the kind that its key wants.
pub(super) fn diagnose(
    node: &Node,
    kind: &'static Kind,
    key: &str,
    sources: &Sources,
) -> Diagnostic {
    let given = node.value.described();
    let message = format!("`{key}` must be {}, not {given}", kind.described());
    Diagnostic::at(Id::WrongType, node.place, message).help_if(help(node, kind, key, sources))
}

fn help(node: &Node, kind: &'static Kind, key: &str, sources: &Sources) -> Option<String> {
    let written = sources.slice(node.place).trim();
    let short = !written.is_empty() && written.len() <= 60 && !written.contains('\n');
    match (kind, &node.value) {
        (Kind::Either(kinds), value) if is_quoted_by_mistake(kinds, value) => unquoted(written),
        (Kind::Either(kinds), _) => kinds.iter().find_map(|kind| help(node, kind, key, sources)),
        (Kind::Tables(_), Value::Table(_)) => {
            Some(format!("write `[[{key}]]`, with two brackets: there can be several"))
        }
        (Kind::Table(shape), Value::Array(_)) => match &shape.others {
            Some(others) => Some(format!(
                "write `[{key}.{}]`, with a name of your choice and single brackets",
                others.example.0
            )),
            None => Some(format!("write `[{key}]`, with single brackets")),
        },
        (Kind::Table(shape), _) => {
            let (first, example) = shown(shape)?;
            Some(format!("write `{key} = {{ {} = {example} }}`", first.name))
        }
        (Kind::List { of, .. }, value) if fits_deeply(of, value) && short => {
            Some(format!("put it into a list: `{key} = [{written}]`"))
        }
        (Kind::Text(_) | Kind::Words { .. }, Value::Array(items)) if items.len() == 1 => {
            Some("write the value alone, without brackets".to_owned())
        }
        (Kind::Text(format), Value::Integer(_))
            if short && (format.check)(&format!("{written}%")).is_ok() =>
        {
            Some(format!("write `{key} = \"{written}%\"`"))
        }
        (Kind::Text(format), Value::Integer(_)) if short && (format.check)(written).is_err() => {
            Some(format!("write it as in `{key} = \"{}\"`", format.example))
        }
        (
            Kind::Text(_),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_),
        ) if short => Some(format!("put it between quotes: `{key} = \"{written}\"`")),
        (Kind::Moment, Value::String(text)) if crate::config::value::moment(text).is_ok() => {
            unquoted(written)
        }
        (Kind::Moment, _) => Some(format!("write it as in `{key} = 2026-12-01T02:00:00+01:00`")),
        (Kind::Integer { .. } | Kind::Bool | Kind::Share | Kind::Number, Value::String(text)) => {
            let right = if matches!(kind, Kind::Bool) {
                matches!(text.as_str(), "true" | "false")
            } else {
                text.parse::<f64>().is_ok()
            };
            if right { unquoted(written) } else { None }
        }
        (Kind::Bool, Value::Integer(number @ (0 | 1))) => {
            Some(format!("write `{key} = {}`", *number == 1))
        }
        (Kind::Duration { .. }, Value::Float(_)) => {
            Some("write a whole number with its unit, such as \"1500ms\"".to_owned())
        }
        _ => None,
    }
}

/// A key of a table and a value for it: one that has to be chosen, else one with a default.
fn shown(shape: &'static Shape) -> Option<(&'static Key, &'static str)> {
    let chosen = shape.keys.iter().find_map(|key| key.example.map(|example| (key, example)));
    chosen.or_else(|| {
        let first = shape.keys.iter().find(|key| key.is_now())?;
        match first.default {
            Default::Value(default) => Some((first, default)),
            Default::Table | Default::None(_) | Default::Required => None,
        }
    })
}

fn unquoted(written: &str) -> Option<String> {
    let bare = written.trim_matches(['"', '\'']);
    Some(format!("write it without quotes: `{bare}`"))
}

/// `"4"` where a number could stand, `"true"` where a truth value could.
pub(super) fn is_quoted_by_mistake(kinds: &[Kind], value: &Value) -> bool {
    let Value::String(text) = value else { return false };
    let number = text.parse::<i64>().is_ok();
    let truth = matches!(text.as_str(), "true" | "false");
    kinds.iter().any(|kind| {
        (number && matches!(kind, Kind::Integer { .. }))
            || (truth && matches!(kind, Kind::Bool | Kind::False))
    }) && !kinds.iter().any(|kind| matches!(kind, Kind::Text(_)))
}

fn fits_deeply(kind: &Kind, value: &Value) -> bool {
    let Kind::Either(kinds) = kind else { return fits(kind, value) };
    kinds.iter().any(|kind| fits(kind, value))
}

pub(super) fn size_range(key: &str, least: u64, most: u64) -> String {
    match most {
        u64::MAX => format!("`{key}` must be at least {}", format_size(least)),
        _ => format!("`{key}` must be from {} to {}", format_size(least), format_size(most)),
    }
}

/// What was probably meant by `"5 s"`, `"5sec"` or `"16kb"`.
pub(super) fn likely_quantity(text: &str, kind: &Kind) -> Option<String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(end);
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let unit = unit.trim().to_ascii_lowercase();
    let known = if matches!(kind, Kind::Size { .. }) { SIZES } else { DURATIONS };
    let (right, _) = known.iter().find(|(_, words)| words.contains(&unit.as_str()))?;
    Some(format!("{digits}{right}"))
}

type Units = &'static [(&'static str, &'static [&'static str])];

/// Units, and what people write for them.
const SIZES: Units = &[
    ("B", &["b", "byte", "bytes", "o"]),
    ("KiB", &["k", "kb", "kib", "ko"]),
    ("MiB", &["m", "mb", "mib", "mo"]),
    ("GiB", &["g", "gb", "gib", "go"]),
];
const DURATIONS: Units = &[
    ("ms", &["ms", "msec", "millis", "milliseconds"]),
    ("s", &["s", "sec", "secs", "second", "seconds"]),
    ("m", &["m", "min", "mins", "minute", "minutes"]),
    ("h", &["h", "hour", "hours"]),
    ("d", &["d", "day", "days"]),
];
