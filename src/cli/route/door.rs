//! What stands at the door of a route: whom it lets in, which pages may call it, and what it looks at
//! in a request. Told in the order in which a request meets it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::config::model::{
    Auth, AuthKind, AuthRule, BodyRule, Config, Cors, KeyPlace, Need, OriginPattern, Params, Route,
};
use crate::parameter::{Fallback, Rule, Tongue};
use crate::problem::Place;

/// Tells it; nothing of a route that has none of it.
pub(super) fn tell(config: &Config, route: &Route, text: &mut String, json: &mut Value) {
    let mut line = |name: &str, words: &str| {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  {name:<9} {words}");
    };
    if let Some(cors) = &route.cors {
        let origins = origins(cors);
        line("cors", &format!("pages of {}", origins.join(", ")));
        json["cors"] = json!({ "origins": origins, "credentials": cors.credentials });
    }
    if let Some(compress) = &route.compress {
        line("compress", &format!("replies of {} bytes and more", compress.min_size));
        json["compress"] = json!({ "min_size": compress.min_size });
    }
    if !route.limits.is_empty() {
        let names: Vec<&str> =
            route.limits.iter().map(|id| config.limits[usize::from(id.0)].name.as_str()).collect();
        line("limits", &names.join(", "));
        json["limits"] = json!(names);
    }
    if let Some(rule) = &route.auth {
        let policies: Vec<&Auth> =
            rule.policies.iter().map(|id| &config.auth[usize::from(id.0)]).collect();
        line("auth", &callers(rule, &policies));
        let policies: Vec<_> = policies
            .iter()
            .map(|policy| json!({ "name": policy.name, "shows": shows(&policy.kind) }))
            .collect();
        let need = if rule.need == Need::All { "all" } else { "any" };
        json["auth"] = json!({ "need": need, "policies": policies, "scopes": rule.scopes });
    }
    if let Some(params) = &route.params {
        let told: Vec<String> = params.rules.iter().map(declared).collect();
        line("params", &listed(params, &told));
        json["params"] = params.rules.iter().map(in_json).collect();
        json["strict"] = params.strict.into();
    }
    if let Some(rule) = &route.body {
        line("body", &body(rule));
        json["body"] = json!({ "json": rule.json.is_some(), "others": rule.others });
        if let Some(fields) = rule.fields() {
            json["body"]["fields"] = fields.rules.iter().map(in_json).collect();
            json["body"]["strict"] = fields.strict.into();
        }
        json["body"]["limit"] = rule.limit.into();
        json["body"]["optional"] = rule.optional.into();
    }
    if let Some(rule) = &route.replies {
        let words = "what the upstream answers is compared with the document, and only reported";
        line("responses", words);
        json["responses"] = json!({ "mode": "report", "limit": rule.limit });
    }
    if route.is_observed {
        line("mode", "observe: nothing is refused for its parameters or its body, only noted");
        json["mode"] = "observe".into();
    }
}

fn origins(cors: &Cors) -> Vec<String> {
    let written = |pattern: &OriginPattern| match pattern {
        OriginPattern::Any => "*".to_owned(),
        OriginPattern::Exact(origin) => origin.to_string(),
        OriginPattern::Below { scheme, suffix } => format!("{scheme}*{suffix}"),
    };
    cors.origins.iter().map(written).collect()
}

fn callers(rule: &AuthRule, policies: &[&Auth]) -> String {
    let named: Vec<String> = policies
        .iter()
        .map(|policy| format!("{} ({})", policy.name, shows(&policy.kind)))
        .collect();
    let between = if rule.need == Need::All { " and " } else { " or " };
    let mut words = named.join(between);
    if !rule.scopes.is_empty() {
        let _ = write!(words, ", who may {}", rule.scopes.join(" "));
    }
    words
}

/// What a caller shows.
fn shows(kind: &AuthKind) -> String {
    match kind {
        AuthKind::ApiKey { place: KeyPlace::Header(name), .. } => format!("a key in {name}"),
        AuthKind::ApiKey { place: KeyPlace::Query(name), .. } => format!("a key in ?{name}="),
        AuthKind::Basic { .. } => "a name and a password".to_owned(),
        AuthKind::Jwt(jwt) => format!("a token of {}", jwt.issuer),
        AuthKind::Mtls { .. } => "a client certificate".to_owned(),
        AuthKind::Forward(forward) => format!("what {} decides by", forward.path),
    }
}

fn listed(params: &Params, told: &[String]) -> String {
    let mut words = match told {
        [] => "none".to_owned(),
        told => told.join(&format!("\n{:12}", "")),
    };
    if params.strict {
        let _ = write!(words, "\n{:12}no other in the query", "");
    }
    words
}

/// `since in the query: a date (2026-01-31), may be absent`
fn declared(rule: &Rule) -> String {
    let place = match rule.place {
        Place::Path => " in the path",
        Place::Query => " in the query",
        Place::Header => " in a header",
        Place::Cookie => " in a cookie",
        Place::Body => "",
    };
    let mut words = format!("{}{place}: {}", rule.name, rule.expectation(Tongue::English));
    if rule.repeated {
        words.push_str(", each time");
    }
    match &rule.fallback {
        Some(Fallback::Query(pair) | Fallback::Cookie(pair)) => {
            let _ = write!(words, "; {pair} where it is absent");
        }
        Some(Fallback::Header(name, value)) => {
            let value = String::from_utf8_lossy(value.as_bytes());
            let _ = write!(words, "; {name}: {value} where it is absent");
        }
        None if rule.optional => words.push_str("; may be absent"),
        None => {}
    }
    words
}

fn in_json(rule: &Rule) -> Value {
    json!({
        "name": rule.name, "in": rule.place.as_str(), "expects": rule.expectation(Tongue::English),
        "optional": rule.optional || rule.fallback.is_some(), "repeated": rule.repeated,
    })
}

fn body(rule: &BodyRule) -> String {
    let mut words = match (&rule.json, rule.may_be_form()) {
        (Some(_), true) => "JSON by a schema, or a form",
        (Some(_), false) => "JSON by a schema",
        (None, _) => "a form",
    }
    .to_owned();
    if rule.others {
        words.push_str("; of any other type as well, unread");
    }
    let _ = write!(words, "; at most {} bytes", rule.limit);
    if rule.optional {
        words.push_str("; may be absent");
    }
    if let Some(fields) = rule.fields() {
        for field in &fields.rules {
            let _ = write!(words, "\n{:12}{}", "", declared(field));
        }
        if fields.strict {
            let _ = write!(words, "\n{:12}no other field", "");
        }
    }
    words
}
