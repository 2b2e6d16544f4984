//! Random graphs with random outcomes end as a reference says that reads the graph as it is drawn.

use std::collections::HashMap;
use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::Value;

use super::rig::{Answer, Script, loaded, ran_now};
use crate::flow::Ended;
use crate::observe::FlowEnd;

/// A graph: stages of steps, and results behind them.
#[derive(Clone, Debug)]
struct Graph {
    stages: Vec<Vec<Node>>,
    /// Where each stage leads: a later stage, or a result beyond all of them.
    next: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Node {
    /// Whether it runs.
    when: Option<bool>,
    on_error: Option<usize>,
    status: u16,
    turns: u8,
}

const RESULTS: usize = 3;

/// The reference: ten lines that say how a flow ends.
fn reference(graph: &Graph) -> String {
    let (mut at, count) = (0, graph.stages.len());
    loop {
        let fails = |node: &Node| node.when != Some(false) && node.status >= 400;
        let stage = graph.stages[at].iter().enumerate();
        let failing =
            stage.filter(|(_, node)| fails(node) && node.on_error != Some(graph.next[at]));
        let to = match failing.min_by_key(|(place, node)| (node.turns, *place)) {
            None => graph.next[at],
            Some((place, node)) => match node.on_error {
                None => return format!("error of s{at}_{place}: {}", node.status),
                Some(to) => to,
            },
        };
        if to >= count {
            return format!("result r{}", to - count);
        }
        at = to;
    }
}

/// The graph as a file has it; what nothing leads to is left out.
fn written(graph: &Graph) -> String {
    let count = graph.stages.len();
    let mut reached = vec![false; count + RESULTS];
    reached[0] = true;
    for at in 0..count {
        if reached[at] {
            reached[graph.next[at]] = true;
            for to in graph.stages[at].iter().filter_map(|node| node.on_error) {
                reached[to] = true;
            }
        }
    }
    let name = |to: usize| match to.checked_sub(count) {
        Some(result) => format!("r{result}"),
        None => format!("s{to}_0"),
    };
    let mut text = String::from("[flow.f]\n");
    for (at, stage) in graph.stages.iter().enumerate().filter(|(at, _)| reached[*at]) {
        for (place, node) in stage.iter().enumerate() {
            let next = name(graph.next[at]);
            let _ = writeln!(text, "[[flow.f.step]]\nname = \"s{at}_{place}\"\nnext = \"{next}\"");
            let _ = writeln!(text, "group = \"g{at}\"\ncall = \"GET app:/{at}/{place}\"");
            if let Some(to) = node.on_error {
                let _ = writeln!(text, "on_error = \"{}\"", name(to));
            }
            if let Some(when) = node.when {
                let _ = writeln!(text, "when = \"{when}\"");
            }
        }
    }
    for result in (0..RESULTS).filter(|result| reached[count + result]) {
        let _ = writeln!(text, "[[flow.f.result]]\nname = \"r{result}\"\ndata = \"r{result}\"");
    }
    text
}

fn script(graph: &Graph) -> Script {
    let mut answers = HashMap::new();
    for (at, stage) in graph.stages.iter().enumerate() {
        for (place, node) in stage.iter().enumerate() {
            let answer = Answer { turns: node.turns, ..Answer::new(node.status) };
            answers.insert(format!("f.s{at}_{place}"), answer);
        }
    }
    Script { answers, ..Script::default() }
}

fn told(config: &crate::config::model::Config, ended: &Ended) -> String {
    match (&ended.answer, ended.way) {
        (Ok(reply), FlowEnd::Result(result)) => {
            let name = &config.flows[0].results[result].name;
            assert_eq!(reply.body.value().unwrap().as_str(), Some(name.as_str()));
            assert_eq!(reply.status, 200);
            format!("result {name}")
        }
        (Err(problem), FlowEnd::FailedStep) => {
            let status = config.errors.catalogue.status(problem);
            format!("error of {}: {status}", problem.step().unwrap())
        }
        (answer, way) => panic!("{way:?}: {answer:?}"),
    }
}

fn node(at: usize, end: usize) -> impl Strategy<Value = Node> {
    let status = prop_oneof![3 => Just(200_u16), 1 => Just(399), 1 => Just(400), 1 => Just(503)];
    let when = prop_oneof![4 => Just(None), 1 => any::<bool>().prop_map(Some)];
    let on_error = proptest::option::weighted(0.7, at + 1..end);
    (when, on_error, status, 0..3_u8).prop_map(|(when, on_error, status, turns)| Node {
        when,
        on_error,
        status,
        turns,
    })
}

fn graph() -> impl Strategy<Value = Graph> {
    (1..6_usize).prop_flat_map(|count| {
        let end = count + RESULTS;
        let stages: Vec<_> =
            (0..count).map(|at| proptest::collection::vec(node(at, end), 1..4)).collect();
        let next: Vec<_> = (0..count).map(|at| at + 1..end).collect();
        (stages, next).prop_map(|(stages, next)| Graph { stages, next })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_way_ends_as_the_reference_says(graph in graph()) {
        let config = loaded(&written(&graph));
        let script = script(&graph);
        let ended = ran_now(&config, &script, Value::Null);
        prop_assert_eq!(told(&config, &ended), reference(&graph));
        // In exactly one reply, and no step is called twice.
        prop_assert_eq!(script.flows.get(), 1);
        let mut called = script.called.into_inner();
        let count = called.len();
        called.sort_unstable();
        called.dedup();
        prop_assert_eq!(called.len(), count);
    }
}
