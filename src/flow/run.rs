//! Walking a flow: stage after stage, each leading to the next, to a result, or to the end.

use std::cell::Cell;
use std::time::Duration;

use super::graphql;
use super::group::{Under, together};
use super::outlet::{self, Ended};
use super::request::{self, Request};
use super::scope::{Caller, View};
use super::{Content, Fate, Given, Reply};
use crate::base::clock::{self, Instant};
use crate::base::{FlowId, UpstreamId};
use crate::config::model::{Call, Config, Flow, Next, Step};
use crate::expression::{Failure, Template};
use crate::problem::{BuiltIn, Cause, Place, Problem, Reason, Violation};

/// Who makes the calls of steps, and is told how they end.
#[allow(async_fn_in_trait, reason = "workers have one thread, so nothing has to be Send")]
pub trait Calls {
    /// Calls an upstream for a step, and reads its reply within the bound of its flow.
    ///
    /// # Errors
    /// A status from 400 on, or no reply at all.
    async fn call(
        &self,
        flow: &Flow,
        step: &Step,
        upstream: UpstreamId,
        request: Request,
        deadline: Instant,
    ) -> Result<Reply, Problem>;

    /// A step has ended, or a flow has.
    fn tell(&self, report: Report<'_>);
}

/// What there is to tell of a run.
#[derive(Debug)]
pub enum Report<'r> {
    /// A step has ended.
    Step {
        /// Of this flow.
        flow: FlowId,
        /// The step, by its number.
        step: usize,
        /// How it has ended.
        fate: &'r Fate,
        /// How long that took.
        took: Duration,
    },
    /// A flow has ended.
    Flow {
        /// Which one.
        flow: FlowId,
        /// How; nothing where it was given up.
        ended: Option<&'r Ended>,
    },
}

/// One run, with all the flows that it calls.
#[derive(Debug)]
pub struct Run<'r, C> {
    /// The configuration that the flows are of.
    pub config: &'r Config,
    /// Who makes the calls.
    pub calls: &'r C,
    /// Who has called.
    pub caller: &'r Caller<'r>,
    /// Whether something may have been done that doing all of it again would do twice.
    pub acted: Cell<bool>,
}

/// Runs a flow. Boxed, because flows call flows.
pub fn run<'r, C: Calls>(
    run: &'r Run<'r, C>,
    id: FlowId,
    given: Given,
    deadline: Instant,
) -> std::pin::Pin<Box<dyn Future<Output = Ended> + 'r>> {
    Box::pin(async move {
        let flow = run.config.flow(id);
        let deadline = deadline.min(clock::now() + flow.timeout);
        let going = Going { run, id, flow, given, deadline, leaves: Cell::new(true) };
        let ended = going.walk().await;
        going.leaves.set(false);
        run.calls.tell(Report::Flow { flow: id, ended: Some(&ended) });
        ended
    })
}

/// A flow under way.
struct Going<'r, C: Calls> {
    run: &'r Run<'r, C>,
    id: FlowId,
    flow: &'r Flow,
    given: Given,
    deadline: Instant,
    /// Whether it is given up when this drops.
    leaves: Cell<bool>,
}

impl<C: Calls> Drop for Going<'_, C> {
    fn drop(&mut self) {
        if self.leaves.get() {
            self.run.calls.tell(Report::Flow { flow: self.id, ended: None });
        }
    }
}

impl<'r, C: Calls> Going<'r, C> {
    async fn walk(&self) -> Ended {
        let mut fates: Vec<Fate> = Vec::new();
        fates.resize_with(self.flow.steps.len(), Fate::default);
        let (mut at, mut last) = (0, None);
        loop {
            // The plan has a first stage, and leads nowhere else.
            let Some(stage) = self.flow.stages.get(at) else { return Ended::nowhere() };
            let first = stage.steps.start;
            let failed = if stage.steps.len() == 1 {
                fates[first] = self.step(first, &fates).await;
                let failed = matches!(fates[first], Fate::Badly(_));
                (failed && !self.flow.steps[first].tolerated).then_some(first)
            } else {
                let steps = stage.steps.clone().map(|step| self.boxed(step, &fates)).collect();
                let tolerated = |at: usize| self.flow.steps[first + at].tolerated;
                let (ended, failed) = together(steps, tolerated).await;
                for (fate, ended) in fates[stage.steps.clone()].iter_mut().zip(ended) {
                    *fate = ended;
                }
                failed.map(|failed| first + failed)
            };
            let well = |step: &usize| matches!(fates[*step], Fate::Well(_));
            last = stage.steps.clone().rev().find(well).or(last);
            let next = failed.map_or(stage.next, |failed| self.flow.steps[failed].on_error);
            match next {
                Next::Stage(stage) => {
                    if failed.is_some_and(|failed| !self.flow.steps[failed].is_safe_to_repeat()) {
                        // What it may have done is not taken back by going on.
                        self.run.acted.set(true);
                    }
                    at = stage;
                }
                Next::Outlet(result) => {
                    return outlet::result(&self.view(&fates), self.objects(), result);
                }
                Next::End => {
                    return match failed {
                        Some(failed) => Ended::failed(std::mem::take(&mut fates[failed])),
                        None => {
                            let reply = last.map(|last| std::mem::take(&mut fates[last]));
                            outlet::last(self.flow, self.objects(), reply)
                        }
                    };
                }
            }
        }
    }

    fn objects(&self) -> &'r [crate::parameter::Object] {
        &self.run.config.objects
    }

    fn view<'v>(&'v self, fates: &'v [Fate]) -> View<'v> {
        View { flow: self.flow, given: &self.given, fates, caller: self.run.caller }
    }

    fn boxed<'s>(&'s self, at: usize, fates: &'s [Fate]) -> Under<'s> {
        Box::pin(self.step(at, fates))
    }

    async fn step(&self, at: usize, fates: &[Fate]) -> Fate {
        let step = &self.flow.steps[at];
        let began = clock::now();
        let fate = match self.try_step(step, fates).await {
            Ok(Some(reply)) => Fate::Well(reply),
            Ok(None) => Fate::Skipped,
            Err(problem) => Fate::Badly(problem.with_step(step.name.clone())),
        };
        let took = clock::now().saturating_duration_since(began);
        self.run.calls.tell(Report::Step { flow: self.id, step: at, fate: &fate, took });
        fate
    }

    async fn try_step(&self, step: &Step, fates: &[Fate]) -> Result<Option<Reply>, Problem> {
        let view = self.view(fates);
        let inputs = &self.flow.input;
        let no_value = |failure: Failure| problem(&failure, &self.flow.name, &step.name, inputs);
        if let Some(when) = &step.when
            && !when.decide(&view).map_err(no_value)?
        {
            return Ok(None);
        }
        let own = step.timeout.map(|limit| clock::now() + limit);
        let deadline = own.map_or(self.deadline, |own| own.min(self.deadline));
        match &step.call {
            Call::Upstream { method, upstream, target } => {
                let made = request::request(step, method, target, &view).map_err(no_value)?;
                let call = self.run.calls.call(self.flow, step, *upstream, made, deadline);
                let mut reply = call.await?;
                if !step.is_safe_to_repeat() {
                    self.run.acted.set(true);
                }
                if step.is_graphql {
                    graphql::judge(&mut reply, self.run.caller.catalogue)?;
                }
                if step.looks_inside
                    && let Err(why) = reply.body.value()
                {
                    return Err(Problem::new(Cause::BadResponse).with_detail(format_args!(
                        "the body of {}.{}: {why}",
                        self.flow.name, step.name
                    )));
                }
                Ok(Some(reply))
            }
            Call::Flow(id) => {
                let given = self.hand_on(*id, step.send.as_ref(), &view).map_err(no_value)?;
                // What another flow is given wrongly is this one's mistake.
                let given = given.map_err(|why| {
                    let what = format!("{}.{}: {why}", self.flow.name, step.name);
                    Problem::new(Cause::FlowValue).with_detail(what)
                })?;
                run(self.run, *id, given, deadline).await.answer.map(Some)
            }
        }
    }

    /// The input of a flow that is called.
    fn hand_on(
        &self,
        id: FlowId,
        send: Option<&Template>,
        view: &View<'_>,
    ) -> Result<Result<Given, String>, Failure> {
        let body = match send {
            Some(send) => request::content(send, view)?,
            None => Content::empty(),
        };
        let flow = self.run.config.flow(id);
        Ok(Given::handed(flow, &self.run.config.objects, body))
    }
}

/// An expression without a value, as a problem. Where it is an input that cannot stand where it is
/// put, that is the client's mistake; all else is the flow's.
fn problem(
    failure: &Failure,
    flow: &str,
    step: &str,
    inputs: &[crate::config::model::Input],
) -> Problem {
    let known = failure
        .input
        .as_ref()
        .filter(|name| inputs.iter().any(|input| *input.field.rule.name == ***name));
    let problem = match known {
        Some(name) => Problem::new(Cause::InvalidParameter).with_violation(Violation {
            name: name.to_string(),
            place: None::<Place>,
            code: BuiltIn::InvalidParameter,
            reason: Reason::Invalid,
            expected: Vec::new(),
        }),
        None => Problem::new(Cause::FlowValue),
    };
    problem.with_detail(format_args!("{flow}.{step}: {failure}"))
}
