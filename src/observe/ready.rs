//! Members of a log line that are the same for every request of a listener, a route or an
//! endpoint, written once: appending them is one copy instead of a name, quotes and an escape.

use super::json::{Member, escaped, member};
use super::names::Names;
use crate::base::{EndpointId, LimitId, ListenerId, RouteId, UpstreamId};

/// The members `listener`, `route`, `upstream`, `endpoint` and `limit`, in the order of their ids.
#[derive(Debug)]
pub(super) struct Ready {
    listeners: Vec<Vec<u8>>,
    routes: Vec<Vec<u8>>,
    upstreams: Vec<Upstream>,
    limits: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Upstream {
    alone: Vec<u8>,
    with_endpoint: Vec<Vec<u8>>,
}

impl Ready {
    /// The members of a configuration's names.
    pub(super) fn new(names: &Names) -> Self {
        let each = |name, texts: &[String]| texts.iter().map(|text| write(name, text)).collect();
        let upstreams = names.upstreams.iter().map(|upstream| {
            let alone = write(member!("upstream"), &upstream.name);
            let endpoint = |url: &String| [&alone[..], &write(member!("endpoint"), url)].concat();
            Upstream { with_endpoint: upstream.endpoints.iter().map(endpoint).collect(), alone }
        });
        Self {
            listeners: each(member!("listener"), &names.listeners),
            routes: each(member!("route"), &names.routes),
            upstreams: upstreams.collect(),
            limits: each(member!("limit"), &names.limits),
        }
    }

    /// The listener; nothing for an id without a name.
    pub(super) fn listener(&self, id: ListenerId) -> &[u8] {
        self.listeners.get(usize::from(id.0)).map_or(&[], Vec::as_slice)
    }

    /// The route, where one was found.
    pub(super) fn route(&self, id: RouteId) -> &[u8] {
        self.routes.get(usize::from(id.0)).map_or(&[], Vec::as_slice)
    }

    /// The rate limit that refused.
    pub(super) fn limit(&self, id: LimitId) -> &[u8] {
        self.limits.get(usize::from(id.0)).map_or(&[], Vec::as_slice)
    }

    /// The upstream, and the endpoint where one was chosen.
    pub(super) fn upstream(&self, id: UpstreamId, endpoint: Option<EndpointId>) -> &[u8] {
        let Some(upstream) = self.upstreams.get(usize::from(id.0)) else { return &[] };
        let chosen = endpoint.and_then(|id| upstream.with_endpoint.get(usize::from(id.0)));
        chosen.unwrap_or(&upstream.alone)
    }
}

fn write(name: Member, text: &str) -> Vec<u8> {
    let mut out = name.0.as_bytes().to_vec();
    escaped(text.as_bytes(), NAME, &mut out);
    out
}

/// Most bytes of a name.
const NAME: usize = 256;

#[cfg(test)]
mod tests {
    use super::super::names::UpstreamNames;
    use super::*;

    #[test]
    fn a_member_stands_as_it_will_in_a_line() {
        let users = UpstreamNames { name: "users".into(), endpoints: vec!["http://\"e".into()] };
        let ready = Ready::new(&Names {
            listeners: vec!["public".into()],
            routes: vec!["a".into(), "b".into()],
            upstreams: vec![users],
            limits: vec!["per-ip".into()],
            auth: Vec::new(),
            flows: Vec::new(),
        });
        assert_eq!(ready.limit(LimitId(0)), b",\"limit\":\"per-ip\"");
        assert_eq!(ready.listener(ListenerId(0)), b",\"listener\":\"public\"");
        assert_eq!(ready.route(RouteId(1)), b",\"route\":\"b\"");
        let alone = b",\"upstream\":\"users\"";
        assert_eq!(ready.upstream(UpstreamId(0), None), alone);
        assert_eq!(ready.upstream(UpstreamId(0), Some(EndpointId(1))), alone);
        let both = b",\"upstream\":\"users\",\"endpoint\":\"http://\\\"e\"";
        assert_eq!(ready.upstream(UpstreamId(0), Some(EndpointId(0))), both);
    }

    #[test]
    fn an_id_without_a_name_has_no_member() {
        let ready = Ready::new(&Names::default());
        assert!(ready.listener(ListenerId(0)).is_empty());
        assert!(ready.route(RouteId(0)).is_empty());
        assert!(ready.upstream(UpstreamId(0), Some(EndpointId(0))).is_empty());
    }
}
