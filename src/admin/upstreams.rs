//! `/v1/upstreams`: how upstreams stand, endpoint by endpoint, and the duty of each.

use http::{Method, Uri};
use serde_json::{Value, json};

use super::Control;
use super::resource::{Answer, V1};
use crate::base::percent;
use crate::observe::{BreakerState, EndpointStanding, Standing};
use crate::problem::{Cause, Problem};
use crate::upstream::Duty;

/// Every upstream, in the order of the file.
pub(super) fn list(control: &Control) -> Value {
    let config = control.handle.shared().config();
    let told = |it: Standing| {
        // By name, because a reload may come between the two.
        let configured = config.upstreams.iter().find(|upstream| upstream.name == it.name);
        let endpoint = |stands: &EndpointStanding| {
            let EndpointStanding { url, state, under_way } = stands;
            let known = configured.and_then(|it| it.endpoints.iter().find(|it| it.url == *url));
            json!({
                "endpoint": url, "weight": known.map(|it| it.weight), "state": state.as_str(),
                "under_way": under_way,
            })
        };
        json!({
            "name": it.name,
            "breaker": it.breaker.map(BreakerState::as_str),
            "connections": { "active": it.active, "idle": it.idle },
            "endpoints": it.endpoints.iter().map(endpoint).collect::<Value>(),
        })
    };
    control.handle.ledger().standing().into_iter().map(told).collect()
}

/// `PUT` drains an endpoint, `DELETE` takes that back. Tells how the upstreams stand then.
///
/// # Errors
/// There is no such endpoint.
pub(super) async fn order(
    method: &Method,
    uri: &Uri,
    control: &Control,
) -> Result<Answer, Problem> {
    let duty = if *method == Method::PUT { Duty::Drain } else { Duty::Serve };
    let name = uri.path().strip_prefix(V1::Endpoint.path()).and_then(|rest| rest.split_once('/'));
    let unknown = || Problem::new(Cause::NoRoute).with_detail("no endpoint has this name");
    let (upstream, endpoint) = name.ok_or_else(unknown)?;
    let [upstream, endpoint] = [upstream, endpoint].map(|it| percent::lenient(it.as_bytes()));
    if !control.handle.order(&upstream, &endpoint, duty).await {
        return Err(unknown());
    }
    Ok(Answer::json(&list(control)))
}
