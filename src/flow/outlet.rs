//! What leaves a flow: a result, or without one the last reply or the error of the step that failed.

use serde_json::Value;

use super::request::{content, failed};
use super::scope::View;
use super::{Content, Fate, Reply};
use crate::config::model::{Flow, Status, What};
use crate::expression::{Expression, Failure, Segment};
use crate::observe::FlowEnd;
use crate::parameter::Object;
use crate::problem::{Cause, Problem};

/// How a flow has ended.
#[derive(Debug)]
pub struct Ended {
    /// What leaves.
    pub answer: Result<Reply, Problem>,
    /// By which way.
    pub way: FlowEnd,
}

impl Ended {
    /// The error of a step that failed.
    pub(super) fn failed(fate: Fate) -> Self {
        let problem = match fate {
            Fate::Badly(problem) => problem,
            Fate::NotRun | Fate::Skipped | Fate::Well(_) => Problem::new(Cause::FlowValue),
        };
        Self { answer: Err(problem), way: FlowEnd::FailedStep }
    }

    /// An input that is not as declared: nothing was run.
    pub fn refused(problem: Problem) -> Self {
        Self { answer: Err(problem), way: FlowEnd::GivenUp }
    }

    /// A plan without a beginning; none is ever made.
    pub(super) fn nowhere() -> Self {
        Self { answer: Err(Problem::new(Cause::FlowValue)), way: FlowEnd::NoValue }
    }

    fn of(answer: Result<Reply, Problem>, way: FlowEnd) -> Self {
        match answer {
            // An error that a result means is a result.
            Err(problem) if matches!(problem.cause(), Cause::FlowValue | Cause::FlowResult) => {
                Self { answer: Err(problem), way: FlowEnd::NoValue }
            }
            answer => Self { answer, way },
        }
    }
}

/// The last step's reply. Nothing has gone well where all of it was skipped.
pub(super) fn last(flow: &Flow, objects: &[Object], fate: Option<Fate>) -> Ended {
    let Reply { status, headers, body, warnings } = match fate {
        Some(Fate::Well(reply)) => reply,
        Some(_) | None => {
            let (headers, warnings) = Default::default();
            Reply { status: 204, headers, body: Content::empty(), warnings }
        }
    };
    let body = returned(flow, objects, body);
    let reply = body.map(|body| Reply { status, headers, body, warnings });
    Ended::of(reply, FlowEnd::LastReply)
}

/// A result.
pub(super) fn result(view: &View<'_>, objects: &[Object], at: usize) -> Ended {
    let Some(outlet) = view.flow.results.get(at) else { return Ended::nowhere() };
    let status = match &outlet.status {
        None => Ok(None),
        Some(Status::Fixed(status)) => Ok(Some(*status)),
        Some(Status::Computed(expression)) => {
            evaluated(expression, view).map(Some).map_err(|failure| no_value(view, at, &failure))
        }
    };
    let answer = status.and_then(|status| match &outlet.what {
        What::Nothing => success(status, 204, Content::empty(), view, at),
        What::Data(data) => {
            let body = content(data, view).map_err(|failure| no_value(view, at, &failure))?;
            let body = returned(view.flow, objects, body)?;
            // Written here, so that what is too long is known before the head leaves.
            let body = body
                .written(view.flow.limit)
                .map_err(|what| no_value(view, at, &failed(data, what)))?;
            success(status, 200, body, view, at)
        }
        What::Error(error) => raised(error, status, view, at),
        What::Code(code) => {
            with_status(Problem::new(Cause::Configured).with_code(*code), status, view, at)
        }
    });
    Ended::of(answer, FlowEnd::Result(at))
}

fn success(
    status: Option<u16>,
    usual: u16,
    body: Content,
    view: &View<'_>,
    at: usize,
) -> Result<Reply, Problem> {
    let status = status.unwrap_or(usual);
    if !(200..400).contains(&status) {
        let what = format!("its status is {status}, which is no success");
        return Err(wrong_status(view, at, what));
    }
    Ok(Reply { status, headers: Default::default(), body, warnings: Vec::new() })
}

fn raised(
    error: &Expression,
    status: Option<u16>,
    view: &View<'_>,
    at: usize,
) -> Result<Reply, Problem> {
    let fate = match error.path() {
        Some((root, [Segment::Name(_)])) => view.step(root),
        Some(_) | None => None,
    };
    match fate {
        Some(Fate::Badly(problem)) => with_status(problem.clone(), status, view, at),
        Some(_) | None => {
            let failure = error.failure("there is no error".to_owned());
            Err(no_value(view, at, &failure))
        }
    }
}

fn with_status(
    problem: Problem,
    status: Option<u16>,
    view: &View<'_>,
    at: usize,
) -> Result<Reply, Problem> {
    match status {
        None => Err(problem),
        Some(status @ 400..=599) => Err(problem.with_status(status)),
        Some(status) => {
            let what = format!("its status is {status}, which is no error");
            Err(wrong_status(view, at, what))
        }
    }
}

fn evaluated(expression: &Expression, view: &View<'_>) -> Result<u16, Failure> {
    let value = expression.evaluate(view)?;
    let number = value.as_u64().and_then(|number| u16::try_from(number).ok());
    number
        .filter(|number| (200..600).contains(number))
        .ok_or_else(|| expression.failure("it is no status from 200 to 599".to_owned()))
}

/// The body as it was declared.
fn returned(flow: &Flow, objects: &[Object], body: Content) -> Result<Content, Problem> {
    let Some(returns) = &flow.returns else { return Ok(body) };
    let wrong = |what: String| {
        Problem::new(Cause::FlowResult).with_detail(format_args!("{} returns {what}", flow.name))
    };
    let mut value: Value = match body.value() {
        Ok(value) => value.into_owned(),
        Err(why) => return Err(wrong(format!("a body that cannot be checked: {why}"))),
    };
    match returns.admit(&mut value, objects) {
        Ok(()) => Ok(Content::made(value)),
        Err(misfit) => {
            let place = if misfit.pointer.is_empty() { "what" } else { misfit.pointer.as_str() };
            Err(wrong(format!("{place} is not {}", misfit.due)))
        }
    }
}

/// An expression of a result without a value: the step that it reads is named.
fn no_value(view: &View<'_>, at: usize, failure: &Failure) -> Problem {
    let name = view.flow.results.get(at).map_or("", |outlet| outlet.name.as_str());
    let problem = Problem::new(Cause::FlowValue)
        .with_detail(format_args!("{}.{name}: {failure}", view.flow.name));
    let mut root =
        failure.expression.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    let step = root.find(|word| view.step(word).is_some());
    match step {
        Some(step) => problem.with_step(step),
        None => problem,
    }
}

fn wrong_status(view: &View<'_>, at: usize, what: String) -> Problem {
    no_value(view, at, &Failure { expression: "status".into(), what, input: None })
}
