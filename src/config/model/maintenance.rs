//! `[[maintenance]]`, checked.

use std::sync::Arc;

use ipnet::IpNet;

use crate::base::RouteId;

/// `[[maintenance]]`: a window in which some routes are not served.
#[derive(Clone, Debug)]
pub struct Maintenance {
    /// The routes as they were written, `*` where all are meant: for metrics and lists.
    pub scope: String,
    /// The routes, sorted; none means every route.
    pub routes: Option<Vec<RouteId>>,
    /// When it begins, in milliseconds since 1970; 0 where nothing was said.
    pub from: u64,
    /// When it ends.
    pub until: Option<u64>,
    /// Who is served all the same.
    pub allow: Vec<IpNet>,
    /// What clients are told, in the order of `server.languages`; none means the catalogue's.
    pub text: Option<Arc<[Box<str>]>>,
}
