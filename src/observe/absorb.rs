//! How the registers of one generation take in what another one has counted.

use super::registers::{Registers, RouteCells};
use super::renaming::Renaming;

impl Registers {
    /// Takes in what another generation's registers have counted, by the names of this one.
    pub(super) fn absorb(&self, other: &Self, names: &Renaming<'_>) {
        self.requests.absorb(&other.requests, |key| names.request(key));
        self.errors.absorb(&other.errors, |key| names.error(key));
        self.would_change.absorb(&other.would_change, |key| names.error(key));
        self.operations.absorb(&other.operations, |key| names.operation(key));
        self.upstream_requests.absorb(&other.upstream_requests, |key| names.upstream(key));
        self.calls.absorb(&other.calls, |route| names.route(route));
        for (own, cells) in self.same_routes(other, names) {
            own.duration.absorb(&cells.duration);
            own.overhead.absorb(&cells.overhead);
            let counted = own.outcomes.iter().zip(&cells.outcomes);
            let counted = counted.chain(own.shed.iter().zip(&cells.shed));
            for (own, count) in counted.chain(own.conformance.iter().zip(&cells.conformance)) {
                own.bump(count.value());
            }
        }
        for (id, cells) in names.upstreams.iter().zip(&other.upstreams) {
            let Some(own) = id.and_then(|id| self.upstream(id)) else { continue };
            own.duration.absorb(&cells.duration);
            for (own, count) in own.retries.iter().zip(&cells.retries) {
                own.bump(count.value());
            }
        }
        for (id, cells) in names.limits.iter().zip(&other.limits) {
            let Some(own) = id.and_then(|id| self.limits.get(usize::from(id.0))) else { continue };
            for (own, count) in own.decisions.iter().zip(&cells.decisions) {
                own.bump(count.value());
            }
            own.forgotten.bump(cells.forgotten.value());
        }
        for (id, cells) in names.auth.iter().zip(&other.auth) {
            let Some(own) = id.and_then(|id| self.auth.get(usize::from(id.0))) else { continue };
            for (own, count) in own.iter().zip(cells) {
                own.bump(count.value());
            }
        }
        let (from, to) = names.flows;
        for (names, cells) in from.iter().zip(&other.flows) {
            let mut known = to.iter().zip(&self.flows);
            if let Some((own, mine)) = known.find(|(known, _)| known.name == names.name) {
                mine.absorb(own, cells, names);
            }
        }
        self.lines_dropped.bump(other.lines_dropped.value());
    }

    /// Takes in what is still under way there. It is no part of the past.
    pub(super) fn still_there(&self, other: &Self, names: &Renaming<'_>) {
        for (own, cells) in self.same_routes(other, names) {
            own.in_flight.add(cells.in_flight.value());
        }
    }

    /// Own cells and the other's, route by route, "no route" included.
    fn same_routes<'a>(
        &'a self,
        other: &'a Self,
        names: &'a Renaming<'_>,
    ) -> impl Iterator<Item = (&'a RouteCells, &'a RouteCells)> {
        let none = [(&self.routes[0], &other.routes[0])];
        let named = names.routes.iter().zip(other.routes.iter().skip(1));
        none.into_iter()
            .chain(named.filter_map(|(id, cells)| Some((self.route(Some((*id)?)), cells))))
    }
}
