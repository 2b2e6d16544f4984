//! How steps and results lead to each other: names resolved, circles and dead ends refused, ways
//! counted.

use super::outlet::OutletDraft;
use super::step::Draft;
use crate::config::check::Check;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Next, Stage, Ways};
use crate::config::read::Word;
use crate::config::tree::Entry;

/// The graph of a flow.
pub(super) struct Plan {
    pub(super) stages: Vec<Stage>,
    /// For each step, where its failure leads, and whether that is no failure of its group.
    pub(super) errors: Vec<(Next, bool)>,
    /// The stages that are reached, each after all that lead to it.
    pub(super) order: Vec<usize>,
    pub(super) ways: Ways,
}

/// None where the graph cannot be walked.
pub(super) fn plan(
    entry: &Entry,
    drafts: &[Draft<'_>],
    outlets: &[OutletDraft<'_>],
    check: &mut Check<'_>,
) -> Option<Plan> {
    if drafts.is_empty() {
        return None;
    }
    let groups = groups(drafts, check);
    let graph = Graph { drafts, outlets, groups };
    let stages = graph.stages(check)?;
    let errors = graph.errors(&stages, check)?;
    let order = graph.order(&stages, &errors, check)?;
    graph.reached(entry, &stages, &errors, &order, check);
    let ways = graph.ways(&stages, &errors, &order);
    Some(Plan { stages, errors, order, ways })
}

struct Graph<'g, 't> {
    drafts: &'g [Draft<'t>],
    outlets: &'g [OutletDraft<'t>],
    groups: Vec<std::ops::Range<usize>>,
}

/// Steps in a row that name the same group.
fn groups(drafts: &[Draft<'_>], check: &mut Check<'_>) -> Vec<std::ops::Range<usize>> {
    let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
    let mut closed: Vec<Word<'_>> = Vec::new();
    for (at, draft) in drafts.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| drafts[before].group);
        match (draft.group, groups.last_mut()) {
            (Some(group), Some(last)) if before.is_some_and(|word| word.text == group.text) => {
                last.end = at + 1;
            }
            (group, _) => {
                if let Some(group) = group {
                    if let Some(first) = closed.iter().find(|known| known.text == group.text) {
                        let message = "the steps of a group stand in a row";
                        let made = Diagnostic::at(Id::BadGroup, group.place, message);
                        check.push(
                            made.other(first.place, "the group begins here")
                                .help("move the step there, or name another group"),
                        );
                    }
                    closed.push(group);
                }
                groups.push(at..at + 1);
            }
        }
    }
    groups
}

impl Graph<'_, '_> {
    fn stage_of(&self, step: usize) -> usize {
        self.groups.iter().position(|group| group.contains(&step)).unwrap_or_default()
    }

    /// What a name leads to.
    fn target(&self, word: Word<'_>, check: &mut Check<'_>) -> Option<Next> {
        if let Some(step) = self.drafts.iter().position(|draft| draft.step.name == word.text) {
            return Some(Next::Stage(self.stage_of(step)));
        }
        let outlet = self.outlets.iter().position(|known| known.outlet.name == word.text);
        if let Some(outlet) = outlet {
            return Some(Next::Outlet(outlet));
        }
        let steps = self.drafts.iter().map(|draft| draft.step.name.as_str());
        let names = steps.chain(self.outlets.iter().map(|known| known.outlet.name.as_str()));
        let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        check.unknown(Id::UnknownName, word, "step or result", names.iter().copied());
        None
    }

    fn stages(&self, check: &mut Check<'_>) -> Option<Vec<Stage>> {
        let named = |outlet: &str| {
            let all = self.drafts.iter().flat_map(|draft| [draft.next, draft.on_error]);
            all.flatten().any(|word| word.text == outlet)
        };
        let free = self.outlets.iter().position(|known| !named(&known.outlet.name));
        let mut fine = true;
        let mut stages = Vec::new();
        for (at, group) in self.groups.iter().enumerate() {
            let mut said: Option<Word<'_>> = None;
            for draft in &self.drafts[group.clone()] {
                match (draft.next, said) {
                    (Some(word), Some(first)) if word.text != first.text => {
                        let message = "the steps of a group lead to one place";
                        let made = Diagnostic::at(Id::BadGroup, word.place, message);
                        check.push(made.other(first.place, "another one is named here"));
                    }
                    (Some(word), None) => said = Some(word),
                    (Some(_), Some(_)) | (None, _) => {}
                }
            }
            let next = match said {
                Some(word) => self.target(word, check),
                None if at + 1 < self.groups.len() => Some(Next::Stage(at + 1)),
                None => Some(free.map_or(Next::End, Next::Outlet)),
            };
            fine &= next.is_some();
            stages.push(Stage { steps: group.clone(), next: next.unwrap_or(Next::End) });
        }
        fine.then_some(stages)
    }

    fn errors(&self, stages: &[Stage], check: &mut Check<'_>) -> Option<Vec<(Next, bool)>> {
        let mut fine = true;
        let mut errors = Vec::new();
        for (at, draft) in self.drafts.iter().enumerate() {
            let next = match draft.on_error {
                Some(word) => self.target(word, check),
                None => Some(Next::End),
            };
            fine &= next.is_some();
            let next = next.unwrap_or(Next::End);
            let stage = &stages[self.stage_of(at)];
            let tolerated = draft.on_error.is_some() && next == stage.next;
            errors.push((next, tolerated));
        }
        fine.then_some(errors)
    }

    /// Everywhere a stage leads, each place once.
    fn ways_out(&self, stage: &Stage, errors: &[(Next, bool)]) -> Vec<Next> {
        let mut out = vec![stage.next];
        for step in stage.steps.clone() {
            if let Some((next, _)) = errors.get(step)
                && !out.contains(next)
            {
                out.push(*next);
            }
        }
        out
    }

    /// The stages that are reached, in an order in which each follows all that lead to it; none,
    /// and a diagnostic, where there is a circle.
    fn order(
        &self,
        stages: &[Stage],
        errors: &[(Next, bool)],
        check: &mut Check<'_>,
    ) -> Option<Vec<usize>> {
        let mut walk = Walk { done: Vec::new(), open: Vec::new(), circle: None };
        self.visit(0, stages, errors, &mut walk);
        let Some(circle) = walk.circle else {
            walk.done.reverse();
            return Some(walk.done);
        };
        let names: Vec<&str> =
            circle.iter().map(|stage| self.name(stages[*stage].steps.start)).collect();
        let first = names.first().copied().unwrap_or_default();
        // The step that closes the circle, and the key of it that does.
        let last = circle.last().copied().unwrap_or_default();
        let back = |word: &Word<'_>| {
            circle.first().is_some_and(|first| {
                stages[*first].steps.clone().any(|step| self.name(step) == word.text)
            })
        };
        let closing = self.drafts[stages[last].steps.clone()].iter().find_map(|draft| {
            [draft.next, draft.on_error].into_iter().flatten().find(|word| back(word))
        });
        let place = closing.map_or(self.drafts[stages[last].steps.start].place, |word| word.place);
        let message = format!("this leads back to `{first}`");
        let made = Diagnostic::at(Id::FlowCycle, place, message);
        check.push(
            made.label(format!("{} → {first}", names.join(" → ")))
                .help("a flow only goes forward: whatever it does ends"),
        );
        None
    }

    fn visit(&self, at: usize, stages: &[Stage], errors: &[(Next, bool)], walk: &mut Walk) {
        if walk.done.contains(&at) || walk.circle.is_some() {
            return;
        }
        if let Some(from) = walk.open.iter().position(|open| *open == at) {
            walk.circle = walk.open.get(from..).map(<[usize]>::to_vec);
            return;
        }
        walk.open.push(at);
        for next in self.ways_out(&stages[at], errors) {
            if let Next::Stage(next) = next {
                self.visit(next, stages, errors, walk);
            }
        }
        walk.open.pop();
        walk.done.push(at);
    }

    fn name(&self, step: usize) -> &str {
        self.drafts.get(step).map_or("", |draft| draft.step.name.as_str())
    }

    fn reached(
        &self,
        entry: &Entry,
        stages: &[Stage],
        errors: &[(Next, bool)],
        order: &[usize],
        check: &mut Check<'_>,
    ) {
        let mut outlets = vec![false; self.outlets.len()];
        for stage in order {
            for next in self.ways_out(&stages[*stage], errors) {
                if let Next::Outlet(outlet) = next
                    && let Some(reached) = outlets.get_mut(outlet)
                {
                    *reached = true;
                }
            }
        }
        for (at, stage) in stages.iter().enumerate().filter(|(at, _)| !order.contains(at)) {
            let draft = &self.drafts[stage.steps.start];
            let message =
                format!("nothing in `{}` leads to the step `{}`", entry.key, draft.step.name);
            let made = Diagnostic::at(Id::Unreached, draft.place, message);
            check.push(match at {
                0 => made,
                _ => made.help(
                    "the step before it goes elsewhere: name it in a `next` or an `on_error`, or \
                     take it away",
                ),
            });
        }
        for (known, _) in self.outlets.iter().zip(outlets).filter(|(_, reached)| !reached) {
            let name = &known.outlet.name;
            let message = format!("nothing in `{}` leads to the result `{name}`", entry.key);
            let made = Diagnostic::at(Id::Unreached, known.place, message);
            check.push(made.help("name it in a `next` or an `on_error`, or take it away"));
        }
    }

    /// Counted from the end: a way is one choice at each stage between going well, being skipped,
    /// and failing.
    fn ways(&self, stages: &[Stage], errors: &[(Next, bool)], order: &[usize]) -> Ways {
        let mut from = vec![Ways::default(); stages.len()];
        let beyond = |next: Next, from: &[Ways]| match next {
            Next::Stage(stage) => from.get(stage).copied().unwrap_or_default(),
            Next::Outlet(_) => Ways { all: 1, bare: 0 },
            Next::End => Ways { all: 1, bare: 1 },
        };
        for at in order.iter().rev() {
            let stage = &stages[*at];
            let mut together: u64 = 1;
            let mut sum = Ways::default();
            for step in stage.steps.clone() {
                let (next, tolerated) = errors[step];
                let skipped = u64::from(self.drafts[step].step.when.is_some());
                together = together.saturating_mul(1 + skipped + u64::from(tolerated));
                if !tolerated {
                    sum = sum.and(beyond(next, &from), 1);
                }
            }
            from[*at] = sum.and(beyond(stage.next, &from), together);
        }
        from.first().copied().unwrap_or_default()
    }
}

struct Walk {
    done: Vec<usize>,
    open: Vec<usize>,
    circle: Option<Vec<usize>>,
}

impl Ways {
    fn and(self, other: Self, times: u64) -> Self {
        Self {
            all: self.all.saturating_add(other.all.saturating_mul(times)),
            bare: self.bare.saturating_add(other.bare.saturating_mul(times)),
        }
    }
}
