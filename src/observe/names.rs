//! The names behind the ids: what the log and the metrics call listeners, routes, upstreams and
//! endpoints. Made once from the configuration and shared by all workers.

use super::flow_counts::FlowNames;
use crate::base::{ListenerId, RouteId, UpstreamId};
use crate::config::model::Config;

/// Names in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// By `ListenerId`.
    pub listeners: Vec<String>,
    /// By `RouteId`.
    pub routes: Vec<String>,
    /// By `UpstreamId`.
    pub upstreams: Vec<UpstreamNames>,
    /// By `LimitId`.
    pub limits: Vec<String>,
    /// By `AuthId`.
    pub auth: Vec<String>,
    /// By `FlowId`.
    pub flows: Vec<FlowNames>,
}

/// The names of one upstream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpstreamNames {
    /// Its own.
    pub name: String,
    /// The URLs of its endpoints as configured, by `EndpointId`.
    pub endpoints: Vec<String>,
}

impl Names {
    /// The names of a configuration.
    pub fn new(config: &Config) -> Self {
        let upstreams = config.upstreams.iter().map(|upstream| UpstreamNames {
            name: upstream.name.clone(),
            endpoints: upstream.endpoints.iter().map(|endpoint| endpoint.url.clone()).collect(),
        });
        Self {
            listeners: config.listeners.iter().map(|listener| listener.name.clone()).collect(),
            routes: config.routes.iter().map(|route| route.name.clone()).collect(),
            upstreams: upstreams.collect(),
            limits: config.limits.iter().map(|limit| limit.name.clone()).collect(),
            auth: config.auth.iter().map(|policy| policy.name.clone()).collect(),
            flows: config.flows.iter().map(FlowNames::new).collect(),
        }
    }

    /// The listener's name.
    pub fn listener(&self, id: ListenerId) -> &str {
        self.listeners.get(usize::from(id.0)).map_or("", String::as_str)
    }

    /// The route's name; empty where no route was found, as the label of the metrics.
    pub fn route(&self, id: Option<RouteId>) -> &str {
        id.and_then(|id| self.routes.get(usize::from(id.0))).map_or("", String::as_str)
    }

    /// The upstream's name.
    pub fn upstream(&self, id: UpstreamId) -> &str {
        self.upstreams.get(usize::from(id.0)).map_or("", |upstream| upstream.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_without_a_name_has_an_empty_one() {
        let users = UpstreamNames { name: "users".into(), endpoints: vec!["http://e".into()] };
        let names = Names {
            listeners: vec!["public".into()],
            routes: vec!["a".into(), "b".into()],
            upstreams: vec![users],
            limits: Vec::new(),
            auth: Vec::new(),
            flows: Vec::new(),
        };
        let (known, unknown) = (UpstreamId(0), UpstreamId(1));
        assert_eq!((names.listener(ListenerId(0)), names.listener(ListenerId(1))), ("public", ""));
        assert_eq!((names.route(Some(RouteId(1))), names.route(Some(RouteId(2)))), ("b", ""));
        assert_eq!(names.route(None), "");
        assert_eq!((names.upstream(known), names.upstream(unknown)), ("users", ""));
    }
}
