//! Values of JSON as CEL has them, and back. Both ways count what they make: an expression may
//! build a list of lists of what a stranger has sent.

use std::collections::HashMap;
use std::sync::Arc;

use cel::Value as Cel;
use cel::objects::{Key, Map};
use serde_json::{Number, Value as Json};

use super::Segment;

/// What may still be made.
pub(super) struct Budget {
    values: usize,
    bytes: usize,
}

impl Budget {
    /// What one expression may look at, or make.
    pub(super) fn whole() -> Self {
        Self { values: MOST_VALUES, bytes: MOST_BYTES }
    }

    fn take(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.values.checked_sub(1).zip(self.bytes.checked_sub(bytes));
        (self.values, self.bytes) = left.ok_or_else(|| {
            format!("more than {MOST_VALUES} values or {} MiB are too much", MOST_BYTES >> 20)
        })?;
        Ok(())
    }
}

/// As much of a value as these paths lead to.
pub(super) fn pruned(
    value: &Json,
    paths: &[&[Segment]],
    budget: &mut Budget,
) -> Result<Cel, String> {
    let members = match value {
        Json::Object(members) if paths.iter().all(|path| named(path)) => members,
        _ => return to_cel(value, budget),
    };
    budget.take(0)?;
    let mut map = HashMap::new();
    for path in paths {
        let Some((Segment::Name(name), _)) = path.split_first() else { continue };
        let (Some(member), false) = (members.get(&**name), map.contains_key(&key(name))) else {
            continue;
        };
        let below: Vec<&[Segment]> = paths
            .iter()
            .filter_map(|path| match path.split_first() {
                Some((Segment::Name(other), rest)) if other == name => Some(rest),
                _ => None,
            })
            .collect();
        map.insert(key(name), pruned(member, &below, budget)?);
    }
    Ok(Cel::Map(Map { map: Arc::new(map) }))
}

fn named(path: &[Segment]) -> bool {
    matches!(path.first(), Some(Segment::Name(_)))
}

pub(super) fn key(name: &str) -> Key {
    Key::String(Arc::new(name.to_owned()))
}

/// A whole value.
pub(super) fn to_cel(value: &Json, budget: &mut Budget) -> Result<Cel, String> {
    budget.take(value.as_str().map_or(0, str::len))?;
    Ok(match value {
        Json::Null => Cel::Null,
        Json::Bool(yes) => Cel::Bool(*yes),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Cel::Int(number),
            (None, Some(number)) => Cel::UInt(number),
            (None, None) => Cel::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Cel::String(Arc::new(text.clone())),
        Json::Array(items) => {
            let items: Result<Vec<Cel>, String> =
                items.iter().map(|item| to_cel(item, budget)).collect();
            Cel::List(Arc::new(items?))
        }
        Json::Object(members) => {
            let mut map = HashMap::with_capacity(members.len());
            for (name, member) in members {
                budget.take(name.len())?;
                map.insert(key(name), to_cel(member, budget)?);
            }
            Cel::Map(Map { map: Arc::new(map) })
        }
    })
}

/// What an expression has come to.
pub(super) fn to_json(value: &Cel, budget: &mut Budget) -> Result<Json, String> {
    let length = match value {
        Cel::String(text) => text.len(),
        _ => 0,
    };
    budget.take(length)?;
    Ok(match value {
        Cel::Null => Json::Null,
        Cel::Bool(yes) => Json::Bool(*yes),
        Cel::Int(number) => Json::from(*number),
        Cel::UInt(number) => Json::from(*number),
        Cel::Float(number) => match Number::from_f64(*number) {
            Some(number) => Json::Number(number),
            None => return Err("it gives a number that JSON cannot write".to_owned()),
        },
        Cel::String(text) => Json::String(text.as_str().to_owned()),
        Cel::List(items) => {
            let items: Result<Vec<Json>, String> =
                items.iter().map(|item| to_json(item, budget)).collect();
            Json::Array(items?)
        }
        Cel::Map(map) => {
            let mut members = serde_json::Map::new();
            for (name, member) in map.map.iter() {
                let name = match name {
                    Key::String(name) => name.as_str().to_owned(),
                    Key::Int(number) => number.to_string(),
                    Key::Uint(number) => number.to_string(),
                    Key::Bool(yes) => yes.to_string(),
                };
                budget.take(name.len())?;
                members.insert(name, to_json(member, budget)?);
            }
            Json::Object(members)
        }
        other => return Err(format!("it gives a {}, which JSON cannot write", other.type_of())),
    })
}

/// Values that one expression looks at, or makes.
const MOST_VALUES: usize = 100_000;
/// Bytes of text that it looks at, or makes.
const MOST_BYTES: usize = 8 << 20;
