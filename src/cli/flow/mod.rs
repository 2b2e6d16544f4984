//! `guichet flow`: a flow drawn, or run once from the command line, with its steps real or played.
//!
//! A run goes through the same code as in a gateway; only who makes the calls is another.

mod graph;
mod mock;
mod rehearsal;

use std::cell::{Cell, OnceCell};
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Handle, LocalOptions};

use self::mock::Mocks;
use self::rehearsal::Rehearsal;
use super::output::{Exit, Form, Report};
use crate::base::{FlowId, RequestId, TraceContext, clock};
use crate::config::model::Config;
use crate::config::{Environment, nearest};
use crate::flow::{self, Asked, Caller, Content, Ended, Hand, Run, Told};
use crate::observe::{Names, Registers, Witness};
use crate::problem::{Format, Language, Problem, Reply, render};
use crate::route::Captures;
use crate::upstream::{self, Boards, Credentials, Upstreams};

/// What is asked.
#[derive(Debug)]
pub(super) struct Question<'q> {
    /// The name of the flow.
    pub(super) name: &'q str,
    /// The input: JSON, or `@FILE`.
    pub(super) data: Option<&'q str>,
    /// `STEP=REPLY`, each with JSON, a status or `@FILE`.
    pub(super) mocks: &'q [String],
    /// Draws it instead.
    pub(super) graph: bool,
}

/// Answers.
pub(super) fn flow(
    config: &Config,
    question: &Question<'_>,
    environment: Environment<'_>,
    form: Form,
) -> Report {
    let Some(id) = find(config, question.name) else {
        return Report::failed(Exit::Usage, unknown(config, question.name));
    };
    if question.graph {
        return Report::fine(graph::mermaid(config, config.flow(id)));
    }
    match rehearse(config, id, question, environment) {
        Ok((text, json)) => Report::fine(match form {
            Form::Text => text,
            Form::Json => format!("{json:#}\n"),
        }),
        Err((exit, sentence)) => Report::failed(exit, sentence),
    }
}

fn find(config: &Config, name: &str) -> Option<FlowId> {
    (0..).map(FlowId).zip(&config.flows).find(|(_, flow)| flow.name == name).map(|(id, _)| id)
}

fn unknown(config: &Config, name: &str) -> String {
    let names = config.flows.iter().map(|flow| flow.name.as_str());
    match nearest(name, names.clone()) {
        Some(likely) => format!("there is no flow `{name}`; did you mean `{likely}`?"),
        None if config.flows.is_empty() => "the configuration has no flow".to_owned(),
        None => {
            let names: Vec<&str> = names.collect();
            format!("there is no flow `{name}`; there are {}", names.join(", "))
        }
    }
}

type Failure = (Exit, String);

fn rehearse(
    config: &Config,
    id: FlowId,
    question: &Question<'_>,
    environment: Environment<'_>,
) -> Result<(String, Value), Failure> {
    let usage = |sentence: String| (Exit::Usage, sentence);
    let failed = |sentence: String| (Exit::Failed, sentence);
    let mocks = Mocks::read(config, id, question.mocks).map_err(usage)?;
    let body = match question.data {
        None => Content::empty(),
        Some(data) => {
            let text = read(data).map_err(failed)?;
            let wrong = |error| usage(format!("the input is not JSON: {error}"));
            let _: Value = serde_json::from_slice(&text).map_err(wrong)?;
            Content::received(text, Some(HeaderValue::from_static("application/json")))
        }
    };
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    let runtime = runtime.map_err(|error| failed(error.to_string()))?;
    let inside = runtime.enter();
    let real = Real::new(config, environment).map_err(failed)?;
    let catalogue = &config.errors.catalogue;
    let headers = HeaderMap::new();
    let caller = Caller {
        method: "POST",
        path: "/",
        headers: &headers,
        identity: None,
        catalogue,
        language: Language(0),
        fields: OnceCell::new(),
    };
    let request_id = RequestId::generate_at(0);
    let host = HeaderValue::from_static("");
    let hand = Hand {
        config,
        upstreams: &real.upstreams,
        witness: &real.witness,
        host: &host,
        language: None,
        origin: HeaderMap::new(),
        beside: (&[], &[]),
        request_id: &request_id,
        trace: TraceContext::begin(),
        route: None,
        identity: None,
        told: Told::default(),
    };
    let rehearsal = Rehearsal::new(config, &hand, &mocks);
    let asked = Asked {
        method: &Method::POST,
        path: "/",
        captures: &Captures::default(),
        captured: &[],
        query: None,
    };
    let ended = match flow::given(config.flow(id), &config.objects, &asked, body) {
        Ok(given) => {
            let run = Run { config, calls: &rehearsal, caller: &caller, acted: Cell::new(false) };
            let deadline = clock::now() + config.flow(id).timeout;
            drop(inside);
            runtime.block_on(flow::run(&run, id, given, deadline))
        }
        Err(problem) => Ended::refused(problem),
    };
    let reply = match &ended.answer {
        Ok(reply) => {
            let bytes = reply.body.bytes(usize::MAX).unwrap_or_default();
            json!({ "status": reply.status, "body": rehearsal::shown(&bytes) })
        }
        Err(problem) => rendered(config, problem, &request_id),
    };
    Ok(rehearsal.told(config.flow(id), &ended, &reply))
}

/// What a client would get.
fn rendered(config: &Config, problem: &Problem, request_id: &RequestId) -> Value {
    let reply = Reply {
        format: Format::Json,
        language: Language(0),
        request_id,
        method: &Method::POST,
        retry_after: config.errors.retry_after,
    };
    let rendered = render(problem, &reply, &config.errors.catalogue);
    let body: Value = serde_json::from_slice(&rendered.body).unwrap_or_default();
    json!({ "status": rendered.status.as_u16(), "body": body, "cause": problem.cause().as_str(),
            "detail": problem.detail() })
}

/// Upstreams as a worker would have them.
struct Real {
    upstreams: Upstreams,
    witness: Witness,
}

impl Real {
    fn new(config: &Config, environment: Environment<'_>) -> Result<Self, String> {
        let told = |error: upstream::SetupError| error.to_string();
        let credentials = Credentials::load(&config.upstreams, environment, None).map_err(told)?;
        let resolver = upstream::Names::spawn(&Handle::current());
        let boards = Boards::new(&config.upstreams, 1);
        let upstreams =
            Upstreams::new(&config.upstreams, &credentials, &resolver, &boards, 0, None);
        let names = std::sync::Arc::new(Names::new(config));
        let registers = std::sync::Arc::new(Registers::new(&names));
        let catalogue = std::sync::Arc::clone(&config.errors.catalogue);
        let witness = Witness::new(registers, names, catalogue, None);
        Ok(Self { upstreams: upstreams.map_err(told)?, witness })
    }
}

/// What was typed, or what stands in the file that it names.
fn read(data: &str) -> Result<Bytes, String> {
    match data.strip_prefix('@') {
        None => Ok(Bytes::copy_from_slice(data.as_bytes())),
        Some(path) => std::fs::read(Path::new(path))
            .map(Bytes::from)
            .map_err(|error| format!("cannot read {path}: {error}")),
    }
}

#[cfg(test)]
mod tests;
