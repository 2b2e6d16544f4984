//! How upstreams stand at this moment, for who asks by hand; the metrics page has the same as numbers.

use super::exposition::Exposition;
use super::registers::ConnectionState;
use super::states::{BreakerState, EndpointState};
use crate::base::{EndpointId, UpstreamId};

/// How an upstream stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// What its breaker does, where it has one.
    pub breaker: Option<BreakerState>,
    /// Each endpoint, in the order of the file.
    pub endpoints: Vec<EndpointStanding>,
    /// Connections that carry exchanges.
    pub active: u64,
    /// Connections that wait in the pools.
    pub idle: u64,
}

/// How an endpoint stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointStanding {
    /// Its URL.
    pub url: String,
    /// Whether it is called.
    pub state: EndpointState,
    /// Requests under way.
    pub under_way: u64,
}

impl Standing {
    /// All upstreams, in the order of the file.
    pub(super) fn all(page: &Exposition) -> Vec<Self> {
        let upstreams = (0..).map(UpstreamId).zip(&page.names.upstreams);
        let stands = |(id, names): (UpstreamId, &super::UpstreamNames)| {
            let connections = |state: ConnectionState| {
                page.sum(|it| Some(it.upstream(id)?.connections[state as usize].value()))
            };
            let endpoints = (0..).map(EndpointId).zip(&names.endpoints);
            let state = |(endpoint, url): (EndpointId, &String)| EndpointStanding {
                url: url.clone(),
                state: page.states.endpoint(id, endpoint),
                under_way: page.states.under_way(id, endpoint),
            };
            Self {
                name: names.name.clone(),
                breaker: page.states.breaker(id),
                endpoints: endpoints.map(state).collect(),
                active: connections(ConnectionState::Active),
                idle: connections(ConnectionState::Idle),
            }
        };
        upstreams.map(stands).collect()
    }
}
