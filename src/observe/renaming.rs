//! What was counted under the ids of one generation, in the ids of another one: by name.

use std::collections::HashMap;

use super::exposition::Exposition;
use super::flow_counts::FlowNames;
use super::keys::{ErrorKey, RequestKey, UpstreamKey};
use super::names::Names;
use super::operations::OperationKey;
use crate::base::{AuthId, LimitId, ListenerId, RouteId, UpstreamId};
use crate::problem::{Catalogue, Code};

/// What the ids of one generation are in another one.
#[derive(Debug)]
pub(super) struct Renaming<'a> {
    listeners: Vec<Option<ListenerId>>,
    pub(super) routes: Vec<Option<RouteId>>,
    pub(super) upstreams: Vec<Option<UpstreamId>>,
    pub(super) limits: Vec<Option<LimitId>>,
    pub(super) auth: Vec<Option<AuthId>>,
    codes: (&'a Catalogue, &'a Catalogue),
    /// Flows have names of their own inside.
    pub(super) flows: (&'a [FlowNames], &'a [FlowNames]),
}

impl<'a> Renaming<'a> {
    /// From one generation's ids to another's.
    pub(super) fn new(from: &'a Exposition, to: &'a Exposition) -> Self {
        let Names { listeners, routes, upstreams, limits, auth, flows } = &*to.names;
        let upstreams = upstreams.iter().map(|it| &it.name);
        Self {
            listeners: places(&from.names.listeners, listeners.iter(), ListenerId),
            routes: places(&from.names.routes, routes.iter(), RouteId),
            limits: places(&from.names.limits, limits.iter(), LimitId),
            auth: places(&from.names.auth, auth.iter(), AuthId),
            upstreams: places(
                from.names.upstreams.iter().map(|it| &it.name),
                upstreams,
                UpstreamId,
            ),
            codes: (&from.catalogue, &to.catalogue),
            flows: (&from.names.flows, flows),
        }
    }

    /// A key of `guichet_requests_total`.
    pub(super) fn request(&self, key: u64) -> Option<u64> {
        let key = RequestKey::unpack(key);
        let listener = self.listeners.get(usize::from(key.listener.0)).copied()??;
        Some(RequestKey { listener, route: self.route(key.route)?, ..key }.pack())
    }

    /// A key of the metrics of errors.
    pub(super) fn error(&self, key: u64) -> Option<u64> {
        let key = ErrorKey::unpack(key);
        let code = match key.code {
            Code::BuiltIn(_) => key.code,
            Code::Custom(_) => self.codes.1.code_by_name(self.codes.0.name(key.code))?,
        };
        Some(ErrorKey { route: self.route(key.route)?, code, ..key }.pack())
    }

    /// A key of `guichet_graphql_operations_total`.
    pub(super) fn operation(&self, key: u64) -> Option<u64> {
        let key = OperationKey::unpack(key);
        Some(OperationKey { route: self.route(key.route)?, ..key }.pack())
    }

    /// A key of `guichet_upstream_requests_total`.
    pub(super) fn upstream(&self, key: u64) -> Option<u64> {
        let key = UpstreamKey::unpack(key);
        let upstream = self.upstreams.get(usize::from(key.upstream.0)).copied()??;
        Some(UpstreamKey { upstream, ..key }.pack())
    }

    /// No route stays no route; a route that is gone is nothing.
    pub(super) fn route(&self, route: Option<RouteId>) -> Option<Option<RouteId>> {
        let Some(id) = route else { return Some(None) };
        self.routes.get(usize::from(id.0)).copied()?.map(Some)
    }
}

/// For each name of `from` its place in `to`.
fn places<'n, I>(
    from: impl IntoIterator<Item = &'n String>,
    to: impl Iterator<Item = &'n String>,
    id: fn(u16) -> I,
) -> Vec<Option<I>> {
    let known: HashMap<&str, u16> = to.map(String::as_str).zip(0..).collect();
    from.into_iter().map(|name| known.get(name.as_str()).copied().map(id)).collect()
}
