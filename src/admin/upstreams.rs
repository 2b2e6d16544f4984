//! `/v1/upstreams`: how upstreams stand, endpoint by endpoint.

use serde_json::{Value, json};

use super::Control;
use crate::observe::{BreakerState, EndpointState, Standing};

/// Every upstream, in the order of the file.
pub(super) fn list(control: &Control) -> Value {
    let config = control.handle.shared().config();
    let told = |it: Standing| {
        // By name, because a reload may come between the two.
        let configured = config.upstreams.iter().find(|upstream| upstream.name == it.name);
        let endpoint = |(url, state): &(String, EndpointState)| {
            let known = configured.and_then(|it| it.endpoints.iter().find(|it| it.url == *url));
            json!({
                "endpoint": url, "weight": known.map(|it| it.weight), "state": state.as_str(),
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
