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

use http::{HeaderMap, header};

pub use absent::Absent;

pub(in crate::gate) use self::ledger::Ledger;
pub use self::ledger::refusal;
use crate::base::percent;
use crate::config::model::Params;
use crate::parameter::{FormSchema, Pair, Tongue, Verdict};
use crate::problem::Problem;
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
    if let Some(schema) = &params.schema {
        read_by_schema(schema, query.unwrap_or_default(), &params.tongues)?;
    }
    Ok(absent)
}

/// Once each parameter is as its own rule wants it: what only the schema of a document can say.
#[inline(never)]
fn read_by_schema(schema: &FormSchema, query: &str, tongues: &[Tongue]) -> Result<(), Problem> {
    let mut pairs = Vec::new();
    for pair in query.split('&') {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        // What cannot be decoded has been refused where it is declared.
        let decoded = (percent::form_decoded(name), percent::form_decoded(text));
        if let (Ok(name), Ok(text)) = decoded
            && schema.knows(&name)
        {
            pairs.push(Pair { name, text, is_file: false });
        }
    }
    match schema.judge_query(&pairs, tongues) {
        Verdict::Wrong(wrong) => Err(refusal(wrong)),
        Verdict::Fine | Verdict::Unreadable(_) => Ok(()),
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
