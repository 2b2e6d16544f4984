//! What is asked for: host, path, and the route that serves them.

use std::borrow::Cow;

use http::header::ALLOW;
use http::{HeaderValue, Method, Uri};

use super::fields::Fields;
use crate::base::RouteId;
use crate::config::model::{Config, Limits};
use crate::problem::{Cause, Place, Problem, Violation};
use crate::route::{Lookup, Match, canonical, check_query};

/// The host and the path of a request, in the one form that is matched and sent on.
#[derive(Debug)]
pub struct Asked<'r> {
    /// With its port, as sent.
    pub authority: HeaderValue,
    /// Path in canonical form.
    pub path: Cow<'r, str>,
    /// Whether the path is as the client wrote it.
    pub unchanged: bool,
}

/// What the table says.
#[derive(Debug)]
pub enum Found {
    /// A route.
    Route(Match),
    /// OPTIONS, answered by guichet: the methods of the path.
    Options(HeaderValue),
}

impl Asked<'_> {
    /// The host without its port.
    pub fn host(&self) -> &str {
        without_port(self.authority.to_str().unwrap_or_default())
    }
}

/// Reads host and path.
///
/// # Errors
/// A target that has no one reading.
pub fn ask<'r>(uri: &'r Uri, fields: &Fields) -> Result<Asked<'r>, Problem> {
    let bad =
        |fault: &dyn std::fmt::Display| Problem::new(Cause::BadTarget).with_detail(fault).closing();
    let path = canonical(uri.path()).map_err(|fault| bad(&fault))?;
    if let Some(query) = uri.query() {
        check_query(query).map_err(|fault| bad(&fault))?;
    }
    let authority = match (&fields.host, uri.authority()) {
        (Some(host), _) => host.clone(),
        (None, Some(authority)) => HeaderValue::from_str(authority.as_str())
            .map_err(|_| Problem::new(Cause::BadHost).with_detail(":authority is unreadable"))?,
        // HTTP/1.0 may come without a host; only routes for every host serve it.
        (None, None) => HeaderValue::from_static(""),
    };
    let unchanged = matches!(&path, Cow::Borrowed(text) if text.len() == uri.path().len());
    Ok(Asked { authority, path, unchanged })
}

/// Finds the route.
///
/// # Errors
/// 404, or 405 with `Allow`.
pub fn find(config: &Config, asked: &Asked<'_>, method: &Method) -> Result<Found, Problem> {
    match config.table.lookup(asked.host(), &asked.path, method) {
        Lookup::Found(found) => Ok(Found::Route(found)),
        Lookup::NotFound => Err(Cause::NoRoute.into()),
        Lookup::WrongMethod(methods) => {
            let allow = allow(&methods);
            if method == Method::OPTIONS {
                return Ok(Found::Options(allow));
            }
            Err(no_method(allow))
        }
    }
}

/// What is wrong with a request whose parameters are not as its route declares them. Where that is the
/// path, and a more precise pattern has this path, the request was meant for that one: its method is wrong.
#[cold]
pub fn or_method(config: &Config, asked: &Asked<'_>, found: RouteId, problem: Problem) -> Problem {
    let is_path = |violation: &Violation| violation.place == Some(Place::Path);
    if !problem.violations().iter().any(is_path) {
        return problem;
    }
    match &*config.table.nearer(asked.host(), &asked.path, found) {
        [] => problem,
        methods => no_method(allow(methods)),
    }
}

fn no_method(allow: HeaderValue) -> Problem {
    let list = allow.to_str().unwrap_or_default().to_owned();
    Problem::new(Cause::NoMethod).with_argument("allow", list).with_header(ALLOW, allow)
}

/// Refuses a body that says it is too large, before a byte of it is read.
///
/// # Errors
/// 413; the connection closes, since the body stays unread.
pub fn check_length(length: Option<u64>, limits: &Limits) -> Result<(), Problem> {
    match length {
        Some(length) if length > limits.body => Err(Problem::new(Cause::BodyLimit).closing()),
        Some(_) | None => Ok(()),
    }
}

fn allow(methods: &[Method]) -> HeaderValue {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    HeaderValue::from_str(&names.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Cuts a port off an authority; an IPv6 address keeps its brackets.
pub fn without_port(authority: &str) -> &str {
    match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
        Some(_) | None => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_cut() {
        assert_eq!(without_port("gw.test:8443"), "gw.test");
        assert_eq!(without_port("gw.test"), "gw.test");
        assert_eq!(without_port("[::1]:80"), "[::1]");
        assert_eq!(without_port("[::1]"), "[::1]");
    }
}
