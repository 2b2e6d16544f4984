//! What expressions see: the input, the caller, the request, and each step by its name.

use std::borrow::Cow;
use std::cell::OnceCell;

use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::{Content, Fate, Given};
use crate::config::model::Flow;
use crate::expression::Scope;
use crate::gate::{Identity, is_identity_field};
use crate::problem::{Catalogue, Language, Problem};

/// Who has called, and how: the same in all flows of one request.
#[derive(Debug)]
pub struct Caller<'r> {
    /// The method of the request.
    pub method: &'r str,
    /// Its path.
    pub path: &'r str,
    /// Its fields.
    pub headers: &'r HeaderMap,
    /// Who it is, where that was asked.
    pub identity: Option<&'r Identity>,
    /// The words of problems.
    pub catalogue: &'r Catalogue,
    /// The language of the client.
    pub language: Language,
    /// `request.headers`, once somebody asks.
    pub fields: OnceCell<Value>,
}

/// What the expressions of a flow see at one moment.
pub(super) struct View<'v> {
    pub(super) flow: &'v Flow,
    pub(super) given: &'v Given,
    pub(super) fates: &'v [Fate],
    pub(super) caller: &'v Caller<'v>,
}

impl View<'_> {
    pub(super) fn step(&self, name: &str) -> Option<&Fate> {
        let at = self.flow.steps.iter().position(|step| step.name == name)?;
        self.fates.get(at)
    }

    /// The body that an expression is, where it is one and nothing else.
    pub(super) fn body(&self, root: &str) -> Option<&Content> {
        if root == "input" {
            return Some(&self.given.body);
        }
        match self.step(root)? {
            Fate::Well(reply) => Some(&reply.body),
            Fate::NotRun | Fate::Skipped | Fate::Badly(_) => None,
        }
    }
}

impl Scope for View<'_> {
    fn member(&self, root: &str, member: &str) -> Result<Option<Cow<'_, Value>>, String> {
        match (root, member) {
            ("input", "body") => self.given.body.value().map(Some),
            ("input", name) => Ok(self.given.values.get(name).map(Cow::Borrowed)),
            ("identity", name) => Ok(self.caller.identity(name).map(Cow::Owned)),
            ("request", "headers") => Ok(Some(Cow::Borrowed(self.caller.fields()))),
            ("request", "method") => Ok(Some(Cow::Owned(self.caller.method.into()))),
            ("request", "path") => Ok(Some(Cow::Owned(self.caller.path.into()))),
            _ => match self.step(root) {
                Some(fate) => fate.member(member, self.caller),
                None => Ok(None),
            },
        }
    }
}

impl Fate {
    fn member(&self, name: &str, caller: &Caller<'_>) -> Result<Option<Cow<'_, Value>>, String> {
        Ok(match (self, name) {
            (Self::NotRun, _) => None,
            (_, "ok") => Some(Cow::Owned(matches!(self, Self::Well(_)).into())),
            (Self::Well(reply), "body") => Some(reply.body.value()?),
            (Self::Well(reply), "status") => Some(Cow::Owned(reply.status.into())),
            (Self::Well(reply), "headers") => Some(Cow::Owned(fields(&reply.headers))),
            (Self::Well(reply), "warnings") => Some(Cow::Owned(reply.warnings.clone().into())),
            (Self::Badly(problem), "status") => {
                Some(Cow::Owned(caller.catalogue.status(problem).into()))
            }
            (Self::Badly(problem), "error") => Some(Cow::Owned(caller.error(problem))),
            (Self::Skipped | Self::Well(_) | Self::Badly(_), _) => None,
        })
    }
}

impl Caller<'_> {
    fn error(&self, problem: &Problem) -> Value {
        json!({
            "code": self.catalogue.full_code_text(problem.code()),
            "message": self.catalogue.message(problem, self.language),
            "status": self.catalogue.status(problem),
        })
    }

    fn identity(&self, name: &str) -> Option<Value> {
        let identity = self.identity?;
        let (policy, consumer) = identity.key();
        match name {
            "consumer" => Some(String::from_utf8_lossy(consumer).into()),
            "policy" => Some(String::from_utf8_lossy(policy).into()),
            "scopes" => Some(identity.scopes().into()),
            _ => None,
        }
    }

    /// Those by which upstreams are told who calls are never taken from clients.
    fn fields(&self) -> &Value {
        self.fields.get_or_init(|| {
            let mut all = fields(self.headers);
            if let Some(all) = all.as_object_mut() {
                all.retain(|name, _| !is_identity_field(name));
            }
            all
        })
    }
}

/// Several lines are one list (RFC 9110, section 5.3).
fn fields(headers: &HeaderMap) -> Value {
    let mut all = Map::new();
    for (name, value) in headers {
        let text = String::from_utf8_lossy(value.as_bytes());
        match all.get_mut(name.as_str()) {
            Some(Value::String(known)) => {
                known.push_str(", ");
                known.push_str(&text);
            }
            Some(_) | None => {
                all.insert(name.as_str().to_owned(), text.into());
            }
        }
    }
    Value::Object(all)
}
