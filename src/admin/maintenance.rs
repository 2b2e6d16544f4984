//! `/v1/maintenance`: what is switched on or planned, and the switch of a route.

use std::collections::BTreeMap;

use http::{Method, Uri};
use serde_json::{Value, json};

use super::Control;
use super::resource::{Answer, V1};
use super::terms;
use crate::base::{clock, date};
use crate::config::model::Maintenance as Window;
use crate::gate::Switch;
use crate::problem::{BuiltIn, Cause, Problem};

/// What is switched on by hand, and behind it the windows of the file that are not over.
pub(super) fn list(control: &Control) -> Value {
    let by_hand = |it: Switch| {
        json!({
            "routes": it.routes, "from": null, "until": it.until.map(date::rfc3339),
            "by": "hand", "active": true, "allow": it.allow.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "text": it.texts.into_iter().collect::<BTreeMap<_, _>>(),
        })
    };
    let now = clock::unix_millis();
    let planned = |it: &Window| {
        json!({
            "routes": it.scope, "from": (it.from > 0).then(|| date::rfc3339(it.from)),
            "until": it.until.map(date::rfc3339), "by": "file", "active": it.from <= now,
        })
    };
    let config = control.handle.shared().config();
    let left = config.maintenance.iter().filter(|it| it.until.is_none_or(|until| now < until));
    let switches = control.handle.switches().list().into_iter().map(by_hand);
    switches.chain(left.map(planned)).collect()
}

/// What of that holds now.
pub(super) fn active(control: &Control) -> Value {
    let Value::Array(mut all) = list(control) else { return Value::Null };
    all.retain(|it| it["active"] == true);
    all.into()
}

/// `PUT` switches maintenance on, on the terms of its body; `DELETE` switches it off. Tells what is on then.
///
/// # Errors
/// No route has such a name, nothing was on, or the terms cannot be read.
pub(super) fn switch(
    method: &Method,
    uri: &Uri,
    body: &[u8],
    control: &Control,
) -> Result<Answer, Problem> {
    let routes = uri.path().strip_prefix(V1::Switch.path()).unwrap_or_default().to_owned();
    let switches = control.handle.switches();
    if *method == Method::DELETE {
        if !switches.turn_off(&routes) {
            return Err(Problem::new(Cause::NoRoute));
        }
        return Ok(Answer::json(&list(control)));
    }
    let config = control.handle.shared().config();
    let switch = terms::read(routes, uri.query(), body, &config.server.languages)?;
    if !config.routes.iter().any(|route| switch.concerns(&route.name)) {
        return Err(Problem::new(Cause::NoRoute).with_detail("no route has this name"));
    }
    if !switches.turn_on(switch) {
        let full = Problem::new(Cause::BadTarget).with_code(BuiltIn::Conflict);
        return Err(full.with_detail("too many switches are on"));
    }
    Ok(Answer::json(&list(control)))
}
