//! Flows from TOML, and calls that a test answers.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};

use crate::base::clock::{self, Instant};
use crate::base::{FlowId, UpstreamId};
use crate::config::model::{Config, Flow, Step};
use crate::config::{self, Colour};
use crate::flow::{Caller, Calls, Content, Ended, Fate, Given, Reply, Report, Request, Run, run};
use crate::problem::{BuiltIn, Cause, Language, Problem};

/// What a call comes to.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// Below 400 a success.
    pub(super) status: u16,
    pub(super) body: String,
    /// So often somebody else has its turn before the answer is there.
    pub(super) turns: u8,
    /// How long it takes.
    pub(super) takes: Duration,
}

impl Answer {
    pub(super) fn new(status: u16) -> Self {
        Self { status, body: "{}".into(), turns: 0, takes: Duration::ZERO }
    }
}

/// Answers by `FLOW.STEP`, and what was asked and told.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) answers: HashMap<String, Answer>,
    /// Steps that were called, in their order.
    pub(super) called: RefCell<Vec<String>>,
    /// Steps whose answer was waited for to its end.
    pub(super) ended: RefCell<Vec<String>>,
    /// Flows that have ended, or were given up.
    pub(super) flows: Cell<usize>,
}

impl Calls for Script {
    async fn call(
        &self,
        flow: &Flow,
        step: &Step,
        _: UpstreamId,
        _: Request,
        deadline: Instant,
    ) -> Result<Reply, Problem> {
        let name = format!("{}.{}", flow.name, step.name);
        self.called.borrow_mut().push(name.clone());
        let answer = self.answers.get(&name).cloned().unwrap_or_else(|| Answer::new(200));
        let mut turns = answer.turns;
        poll_fn(|cx| match turns.checked_sub(1) {
            None => Poll::Ready(()),
            Some(left) => {
                turns = left;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
        if !answer.takes.is_zero() {
            let slept = tokio::time::timeout_at(deadline, tokio::time::sleep(answer.takes)).await;
            slept.map_err(|_| Problem::new(Cause::TotalTimeout))?;
        }
        self.ended.borrow_mut().push(name);
        if answer.status >= 400 {
            let problem = Problem::new(Cause::UpstreamStatus).with_code(BuiltIn::Conflict);
            return Err(problem.with_status(answer.status));
        }
        let json = HeaderValue::from_static("application/json");
        let body = Content::received(Bytes::from(answer.body), Some(json));
        let (headers, warnings) = (HeaderMap::new(), Vec::new());
        Ok(Reply { status: answer.status, headers, body, warnings })
    }

    fn tell(&self, report: Report<'_>) {
        match report {
            Report::Flow { .. } => self.flows.set(self.flows.get() + 1),
            Report::Step { fate, .. } => assert!(!matches!(fate, Fate::NotRun)),
        }
    }
}

/// A file with an upstream and a route to the flow `f`.
pub(super) fn loaded(flows: &str) -> Config {
    let text = format!(
        "version = 1\n[listen.plain]\nbind = [\"127.0.0.1:8080\"]\nplain = \"allow\"\n\
         [upstream.app]\nendpoints = [\"http://127.0.0.1:1\"]\n\
         [[route]]\nmatch = \"/f\"\nflow = \"f\"\n{flows}"
    );
    match config::load_text("test.toml", &text, &|_| None) {
        Ok(loaded) => loaded.config,
        Err(refused) => panic!("{}\n{text}", refused.human(Colour::Never)),
    }
}

/// Runs the flow `f`.
pub(super) async fn ran(config: &Config, script: &Script, body: Value) -> Ended {
    let headers = HeaderMap::new();
    let caller = Caller {
        method: "POST",
        path: "/f",
        headers: &headers,
        identity: None,
        catalogue: &config.errors.catalogue,
        language: Language(0),
        fields: OnceCell::new(),
    };
    let id = config.flows.iter().position(|flow| flow.name == "f").unwrap();
    let given = Given { values: Map::new(), body: Content::made(body) };
    let deadline = clock::now() + Duration::from_secs(3600);
    let one = Run { config, calls: script, caller: &caller, acted: Cell::new(false) };
    run(&one, FlowId(u16::try_from(id).unwrap()), given, deadline).await
}

/// Runs the flow `f` where nothing waits for time.
pub(super) fn ran_now(config: &Config, script: &Script, body: Value) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(ran(config, script, body))
}
