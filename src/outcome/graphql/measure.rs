//! How much an operation asks for once its fragments stand where they are spread.
//!
//! Each definition is weighed once, whatever spreads it, so the work is linear in the document, if
//! the answer is exponential: numbers stop at their end. A fragment that contains itself has no
//! bottom, and so has every operation that spreads it.

/// An operation or a fragment, by itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Definition<'a> {
    /// The name; operations may have none.
    pub(super) name: Option<&'a str>,
    /// What it does; none for a fragment.
    pub(super) operation: Option<super::OperationKind>,
    /// What it asks for by itself.
    pub(super) weight: Weight,
    /// Its spreads, as a part of all spreads of the document.
    pub(super) spreads: (usize, usize),
}

/// A fragment's name where it is spread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread<'a> {
    pub(super) name: &'a str,
    /// How many fields stand around it.
    pub(super) depth: u32,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// The most fields that stand in each other.
    pub(super) depth: u32,
    /// Fields under another name than their own.
    pub(super) aliases: u32,
    /// Fields that stand in no other field.
    pub(super) roots: u32,
}

impl Weight {
    /// What has no bottom.
    const ENDLESS: Self = Self { depth: u32::MAX, aliases: u32::MAX, roots: u32::MAX };

    /// Adds a fragment that is spread below `depth` fields.
    fn add(&mut self, fragment: Self, depth: u32) {
        self.depth = self.depth.max(fragment.depth.saturating_add(depth));
        self.aliases = self.aliases.saturating_add(fragment.aliases);
        if depth == 0 {
            self.roots = self.roots.saturating_add(fragment.roots);
        }
    }
}

/// Weighs the definition at `chosen` with all that it spreads.
pub(super) fn measure(
    definitions: &[Definition<'_>],
    spreads: &[Spread<'_>],
    chosen: usize,
) -> Weight {
    let own = |at: usize| definitions.get(at).map_or(Weight::ENDLESS, |it| it.weight);
    if spreads.is_empty() {
        return own(chosen);
    }
    let mut fragments: Vec<(&str, usize)> = Vec::with_capacity(definitions.len());
    for (at, definition) in definitions.iter().enumerate() {
        if let (Some(name), None) = (definition.name, definition.operation) {
            fragments.push((name, at));
        }
    }
    fragments.sort_unstable();
    // The first of two with one name; such a document is refused by whoever validates it.
    let find = |name: &str| {
        let at = fragments.partition_point(|(known, _)| *known < name);
        fragments.get(at).filter(|(known, _)| *known == name).map(|(_, at)| *at)
    };
    let mut states = vec![State::Unseen; definitions.len()];
    // Those that are being weighed, from the operation down: definition, next spread, sum so far.
    let mut open = vec![(chosen, own(chosen))];
    let mut next: Vec<usize> = definitions.iter().map(|it| it.spreads.0).collect();
    while let Some((at, sum)) = open.last_mut() {
        let (Some(definition), Some(cursor)) = (definitions.get(*at), next.get_mut(*at)) else {
            return Weight::ENDLESS;
        };
        states[*at] = State::Open;
        let spread = (*cursor < definition.spreads.1).then(|| spreads.get(*cursor)).flatten();
        let Some(spread) = spread else {
            states[*at] = State::Known(*sum);
            open.pop();
            continue;
        };
        // A fragment that is not there adds nothing.
        let Some(fragment) = find(spread.name) else {
            *cursor += 1;
            continue;
        };
        match states[fragment] {
            State::Unseen => open.push((fragment, own(fragment))),
            State::Open => {
                sum.add(Weight::ENDLESS, spread.depth);
                *cursor += 1;
            }
            State::Known(weight) => {
                sum.add(weight, spread.depth);
                *cursor += 1;
            }
        }
    }
    match states.get(chosen) {
        Some(State::Known(weight)) => *weight,
        Some(State::Unseen | State::Open) | None => Weight::ENDLESS,
    }
}

#[derive(Clone, Copy)]
enum State {
    Unseen,
    Open,
    Known(Weight),
}
