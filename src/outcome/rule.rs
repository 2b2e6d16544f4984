//! Operators' rules: `{ when = { status, json }, raise, take }`. The first that matches wins.

use serde_json::Value;

use crate::problem::Code;

/// One rule of `errors = [ … ]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// When it applies.
    pub when: When,
    /// The code that it raises.
    pub raise: Code,
    /// What it takes over from the body.
    pub take: Take,
}

impl Rule {
    /// Whether the rule applies to a reply with this status, at least 400, and this body. A body
    /// that is not JSON fulfils no condition on JSON.
    pub fn matches(&self, status: u16, body: Option<&Value>) -> bool {
        self.when.status.as_ref().is_none_or(|set| set.contains(status))
            && self.when.json.iter().all(|(pointer, wanted)| {
                body.and_then(|body| body.pointer(pointer)).is_some_and(|found| same(found, wanted))
            })
    }

    /// Whether the body matters to this rule: only then is it worth being parsed.
    pub(super) fn reads_body(&self) -> bool {
        !self.when.json.is_empty() || self.take != Take::default()
    }
}

/// Equality as an operator means it: `1` in the file is `1.0` on the wire.
fn same(found: &Value, wanted: &Value) -> bool {
    if let (Value::Number(found), Value::Number(wanted)) = (found, wanted)
        && (found.is_f64() || wanted.is_f64())
    {
        return found.as_f64() == wanted.as_f64();
    }
    found == wanted
}

/// Conditions that must all hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct When {
    /// Statuses; none means every status of 400 and above.
    pub status: Option<StatusSet>,
    /// JSON pointer (RFC 6901) → value that must stand there.
    pub json: Vec<(String, Value)>,
}

/// A set of statuses: `402`, `[402, 409]`, `"4xx"`, `["5xx", 404]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusSet {
    /// Single statuses.
    pub single: Vec<u16>,
    /// Classes, by their first digit.
    pub classes: Vec<u8>,
}

impl StatusSet {
    /// Whether `status` is in the set.
    pub fn contains(&self, status: u16) -> bool {
        self.single.contains(&status)
            || self.classes.iter().any(|class| status / 100 == u16::from(*class))
    }
}

/// JSON pointers into the upstream's body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Take {
    /// Name of the parameter at fault.
    pub parameter: Option<String>,
    /// A message meant for clients.
    pub message: Option<String>,
    /// Seconds to wait.
    pub retry_after: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::BuiltIn;
    use serde_json::json;

    fn rule(status: Option<StatusSet>, json: &[(&str, Value)]) -> Rule {
        let json = json.iter().map(|(pointer, value)| ((*pointer).to_owned(), value.clone()));
        let when = When { status, json: json.collect() };
        Rule { when, raise: BuiltIn::Conflict.into(), take: Take::default() }
    }

    #[test]
    fn statuses_are_single_or_by_class() {
        let set = StatusSet { single: vec![402, 503], classes: vec![4] };
        let rule = rule(Some(set), &[]);
        for (status, matches) in [(402, true), (404, true), (503, true), (500, false)] {
            assert_eq!(rule.matches(status, None), matches, "{status}");
        }
        assert!(!rule.reads_body());
    }

    #[test]
    fn no_condition_takes_everything() {
        assert!(rule(None, &[]).matches(599, None));
        assert!(!rule(Some(StatusSet::default()), &[]).matches(404, None));
    }

    #[test]
    fn all_pointers_must_hold() {
        let rule = rule(None, &[("/error/code", json!("SOLD_OUT")), ("/n", json!(1))]);
        assert!(rule.reads_body());
        for (body, matches) in [
            (json!({"error": {"code": "SOLD_OUT"}, "n": 1}), true),
            (json!({"error": {"code": "SOLD_OUT"}, "n": 1.0}), true),
            (json!({"error": {"code": "SOLD_OUT"}, "n": "1"}), false),
            (json!({"error": {"code": "sold_out"}, "n": 1}), false),
            (json!({"n": 1}), false),
            (json!([]), false),
        ] {
            assert_eq!(rule.matches(400, Some(&body)), matches, "{body}");
        }
        assert!(!rule.matches(400, None));
    }

    #[test]
    fn pointers_follow_rfc_6901() {
        let body = json!({"a/b": [null, {"~": true}], "": 0});
        assert!(rule(None, &[("/a~1b/1/~0", json!(true))]).matches(400, Some(&body)));
        assert!(rule(None, &[("/a~1b/0", json!(null))]).matches(400, Some(&body)));
        assert!(rule(None, &[("/", json!(0))]).matches(400, Some(&body)));
        assert!(rule(None, &[("", body.clone())]).matches(400, Some(&body)));
        assert!(!rule(None, &[("a", json!(0))]).matches(400, Some(&body)));
    }
}
