//! What a flow is given: each declared value from the path, else from the query, else from the
//! body, where that is a JSON object. All that is wrong is told at once.

use std::collections::HashMap;

use http::Method;
use serde_json::{Map, Value};

use super::Content;
use crate::base::percent;
use crate::config::model::{Flow, Input};
use crate::gate;
use crate::parameter::{Fault, Object};
use crate::problem::{Place, Problem, Violation};
use crate::route::Captures;

/// What a flow is given.
#[derive(Clone, Debug)]
pub struct Given {
    /// The declared values that are there, by their names.
    pub values: Map<String, Value>,
    /// All of the body.
    pub body: Content,
}

/// Where a request has its values.
#[derive(Debug)]
pub struct Asked<'r> {
    /// Its method.
    pub method: &'r Method,
    /// Its path, and what the route has captured of it.
    pub path: &'r str,
    /// The captures of the path.
    pub captures: &'r Captures,
    /// Captures by their number, and the input that each is.
    pub captured: &'r [(usize, usize)],
    /// Its query.
    pub query: Option<&'r str>,
}

/// Whether the body of a request has to be read: because the flow looks at it, or because something
/// declared may stand there.
pub fn reads_body(flow: &Flow, captured: &[(usize, usize)]) -> bool {
    flow.reads_body || captured.len() < flow.input.len()
}

/// What a request gives a flow.
///
/// # Errors
/// Everything that is missing or not as declared, as one problem: 400.
pub fn given(
    flow: &Flow,
    objects: &[Object],
    asked: &Asked<'_>,
    body: Content,
) -> Result<Given, Problem> {
    if flow.input.is_empty() {
        return Ok(Given { values: Map::new(), body });
    }
    let query = pairs(flow, asked.query.unwrap_or_default());
    let members = body.value().ok();
    let members = members.as_deref().and_then(Value::as_object);
    let mut values = Map::new();
    let mut violations: Vec<Violation> = Vec::new();
    for (at, input) in flow.input.iter().enumerate() {
        let name = &*input.field.rule.name;
        let captured = asked.captured.iter().find(|(_, input)| *input == at);
        let captured = captured.and_then(|(index, _)| asked.captures.of(*index, asked.path));
        let (place, found) = match (captured, query.get(&at), members) {
            (Some(text), ..) => (Place::Path, of_texts(input, &[percent::decoded(text).ok()])),
            (None, Some(texts), _) => (Place::Query, of_texts(input, texts)),
            (None, None, members) => {
                let member = members.and_then(|members| members.get(name));
                let place = if has_body(asked.method) { Place::Body } else { Place::Query };
                (place, of_member(input, member, objects))
            }
        };
        match found {
            Ok(Some(value)) => drop(values.insert(name.to_owned(), value)),
            Ok(None) => {}
            Err(fault) => {
                let mut violation = input.field.rule.violation(fault, &flow.tongues);
                violation.place = Some(place);
                violations.push(violation);
            }
        }
    }
    if violations.is_empty() { Ok(Given { values, body }) } else { Err(gate::refusal(violations)) }
}

impl Given {
    /// What one flow hands to another.
    ///
    /// # Errors
    /// The first value that is not as declared, for the log.
    pub(super) fn handed(flow: &Flow, objects: &[Object], body: Content) -> Result<Self, String> {
        let mut values = Map::new();
        if !flow.input.is_empty() {
            let members = body.value()?;
            for input in &flow.input {
                let name = &*input.field.rule.name;
                match of_member(input, members.get(name), objects) {
                    Ok(Some(value)) => drop(values.insert(name.to_owned(), value)),
                    Ok(None) => {}
                    Err(Fault::Missing) => {
                        return Err(format!("the flow `{}` needs the input `{name}`", flow.name));
                    }
                    Err(_) => {
                        let due = input.field.misfit(Fault::Form).due;
                        return Err(format!("the input `{name}` of `{}` is not {due}", flow.name));
                    }
                }
            }
        }
        Ok(Self { values, body })
    }
}

fn of_member(
    input: &Input,
    member: Option<&Value>,
    objects: &[Object],
) -> Result<Option<Value>, Fault> {
    match member {
        None | Some(Value::Null) if input.fallback.is_some() => Ok(input.fallback.clone()),
        None | Some(Value::Null) if input.field.rule.optional => Ok(None),
        None => Err(Fault::Missing),
        Some(value) => {
            let mut value = value.clone();
            input.field.admit(&mut value, objects).map_err(|misfit| misfit.fault)?;
            Ok(Some(value))
        }
    }
}

/// The value that stands in the path or the query.
fn of_texts(input: &Input, texts: &[Option<impl AsRef<str>>]) -> Result<Option<Value>, Fault> {
    let field = &input.field;
    let mut values = Vec::new();
    for text in texts {
        let text = text.as_ref().ok_or(Fault::Unreadable)?.as_ref();
        field.rule.judge(text)?;
        values.push(field.typed(text));
    }
    match (field.rule.repeated, values.len()) {
        (true, _) => Ok(Some(Value::Array(values))),
        (false, 0 | 1) => Ok(values.pop()),
        (false, _) => Err(Fault::Twice),
    }
}

/// The pairs of a query that are declared, decoded, by the number of their input.
fn pairs(flow: &Flow, query: &str) -> HashMap<usize, Vec<Option<String>>> {
    let mut found: HashMap<usize, Vec<Option<String>>> = HashMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Ok(name) = percent::form_decoded(name) else { continue };
        let at = flow.input.iter().position(|input| *input.field.rule.name == *name);
        if let Some(at) = at {
            let value = percent::form_decoded(value).ok().map(|value| value.into_owned());
            found.entry(at).or_default().push(value);
        }
    }
    found
}

fn has_body(method: &Method) -> bool {
    *method == Method::POST || *method == Method::PUT || *method == Method::PATCH
}
