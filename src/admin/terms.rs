//! On which terms maintenance is switched on: its end, its texts, and who is served all the same.
//!
//! All of it is bounded, and all that is wrong is told at once.

use serde_json::{Map, Value};

use crate::base::percent;
use crate::config;
use crate::gate::Switch;
use crate::problem::{BuiltIn, Cause, Place, Problem, Reason, Violation};

/// Reads the terms: `until` of the query, or `until`, `text` and `allow` of a body in JSON.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) fn read(
    routes: String,
    query: Option<&str>,
    body: &[u8],
    languages: &[String],
) -> Result<Switch, Problem> {
    let mut wrong = Wrong(Vec::new());
    let members: Map<String, Value> = if body.is_empty() {
        Map::new()
    } else {
        let detail = "the body is no JSON object";
        serde_json::from_slice(body)
            .map_err(|_| Problem::new(Cause::BadTarget).with_detail(detail))?
    };
    let asked = query.and_then(|query| query.strip_prefix("until="));
    // A plus is what an offset begins with, and stands for itself.
    let asked = asked.map(|text| (Place::Query, Value::from(percent::lenient(text.as_bytes()))));
    let given = members.get("until").map(|until| (Place::Body, until.clone()));
    let until = asked.or(given).and_then(|(place, until)| {
        let moment = until.as_str().and_then(|text| config::moment(text).ok());
        let after_1970 = |it: &jiff::Zoned| it.timestamp().as_millisecond() >= 0;
        let moment = moment.filter(after_1970);
        if moment.is_none() {
            wrong.note("until", place, Reason::Invalid);
        }
        moment
    });
    let end = until.as_ref().map(|at| at.strftime("%Y-%m-%d %H:%M (UTC%:z)").to_string());
    let texts = texts(members.get("text"), end.as_deref(), languages, &mut wrong);
    let mut allow = Vec::new();
    match members.get("allow") {
        None => {}
        Some(Value::Array(networks)) if networks.len() <= NETWORKS => {
            let read = |it: &Value| it.as_str().and_then(|text| config::network(text).ok());
            allow.extend(networks.iter().filter_map(read));
            if allow.len() < networks.len() {
                wrong.note("allow", Place::Body, Reason::Invalid);
            }
        }
        Some(_) => wrong.note("allow", Place::Body, Reason::Invalid),
    }
    for name in members.keys().filter(|name| !["until", "text", "allow"].contains(&name.as_str())) {
        wrong.note(name, Place::Body, Reason::Unknown);
    }
    let until = until.map(|at| u64::try_from(at.timestamp().as_millisecond()).unwrap_or(0));
    wrong.or(Switch { routes, until, allow, texts })
}

/// One for each language that is told more than the catalogue says.
fn texts(
    given: Option<&Value>,
    end: Option<&str>,
    languages: &[String],
    wrong: &mut Wrong,
) -> Vec<(String, String)> {
    let Some(given) = given else { return Vec::new() };
    let Some(given) = given.as_object() else {
        wrong.note("text", Place::Body, Reason::Invalid);
        return Vec::new();
    };
    let mut texts: Vec<(String, String)> = Vec::new();
    for (tag, text) in given {
        let name = format!("text.{tag}");
        let known = languages.iter().find(|known| known.eq_ignore_ascii_case(tag));
        let Some(language) = known.filter(|known| !texts.iter().any(|(tag, _)| tag == *known))
        else {
            wrong.note(&name, Place::Body, Reason::Unknown);
            continue;
        };
        match text.as_str() {
            Some("") => wrong.note(&name, Place::Body, Reason::Empty),
            Some(text) if is_fit(text, end.is_some()) => {
                texts.push((language.clone(), text.replace("{until}", end.unwrap_or_default())));
            }
            Some(_) | None => wrong.note(&name, Place::Body, Reason::Invalid),
        }
    }
    texts
}

/// Of a length that fits, on a line, and without an end that nobody has said.
fn is_fit(text: &str, ends: bool) -> bool {
    text.len() <= TEXT && !text.contains(char::is_control) && (ends || !text.contains("{until}"))
}

/// What is wrong, so far.
struct Wrong(Vec<Violation>);

impl Wrong {
    fn note(&mut self, name: &str, place: Place, reason: Reason) {
        let code = match reason {
            Reason::Missing => BuiltIn::MissingParameter,
            Reason::Empty | Reason::Invalid | Reason::Unknown => BuiltIn::InvalidParameter,
        };
        let expected = Vec::new();
        self.0.push(Violation {
            name: name.to_owned(),
            place: Some(place),
            code,
            reason,
            expected,
        });
    }

    fn or(self, switch: Switch) -> Result<Switch, Problem> {
        let Some(first) = self.0.first() else { return Ok(switch) };
        let problem = Problem::new(Cause::BadTarget).with_code(first.code);
        Err(self.0.into_iter().fold(problem, Problem::with_violation))
    }
}

/// Bytes of one text.
const TEXT: usize = 1024;
/// Networks that are let in.
const NETWORKS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> Result<Switch, Vec<(String, Reason)>> {
        let languages = ["fr".to_owned(), "en".to_owned()];
        read("a".into(), None, body.as_bytes(), &languages).map_err(|problem| {
            problem.violations().iter().map(|it| (it.name.clone(), it.reason)).collect()
        })
    }

    #[test]
    fn terms_are_an_end_texts_and_exceptions() {
        let switch = of(r#"{"until":"2099-12-01T04:00:00+01:00","allow":["10.0.0.0/8","::1"],
                "text":{"EN":"Back at {until}.","fr":"Retour."}}"#);
        let switch = switch.unwrap();
        assert_eq!(switch.until, Some(4_099_777_200_000));
        assert_eq!(switch.allow.len(), 2);
        let back = "Back at 2099-12-01 04:00 (UTC+01:00).";
        assert_eq!(
            switch.texts,
            [("en".to_owned(), back.to_owned()), ("fr".to_owned(), "Retour.".to_owned())]
        );
        assert!(of("").unwrap().texts.is_empty());
        let alone = of(r#"{"text":{"fr":"Retour."}}"#).unwrap();
        assert_eq!(alone.texts, [("fr".to_owned(), "Retour.".to_owned())]);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let wrong = of(r#"{"until":"soon","allow":["x"],"text":{"fr":"{until}","de":"x"},"b":1}"#);
        let names: Vec<_> = wrong.unwrap_err().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["until", "text.de", "text.fr", "allow", "b"]);
        let many = vec!["::1"; NETWORKS + 1].join("\",\"");
        for (body, name) in [
            (format!(r#"{{"text":{{"fr":"a","en":"{}"}}}}"#, "x".repeat(TEXT + 1)), "text.en"),
            (r#"{"text":{"en":"a\u001bb"}}"#.to_owned(), "text.en"),
            (format!(r#"{{"allow":["{many}"]}}"#), "allow"),
        ] {
            assert_eq!(of(&body).unwrap_err(), [(name.to_owned(), Reason::Invalid)]);
        }
        assert_eq!(of(r#"{"text":{"en":""}}"#).unwrap_err()[0].1, Reason::Empty);
        assert!(of("[").unwrap_err().is_empty(), "no violation, but unreadable");
    }
}
