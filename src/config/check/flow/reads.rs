//! What is read where: names and members that exist, and steps that have surely run.
//!
//! For every stage and every result it is known how each step may have ended when a way gets
//! there. A read is refused unless all of these ways have the value; a condition in the expression
//! itself, such as `a.ok ? … : …`, rules out some of them.

use super::declared::Signature;
use super::graph::Plan;
use super::known::{self, Known};
use super::outlet::OutletDraft;
use super::step::Draft;
use super::template::Hole;
use super::{Names, fits, within};
use crate::config::check::Check;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Call, Next, What};
use crate::config::suggest;
use crate::expression::{Expression, Fact, Read, Segment};

/// How a step may have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fates(u8);

impl Fates {
    /// It has not begun, or was given up.
    const NOT_RUN: Self = Self(1);
    const WELL: Self = Self(2);
    const BADLY: Self = Self(4);
    const SKIPPED: Self = Self(8);
    const NONE: Self = Self(0);

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// Checks every expression of a flow.
pub(super) fn check(
    flow: usize,
    plan: &Plan,
    drafts: &[Draft<'_>],
    outlets: &[OutletDraft<'_>],
    names: Names<'_, '_>,
    check: &mut Check<'_>,
) {
    let before = Flowing::through(plan, drafts, outlets.len());
    for (at, stage) in plan.stages.iter().enumerate().filter(|(at, _)| plan.order.contains(at)) {
        for step in stage.steps.clone() {
            let draft = &drafts[step];
            let view = View {
                flow,
                drafts,
                names,
                fates: &before.stages[at],
                beside: stage.steps.clone(),
            };
            let mut holes = draft.holes.iter();
            draft.step.each(&mut |expression| {
                if let Some(hole) = holes.next() {
                    view.judge(expression, *hole, check);
                }
            });
            if let Some(when) = &draft.step.when
                && let Some(hole) = draft.holes.last()
            {
                view.is_boolean(when, *hole, check);
            }
            if let Some(signature) = called(&draft.step.call, names) {
                fits::fits_input(&view, draft, signature, check);
            }
        }
    }
    for (at, draft) in outlets.iter().enumerate() {
        let Some(fates) = before.outlets.get(at) else { continue };
        let view = View { flow, drafts, names, fates, beside: 0..0 };
        let mut holes = draft.holes.iter();
        draft.outlet.each(&mut |expression| {
            if let Some(hole) = holes.next() {
                view.judge(expression, *hole, check);
            }
        });
        let returns = names.declared.signatures.get(flow).and_then(|known| known.returns.as_ref());
        if let (What::Data(data), Some(node), Some(returns)) =
            (&draft.outlet.what, draft.data, returns)
        {
            fits::fits(&view, node, data, returns, check);
        }
    }
}

fn called<'n, 't>(call: &Call, names: Names<'n, 't>) -> Option<&'n Signature<'t>> {
    match call {
        Call::Flow(id) => names.declared.signature(*id),
        Call::Upstream { .. } => None,
    }
}

/// How steps may have ended, before each stage and each result.
struct Flowing {
    stages: Vec<Vec<Fates>>,
    outlets: Vec<Vec<Fates>>,
}

impl Flowing {
    fn through(plan: &Plan, drafts: &[Draft<'_>], outlets: usize) -> Self {
        let nothing = vec![Fates::NONE; drafts.len()];
        let mut flowing = Self {
            stages: vec![nothing.clone(); plan.stages.len()],
            outlets: vec![nothing; outlets],
        };
        if let Some(first) = flowing.stages.first_mut() {
            first.fill(Fates::NOT_RUN);
        }
        for at in &plan.order {
            let stage = &plan.stages[*at];
            // What may be when nothing of the stage has failed its group.
            let mut well = flowing.stages[*at].clone();
            for step in stage.steps.clone() {
                well[step] = Fates::WELL;
                if drafts[step].step.when.is_some() {
                    well[step] = well[step].or(Fates::SKIPPED);
                }
                if plan.errors[step].1 {
                    well[step] = well[step].or(Fates::BADLY);
                }
            }
            flowing.reach(stage.next, &well);
            for failed in stage.steps.clone().filter(|step| !plan.errors[*step].1) {
                let mut badly = well.clone();
                for other in stage.steps.clone() {
                    badly[other] = badly[other].or(Fates::NOT_RUN);
                }
                badly[failed] = Fates::BADLY;
                flowing.reach(plan.errors[failed].0, &badly);
            }
        }
        flowing
    }

    fn reach(&mut self, next: Next, with: &[Fates]) {
        let there = match next {
            Next::Stage(stage) => self.stages.get_mut(stage),
            Next::Outlet(outlet) => self.outlets.get_mut(outlet),
            Next::End => None,
        };
        for (known, more) in there.into_iter().flatten().zip(with) {
            *known = known.or(*more);
        }
    }
}

/// What an expression may look at where it stands.
pub(super) struct View<'v, 't> {
    flow: usize,
    pub(super) drafts: &'v [Draft<'t>],
    pub(super) names: Names<'v, 't>,
    fates: &'v [Fates],
    /// Steps that run at the same time.
    beside: std::ops::Range<usize>,
}

impl<'v> View<'v, '_> {
    /// What the flow is given.
    pub(super) fn input(&self) -> &'v [crate::config::model::Input] {
        let signature = self.names.declared.signatures.get(self.flow);
        signature.map_or(&[], |signature| &signature.input)
    }

    fn judge(&self, expression: &Expression, hole: Hole<'_>, check: &mut Check<'_>) {
        for read in expression.reads() {
            let at = hole.begin + read.at.start..hole.begin + read.at.end;
            let place = within(hole.word, at, check);
            let complaint = self.fate(read).err().or_else(|| known::of(self, read).err());
            if let Some((id, message, help)) = complaint {
                check.push(Diagnostic::at(id, place, message).help_if(help));
            }
        }
    }

    fn is_boolean(&self, when: &Expression, hole: Hole<'_>, check: &mut Check<'_>) {
        let ([read], Some(_)) = (when.reads(), when.path()) else { return };
        let Ok(known) = known::of(self, read) else { return };
        if let Known::Field(..) | Known::Text | Known::Number | Known::List = known
            && !known.is_boolean()
        {
            let message = format!("`when` is true or false, and `{}` is neither", when.text());
            let place = within(hole.word, hole.begin..hole.begin + when.text().len(), check);
            check.push(
                Diagnostic::at(Id::FlowType, place, message).help("compare it with something"),
            );
        }
    }

    /// Whether the step that is read has surely come to this where the expression stands.
    fn fate(&self, read: &Read) -> Result<(), Complaint> {
        let Some(step) = self.drafts.iter().position(|draft| *draft.step.name == *read.root) else {
            return Ok(());
        };
        let Some(Segment::Name(member)) = read.path.first() else {
            let message = format!("`{}` is a step, and no value by itself", read.root);
            let help = format!("write `{0}.body`, `{0}.status` or `{0}.error`", read.root);
            return Err((Id::FlowType, message, Some(help)));
        };
        let due = match &**member {
            "ok" => Fates::WELL.or(Fates::BADLY).or(Fates::SKIPPED),
            "status" => Fates::WELL.or(Fates::BADLY),
            "error" => Fates::BADLY,
            _ => Fates::WELL,
        };
        let mut fates = self.fates[step];
        for fact in &read.facts {
            fates = match fact {
                Fact::Ok(name, true) if *name == read.root => fates.only(Fates::WELL),
                Fact::Ok(name, false) if *name == read.root => fates.without(Fates::WELL),
                Fact::Ok(..) | Fact::Has(..) => fates,
            };
        }
        let odd = fates.without(due);
        if odd == Fates::NONE {
            return Ok(());
        }
        let name = &*read.root;
        let guard = Some(format!("guard it: `{name}.ok ? {name}.{member} : …`"));
        let (why, help) = if self.beside.contains(&step) {
            (format!("`{name}` runs at the same time as this"), None)
        } else if odd.has(Fates::NOT_RUN) {
            (format!("`{name}` may not have run on every way that leads here"), None)
        } else if odd.has(Fates::SKIPPED) {
            (format!("`{name}` may have been skipped, by its `when`, on the way here"), guard)
        } else if odd.has(Fates::BADLY) {
            (format!("`{name}` may have failed on the way here, and has no `{member}` then"), guard)
        } else {
            (format!("`{name}` may have gone well on the way here, and has no error then"), None)
        };
        Err((Id::MayNotExist, why, help))
    }
}

/// What is wrong with a read, and the likely fix.
pub(super) type Complaint = (Id, String, Option<String>);

/// A name that nobody knows, with what was probably meant.
pub(super) fn unknown<'n>(
    id: Id,
    message: String,
    name: &str,
    known: impl Iterator<Item = &'n str> + Clone,
) -> Complaint {
    let help = match suggest::nearest(name, known.clone()) {
        Some(likely) => Some(format!("did you mean `{likely}`?")),
        None if known.clone().next().is_none() => None,
        None => Some(format!("known here: {}", suggest::one_of(known).replace(" or ", " and "))),
    };
    (id, message, help)
}
