//! Browsers of other origins: what they may be told, and the question that they ask before.
//!
//! This gate refuses nothing. What a page may read is decided by the browser, which goes by the
//! fields of the reply; a program that is no browser never asks.

use http::header::{ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use http::{HeaderMap, HeaderValue, Method};

use super::Asked;
use crate::config::model::{Config, Cors};
use crate::route::{Lookup, Match};

/// Which origin a reply is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shared {
    /// Every one.
    All,
    /// This one.
    With(HeaderValue),
    /// None: there is no origin, or it may not read the reply.
    No,
}

/// A browser's question before a request.
#[derive(Debug)]
pub struct Preflight<'c> {
    /// The route that would serve the request.
    pub route: Match,
    /// What it says of other origins.
    pub cors: &'c Cors,
    /// Whom the request would come from; nobody if it may not.
    pub shared: Shared,
    /// The method that it would have.
    pub method: Method,
}

/// Whom a reply of this route may be read by.
pub fn share(cors: &Cors, headers: &HeaderMap) -> Shared {
    if cors.takes_all() {
        return Shared::All;
    }
    let mut lines = headers.get_all(ORIGIN).iter();
    // Two of them say nothing.
    let (Some(origin), None) = (lines.next(), lines.next()) else { return Shared::No };
    match origin.to_str() {
        Ok(text) if cors.takes(text) => Shared::With(origin.clone()),
        Ok(_) | Err(_) => Shared::No,
    }
}

/// The question, if it is one, about a route that answers it. A browser asks by OPTIONS with the
/// origin of its page and the method that it has in mind: that method finds the route.
pub fn preflight<'c>(
    config: &'c Config,
    asked: &Asked<'_>,
    headers: &HeaderMap,
) -> Option<Preflight<'c>> {
    headers.get(ORIGIN)?;
    let mut lines = headers.get_all(ACCESS_CONTROL_REQUEST_METHOD).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let method = Method::from_bytes(line.as_bytes()).ok()?;
    let Lookup::Found(route) = config.table.lookup(asked.host(), &asked.path, &method) else {
        return None;
    };
    let cors = config.route(route.route).cors.as_deref()?;
    let allowed = cors.methods.is_empty() || cors.methods.contains(&method);
    let shared = match allowed && may_set(cors, headers) {
        true => share(cors, headers),
        false => Shared::No,
    };
    Some(Preflight { route, cors, shared, method })
}

/// Whether all fields that the request would carry are listed.
fn may_set(cors: &Cors, headers: &HeaderMap) -> bool {
    let Some(known) = &cors.headers else { return true };
    headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter().all(|line| {
        let listed = |name: &str| {
            name.is_empty() || known.iter().any(|known| known.as_str().eq_ignore_ascii_case(name))
        };
        line.to_str().is_ok_and(|line| line.split(',').all(|name| listed(name.trim())))
    })
}
