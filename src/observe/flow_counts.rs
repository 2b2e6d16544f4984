//! What is counted of flows: how each has ended, and how long each of its steps took.

use super::access_log::StepFacts;
use super::counter::{Bounds, Counter, Histogram};
use super::exposition::{Exposition, histogram_if_any, number_if_any};
use super::metrics;
use super::registers::Registers;
use super::text::Page;
use super::witness::Witness;
use crate::base::FlowId;
use crate::config::model::Flow;

/// The names of one flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowNames {
    /// Its own.
    pub name: String,
    /// Its steps, in file order.
    pub steps: Vec<String>,
    /// Its results, in file order.
    pub results: Vec<String>,
}

/// How a flow has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowEnd {
    /// With the result of this number.
    Result(usize),
    /// With the reply of its last step.
    LastReply,
    /// With the error of the step that failed.
    FailedStep,
    /// With an expression that has no value, or data that is not what was declared.
    NoValue,
    /// It was given up: the client left, or the flow that called it did without it.
    GivenUp,
}

/// The counters of one flow.
#[derive(Debug)]
pub(super) struct FlowCells {
    /// Results in file order, then the other ends.
    ends: Box<[Counter]>,
    steps: Box<[Histogram]>,
}

impl FlowNames {
    /// The names of a flow of the configuration.
    pub fn new(flow: &Flow) -> Self {
        Self {
            name: flow.name.clone(),
            steps: flow.steps.iter().map(|step| step.name.clone()).collect(),
            results: flow.results.iter().map(|result| result.name.clone()).collect(),
        }
    }

    /// The words of its ends, in the order of the counters. Names of results have no hyphen.
    fn ends(&self) -> impl Iterator<Item = &str> {
        self.results.iter().map(String::as_str).chain(FlowEnd::WORDS)
    }
}

impl FlowEnd {
    const WORDS: [&'static str; 4] = ["last-reply", "failed-step", "no-value", "given-up"];

    fn number(self, results: usize) -> usize {
        match self {
            Self::Result(result) => result,
            Self::LastReply => results,
            Self::FailedStep => results + 1,
            Self::NoValue => results + 2,
            Self::GivenUp => results + 3,
        }
    }
}

impl FlowCells {
    pub(super) fn new(names: &FlowNames) -> Self {
        let ends = names.ends().count();
        Self {
            ends: std::iter::repeat_with(Counter::default).take(ends).collect(),
            steps: std::iter::repeat_with(Histogram::default).take(names.steps.len()).collect(),
        }
    }

    /// Takes in what the flow of the same name has counted in another generation.
    pub(super) fn absorb(&self, own: &FlowNames, other: &Self, names: &FlowNames) {
        for (count, word) in other.ends.iter().zip(names.ends()) {
            let same = own.ends().position(|known| known == word);
            if let Some(cell) = same.and_then(|at| self.ends.get(at)) {
                cell.bump(count.value());
            }
        }
        for (spread, step) in other.steps.iter().zip(&names.steps) {
            let same = own.steps.iter().position(|known| known == step);
            if let Some(cell) = same.and_then(|at| self.steps.get(at)) {
                cell.absorb(spread);
            }
        }
    }
}

impl Registers {
    fn flow(&self, id: FlowId) -> Option<&FlowCells> {
        self.flows.get(usize::from(id.0))
    }
}

impl Witness {
    /// A step of a flow has ended.
    pub fn flow_step(&self, flow: FlowId, step: usize, facts: &StepFacts<'_>) {
        self.write_step(flow, step, facts);
        let cells = self.registers().flow(flow);
        if let Some(cell) = cells.and_then(|cells| cells.steps.get(step)) {
            cell.observe(Bounds::EXCHANGE, facts.took);
        }
    }

    /// A flow has ended.
    pub fn flow_ended(&self, flow: FlowId, end: FlowEnd) {
        let Some(cells) = self.registers().flow(flow) else { return };
        let results = cells.ends.len() - FlowEnd::WORDS.len();
        if let Some(cell) = cells.ends.get(end.number(results)) {
            cell.bump(1);
        }
    }
}

impl Exposition {
    pub(super) fn flows(&self, page: &mut Page) {
        page.family(&metrics::FLOW_RUNS);
        for (place, flow) in self.names.flows.iter().enumerate() {
            for (at, end) in flow.ends().enumerate() {
                let sum = self.sum(|it| Some(it.flows.get(place)?.ends.get(at)?.value()));
                let labels = [("flow", flow.name.as_str()), ("result", end)];
                number_if_any(page, &metrics::FLOW_RUNS, &labels, sum);
            }
        }
        page.family(&metrics::FLOW_STEP);
        for (place, flow) in self.names.flows.iter().enumerate() {
            for (at, step) in flow.steps.iter().enumerate() {
                let spread = self.spread(|it| it.flows.get(place)?.steps.get(at));
                let labels = [("flow", flow.name.as_str()), ("step", step.as_str())];
                histogram_if_any(page, &metrics::FLOW_STEP, &labels, Bounds::EXCHANGE, &spread);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(steps: &[&str], results: &[&str]) -> FlowNames {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        FlowNames { name: "f".into(), steps: owned(steps), results: owned(results) }
    }

    #[test]
    fn every_end_has_a_counter_of_its_own() {
        let names = names(&[], &["a", "b"]);
        let ends = [
            FlowEnd::Result(0),
            FlowEnd::Result(1),
            FlowEnd::LastReply,
            FlowEnd::FailedStep,
            FlowEnd::NoValue,
            FlowEnd::GivenUp,
        ];
        assert_eq!(FlowCells::new(&names).ends.len(), ends.len());
        assert!(ends.iter().enumerate().all(|(at, end)| end.number(2) == at));
    }

    #[test]
    fn a_new_generation_goes_on_by_names() {
        let (before, after) = (names(&["x", "y"], &["a"]), names(&["y"], &["b", "a"]));
        let (old, new) = (FlowCells::new(&before), FlowCells::new(&after));
        old.ends[FlowEnd::Result(0).number(1)].bump(2);
        old.ends[FlowEnd::GivenUp.number(1)].bump(3);
        new.absorb(&after, &old, &before);
        assert_eq!(new.ends[1].value(), 2);
        assert_eq!(new.ends[FlowEnd::GivenUp.number(2)].value(), 3);
    }
}
