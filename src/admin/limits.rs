//! `/v1/limits`: rate limits and what they have decided, the stores that some of them are counted in, and how much may be under way at once.

use serde_json::{Value, json};

use super::Control;
use crate::base::Rate;
use crate::config::model::{Limit, LimitKey};
use crate::observe::StoreCounts;

/// Both kinds, in the order of the file.
pub(super) fn list(control: &Control) -> Value {
    let counts = control.handle.ledger().limit_counts();
    let config = control.handle.shared().config();
    let told = |limit: &Limit| {
        // By name, because a reload may come between the two.
        let count = counts.rates.iter().find(|count| count.name == limit.name);
        json!({
            "name": limit.name,
            "key": key(&limit.key),
            "rate": rate(limit.rate),
            "burst": limit.burst,
            "status": limit.status,
            "store": limit.store,
            "allowed": count.map_or(0, |count| count.allowed),
            "refused": count.map_or(0, |count| count.refused),
        })
    };
    let scope = |(scope, most): &(String, usize)| json!({ "scope": scope, "in_flight": most });
    let store = |store: &StoreCounts| json!({ "name": store.name, "up": store.up, "fallbacks": store.fallbacks });
    json!({
        "rates": config.limits.iter().map(told).collect::<Value>(),
        "stores": counts.stores.iter().map(store).collect::<Value>(),
        "concurrency": counts.in_flight.iter().map(scope).collect::<Value>(),
    })
}

/// As it is written in the file.
fn key(key: &LimitKey) -> String {
    match key {
        LimitKey::Ip => "ip".into(),
        LimitKey::Header(name) => format!("header:{name}"),
        LimitKey::Route => "route".into(),
        LimitKey::Gateway => "gateway".into(),
        LimitKey::ApiKey => "api_key".into(),
        LimitKey::Claim(claim) => format!("jwt:{claim}"),
    }
}

/// As it is written in the file: there are four units.
fn rate(Rate { count, per }: Rate) -> String {
    let unit = match per.as_secs() {
        60 => "m",
        3_600 => "h",
        86_400 => "d",
        _ => "s",
    };
    format!("{count}/{unit}")
}
