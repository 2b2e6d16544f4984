//! One line for each step of a flow that has ended: the members that it has in common with the line
//! of its request, in the same order, and `flow` and `step` behind them.

use std::time::Duration;

use super::{DETAIL, Lines, NAME, REQUEST_ID};
use crate::base::{RequestId, RouteId, Source, TraceId, UpstreamId, clock};
use crate::observe::flow_counts::FlowNames;
use crate::observe::json::{Object, member};
use crate::observe::log::Level;
use crate::problem::{Catalogue, Problem};

/// A step that has ended.
#[derive(Debug)]
pub struct StepFacts<'s> {
    /// The request that it belongs to.
    pub request_id: &'s RequestId,
    /// Its trace.
    pub trace: TraceId,
    /// Its route.
    pub route: Option<RouteId>,
    /// What was called; none where that is another flow.
    pub upstream: Option<UpstreamId>,
    /// The status of its reply, or of its problem.
    pub status: u16,
    /// Why it failed.
    pub problem: Option<&'s Problem>,
    /// From its expressions to the end of its reply, or to its failure.
    pub took: Duration,
}

impl Lines {
    /// Writes the line of a step, if it is told. Returns how many lines were dropped.
    pub(in crate::observe) fn append_step(
        &mut self,
        facts: &StepFacts<'_>,
        (flow, step): (&FlowNames, usize),
        catalogue: &Catalogue,
    ) -> u64 {
        if !self.policy.tells_of(facts.problem.is_some(), facts.took) {
            return 0;
        }
        let stamp = &mut self.stamp;
        let ts = |out: &mut Vec<u8>| stamp.write(clock::unix_millis(), out);
        let mut line = Object::begin(&mut self.buffer, member!("ts"), ts);
        line.word(member!("level"), level(facts).as_str());
        line.word(member!("kind"), "step");
        line.text(member!("request_id"), facts.request_id.value().as_bytes(), REQUEST_ID);
        line.word(member!("trace_id"), facts.trace.hex());
        if let Some(route) = facts.route {
            line.ready(self.ready.route(route));
        }
        line.number(member!("status"), facts.status.into());
        if let Some(problem) = facts.problem {
            line.text(member!("code"), catalogue.full_code(problem.code()).as_bytes(), NAME);
            line.word(member!("origin"), problem.source().as_str());
        }
        if let Some(upstream) = facts.upstream {
            line.ready(self.ready.upstream(upstream, None));
        }
        line.millis(member!("t_total_ms"), facts.took);
        if let Some(problem) = facts.problem {
            line.word(member!("cause"), problem.cause().as_str());
            if let Some(detail) = problem.detail() {
                line.text(member!("detail"), detail.as_bytes(), DETAIL);
            }
        }
        line.text(member!("flow"), flow.name.as_bytes(), NAME);
        if let Some(step) = flow.steps.get(step) {
            line.text(member!("step"), step.as_bytes(), NAME);
        }
        line.end();
        self.count += 1;
        if self.buffer.len() < super::FULL { 0 } else { self.flush() }
    }
}

/// A step that fails may be what a flow is prepared for: only who is to blame makes a difference.
fn level(facts: &StepFacts<'_>) -> Level {
    match facts.problem.map(Problem::source) {
        None => Level::Info,
        Some(Source::Client) => Level::Warn,
        Some(Source::Gateway | Source::Upstream) if facts.status < 500 => Level::Warn,
        Some(Source::Gateway | Source::Upstream) => Level::Error,
    }
}
