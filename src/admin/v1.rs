//! `/v1`: how the process stands, and what it can be told to do.

use bytes::Bytes;
use serde_json::{Value, json};

use super::access::Door;
use super::resource::{Answer, V1};
use super::{Control, limits, maintenance, upstreams};
use crate::base::clock;
use crate::config::model::{Call, Flow, Respond, Route, Target};
use crate::observe::ReloadResult;
use crate::problem::{BuiltIn, Cause, Problem};
use crate::reload::Verdict;

/// Does what is asked, and tells.
pub(super) async fn answer(asked: V1, control: &Control) -> Result<Answer, Problem> {
    let told = match asked {
        V1::Status => status(control),
        V1::Config => match &control.desk {
            Some(desk) => desk.effective(),
            None => return Err(Problem::new(Cause::NoRoute)),
        },
        V1::Routes => routes(control),
        V1::Flows => flows(control),
        V1::Limits => limits::list(control),
        V1::Upstreams | V1::Endpoint => upstreams::list(control),
        V1::Certificates => certificates(control),
        V1::Maintenance | V1::Switch => maintenance::list(control),
        V1::Reload => {
            let Some(desk) = &control.desk else { return Err(Problem::new(Cause::NoRoute)) };
            let verdict = desk.reload().await.ok_or_else(leaving)?;
            return Ok(Answer { refused: refusal(&verdict), ..Answer::json(&verdict.to_json()) });
        }
        V1::Check => return check(Bytes::new(), Door::Socket, control).await,
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

/// What a reload would say: of the file, or of a text that was sent. A text may include files and
/// name variables, and what is wrong is told with its lines, so it is taken from those alone who are
/// this process's own user.
///
/// # Errors
/// Nobody reads configurations, or nobody may send one this way.
pub(super) async fn check(text: Bytes, door: Door, control: &Control) -> Result<Answer, Problem> {
    let Some(desk) = &control.desk else { return Err(Problem::new(Cause::NoRoute)) };
    let text = if text.is_empty() {
        None
    } else if door != Door::Socket {
        let detail = "a configuration is taken on the socket alone";
        return Err(Problem::new(Cause::AdminToken)
            .with_code(BuiltIn::Forbidden)
            .with_detail(detail));
    } else {
        let text = String::from_utf8(text.into());
        Some(text.map_err(|_| Problem::new(Cause::BadTarget).with_detail("this is not UTF-8"))?)
    };
    Ok(Answer::json(&desk.check(text).await.ok_or_else(leaving)?.to_json()))
}

/// What a reload that was refused is as an error: a configuration with mistakes, or one that is fit and
/// cannot be had as things stand.
fn refusal(verdict: &Verdict) -> Option<Problem> {
    let code = match verdict.result {
        ReloadResult::Applied => return None,
        ReloadResult::Refused if verdict.has_diagnostics() => BuiltIn::UnprocessableContent,
        ReloadResult::Refused => BuiltIn::Conflict,
    };
    Some(Problem::new(Cause::BadTarget).with_code(code))
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
        "maintenance": maintenance::active(control),
    })
}

fn routes(control: &Control) -> Value {
    let config = control.handle.shared().config();
    let told = |route: &Route| {
        let mut told = json!({ "name": route.name, "match": route.pattern, "hosts": route.hosts });
        match &route.target {
            Target::Upstream(id) => told["upstream"] = config.upstream(*id).name.as_str().into(),
            Target::Flow(target) => told["flow"] = config.flow(target.flow).name.as_str().into(),
            Target::Respond(Respond::Fixed { status, .. }) => told["respond"] = (*status).into(),
            Target::Respond(Respond::Problem(code)) => {
                told["respond"] = config.errors.catalogue.full_code_text(*code).into();
            }
        }
        told
    };
    config.routes.iter().map(told).collect()
}

fn flows(control: &Control) -> Value {
    let config = control.handle.shared().config();
    let told = |flow: &Flow| {
        let steps = flow.steps.iter().map(|step| {
            let call = match &step.call {
                Call::Upstream { method, upstream, target } => {
                    format!("{method} {}:{target}", config.upstream(*upstream).name)
                }
                Call::Flow(inner) => format!("flow:{}", config.flow(*inner).name),
            };
            json!({ "name": step.name, "call": call })
        });
        json!({
            "name": flow.name,
            "timeout_s": flow.timeout.as_secs_f64(),
            "steps": steps.collect::<Vec<_>>(),
            "results": flow.results.iter().map(|result| result.name.as_str()).collect::<Vec<_>>(),
            "ways": flow.ways.all,
            "ways_without_result": flow.ways.bare,
        })
    };
    config.flows.iter().map(told).collect()
}

fn certificates(control: &Control) -> Value {
    let told = |(name, not_after): (String, i64)| {
        let end = jiff::Timestamp::from_second(not_after).unwrap_or_default().to_string();
        json!({ "name": name, "not_after": end })
    };
    control.handle.ledger().certificates().into_iter().map(told).collect()
}
