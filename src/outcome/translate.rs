//! A foreign error reply → [`Problem`] (errors.md, section 4).
//!
//! | Asked in this order | Code | Status | Message |
//! |---|---|---|---|
//! | 1. the route's rules, the upstream's | the rule's | the code's | `take.message`, as declared |
//! | 2. a shape that is known: house JSON, RFC 9457 | its own | the reply's | kept for 4xx |
//! | … GraphQL, gRPC: HTTP only carries them | its own | the code's | kept for 4xx |
//! | 3. the status alone | the table's | the reply's, if registered | the catalogue's |
//!
//! - A 404 without a better code is `InvalidIdentifier` on a route that marks an identifier, and
//!   names it; elsewhere `InvalidResource`. GraphQL's and gRPC's "not found" likewise.
//! - House JSON and RFC 9457 are believed only as far as code and status are of one class: a 404
//!   whose body says `ServerError` contradicts itself, and counts by its status.
//! - Of a 5xx nothing but the code is kept. A message that is kept has gone through
//!   [`text::presentable`]; HTML, text and unknown JSON never reach a client.
//! - A reply of another guichet keeps code, parameters and request id: it is not wrapped twice.
//! - Blame follows the status that the client gets: below 500 it is the client's.

use std::borrow::Cow;
use std::cell::OnceCell;

use http::{HeaderMap, HeaderName, header};
use serde_json::Value;

use super::decode::decode;
use super::graphql::Worst;
use super::said::{Said, Shape};
use super::{Rule, kept, text, wait};
use crate::base::{Source, clock};
use crate::problem::{BuiltIn, Catalogue, Cause, Code, Problem, Reason, Violation};

/// A reply of an upstream with a status of 400 or above.
#[derive(Debug)]
pub struct Foreign<'a> {
    /// Its status.
    pub status: u16,
    /// Its head.
    pub headers: &'a HeaderMap,
    /// The beginning of its body, still content-encoded: at most `inspect` bytes, maybe cut.
    pub body: &'a [u8],
    /// Bytes that a decoded body may have (`errors.inspect`).
    pub inspect: usize,
    /// The route's rules, then the upstream's.
    pub rules: [&'a [Rule]; 2],
    /// The route's parameter that is marked `identifier`.
    pub identifier: Option<&'a str>,
    /// Headers that are kept beside the built-in list (`errors.keep_headers`).
    pub keep: &'a [HeaderName],
}

/// Turns a reply of an upstream into the vocabulary. Every status is taken; one below 400, which
/// is no error, would become a `ServerError`.
pub fn translate(foreign: &Foreign<'_>, catalogue: &Catalogue) -> Problem {
    let reading = Reading::new(foreign);
    let problem = by_rule(foreign, &reading)
        .or_else(|| by_shape(foreign, &reading, catalogue))
        .unwrap_or_else(|| by_status(foreign));
    settle(problem, foreign, &reading, catalogue)
}

/// The same by the rules alone, for a reply that speaks for itself where none of them matches.
pub fn ruled(foreign: &Foreign<'_>, catalogue: &Catalogue) -> Option<Problem> {
    let reading = Reading::new(foreign);
    let problem = by_rule(foreign, &reading)?;
    Some(settle(problem, foreign, &reading, catalogue))
}

fn settle(
    problem: Problem,
    foreign: &Foreign<'_>,
    reading: &Reading<'_>,
    catalogue: &Catalogue,
) -> Problem {
    let problem = blame(name_identifier(problem, foreign), catalogue);
    finish(problem, foreign, reading)
}

/// The problem that a reply stands for which should be GraphQL and is none, though its status says
/// that all went well. Where its JSON names the status of an error, that one counts.
pub fn no_reply(foreign: &Foreign<'_>, catalogue: &Catalogue) -> Problem {
    let reading = Reading::new(foreign);
    match reading.json().and_then(named_status) {
        Some(status) => translate(&Foreign { status, ..*foreign }, catalogue),
        None => finish(Problem::new(Cause::GraphqlReply), foreign, &reading),
    }
}

/// The problem that a GraphQL reply stands for whose root has errors: its worst one.
pub fn root_errors(foreign: &Foreign<'_>, worst: &Worst) -> Problem {
    finish(self::worst(worst), foreign, &Reading::new(foreign)).with_detail(&worst.detail)
}

/// The same of a reply of which nothing more is known.
pub fn worst(worst: &Worst) -> Problem {
    let source = if worst.status < 500 { Source::Client } else { Source::Upstream };
    let problem = Problem::new(Cause::GraphqlErrors).with_code(worst.code).with_source(source);
    problem.with_detail(&worst.detail)
}

/// The status of an error that a body names, as frameworks write it.
fn named_status(body: &Value) -> Option<u16> {
    let named = ["statusCode", "status"].into_iter().find_map(|name| body.get(name)?.as_u64())?;
    u16::try_from(named).ok().filter(|status| (400..600).contains(status))
}

/// The body, decoded and parsed only if somebody asks, and then once.
struct Reading<'a> {
    bytes: Cow<'a, [u8]>,
    json: OnceCell<Option<Value>>,
}

impl<'a> Reading<'a> {
    fn new(foreign: &Foreign<'a>) -> Self {
        Self { bytes: decoded(foreign).unwrap_or_default(), json: OnceCell::new() }
    }

    /// The body as JSON, whatever its media type says: many servers say `text/html` by mistake.
    fn json(&self) -> Option<&Value> {
        let parse = || {
            let bytes = self.bytes.strip_prefix(BOM).unwrap_or(&self.bytes);
            let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace())?;
            // Nesting is bounded by serde_json, at 128.
            if matches!(first, b'{' | b'[') { serde_json::from_slice(bytes).ok() } else { None }
        };
        self.json.get_or_init(parse).as_ref()
    }
}

/// Undoes the content coding. None if that cannot be done: then the body says nothing.
fn decoded<'a>(foreign: &Foreign<'a>) -> Option<Cow<'a, [u8]>> {
    let mut encodings = foreign.headers.get_all(header::CONTENT_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => Some(Cow::Borrowed(foreign.body)),
        (Some(encoding), None) => decode(encoding, foreign.body, foreign.inspect),
        // Several lines are one list, but nobody encodes an error twice over two lines.
        (Some(_), Some(_)) => None,
    }
}

/// Rule 1: what operators declare.
fn by_rule(foreign: &Foreign<'_>, reading: &Reading<'_>) -> Option<Problem> {
    let body_for = |rule: &Rule| if rule.reads_body() { reading.json() } else { None };
    let rule = foreign
        .rules
        .iter()
        .flat_map(|rules| rules.iter())
        .find(|rule| rule.matches(foreign.status, body_for(rule)))?;
    let body = body_for(rule);
    let taken = |pointer: &Option<String>| body?.pointer(pointer.as_deref()?);
    let mut problem = Problem::new(Cause::UpstreamStatus).with_code(rule.raise);
    if let Some(name) = taken(&rule.take.parameter).and_then(Value::as_str).and_then(text::name) {
        problem = problem.with_violation(violation(&name, rule.raise));
        problem = problem.with_argument(PARAMETER, name);
    }
    if let Some(message) = taken(&rule.take.message).and_then(Value::as_str).and_then(text::message)
    {
        problem = problem.with_message(message);
    }
    if let Some(wait) = taken(&rule.take.retry_after).and_then(wait::from_json) {
        problem = problem.with_retry_after(wait);
    }
    Some(problem)
}

/// A parameter that an upstream names; where it stands only the upstream knows.
fn violation(name: &str, raised: Code) -> Violation {
    let (code, reason) = match raised {
        Code::BuiltIn(BuiltIn::MissingParameter) => (BuiltIn::MissingParameter, Reason::Missing),
        Code::BuiltIn(_) | Code::Custom(_) => (BuiltIn::InvalidParameter, Reason::Invalid),
    };
    Violation { name: name.to_owned(), place: None, code, reason, expected: Vec::new() }
}

/// Rule 2: what the reply says of itself, in a shape that is known.
fn by_shape(
    foreign: &Foreign<'_>,
    reading: &Reading<'_>,
    catalogue: &Catalogue,
) -> Option<Problem> {
    let in_body = || {
        let body = reading.json()?;
        Said::in_body(body, foreign.headers, foreign.status, catalogue)
    };
    // A gRPC reply has no body to speak of, and a trailers-only head outweighs whatever there is.
    let in_head = Said::in_head(foreign.headers, catalogue);
    let said = match in_head {
        Some(said) if said.shape == Shape::Grpc => said,
        in_head => in_body().or(in_head)?,
    };
    let client_fault = foreign.status < 500;
    let mut problem = match (said.code, said.shape) {
        (Some(code), Shape::GraphQl | Shape::Grpc) => {
            Problem::new(Cause::UpstreamStatus).with_code(or_identifier(code, foreign))
        }
        (Some(code), Shape::Http) if (catalogue.code_status(code) < 500) == client_fault => {
            coded(code, foreign, catalogue)
        }
        (Some(_), Shape::Http) | (None, _) => by_status(foreign),
    };
    if let Some(id) = said.request_id {
        problem = problem.with_request_id(id);
    }
    if !client_fault || catalogue.code_status(problem.code()) >= 500 {
        return Some(problem);
    }
    if let Some(message) = said.message.as_deref().and_then(text::presentable) {
        problem = problem.with_message(message);
    }
    if let Some(wait) = said.retry_after {
        problem = problem.with_retry_after(wait);
    }
    if let Some(first) = said.violations.first() {
        problem = problem.with_argument(PARAMETER, first.name.clone());
    }
    problem = said.violations.into_iter().fold(problem, Problem::with_violation);
    let locate = |problem: Problem, (line, column)| problem.with_location(line, column);
    Some(said.locations.into_iter().fold(problem, locate))
}

/// Rule 3: the status alone.
fn by_status(foreign: &Foreign<'_>) -> Problem {
    let (code, shown) = BuiltIn::for_status(foreign.status).unwrap_or((BuiltIn::ServerError, 500));
    let problem =
        Problem::new(Cause::UpstreamStatus).with_code(or_identifier(code.into(), foreign));
    if code.row().status == shown { problem } else { problem.with_status(shown) }
}

/// A code of a reply, with the reply's own status where that is registered.
fn coded(code: Code, foreign: &Foreign<'_>, catalogue: &Catalogue) -> Problem {
    let problem = Problem::new(Cause::UpstreamStatus).with_code(code);
    match BuiltIn::for_status(foreign.status) {
        Some((_, shown)) if shown == foreign.status && shown != catalogue.code_status(code) => {
            problem.with_status(shown)
        }
        Some(_) | None => problem,
    }
}

/// On a route with an identifier, "not found" is said of the identifier.
fn or_identifier(code: Code, foreign: &Foreign<'_>) -> Code {
    if code == BuiltIn::InvalidResource.into() && foreign.identifier.is_some() {
        return BuiltIn::InvalidIdentifier.into();
    }
    code
}

/// Names the identifier wherever it is at fault and nothing else was named.
fn name_identifier(problem: Problem, foreign: &Foreign<'_>) -> Problem {
    let Some(identifier) = foreign.identifier else { return problem };
    if problem.code() == BuiltIn::InvalidIdentifier.into() && problem.argument(PARAMETER).is_none()
    {
        return problem.with_argument(PARAMETER, identifier.to_owned());
    }
    problem
}

fn blame(problem: Problem, catalogue: &Catalogue) -> Problem {
    let status = problem.status_override().unwrap_or_else(|| catalogue.code_status(problem.code()));
    problem.with_source(if status < 500 { Source::Client } else { Source::Upstream })
}

/// What every translated reply gets: its wait, its headers, and words for the log.
fn finish(mut problem: Problem, foreign: &Foreign<'_>, reading: &Reading<'_>) -> Problem {
    if problem.retry_after().is_none()
        && let Some(wait) = wait::retry_after(foreign.headers, clock::unix_millis())
    {
        problem = problem.with_retry_after(wait);
    }
    if problem.code() == BuiltIn::MethodNotAllowed.into()
        && let Some(allow) = foreign.headers.get(header::ALLOW)
        && let Some(allow) = allow.to_str().ok().and_then(text::name)
    {
        problem = problem.with_argument("allow", allow);
    }
    for (name, value) in kept::kept(foreign.headers, foreign.keep) {
        problem = problem.with_header(name.clone(), value.clone());
    }
    let status = foreign.status;
    match text::excerpt(&reading.bytes) {
        Some(excerpt) => problem.with_detail(format_args!("upstream status {status}: {excerpt}")),
        None => problem.with_detail(format_args!("upstream status {status}")),
    }
}

const PARAMETER: &str = "parameter";

const BOM: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests;
