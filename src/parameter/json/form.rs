//! A form judged by a JSON Schema: its texts are read as what the schema has at their names, and the form is
//! fine where one reading of all of them fits.
//!
//! A form has nothing but texts, so that `1` is a number or a text by what is declared. Where a schema leaves
//! several readings, each is tried, within a bound; where more would have to be, or where the document
//! writes a field in a way that is not read here, the form passes: what cannot be judged is not refused.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::strict;
use super::{Schema, Verdict};
use crate::parameter::Tongue;
use crate::problem::Place;

mod reading;

use reading::{Reading, Readings, Types};

/// The schema of a form, compiled.
#[derive(Debug)]
pub struct FormSchema {
    schema: Schema,
    readings: Readings,
    /// Names that are written in another way than texts and JSON are.
    opaque: Vec<String>,
    /// Names of members of objects, which stand for themselves in an urlencoded form.
    spread: Vec<String>,
}

/// A field of a form as it came.
#[derive(Debug)]
pub struct Pair<'p> {
    /// Its name, decoded.
    pub name: Cow<'p, str>,
    /// What it holds, decoded.
    pub text: Cow<'p, str>,
    /// Whether that is a file.
    pub is_file: bool,
}

impl FormSchema {
    /// Compiles a schema that needs nothing around it. Fields of the names in `opaque` are not looked at.
    ///
    /// # Errors
    /// Why it cannot be used, for the operator.
    pub fn inline(schema: &Value, opaque: Vec<String>) -> Result<Self, String> {
        let (readings, spread) = Readings::of(schema);
        Ok(Self { schema: Schema::inline(schema, true)?, readings, opaque, spread })
    }

    /// Judges parameters of one place by the schemas of those of them that have one.
    pub fn judge_at(&self, place: Place, pairs: &[Pair<'_>], tongues: &[Tongue]) -> Verdict {
        let mut verdict = self.judge(pairs, place == Place::Query, tongues);
        if let Verdict::Wrong(wrong) = &mut verdict {
            wrong.iter_mut().for_each(|violation| violation.place = Some(place));
        }
        verdict
    }

    /// Whether the schema says anything of this name.
    pub fn knows(&self, name: &str) -> bool {
        self.readings.knows(name)
    }

    /// Judges a form. `urlencoded` are those in which objects may be written member by member.
    pub fn judge(&self, pairs: &[Pair<'_>], urlencoded: bool, tongues: &[Tongue]) -> Verdict {
        let Some(candidates) = self.candidates(pairs, urlencoded) else { return Verdict::Fine };
        let mut first = None;
        let mut chosen = vec![0; candidates.len()];
        loop {
            let of = |((name, values), at): (&(String, Vec<Value>), &usize)| {
                Some((name.clone(), values.get(*at)?.clone()))
            };
            let form = Value::Object(candidates.iter().zip(&chosen).filter_map(of).collect());
            if self.schema.takes(&form) {
                return Verdict::Fine;
            }
            first.get_or_insert(form);
            if !next(&mut chosen, &candidates) {
                break;
            }
        }
        let mut wrong = self.schema.violations(&first.unwrap_or_default(), tongues);
        for violation in &mut wrong {
            // A field is called by its name, as where it is declared by hand; what lies within, by pointer.
            if let Some(name) = violation.name.strip_prefix('/').filter(|name| !name.contains('/'))
            {
                violation.name = name.replace("~1", "/").replace("~0", "~");
            }
        }
        Verdict::Wrong(wrong)
    }

    /// What each field may be; none where the form cannot be judged.
    fn candidates(
        &self,
        pairs: &[Pair<'_>],
        urlencoded: bool,
    ) -> Option<Vec<(String, Vec<Value>)>> {
        let mut fields: BTreeMap<&str, Vec<&Pair<'_>>> = BTreeMap::new();
        for pair in pairs {
            fields.entry(&pair.name).or_default().push(pair);
        }
        let known = |names: &[String], name: &str| names.iter().any(|known| known == name);
        let mut tries: usize = 1;
        let mut found = Vec::with_capacity(fields.len());
        for (name, pairs) in fields {
            let is_spread = urlencoded && (known(&self.spread, name) || name.contains('['));
            let reading = self.readings.of_name(name);
            let bound_file = reading.bound && pairs.iter().any(|pair| pair.is_file);
            if is_spread || bound_file || known(&self.opaque, name) {
                return None;
            }
            let values = values(reading, &pairs)?;
            tries = tries.saturating_mul(values.len());
            found.push((name.to_owned(), values));
        }
        (tries <= MOST_TRIES).then_some(found)
    }
}

/// The next choice of readings, as an odometer counts.
fn next(chosen: &mut [usize], candidates: &[(String, Vec<Value>)]) -> bool {
    for (at, (_, values)) in chosen.iter_mut().zip(candidates) {
        *at += 1;
        if *at < values.len() {
            return true;
        }
        *at = 0;
    }
    false
}

/// What all that stands under one name may be, never nothing. None where there are too many readings.
fn values(reading: &Reading, pairs: &[&Pair<'_>]) -> Option<Vec<Value>> {
    let mut found = match pairs {
        [one] => scalars(reading.types, one),
        _ => Vec::new(),
    };
    if reading.types.has(Types::LIST) {
        let items: Vec<_> = pairs.iter().map(|pair| scalars(reading.items, pair)).collect();
        if items.iter().filter(|item| item.len() > 1).count() > 1 {
            return None;
        }
        let most = items.iter().map(Vec::len).max().unwrap_or_default();
        let list =
            |at: usize| items.iter().filter_map(move |item| item.get(at).or_else(|| item.first()));
        // One that is written as a list was meant so; a text alone is a list of one where that is due.
        let lists = (0..most).map(|at| Value::Array(list(at).cloned().collect()));
        let at = found.iter().filter(|value| value.is_array() || value.is_null()).count();
        found.retain(|value| !value.is_string() || reading.types.has(Types::TEXT));
        found.splice(at.min(found.len())..at.min(found.len()), lists);
    }
    if found.is_empty() {
        let texts = pairs.iter().map(|pair| Value::String(pair.text.clone().into_owned()));
        found.push(Value::Array(texts.collect()));
    }
    Some(found)
}

/// What one text may be: what it says in JSON, or just a text. An empty one is not null.
fn scalars(types: Types, pair: &Pair<'_>) -> Vec<Value> {
    let mut found = Vec::new();
    let text = &*pair.text;
    if !pair.is_file {
        // Blanks around a number are not part of one.
        let padded =
            text.starts_with([' ', '\t', '\r', '\n']) || text.ends_with([' ', '\t', '\r', '\n']);
        let read = strict::read(text.as_bytes()).ok();
        let read = read.filter(|value| types.has(Types::of(value)));
        found.extend(read.filter(|value| !padded || value.is_array() || value.is_object()));
    }
    if found.is_empty() || types.has(Types::TEXT) {
        found.push(Value::String(text.to_owned()));
    }
    found
}

/// Readings of one form that are tried.
const MOST_TRIES: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn pair<'p>(name: &'p str, text: &'p str) -> Pair<'p> {
        Pair { name: name.into(), text: text.into(), is_file: false }
    }

    fn said(form: &FormSchema, pairs: &[Pair<'_>], urlencoded: bool) -> Vec<String> {
        match form.judge(pairs, urlencoded, &[Tongue::English]) {
            Verdict::Fine => Vec::new(),
            Verdict::Unreadable(why) => vec![why],
            Verdict::Wrong(said) => {
                said.iter().map(|one| format!("{}: {}", one.name, one.expected[0])).collect()
            }
        }
    }

    fn schema() -> FormSchema {
        let schema = json!({
            "type": "object",
            "properties": {
                "count": { "type": ["integer", "null"], "maximum": 9 },
                "tags": { "type": "array", "items": { "enum": ["a", "1"] }, "maxItems": 2 },
                "owner": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/owner" }] },
                "nonce": { "type": ["integer", "string"], "maximum": 5, "maxLength": 3 },
                "photo": { "type": "string", "format": "binary" },
                "sure": { "type": "boolean" },
            },
            "additionalProperties": { "type": "string", "maxLength": 2 },
            "$defs": { "owner": {
                "type": "object", "properties": { "age": { "type": "integer" }, "a/b": {} },
                "required": ["age"],
            } },
        });
        FormSchema::inline(&schema, vec!["drawn".to_owned()]).unwrap()
    }

    #[test]
    fn texts_are_what_the_schema_has_at_their_names() {
        let form = schema();
        for (name, right, wrong) in [
            ("count", ["9", "null", "0", "-1"], vec!["10", "x", "1.5", " 1", "01", ""]),
            ("tags", ["a", "1", "[\"a\"]", "[]"], vec!["b", "2", ""]),
            (
                "owner",
                ["null", "null", "{\"age\":1}", " {\"age\":1}"],
                vec!["{}", "1", "x", "{\"age\":\"1\"}"],
            ),
            ("nonce", ["5", "x", "99", "abc"], vec!["9999", "abcd"]),
            ("sure", ["true", "false", "true", "false"], vec!["1", "True", "null"]),
            ("other", ["ab", "1", "", "[]"], vec!["abc"]),
        ] {
            for text in right {
                assert_eq!(said(&form, &[pair(name, text)], false), [""; 0], "{name}={text}");
            }
            for text in wrong {
                assert_ne!(said(&form, &[pair(name, text)], false), [""; 0], "{name}={text}");
            }
        }
    }

    #[test]
    fn fields_are_called_by_name_and_what_lies_within_by_pointer() {
        let form = schema();
        assert_eq!(said(&form, &[pair("count", "x")], false), ["count: null or a whole number"]);
        let within = said(&form, &[pair("owner", "{\"age\":true}")], false);
        assert_eq!(within.len(), 1, "{within:?}");
        assert!(within[0].starts_with("owner"), "{within:?}");
        let twice = [pair("sure", "true"), pair("sure", "true")];
        assert_eq!(said(&form, &twice, false), ["sure: true or false"]);
        let many = [pair("tags", "a"), pair("tags", "1"), pair("tags", "a")];
        assert_eq!(said(&form, &many, false), ["tags: a number of items of at most 2"]);
    }

    #[test]
    fn what_cannot_be_judged_passes() {
        let form = schema();
        let wrong = pair("count", "x");
        let drawn = pair("drawn", "x");
        assert_eq!(said(&form, &[wrong, drawn], false), [""; 0]);
        let members = || [pair("count", "x"), pair("age", "1")];
        assert_eq!(said(&form, &members(), true), [""; 0], "`owner`, member by member");
        assert_ne!(said(&form, &members(), false), [""; 0]);
        let file = Pair { is_file: true, ..pair("photo", "\u{fffd}") };
        assert_eq!(said(&form, &[file], false), [""; 0]);
        let file = Pair { is_file: true, ..pair("owner", "{\"age\":1}") };
        assert_ne!(said(&form, &[file], false), [""; 0], "a file is no object");
    }

    #[test]
    fn alternatives_share_their_names() {
        let schema = json!({ "anyOf": [
            { "properties": { "kind": { "const": 1 }, "data": { "type": "object" } },
              "required": ["kind", "data"], "type": "object" },
            { "properties": { "kind": { "const": 2 }, "data": { "type": "integer" } },
              "required": ["kind", "data"], "type": "object" },
        ] });
        let form = FormSchema::inline(&schema, Vec::new()).unwrap();
        for (kind, data, fine) in [
            ("1", "{}", true),
            ("2", "7", true),
            ("1", "7", false),
            ("2", "{}", false),
            ("3", "7", false),
        ] {
            let said = said(&form, &[pair("kind", kind), pair("data", data)], true);
            assert_eq!(said.is_empty(), fine, "{kind} {data}: {said:?}");
        }
    }

    proptest! {
        #[test]
        fn any_form_is_judged(
            pairs in proptest::collection::vec(("(count|tags|owner|nonce|x)", "[\\[\\]{}\":,a0-9.\\-]{0,8}"), 0..8),
            urlencoded in any::<bool>(),
        ) {
            let pairs: Vec<_> = pairs.iter().map(|(name, text)| pair(name, text)).collect();
            let _ = schema().judge(&pairs, urlencoded, &[Tongue::English]);
        }
    }
}
