//! A run that tells what it does: each request, each reply, and each way out.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::mock::{Mock, Mocks};
use crate::base::UpstreamId;
use crate::base::clock::Instant;
use crate::config::model::{Config, Flow, Next, Step};
use crate::flow::{Calls, Content, Ended, Fate, Hand, Reply, Report, Request};
use crate::observe::FlowEnd;
use crate::outcome::{Foreign, translate};
use crate::problem::{Language, Problem};

/// Makes the calls, or plays them, and writes down what comes of it.
pub(super) struct Rehearsal<'r> {
    config: &'r Config,
    hand: &'r Hand<'r>,
    mocks: &'r Mocks,
    text: RefCell<String>,
    steps: RefCell<Vec<Value>>,
    /// What was asked by steps that have not ended.
    asked: RefCell<Vec<(String, String, Value)>>,
}

impl<'r> Rehearsal<'r> {
    pub(super) fn new(config: &'r Config, hand: &'r Hand<'r>, mocks: &'r Mocks) -> Self {
        let (text, steps, asked) = Default::default();
        Self { config, hand, mocks, text, steps, asked }
    }

    /// What is told in the end: for people, and for programs.
    pub(super) fn told(self, flow: &Flow, ended: &Ended, reply: &Value) -> (String, Value) {
        let mut text = self.text.into_inner();
        let way = way(flow, ended.way);
        let _ = writeln!(text, "{}: {way}", flow.name);
        let _ = writeln!(text, "  {}", reply["status"]);
        if !reply["body"].is_null() {
            let _ = writeln!(text, "  {}", reply["body"]);
        }
        for (word, name) in [("cause", "cause"), ("detail", "because")] {
            if let Some(words) = reply[word].as_str() {
                let _ = writeln!(text, "  {name}: {words}");
            }
        }
        let steps = self.steps.into_inner();
        (text, json!({ "flow": flow.name, "steps": steps, "way": way, "reply": reply }))
    }

    fn play(&self, mock: &Mock, upstream: UpstreamId) -> Result<Reply, Problem> {
        let headers = mock.headers.clone();
        if mock.status < 400 {
            let body = Content::received(mock.body.clone(), headers.get(CONTENT_TYPE).cloned());
            return Ok(Reply { status: mock.status, headers, body, warnings: Vec::new() });
        }
        let errors = &self.config.errors;
        let foreign = Foreign {
            status: mock.status,
            headers: &headers,
            body: &mock.body,
            inspect: errors.inspect,
            rules: [&[], &self.config.upstream(upstream).errors],
            identifier: None,
            keep: &errors.keep_headers,
        };
        Err(translate(&foreign, &errors.catalogue))
    }

    fn step(&self, flow: &Flow, step: usize, fate: &Fate, took: Duration) {
        let Some(known) = flow.steps.get(step) else { return };
        let next = match fate {
            Fate::Badly(_) => known.on_error,
            Fate::NotRun | Fate::Skipped | Fate::Well(_) => flow
                .stages
                .iter()
                .find(|stage| stage.steps.contains(&step))
                .map_or(Next::End, |stage| stage.next),
        };
        let next = target(flow, next);
        let catalogue = &self.config.errors.catalogue;
        let (out, answer) = match fate {
            Fate::NotRun => return,
            Fate::Skipped => ("skipped", Value::Null),
            Fate::Well(reply) => {
                let bytes = reply.body.bytes(usize::MAX).unwrap_or_default();
                ("success", json!({ "status": reply.status, "body": shown(&bytes) }))
            }
            Fate::Badly(problem) => (
                "error",
                json!({
                    "status": catalogue.status(problem),
                    "code": catalogue.full_code_text(problem.code()),
                    "message": catalogue.message(problem, Language(0)),
                    "cause": problem.cause().as_str(),
                    "detail": problem.detail(),
                }),
            ),
        };
        let mut asked = self.asked.borrow_mut();
        let place = asked.iter().position(|(of, name, _)| (of, name) == (&flow.name, &known.name));
        let request = place.map_or(Value::Null, |at| asked.remove(at).2);
        let mut text = self.text.borrow_mut();
        let _ = writeln!(text, "{}.{}", flow.name, known.name);
        if let Some(line) = request["line"].as_str() {
            let _ = writeln!(text, "  > {line}");
            for (name, value) in request["headers"].as_object().into_iter().flatten() {
                let _ = writeln!(text, "  > {name}: {}", value.as_str().unwrap_or_default());
            }
            if !request["body"].is_null() {
                let _ = writeln!(text, "  > {}", request["body"]);
            }
        }
        if !answer.is_null() {
            let millis = took.as_secs_f64() * 1000.0;
            let code = answer["code"].as_str().unwrap_or_default();
            let _ = writeln!(text, "  < {} {code}  {millis:.1} ms", answer["status"]);
            for member in ["body", "message", "detail"] {
                if !answer[member].is_null() {
                    let _ = writeln!(text, "  < {}", answer[member]);
                }
            }
        }
        let _ = writeln!(text, "  {out} → {next}");
        self.steps.borrow_mut().push(json!({
            "flow": flow.name, "step": known.name, "request": request, "way": out,
            "reply": answer, "next": next,
        }));
    }
}

impl Calls for Rehearsal<'_> {
    async fn call(
        &self,
        flow: &Flow,
        step: &Step,
        upstream: UpstreamId,
        request: Request,
        deadline: Instant,
    ) -> Result<Reply, Problem> {
        let mock = self.mocks.of(&flow.name, &step.name);
        let headers: serde_json::Map<String, Value> = request
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value.into())
            })
            .collect();
        let name = &self.config.upstream(upstream).name;
        let played = if mock.is_some() { "  (played)" } else { "" };
        let line = format!("{} {name}:{}{played}", request.method, request.target);
        let asked = json!({ "line": line, "headers": headers, "body": shown(&request.body) });
        self.asked.borrow_mut().push((flow.name.clone(), step.name.clone(), asked));
        match mock {
            Some(mock) => self.play(mock, upstream),
            None => self.hand.call(flow, step, upstream, request, deadline).await,
        }
    }

    fn tell(&self, report: Report<'_>) {
        match report {
            Report::Step { flow, step, fate, took } => {
                self.step(self.config.flow(flow), step, fate, took);
            }
            Report::Flow { .. } => {}
        }
    }
}

fn target(flow: &Flow, next: Next) -> String {
    match next {
        Next::Stage(stage) => {
            let first = flow.stages.get(stage).and_then(|stage| flow.steps.get(stage.steps.start));
            first.map_or_else(String::new, |step| step.name.clone())
        }
        Next::Outlet(result) => {
            flow.results.get(result).map_or_else(String::new, |result| result.name.clone())
        }
        Next::End => "the end".to_owned(),
    }
}

fn way(flow: &Flow, end: FlowEnd) -> String {
    match end {
        FlowEnd::Result(result) => {
            let name = flow.results.get(result).map_or("", |result| result.name.as_str());
            format!("the result `{name}`")
        }
        FlowEnd::LastReply => "the last step's reply".to_owned(),
        FlowEnd::FailedStep => "the error of the step that failed".to_owned(),
        FlowEnd::NoValue => "a result that cannot be made".to_owned(),
        FlowEnd::GivenUp => "the input is not as declared".to_owned(),
    }
}

/// A body as JSON where it is that, else as text, cut where it is long.
pub(super) fn shown(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(bytes.get(..LONGEST).unwrap_or(bytes));
        text.into_owned().into()
    })
}

/// Bytes of a body that is no JSON.
const LONGEST: usize = 2 << 10;
