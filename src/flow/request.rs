//! The call that a step makes. Values never change the shape of a URL: they are percent-encoded,
//! and none of them makes a segment of the path that is empty or leads elsewhere.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method};

use super::Content;
use super::scope::View;
use crate::base::percent;
use crate::config::model::Step;
use crate::expression::{Expression, Failure, Piece, Segment, Template, Text};

/// What is asked of an upstream.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: PathAndQuery,
    /// The fields that the step brings.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The call of a step.
///
/// # Errors
/// An expression without a value, or with one that cannot stand where it is put.
pub(super) fn request(
    step: &Step,
    method: &Method,
    target: &Text,
    view: &View<'_>,
) -> Result<Request, Failure> {
    let target = self::target(target, view)?;
    let mut headers = HeaderMap::with_capacity(8);
    let accept = match step.is_graphql {
        true => "application/graphql-response+json, application/json;q=0.9",
        false => "application/json, */*;q=0.5",
    };
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    for (name, text) in &step.headers {
        let value = text.plain(view)?;
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| culprit(text, "a header cannot carry it"))?;
        headers.insert(name.clone(), value);
    }
    let body = match &step.send {
        Some(send) => {
            let mut content = content(send, view)?;
            if let Some(announced) = headers.get(CONTENT_TYPE) {
                content = content.announced_as(announced).map_err(|what| failed(send, what))?;
            } else if let Some(content_type) = content.content_type() {
                headers.insert(CONTENT_TYPE, content_type.clone());
            }
            content.bytes(view.flow.limit).map_err(|what| failed(send, what))?
        }
        None => Bytes::new(),
    };
    Ok(Request { method: method.clone(), target, headers, body })
}

/// What is handed on: a body as it came where the template is one, else a value.
///
/// # Errors
/// An expression without a value.
pub(super) fn content(template: &Template, view: &View<'_>) -> Result<Content, Failure> {
    if let Some(body) = sole(template).and_then(|root| view.body(root)) {
        return Ok(body.clone());
    }
    template.fill(view).map(Content::made)
}

/// The step or the input whose body a template is.
fn sole(template: &Template) -> Option<&str> {
    let Template::Hole(expression) = template else { return None };
    match expression.path() {
        Some((root, [Segment::Name(member)])) if **member == *"body" => Some(root),
        Some(_) | None => None,
    }
}

fn target(text: &Text, view: &View<'_>) -> Result<PathAndQuery, Failure> {
    let made = text.fill(view, &mut |out, value| out.push_str(&percent::encoded(value)))?;
    let path = made.split('?').next().unwrap_or_default();
    let odd = |segment: &str| matches!(segment, "" | "." | "..");
    // What the operator has written so is meant so; only values are looked at.
    let literal = written(text);
    let literal = literal.split('?').next().unwrap_or_default();
    let meant = literal.split('/').skip(1).filter(|segment| odd(segment)).count();
    if path.split('/').skip(1).filter(|segment| odd(segment)).count() > meant {
        return Err(culprit(text, "it makes a segment of a path that is empty, `.` or `..`"));
    }
    if made.len() > LONGEST_TARGET {
        return Err(culprit(text, "it makes a URL that is too long"));
    }
    PathAndQuery::from_maybe_shared(Bytes::from(made)).map_err(|_| culprit(text, "it makes no URL"))
}

/// The text with something in every hole.
fn written(text: &Text) -> String {
    let pieces = text.pieces().iter().map(|piece| match piece {
        Piece::Literal(text) => &**text,
        Piece::Hole(_) => "x",
    });
    pieces.collect()
}

/// The expression that is to blame for a text: the only one, or the first.
fn culprit(text: &Text, what: &str) -> Failure {
    let mut first = None;
    text.each(&mut |expression| {
        first.get_or_insert(expression);
    });
    match first {
        Some(expression) => expression.failure(what.to_owned()),
        None => Failure { expression: "".into(), what: what.to_owned(), input: None },
    }
}

pub(super) fn failed(template: &Template, what: String) -> Failure {
    let mut first: Option<&Expression> = None;
    template.each(&mut |expression| {
        first.get_or_insert(expression);
    });
    match first {
        Some(expression) => expression.failure(what),
        None => Failure { expression: "".into(), what, input: None },
    }
}

/// Bytes of a target: more than any server takes.
const LONGEST_TARGET: usize = 16 << 10;
