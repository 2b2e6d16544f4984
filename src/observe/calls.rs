//! Counters of gRPC calls by route, method and status.
//!
//! Names of methods come from clients, so a name is only learned from a call that an upstream has
//! understood, and at most [`MOST_METHODS`] are: all others are `other`. Nothing of it is there
//! before the first call.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::OnceLock;

use super::exposition::Exposition;
use super::facts::Facts;
use super::keys::{low, pack_route, unpack_route};
use super::metrics;
use super::rpc::Rpc;
use super::tally::Tally;
use super::text::Page;
use crate::base::RouteId;
use crate::base::grpc::GrpcStatus;

/// The calls that one worker has counted.
#[derive(Debug, Default)]
pub(super) struct Calls(OnceLock<Box<Table>>);

/// Calls by route, method and status, added up.
type Sums = BTreeMap<(Option<RouteId>, String, &'static str), u64>;

#[derive(Debug)]
struct Table {
    /// Open-addressed; a method's number is its place and one. Written by one thread.
    names: Box<[OnceLock<Box<str>>]>,
    counts: Tally,
}

/// Labels of `guichet_grpc_requests_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    route: Option<RouteId>,
    /// Zero is any other.
    method: u16,
    status: Option<GrpcStatus>,
}

impl Calls {
    /// Counts an exchange, if it was a gRPC call. One thread only.
    #[inline]
    pub(super) fn count(&self, facts: &Facts) {
        if facts.rpc != Rpc::No {
            self.table().count(facts);
        }
    }

    /// Takes in what others have counted, each route as it is called here. One thread only.
    pub(super) fn absorb(
        &self,
        other: &Self,
        route: impl Fn(Option<RouteId>) -> Option<Option<RouteId>>,
    ) {
        let Some(other) = other.0.get() else { return };
        let own = self.table();
        own.counts.absorb(&other.counts, |key| {
            let key = Key::unpack(key);
            let method = other.name(key.method).and_then(|name| own.learned(name)).unwrap_or(0);
            Some(Key { route: route(key.route)?, method, ..key }.pack())
        });
    }

    /// Adds what was counted to `sums`.
    fn add_to(&self, sums: &mut Sums) {
        let Some(table) = self.0.get() else { return };
        for (key, count) in table.counts.iter() {
            let key = Key::unpack(key);
            let name = table.name(key.method).unwrap_or(OTHER).to_owned();
            let status = key.status.map_or(NONE, GrpcStatus::as_str);
            *sums.entry((key.route, name, status)).or_default() += count;
        }
    }

    /// How often there was no room.
    pub(super) fn left_out(&self) -> u64 {
        self.0.get().map_or(0, |table| table.counts.left_out())
    }

    fn table(&self) -> &Table {
        self.0.get_or_init(|| {
            let names = std::iter::repeat_with(OnceLock::new).take(PLACES).collect();
            Box::new(Table { names, counts: Tally::with_room_for(MOST_SERIES) })
        })
    }
}

impl Exposition {
    /// Calls of all workers.
    pub(super) fn calls(&self, page: &mut Page) {
        page.family(&metrics::GRPC_REQUESTS);
        let mut sums = Sums::new();
        self.registers.iter().for_each(|registers| registers.calls.add_to(&mut sums));
        for ((route, method, status), count) in sums {
            let route = self.names.route(route);
            let labels = [("route", route), ("method", &*method), ("grpc_status", status)];
            page.number(&metrics::GRPC_REQUESTS, &labels, count);
        }
    }
}

impl Table {
    fn count(&self, facts: &Facts) {
        let method = facts.rpc_method().and_then(|name| {
            if facts.is_rpc_understood() { self.learned(name) } else { self.known(name) }
        });
        let key =
            Key { route: facts.route, method: method.unwrap_or(0), status: facts.rpc_status() };
        self.counts.bump(key.pack());
    }

    fn name(&self, method: u16) -> Option<&str> {
        let place = usize::from(method).checked_sub(1)?;
        self.names.get(place)?.get().map(|name| &**name)
    }

    fn known(&self, name: &str) -> Option<u16> {
        let place = self.place(name);
        self.names[place].get().and_then(|_| u16::try_from(place + 1).ok())
    }

    /// The method's number, which it is given now if there is room for it.
    fn learned(&self, name: &str) -> Option<u16> {
        if let Some(known) = self.known(name) {
            return Some(known);
        }
        let learned = self.names.iter().filter(|name| name.get().is_some()).count();
        if learned == MOST_METHODS {
            return None;
        }
        let place = self.place(name);
        self.names[place].set(name.into()).ok()?;
        u16::try_from(place + 1).ok()
    }

    /// Where the name stands, or would. Half of the places stay empty, so the walk always ends.
    fn place(&self, name: &str) -> usize {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let mut place = usize::try_from(hasher.finish() % PLACES as u64).unwrap_or(0);
        while self.names[place].get().is_some_and(|known| **known != *name) {
            place = (place + 1) % PLACES;
        }
        place
    }
}

impl Key {
    fn pack(self) -> u64 {
        let status = self.status.map_or(0, |status| u64::from(status.number()) + 1);
        (pack_route(self.route) << METHOD | u64::from(self.method)) << STATUS | status
    }

    fn unpack(key: u64) -> Self {
        let status = low(key, STATUS).checked_sub(1).and_then(|number| u8::try_from(number).ok());
        Self {
            route: unpack_route(key >> (STATUS + METHOD)),
            method: low(key >> STATUS, METHOD),
            status: status.and_then(GrpcStatus::from_number),
        }
    }
}

/// Methods that one worker tells apart.
const MOST_METHODS: usize = 100;
const PLACES: usize = 2 * MOST_METHODS;
/// Most methods end in one or two ways.
const MOST_SERIES: usize = 4 * MOST_METHODS;
/// The label of all other methods.
const OTHER: &str = "other";
/// The label of calls without a status.
const NONE: &str = "none";
/// Bits of a method.
const METHOD: u32 = 8;
/// Bits of a status.
const STATUS: u32 = 5;

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;

    use super::*;
    use crate::base::RequestId;
    use crate::observe::tests::peer;
    use crate::problem::{Cause, Problem};

    fn call(path: &str, rpc: Rpc) -> Facts {
        let request = Request::post(path).body(()).unwrap();
        let mut facts = Facts::request(peer(), RequestId::generate(), (&request).into());
        facts.rpc = rpc;
        facts
    }

    fn sums(calls: &Calls) -> Vec<(String, &'static str, u64)> {
        let mut sums = Sums::new();
        calls.add_to(&mut sums);
        sums.into_iter().map(|((_, name, status), count)| (name, status, count)).collect()
    }

    fn told(status: GrpcStatus) -> Rpc {
        Rpc::Told(status, None)
    }

    #[test]
    fn a_name_is_learned_from_a_call_that_was_understood() {
        let calls = Calls::default();
        calls.count(&call("/a.B/Guess", told(GrpcStatus::Unimplemented)));
        let mut refused = call("/a.B/Refused", told(GrpcStatus::ResourceExhausted));
        refused.blame(&Problem::new(Cause::RateLimit), 429);
        calls.count(&refused);
        calls.count(&call("/a.B/Left", Rpc::Untold));
        calls.count(&call("/no/method/of/grpc", told(GrpcStatus::Ok)));
        calls.count(&call("/a.B/Get", told(GrpcStatus::NotFound)));
        let mut refused = call("/a.B/Get", told(GrpcStatus::ResourceExhausted));
        refused.blame(&Problem::new(Cause::RateLimit), 429);
        calls.count(&refused);
        calls.count(&call("/a.B/Plain", Rpc::No));

        let expected = [
            ("a.B/Get", "NOT_FOUND", 1),
            ("a.B/Get", "RESOURCE_EXHAUSTED", 1),
            ("other", "CANCELLED", 1),
            ("other", "OK", 1),
            ("other", "RESOURCE_EXHAUSTED", 1),
            ("other", "UNIMPLEMENTED", 1),
        ];
        let expected = expected.map(|(name, status, count)| (name.to_owned(), status, count));
        assert_eq!(sums(&calls), expected);
    }

    #[test]
    fn a_hundred_methods_are_told_apart() {
        let calls = Calls::default();
        for number in 0..1000 {
            calls.count(&call(&format!("/a.B/M{number}"), told(GrpcStatus::Ok)));
        }
        let sums = sums(&calls);
        assert_eq!(sums.len(), MOST_METHODS + 1);
        assert_eq!(sums.last(), Some(&("other".to_owned(), "OK", 900)));
        assert_eq!(calls.left_out(), 0);
    }

    #[test]
    fn what_others_counted_keeps_its_names() {
        let (one, other) = (Calls::default(), Calls::default());
        one.count(&call("/a.B/Get", told(GrpcStatus::Ok)));
        for name in ["/a.B/List", "/a.B/Get", "/a.B/Get"] {
            other.count(&call(name, told(GrpcStatus::Ok)));
        }
        let sum = Calls::default();
        for calls in [&one, &other, &Calls::default()] {
            sum.absorb(calls, Some);
        }
        let expected = [("a.B/Get".to_owned(), "OK", 3), ("a.B/List".to_owned(), "OK", 1)];
        assert_eq!(sums(&sum), expected);
    }

    proptest! {
        #[test]
        fn keys_unpack_to_what_was_packed(route: Option<u16>, method in 0_u16..200, number in 0_u8..17) {
            for status in [None, GrpcStatus::from_number(number)] {
                let key = Key { route: route.map(RouteId), method, status };
                prop_assert!(key.pack() < 1 << 63);
                prop_assert_eq!(Key::unpack(key.pack()), key);
            }
        }
    }
}
