//! Operations of GraphQL, counted by what they do and by how they ended.

use super::exposition::Exposition;
use super::facts::Outcome;
use super::keys::{low, pack_route, unpack_route};
use super::metrics;
use super::tally::Tally;
use super::text::Page;
use crate::base::RouteId;
use crate::outcome::graphql::OperationKind;

/// The operations of one request: one, or the several of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// How many there are of each kind, those of which nobody knows in the last place.
    counts: [u8; KINDS],
}

/// Labels of `guichet_graphql_operations_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OperationKey {
    pub(super) route: Option<RouteId>,
    /// None where the document is only known to the upstream, or could not be read.
    pub(super) kind: Option<OperationKind>,
    pub(super) outcome: Outcome,
}

impl Operations {
    /// One operation of which nothing is known.
    pub const fn unknown() -> Self {
        Self { counts: [0, 0, 0, 1] }
    }

    /// Adds one; none where its document is only known to the upstream.
    pub fn add(&mut self, kind: Option<OperationKind>) {
        let count = &mut self.counts[place(kind)];
        *count = count.saturating_add(1);
    }

    /// Counts them, all having ended like their request.
    pub(super) fn count(self, route: Option<RouteId>, outcome: Outcome, tally: &Tally) {
        for (kind, count) in kinds().zip(self.counts).filter(|(_, count)| *count > 0) {
            tally.add(OperationKey { route, kind, outcome }.pack(), count.into());
        }
    }
}

impl OperationKey {
    pub(super) fn pack(self) -> u64 {
        let kind = u64::try_from(place(self.kind)).unwrap_or_default();
        pack_route(self.route) << 5 | kind << 3 | self.outcome as u64
    }

    pub(super) fn unpack(key: u64) -> Self {
        let outcome = Outcome::ALL.get(usize::from(low(key, 3)));
        Self {
            route: unpack_route(key >> 5),
            kind: OperationKind::ALL.get(usize::from(low(key >> 3, 2))).copied(),
            outcome: outcome.copied().unwrap_or(Outcome::Aborted),
        }
    }

    fn kind(self) -> &'static str {
        self.kind.map_or("unknown", OperationKind::as_str)
    }
}

impl Exposition {
    pub(super) fn operations(&self, page: &mut Page) {
        page.family(&metrics::GRAPHQL_OPERATIONS);
        for (key, count) in self.tally(|registers| &registers.operations) {
            let key = OperationKey::unpack(key);
            let labels = [
                ("route", self.names.route(key.route)),
                ("type", key.kind()),
                ("result", key.outcome.as_str()),
            ];
            page.number(&metrics::GRAPHQL_OPERATIONS, &labels, count);
        }
    }
}

fn place(kind: Option<OperationKind>) -> usize {
    kind.map_or(KINDS - 1, |kind| kind as usize)
}

fn kinds() -> impl Iterator<Item = Option<OperationKind>> {
    OperationKind::ALL.iter().copied().map(Some).chain([None])
}

const KINDS: usize = OperationKind::ALL.len() + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_unpack_to_what_was_packed() {
        for route in [None, Some(RouteId(0)), Some(RouteId(u16::MAX))] {
            for kind in kinds() {
                for outcome in Outcome::ALL {
                    let key = OperationKey { route, kind, outcome: *outcome };
                    assert_eq!(OperationKey::unpack(key.pack()), key);
                }
            }
        }
    }

    #[test]
    fn a_batch_counts_each_of_its_operations() {
        let tally = Tally::with_room_for(8);
        let mut operations = Operations::default();
        operations.add(Some(OperationKind::Query));
        operations.add(Some(OperationKind::Query));
        operations.add(None);
        operations.count(Some(RouteId(1)), Outcome::Warning, &tally);
        let mut counted: Vec<_> =
            tally.iter().map(|(key, count)| (OperationKey::unpack(key).kind(), count)).collect();
        counted.sort_unstable();
        assert_eq!(counted, [("query", 2), ("unknown", 1)]);
    }
}
