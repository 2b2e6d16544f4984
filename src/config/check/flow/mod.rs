//! `[flow.NAME]` and `[object.NAME]`: the file's graph made a plan, and everything refused that
//! could go wrong on some way through it.
//!
//! In this order: what is declared (`declared`), so that flows can call flows that stand below them;
//! each flow's steps (`step`) and results (`outlet`); how they lead to each other (`graph`); and what
//! is read where (`reads`), by the types that are known (`known`).

mod declared;
mod fits;
mod graph;
mod known;
mod operation;
mod outlet;
mod reads;
mod step;
mod template;

use std::collections::HashMap;

pub(super) use self::declared::Declared;
use super::Check;
use super::errors::Codes;
use crate::base::{FlowId, UpstreamId};
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Call, Flow, Route, Target};
use crate::config::read::{Section, Word};
use crate::config::source::Place;
use crate::config::tree::Entry;
use crate::expression::{Expression, Read, Segment};
use crate::parameter::{Object, Tongue};

/// What flows refer to by name.
#[derive(Clone, Copy)]
pub(super) struct Names<'n, 't> {
    pub(super) upstreams: &'n HashMap<&'t str, UpstreamId>,
    pub(super) codes: &'n Codes,
    pub(super) declared: &'n Declared<'t>,
}

/// A call of one flow by another.
struct Inner<'t> {
    by: usize,
    to: usize,
    word: Word<'t>,
}

/// The flows in file order, and the objects that they know.
pub(super) fn flows<'t>(
    root: Section<'t>,
    declared: Declared<'t>,
    upstreams: &HashMap<&'t str, UpstreamId>,
    codes: &Codes,
    tongues: &[Tongue],
    check: &mut Check<'_>,
) -> (Vec<Flow>, Vec<Object>) {
    let names = Names { upstreams, codes, declared: &declared };
    let mut inner = Vec::new();
    let mut built = Vec::new();
    for (at, entry) in root.section("flow").entries().iter().enumerate() {
        built.push(flow(at, entry, names, &mut inner, check));
    }
    recursion(&inner, &declared, check);
    let mut signatures = declared.signatures.into_iter();
    let flows = built.into_iter().map(|mut flow| {
        if let Some(signature) = signatures.next() {
            flow.input = signature.input;
            flow.returns = signature.returns;
            flow.tongues = tongues.into();
        }
        flow
    });
    (flows.collect(), declared.objects)
}

fn flow<'t>(
    at: usize,
    entry: &'t Entry,
    names: Names<'_, 't>,
    inner: &mut Vec<Inner<'t>>,
    check: &mut Check<'_>,
) -> Flow {
    let section = Section::of_node(&entry.node);
    let drafts = step::steps(section, names, check);
    let outlets = outlet::outlets(section, &drafts, names, check);
    for draft in &drafts {
        if let Call::Flow(id) = draft.step.call {
            inner.push(Inner { by: at, to: usize::from(id.0), word: draft.call });
        }
    }
    let plan = graph::plan(entry, &drafts, &outlets, check);
    if let Some(plan) = &plan {
        reads::check(at, plan, &drafts, &outlets, names, check);
    }
    let mut reads_body = false;
    let mut inside = Vec::new();
    let mut see = |expression: &Expression| {
        for read in expression.reads().iter().filter(|read| is_of_body(read)) {
            reads_body |= *read.root == *"input";
            // A body that is handed on as it came is not looked into.
            if expression.path().is_none() || read.path.len() > 1 {
                inside.push(read.root.clone());
            }
        }
    };
    drafts.iter().for_each(|draft| draft.step.each(&mut see));
    outlets.iter().for_each(|outlet| outlet.outlet.each(&mut see));
    let (mut steps, results): (Vec<_>, Vec<_>) = (
        drafts.into_iter().map(|draft| draft.step).collect(),
        outlets.into_iter().map(|outlet| outlet.outlet).collect(),
    );
    for step in &mut steps {
        step.looks_inside = inside.iter().any(|name| **name == *step.name);
    }
    let (stages, ways) = match plan {
        Some(plan) => {
            for (step, way) in steps.iter_mut().zip(&plan.errors) {
                (step.on_error, step.tolerated) = *way;
            }
            (plan.stages, plan.ways)
        }
        // The file is refused.
        None => Default::default(),
    };
    Flow {
        name: entry.key.clone(),
        timeout: section.duration("timeout").unwrap_or(defaults::FLOW_TIMEOUT),
        limit: section.length("limit").unwrap_or(defaults::FLOW_LIMIT),
        input: Box::default(),
        reads_body,
        returns: None,
        steps: steps.into(),
        stages: stages.into(),
        results: results.into(),
        ways,
        tongues: Box::default(),
    }
}

fn is_of_body(read: &Read) -> bool {
    read.path.first() == Some(&Segment::Name("body".into()))
}

/// Flows that call each other in a circle would never end.
fn recursion(inner: &[Inner<'_>], declared: &Declared<'_>, check: &mut Check<'_>) {
    let name = |at: usize| declared.signatures.get(at).map_or("", |known| known.name);
    for first in inner {
        let mut way = vec![first.by];
        if !leads_back(inner, first.to, first.by, &mut way) {
            continue;
        }
        let circle: Vec<&str> = way.iter().chain([&first.by]).map(|at| name(*at)).collect();
        let message = format!("the flow `{}` calls itself", name(first.by));
        let made = Diagnostic::at(Id::FlowCycle, first.word.place, message);
        check.push(made.label(circle.join(" → ")).help("flows call each other without circles"));
    }
}

fn leads_back(inner: &[Inner<'_>], from: usize, to: usize, way: &mut Vec<usize>) -> bool {
    if from == to {
        return true;
    }
    if way.contains(&from) {
        return false;
    }
    way.push(from);
    let mut next = inner.iter().filter(|call| call.by == from);
    if next.any(|call| leads_back(inner, call.to, to, way)) {
        return true;
    }
    way.pop();
    false
}

/// Flows that nobody can reach, and the upstreams that flows call.
pub(super) fn unused(
    section: Section<'_>,
    flows: &[Flow],
    routes: &[Route],
    check: &mut Check<'_>,
) {
    let mut used = vec![false; flows.len()];
    let mut open: Vec<usize> = routes
        .iter()
        .filter_map(|route| match route.target {
            Target::Flow(ref target) => Some(usize::from(target.flow.0)),
            Target::Upstream(_) | Target::Respond(_) => None,
        })
        .collect();
    while let Some(at) = open.pop() {
        let Some(known) = used.get_mut(at).filter(|known| !**known) else { continue };
        *known = true;
        open.extend(flows[at].calls().filter_map(|call| match call {
            Call::Flow(FlowId(id)) => Some(usize::from(*id)),
            Call::Upstream { .. } => None,
        }));
    }
    for (entry, _) in section.entries().iter().zip(used).filter(|(_, used)| !used) {
        let message = format!("no route leads to the flow `{}`", entry.key);
        let made = Diagnostic::at(Id::Unused, entry.place, message);
        check.push(made.help(format!("add a route with `flow = \"{}\"`", entry.key)));
    }
}

/// A place within a string that is a word of the file.
fn within(word: Word<'_>, at: std::ops::Range<usize>, check: &Check<'_>) -> Place {
    check.within(word, &at)
}

impl Flow {
    /// What its steps call.
    pub(in crate::config) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.steps.iter().map(|step| &step.call)
    }
}
