//! Unknown keys, and what was probably meant.

use super::super::diagnostic::{Diagnostic, Id};
use super::super::keys::{self, Key, Kind, ROOT, Shape};
use super::super::suggest;
use super::super::tree::Entry;
use super::quoted;

/// The diagnostic of an unknown key, and the key of the same table that was probably meant.
pub(super) fn diagnose(
    entry: &Entry,
    shape: &'static Shape,
    path: &str,
) -> (Diagnostic, Option<&'static str>) {
    let name = quoted(&entry.key);
    let message = if path.is_empty() {
        format!("unknown key `{name}`")
    } else {
        format!("unknown key `{name}` in `{path}`")
    };
    let made = Diagnostic::at(Id::UnknownKey, entry.place, message);
    if let Some(key) = suggestion(&entry.key, shape) {
        let help = format!("did you mean {}?", as_written(key, path));
        return (made.help(help), Some(key.name));
    }
    if let Some(elsewhere) = elsewhere(&entry.key, shape, path) {
        return (made.help(elsewhere), None);
    }
    let known = shape.keys.iter().filter(|key| key.is_now()).map(|key| key.name);
    let help = match shape.keys.iter().any(Key::is_now) {
        true => format!("known here: {}", suggest::one_of(known).replace(" or ", " and ")),
        false => "this table is empty: take the key away".to_owned(),
    };
    (made.help(help), None)
}

/// The key of this table that was probably meant.
pub(super) fn suggestion(typed: &str, shape: &'static Shape) -> Option<&'static Key> {
    let lower = typed.to_ascii_lowercase().replace('-', "_");
    if let Some(key) = shape.key(&lower) {
        return Some(key);
    }
    if let Some(key) = shape.keys.iter().find(|key| key.also.contains(&lower.as_str())) {
        return Some(key);
    }
    let nearest = suggest::nearest(&lower, shape.keys.iter().map(|key| key.name))?;
    shape.key(nearest)
}

fn as_written(key: &Key, path: &str) -> String {
    match &key.kind {
        Kind::Tables(_) => format!("`[[{}]]`", keys::join(path, key.name)),
        Kind::Table(shape) if shape.keys.is_empty() && shape.others.is_some() => {
            let example = shape.others.as_ref().map_or("name", |others| others.example.0);
            format!("`[{}.{example}]`", keys::join(path, key.name))
        }
        Kind::Table(_) if path.is_empty() => format!("`[{}]`", key.name),
        Kind::Text(_)
        | Kind::Duration { .. }
        | Kind::Size { .. }
        | Kind::Integer { .. }
        | Kind::Share
        | Kind::Number
        | Kind::Moment
        | Kind::Bool
        | Kind::False
        | Kind::Words { .. }
        | Kind::Secret
        | Kind::List { .. }
        | Kind::Table(_)
        | Kind::Either(_)
        | Kind::Any => format!("`{}`", key.name),
    }
}

/// Where a key of this name belongs: in a table inside this one, at the top, or somewhere else.
fn elsewhere(typed: &str, shape: &'static Shape, path: &str) -> Option<String> {
    let mut inside = Vec::new();
    keys::walk(shape, "", &mut |found, key| {
        if key.name == typed {
            inside.push(found.to_owned());
        }
    });
    if let [only] = inside.as_slice() {
        return Some(match only.split_once('.') {
            Some((table, key)) if !key.contains('.') => {
                format!("it belongs into `{table}`: write `{table} = {{ {key} = … }}`")
            }
            Some(_) | None => format!("it belongs into a table of its own: `{only}`"),
        });
    }
    if path.is_empty() {
        return None;
    }
    if let Some(key) = ROOT.key(typed).filter(|key| key.is_now()) {
        return Some(match key.kind.shape() {
            Some(_) => format!("it is a table at the top: {}", as_written(key, "")),
            None => format!(
                "`{typed}` belongs to the top of the file: move it above the first `[table]`"
            ),
        });
    }
    let mut anywhere = Vec::new();
    keys::walk(&ROOT, "", &mut |found, key| {
        if key.name == typed {
            anywhere.push(found.to_owned());
        }
    });
    match anywhere.as_slice() {
        [only] => Some(format!("there is such a key elsewhere: `{only}`")),
        _ => None,
    }
}
