//! The parameters that a route declares: whether each is there, once, and of its form.
//!
//! A request is read once: the captures of its path, then its query from left to right, then the
//! declared fields, then `Cookie`. All that is wrong is gathered before anything is said, in the
//! order of the declaration; what nobody declared follows in the order of the request. A healthy
//! request allocates nothing here, unless it comes with encoded characters or lacks what has a
//! default.

mod absent;
mod cookies;
mod ledger;

use std::borrow::Cow;

use http::{HeaderMap, header};

pub use absent::Absent;

pub(in crate::gate) use self::ledger::Ledger;
pub use self::ledger::refusal;
use crate::base::percent;
use crate::config::model::Params;
use crate::parameter::{Pair, Verdict};
use crate::problem::{Place, Problem};
use crate::route::Captures;

/// Judges the parameters of a request; what it lacks and has a default comes back.
///
/// # Errors
/// Everything that is not as declared, as one problem: 400.
pub fn parameters(
    params: &Params,
    captures: &Captures,
    path: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Option<Box<Absent>>, Problem> {
    let mut ledger = Ledger::new(&params.rules);
    for (index, rule) in &params.path {
        let value = captures.of(*index, path).unwrap_or_default();
        let value = percent::decoded(value);
        ledger.take(*rule, value.as_deref().map_err(|unreadable| *unreadable));
    }
    if params.strict || !params.query.is_empty() {
        read_query(params, query.unwrap_or_default(), &mut ledger);
    }
    for (name, rule) in &params.headers {
        read_field(headers, name, *rule, &mut ledger);
    }
    if !params.cookies.is_empty() {
        for line in headers.get_all(header::COOKIE) {
            cookies::read(line.as_bytes(), &params.cookies, &mut ledger);
        }
    }
    let absent = ledger.close(&params.tongues)?;
    if !params.schemas.is_empty() {
        let shown = Shown { captures, path, query: query.unwrap_or_default(), headers };
        judge_by_schemas(params, &shown)?;
    }
    Ok(absent)
}

/// Where parameters stand.
struct Shown<'r> {
    captures: &'r Captures,
    path: &'r str,
    query: &'r str,
    headers: &'r HeaderMap,
}

/// Once each parameter is as its own rule wants it: what only the schema of a document can say.
#[inline(never)]
fn judge_by_schemas(params: &Params, shown: &Shown<'_>) -> Result<(), Problem> {
    let mut wrong = Vec::new();
    for (place, schema) in &params.schemas {
        let mut pairs = texts(*place, params, shown);
        pairs.retain(|pair| schema.knows(&pair.name));
        if let Verdict::Wrong(more) = schema.judge_at(*place, &pairs, &params.tongues) {
            wrong.extend(more);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(refusal(wrong)) }
}

/// What stands at a place. What cannot be decoded has been refused where it is declared.
fn texts<'r>(place: Place, params: &'r Params, shown: &Shown<'r>) -> Vec<Pair<'r>> {
    let named = |rule: u16, text: Cow<'r, str>| {
        let name = &*params.rules.get(usize::from(rule))?.name;
        Some(Pair { name: name.into(), text, is_file: false })
    };
    match place {
        Place::Query => {
            let pairs = shown.query.split('&').filter_map(|pair| {
                let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
                let name = percent::form_decoded(name).ok()?;
                Some(Pair { name, text: percent::form_decoded(text).ok()?, is_file: false })
            });
            pairs.collect()
        }
        Place::Path => {
            let captures = params.path.iter().filter_map(|(index, rule)| {
                let text = shown.captures.of(*index, shown.path)?;
                named(*rule, percent::decoded(text).ok()?)
            });
            captures.collect()
        }
        Place::Header => {
            let lines = params.headers.iter().flat_map(|(name, rule)| {
                let lines = shown.headers.get_all(name).iter();
                lines.filter_map(|line| {
                    named(*rule, std::str::from_utf8(line.as_bytes()).ok()?.into())
                })
            });
            lines.collect()
        }
        Place::Cookie => {
            let lines = shown.headers.get_all(header::COOKIE).iter();
            let pairs = lines.flat_map(|line| cookies::pairs(line.as_bytes()));
            let pairs = pairs.filter_map(|(name, value)| {
                let text = std::str::from_utf8(value).ok()?.into();
                Some(Pair { name: name.into(), text, is_file: false })
            });
            pairs.collect()
        }
        Place::Body => Vec::new(),
    }
}

/// Names are decoded before they are compared: the upstream will do so, too.
fn read_query(params: &Params, query: &str, ledger: &mut Ledger<'_>) {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent::form_decoded(name);
        match name.as_deref().ok().and_then(|name| params.query.find(name)) {
            Some(rule) => {
                let value = percent::form_decoded(value);
                ledger.take(rule, value.as_deref().map_err(|unreadable| *unreadable));
            }
            None if params.strict => ledger.unknown(name.as_deref().unwrap_or(pair)),
            None => {}
        }
    }
}

/// Several lines are one list (RFC 9110, section 5.3); only who may come repeatedly is taken apart.
fn read_field(headers: &HeaderMap, name: &http::HeaderName, rule: u16, ledger: &mut Ledger<'_>) {
    for line in headers.get_all(name) {
        let value = std::str::from_utf8(line.as_bytes()).map_err(|_| percent::Unreadable);
        match value {
            Ok(value) if ledger.is_repeated(rule) => {
                for member in value.split(',') {
                    ledger.take(rule, Ok(member.trim_matches([' ', '\t'])));
                }
            }
            value => ledger.take(rule, value),
        }
    }
}

#[cfg(test)]
mod tests;
