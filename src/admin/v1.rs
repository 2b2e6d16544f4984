//! `/v1`: how the process stands, and what it can be told to do.

use serde_json::{Value, json};

use super::resource::{Answer, V1};
use super::{Control, limits, maintenance, upstreams};
use crate::base::clock;
use crate::config::model::{Respond, Route, Target};
use crate::observe::ReloadResult;
use crate::problem::{Cause, Problem};

/// Does what is asked, and tells.
pub(super) async fn answer(asked: V1, control: &Control) -> Result<Answer, Problem> {
    let told = match asked {
        V1::Status => status(control),
        V1::Config => match &control.desk {
            Some(desk) => desk.effective(),
            None => return Err(Problem::new(Cause::NoRoute)),
        },
        V1::Routes => routes(control),
        V1::Limits => limits::list(control),
        V1::Upstreams | V1::Endpoint => upstreams::list(control),
        V1::Certificates => certificates(control),
        V1::Maintenance | V1::Switch => maintenance::list(control),
        V1::Reload => {
            let Some(desk) = &control.desk else { return Err(Problem::new(Cause::NoRoute)) };
            let verdict = desk.reload().await.ok_or_else(leaving)?;
            verdict.to_json()
        }
        V1::Check => {
            let Some(desk) = &control.desk else { return Err(Problem::new(Cause::NoRoute)) };
            desk.check().await.ok_or_else(leaving)?.to_json()
        }
        V1::Drain => {
            control.handle.drain();
            let shutdown = control.handle.shared().config().server.shutdown;
            json!({
                "stage": control.handle.shared().readiness().stage().as_str(),
                "delay_s": shutdown.delay.as_secs_f64(),
                "drain_s": shutdown.drain.as_secs_f64(),
            })
        }
    };
    Ok(Answer::json(&told))
}

fn leaving() -> Problem {
    Problem::new(Cause::Draining)
}

fn status(control: &Control) -> Value {
    let Control { handle, desk, since } = control;
    let shared = handle.shared();
    let ledger = handle.ledger();
    let addresses = shared.addresses();
    let listeners: Vec<_> = addresses
        .iter()
        .map(|(name, address)| json!({ "name": name, "address": address.to_string() }))
        .collect();
    let reloads = ledger.reloads();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "stage": shared.readiness().stage().as_str(),
        "uptime_s": clock::unix_millis().saturating_sub(*since) / 1_000,
        "connections": shared.connections(),
        "generation": shared.generation(),
        "generations_leaving": ledger.leaving(),
        "hash": ledger.config_hash(),
        "file": desk.as_ref().and_then(|desk| desk.file()),
        "reloads": {
            "applied": reloads.number(ReloadResult::Applied),
            "refused": reloads.number(ReloadResult::Refused),
            "last": desk.as_ref().and_then(|desk| desk.last()).map(|last| last.to_json()),
        },
        "listeners": listeners,
    })
}

fn routes(control: &Control) -> Value {
    let config = control.handle.shared().config();
    let told = |route: &Route| {
        let mut told = json!({ "name": route.name, "match": route.pattern, "hosts": route.hosts });
        match &route.target {
            Target::Upstream(id) => told["upstream"] = config.upstream(*id).name.as_str().into(),
            Target::Respond(Respond::Fixed { status, .. }) => told["respond"] = (*status).into(),
            Target::Respond(Respond::Problem(code)) => {
                told["respond"] = config.errors.catalogue.full_code_text(*code).into();
            }
        }
        told
    };
    config.routes.iter().map(told).collect()
}

fn certificates(control: &Control) -> Value {
    let told = |(name, not_after): (String, i64)| {
        let end = jiff::Timestamp::from_second(not_after).unwrap_or_default().to_string();
        json!({ "name": name, "not_after": end })
    };
    control.handle.ledger().certificates().into_iter().map(told).collect()
}
