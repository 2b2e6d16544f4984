//! Label sets packed into one number, so that counting compares integers and formats nothing.
//!
//! Each set is closed: ids come from the configuration, methods and blame from short lists, and a
//! status is a number below 1000. What a client invents (a method, say) falls into `other`.

use http::Method;

use crate::base::{ListenerId, RouteId, Source, UpstreamId};
use crate::problem::{BuiltIn, Code, CustomId};

/// The methods that the metrics tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MethodLabel {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Other,
}

/// Labels of `guichet_requests_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestKey {
    pub(super) listener: ListenerId,
    pub(super) route: Option<RouteId>,
    pub(super) method: MethodLabel,
    pub(super) status: u16,
}

/// Labels of `guichet_errors_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ErrorKey {
    pub(super) route: Option<RouteId>,
    pub(super) code: Code,
    pub(super) source: Source,
}

/// Labels of `guichet_upstream_requests_total`; status 0 means that no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UpstreamKey {
    pub(super) upstream: UpstreamId,
    pub(super) status: u16,
}

impl MethodLabel {
    const ALL: [Self; 8] = [
        Self::Get,
        Self::Head,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::Options,
        Self::Other,
    ];

    pub(super) fn of(method: Option<&Method>) -> Self {
        match method {
            Some(&Method::GET) => Self::Get,
            Some(&Method::HEAD) => Self::Head,
            Some(&Method::POST) => Self::Post,
            Some(&Method::PUT) => Self::Put,
            Some(&Method::PATCH) => Self::Patch,
            Some(&Method::DELETE) => Self::Delete,
            Some(&Method::OPTIONS) => Self::Options,
            Some(_) | None => Self::Other,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other => "other",
        }
    }
}

impl RequestKey {
    pub(super) fn pack(self) -> u64 {
        let high = u64::from(self.listener.0) << ROUTE | pack_route(self.route);
        (high << 3 | self.method as u64) << NUMBER | u64::from(self.status)
    }

    pub(super) fn unpack(key: u64) -> Self {
        let method = MethodLabel::ALL[usize::from(low(key >> NUMBER, 3))];
        let high = key >> (NUMBER + 3);
        Self {
            listener: ListenerId(low(high >> ROUTE, NUMBER)),
            route: unpack_route(high),
            method,
            status: low(key, NUMBER),
        }
    }
}

impl ErrorKey {
    pub(super) fn pack(self) -> u64 {
        let (custom, number) = match self.code {
            Code::BuiltIn(code) => (0, code as u64),
            Code::Custom(CustomId(number)) => (1, u64::from(number)),
        };
        let high = pack_route(self.route) << 2 | self.source as u64;
        (high << 1 | custom) << NUMBER | number
    }

    pub(super) fn unpack(key: u64) -> Self {
        let number = low(key, NUMBER);
        let code = match BuiltIn::ALL.get(usize::from(number)) {
            Some(code) if low(key >> NUMBER, 1) == 0 => Code::BuiltIn(*code),
            Some(_) | None => Code::Custom(CustomId(number)),
        };
        let source = SOURCES[usize::from(low(key >> (NUMBER + 1), 2)).min(SOURCES.len() - 1)];
        Self { route: unpack_route(key >> (NUMBER + 3)), code, source }
    }
}

impl UpstreamKey {
    pub(super) fn pack(self) -> u64 {
        u64::from(self.upstream.0) << NUMBER | u64::from(self.status)
    }

    pub(super) fn unpack(key: u64) -> Self {
        Self { upstream: UpstreamId(low(key >> NUMBER, NUMBER)), status: low(key, NUMBER) }
    }
}

/// No route is 0, so an id needs one bit more than its sixteen.
pub(super) fn pack_route(route: Option<RouteId>) -> u64 {
    route.map_or(0, |id| u64::from(id.0) + 1)
}

pub(super) fn unpack_route(key: u64) -> Option<RouteId> {
    let route = (key & ((1 << ROUTE) - 1)).checked_sub(1)?;
    Some(RouteId(low(route, NUMBER)))
}

/// The lowest `bits` (16 at most) of a key.
pub(super) fn low(key: u64, bits: u32) -> u16 {
    u16::try_from(key & ((1 << bits) - 1)).unwrap_or(u16::MAX)
}

/// Bits of an id or a status.
const NUMBER: u32 = 16;
/// Bits of a route that may be none.
const ROUTE: u32 = 17;
const SOURCES: [Source; 3] = [Source::Client, Source::Gateway, Source::Upstream];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_of_closed_sets_are_their_places() {
        assert!(MethodLabel::ALL.iter().enumerate().all(|(at, label)| *label as usize == at));
        assert!(SOURCES.iter().enumerate().all(|(at, source)| *source as usize == at));
        assert!(BuiltIn::ALL.iter().enumerate().all(|(at, code)| *code as usize == at));
    }

    #[test]
    fn a_method_of_the_client_s_own_making_is_other() {
        let invented = Method::from_bytes(b"BREW").unwrap();
        assert_eq!(MethodLabel::of(Some(&invented)).as_str(), "other");
        assert_eq!(MethodLabel::of(None).as_str(), "other");
        assert_eq!(MethodLabel::of(Some(&Method::PATCH)).as_str(), "PATCH");
    }

    fn route() -> impl Strategy<Value = Option<RouteId>> {
        proptest::option::of(any::<u16>().prop_map(RouteId))
    }

    proptest! {
        #[test]
        fn keys_unpack_to_what_was_packed(
            listener: u16, route in route(), method in 0usize..8, status: u16,
            built_in in 0..BuiltIn::ALL.len(), custom: u16, source in 0usize..3,
        ) {
            let method = MethodLabel::ALL[method];
            let key = RequestKey { listener: ListenerId(listener), route, method, status };
            prop_assert!(key.pack() < 1 << 63);
            prop_assert_eq!(RequestKey::unpack(key.pack()), key);
            let codes = [BuiltIn::ALL[built_in].into(), Code::Custom(CustomId(custom))];
            // An operator's code whose number is also a built-in one's must stay its own.
            for code in codes.into_iter().chain([Code::Custom(CustomId(3))]) {
                let key = ErrorKey { route, code, source: SOURCES[source] };
                prop_assert_eq!(ErrorKey::unpack(key.pack()), key);
            }
            let key = UpstreamKey { upstream: UpstreamId(listener), status };
            prop_assert_eq!(UpstreamKey::unpack(key.pack()), key);
        }
    }
}
