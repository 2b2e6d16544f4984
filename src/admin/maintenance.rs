//! `/v1/maintenance`: what is switched on or planned, and the switch of a route.

use http::{Method, Uri};
use serde_json::{Value, json};

use super::Control;
use super::resource::{Answer, V1};
use crate::base::{clock, date, percent};
use crate::config;
use crate::config::model::Maintenance as Window;
use crate::gate::Switch;
use crate::problem::{BuiltIn, Cause, Place, Problem, Reason, Violation};

/// What is switched on by hand, and behind it the windows of the file that are not over.
pub(super) fn list(control: &Control) -> Value {
    let by_hand = |it: Switch| {
        json!({
            "routes": it.routes, "from": null, "until": it.until.map(date::rfc3339),
            "by": "hand", "active": true,
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

/// `PUT` switches maintenance on, `?until=` a moment; `DELETE` switches it off. Tells what is on then.
///
/// # Errors
/// No route has such a name, nothing was on, or the moment cannot be read.
pub(super) fn switch(method: &Method, uri: &Uri, control: &Control) -> Result<Answer, Problem> {
    let routes = uri.path().strip_prefix(V1::Switch.path()).unwrap_or_default().to_owned();
    let switches = control.handle.switches();
    if *method == Method::DELETE {
        if !switches.turn_off(&routes) {
            return Err(Problem::new(Cause::NoRoute));
        }
        return Ok(Answer::json(&list(control)));
    }
    let switch = Switch { until: until(uri)?, routes };
    let config = control.handle.shared().config();
    if !config.routes.iter().any(|route| switch.concerns(&route.name)) {
        return Err(Problem::new(Cause::NoRoute).with_detail("no route has this name"));
    }
    switches.turn_on(switch);
    Ok(Answer::json(&list(control)))
}

fn until(uri: &Uri) -> Result<Option<u64>, Problem> {
    let given = uri.query().and_then(|query| query.strip_prefix("until="));
    let Some(given) = given else { return Ok(None) };
    // A plus is what an offset begins with, and stands for itself.
    let text = percent::lenient(given.as_bytes());
    let moment = config::moment(&text).ok().map(|moment| moment.timestamp().as_millisecond());
    let millis = moment.and_then(|millis| u64::try_from(millis).ok());
    millis.map(Some).ok_or_else(|| {
        Problem::new(Cause::BadTarget).with_code(BuiltIn::InvalidParameter).with_violation(
            Violation {
                name: "until".to_owned(),
                place: Some(Place::Query),
                code: BuiltIn::InvalidParameter,
                reason: Reason::Invalid,
                expected: Vec::new(),
            },
        )
    })
}
