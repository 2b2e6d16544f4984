//! `graphql = { query, variables }`: the body that it stands for. The document is read now, so that one
//! that does not parse is no surprise for a client.

use http::Method;
use serde_json::Value;

use super::template::{Hole, whole};
use crate::config::check::Check;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::Call;
use crate::config::read::{Section, Word};
use crate::expression::Template;
use crate::outcome::graphql::{OperationKind, Refusal, skim};

/// The body of the call.
pub(super) fn send<'t>(
    step: Section<'t>,
    call: Option<&Call>,
    holes: &mut Vec<Hole<'t>>,
    check: &mut Check<'_>,
) -> Option<Template> {
    let section = step.section("graphql");
    if let (Some(send), Some(graphql)) = (step.place("send"), step.place("graphql")) {
        let made = Diagnostic::at(Id::Conflict, send, "an operation of GraphQL is the whole body");
        check.push(made.other(graphql, "the operation").help("put values into its `variables`"));
    }
    if let (Some(Call::Upstream { method, .. }), Some(place)) = (call, step.place("call"))
        && *method != Method::POST
    {
        let message = "an operation of GraphQL is sent with POST";
        check.push(Diagnostic::at(Id::BadCall, place, message));
    }
    if let (Some(Call::Flow(_)), Some(place)) = (call, step.place("graphql")) {
        let message = "a flow is called with `send`, not with an operation of GraphQL";
        check.push(Diagnostic::at(Id::BadCall, place, message));
    }
    let word = section.text("query")?;
    parses(word, check);
    let mut members: Vec<(Box<str>, Template)> =
        vec![("query".into(), Template::Constant(Value::from(word.text)))];
    if let Some(node) = section.node("variables") {
        members.push(("variables".into(), whole(node, holes, check)?));
    }
    Some(Template::Object(members.into()))
}

fn parses(word: Word<'_>, check: &mut Check<'_>) {
    let message = match skim(word.text, None, MOST_TOKENS) {
        Ok(operation) if operation.kind == OperationKind::Subscription => {
            "a subscription has no reply that a flow could wait for".to_owned()
        }
        Ok(_) => return,
        Err(Refusal::Syntax(line, column)) => {
            format!("this GraphQL document does not parse at line {line}, column {column} of it")
        }
        Err(Refusal::NoOperation) => "this GraphQL document must have one operation".to_owned(),
        Err(Refusal::Tokens | Refusal::Nesting) => {
            "this GraphQL document is too long, or nests too deeply".to_owned()
        }
    };
    let made = Diagnostic::at(Id::BadCall, word.place, message);
    check
        .push(made.help("values do not stand in the document: declare them, and fill `variables`"));
}

const MOST_TOKENS: u32 = 100_000;
