//! `[overload]`, checked.

use std::time::Duration;

use crate::base::RouteId;

/// `[overload]`. What stands in it but `in_flight` holds for the scopes of routes and upstreams too.
#[derive(Clone, Debug)]
pub struct Overload {
    /// What the whole gateway carries at once; none means as much as comes.
    pub in_flight: Option<InFlight>,
    /// `queue.depth`: requests that wait for room in one scope.
    pub depth: usize,
    /// `queue.wait`: the longest that one waits.
    pub wait: Duration,
    /// `reserve.routes`.
    pub reserve_routes: Vec<RouteId>,
    /// `reserve.share`, 0 to 1; 0 where nothing is kept.
    pub reserve_share: f64,
}

/// How much a scope carries at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFlight {
    /// So many exchanges.
    Fixed(usize),
    /// Found out from how long they take.
    Adaptive,
}
