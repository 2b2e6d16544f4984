//! GraphQL operations at the door (GraphQL over HTTP; errors.md, section 6): where a request carries
//! them, and whether they ask for more than the route allows.
//!
//! What a page of another origin can send without asking first (a form, plain text) is no operation,
//! and GET changes nothing; so no browser can be made to change anything. A document is read where
//! any server would read it: one that stands in two places is refused.

mod posted;

use std::borrow::Cow;

use http::header::ALLOW;
use http::{HeaderMap, HeaderValue, Method};

use self::posted::Posted;
use super::body::json;
use crate::base::percent;
use crate::config::model::GraphqlRule;
use crate::observe::Operations;
use crate::outcome::graphql::{Operation, OperationKind, Refusal, skim};
use crate::problem::{BuiltIn, Cause, Place, Problem, Reason, Violation};

/// Where a request carries its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Nowhere that is known: there is nothing to judge.
    Nothing,
    /// At its upstream, which is told which one it is.
    Elsewhere,
    /// In its query string.
    Query,
    /// In its body.
    Body,
}

/// Where the operation of a request is to be read.
///
/// # Errors
/// A method that carries none, another media type than JSON, or a document in two places.
pub fn carrier(
    method: &Method,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Carrier, Problem> {
    let any = |names: &[&str]| pairs(query).any(|(name, _)| names.contains(&&*name));
    let named = || any(&["query"]);
    match *method {
        Method::GET | Method::HEAD if named() => Ok(Carrier::Query),
        Method::GET | Method::HEAD if any(&["extensions", "documentId"]) => Ok(Carrier::Elsewhere),
        // A page, a socket: whatever it is, it asks for nothing.
        Method::GET | Method::HEAD => Ok(Carrier::Nothing),
        // Some servers look into the query string first.
        Method::POST if named() => Err(unreadable("a document in the query string of a POST")),
        Method::POST => json(headers, method).map(|()| Carrier::Body),
        Method::OPTIONS => Ok(Carrier::Nothing),
        _ => Err(Problem::new(Cause::NoMethod)
            .with_argument("allow", "GET, POST")
            .with_header(ALLOW, HeaderValue::from_static("GET, POST"))),
    }
}

/// Judges the operation of a query string, and says what it is.
///
/// # Errors
/// It cannot be read, changes something, or asks for too much.
pub fn judge_query(rule: &GraphqlRule, query: Option<&str>) -> Result<Operations, Problem> {
    let (mut document, mut name) = (None, None);
    for (key, value) in pairs(query) {
        let slot = match &*key {
            "query" => &mut document,
            "operationName" => &mut name,
            _ => continue,
        };
        let value = percent::form_decoded(value);
        let value = value.map_err(|_| unreadable("a query string that cannot be decoded"))?;
        if slot.replace(value).is_some() {
            return Err(unreadable("a member of the query string that stands there twice"));
        }
    }
    let mut judge = Judge::new(rule);
    match judge.document(document.as_deref().unwrap_or_default(), name.as_deref())? {
        OperationKind::Query | OperationKind::Subscription => Ok(judge.operations),
        OperationKind::Mutation => Err(Problem::new(Cause::GraphqlMethod)
            .with_argument("allow", "POST")
            .with_header(ALLOW, HeaderValue::from_static("POST"))),
    }
}

/// Judges the operations of a body, and says what they are.
///
/// # Errors
/// They cannot be read, or ask for too much.
pub fn judge_operations(rule: &GraphqlRule, body: &[u8]) -> Result<Operations, Problem> {
    let mut judge = Judge::new(rule);
    let first = body.iter().find(|byte| !b" \t\r\n".contains(byte));
    if first != Some(&b'[') {
        let posted: Posted<'_> = serde_json::from_slice(body).map_err(unreadable)?;
        judge.posted(&posted)?;
        return Ok(judge.operations);
    }
    if !rule.batch {
        return Err(beyond(Cause::GraphqlBatch, format!("batch = {}", rule.batch)));
    }
    let batch: Vec<Posted<'_>> = serde_json::from_slice(body).map_err(unreadable)?;
    if batch.is_empty() {
        return Err(unreadable("a batch of nothing"));
    }
    batch.iter().try_for_each(|posted| judge.posted(posted))?;
    Ok(judge.operations)
}

/// What the operations of one request have asked for so far.
struct Judge<'r> {
    rule: &'r GraphqlRule,
    tokens: u32,
    aliases: u32,
    root_fields: u32,
    operations: Operations,
}

impl<'r> Judge<'r> {
    fn new(rule: &'r GraphqlRule) -> Self {
        Self { rule, tokens: 0, aliases: 0, root_fields: 0, operations: Operations::default() }
    }

    fn posted(&mut self, posted: &Posted<'_>) -> Result<(), Problem> {
        match &posted.document {
            Some(document) => self.document(document, posted.operation.as_deref()).map(|_| ()),
            // The server knows the document already, or asks for it.
            None if posted.is_persisted => {
                self.operations.add(None);
                Ok(())
            }
            None => Err(Problem::new(Cause::MissingParameter).with_violation(Violation {
                name: "query".to_owned(),
                place: Some(Place::Body),
                code: BuiltIn::MissingParameter,
                reason: Reason::Missing,
                expected: Vec::new(),
            })),
        }
    }

    /// Empty names are none, as servers take them.
    fn document(&mut self, document: &str, name: Option<&str>) -> Result<OperationKind, Problem> {
        let name = name.filter(|name| !name.is_empty());
        let left = self.rule.tokens - self.tokens;
        let operation = skim(document, name, left).map_err(|refusal| self.refused(refusal))?;
        self.weigh(&operation)?;
        self.operations.add(Some(operation.kind));
        Ok(operation.kind)
    }

    fn refused(&self, refusal: Refusal) -> Problem {
        match refusal {
            Refusal::Syntax(line, column) => {
                Problem::new(Cause::GraphqlSyntax).with_location(line, column)
            }
            Refusal::Tokens => {
                beyond(Cause::GraphqlTokens, format!("tokens = {}", self.rule.tokens))
            }
            Refusal::Nesting => self.too_deep(),
            Refusal::NoOperation => Problem::new(Cause::GraphqlOperation),
        }
    }

    fn too_deep(&self) -> Problem {
        beyond(Cause::GraphqlDepth, format!("depth = {}", self.rule.depth))
    }

    fn weigh(&mut self, operation: &Operation<'_>) -> Result<(), Problem> {
        let rule = self.rule;
        self.tokens += operation.tokens;
        self.aliases = self.aliases.saturating_add(operation.aliases);
        self.root_fields = self.root_fields.saturating_add(operation.root_fields);
        if operation.depth > rule.depth {
            return Err(self.too_deep());
        }
        if self.aliases > rule.aliases {
            let limit = format!("aliases = {}", rule.aliases);
            return Err(beyond(Cause::GraphqlAliases, limit));
        }
        if self.root_fields > rule.root_fields {
            let limit = format!("root_fields = {}", rule.root_fields);
            return Err(beyond(Cause::GraphqlRootFields, limit));
        }
        if operation.introspection && !rule.introspection {
            let limit = format!("introspection = {}", rule.introspection);
            return Err(beyond(Cause::GraphqlIntrospection, limit));
        }
        Ok(())
    }
}

/// Names decoded, values as they came.
fn pairs(query: Option<&str>) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent::form_decoded(name).unwrap_or(Cow::Borrowed(name)), value)
    })
}

fn beyond(cause: Cause, limit: String) -> Problem {
    Problem::new(cause).with_argument("limit", limit)
}

fn unreadable(why: impl std::fmt::Display) -> Problem {
    Problem::new(Cause::BadBody).with_detail(why)
}

#[cfg(test)]
mod tests;
