//! Evaluating: a path is followed by hand, all else goes through the library, with as much of the
//! scope as the expression reads.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use cel::objects::Map;
use cel::{Context, Env, ExecutionError, Program};
use serde_json::Value;

use super::compile::Form;
use super::convert::{self, Budget};
use super::{Expression, Read, Segment};

/// Where values come from: names, each with members.
pub trait Scope {
    /// A member of a root; none where there is no such value now.
    ///
    /// # Errors
    /// Why it cannot be looked into, for the operator.
    fn member(&self, root: &str, member: &str) -> Result<Option<Cow<'_, Value>>, String>;
}

/// Why an expression gave no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The expression, as written.
    pub expression: Box<str>,
    /// What is missing or does not fit, for the operator.
    pub what: String,
    /// The declared input that it is, where it is one and nothing else.
    pub input: Option<Box<str>>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${{{}}}: {}", self.expression, self.what)
    }
}

impl Expression {
    /// Its value.
    ///
    /// # Errors
    /// What is missing, or does not fit.
    pub fn evaluate<'s>(&self, scope: &'s dyn Scope) -> Result<Cow<'s, Value>, Failure> {
        let value = match &self.form {
            Form::Path(root, path) => follow(scope, root, path),
            Form::Program(program) => run(program, self.reads(), scope).map(Cow::Owned),
        };
        value.map_err(|what| self.failure(what))
    }

    /// Its value as `true` or `false`.
    ///
    /// # Errors
    /// It has none, or another.
    pub fn decide(&self, scope: &dyn Scope) -> Result<bool, Failure> {
        match &*self.evaluate(scope)? {
            Value::Bool(yes) => Ok(*yes),
            other => Err(self.failure(format!("it is {}, not true or false", described(other)))),
        }
    }

    /// A failure of this expression.
    pub fn failure(&self, what: String) -> Failure {
        let input = match self.path() {
            Some(("input", [Segment::Name(name), ..])) => Some(name.clone()),
            _ => None,
        };
        Failure { expression: self.text().into(), what, input }
    }
}

fn follow<'s>(
    scope: &'s dyn Scope,
    root: &str,
    path: &[Segment],
) -> Result<Cow<'s, Value>, String> {
    let Some((Segment::Name(first), rest)) = path.split_first() else {
        return Err(format!("`{root}` is no value by itself"));
    };
    let gone = || format!("`{root}` has no `{first}` here");
    let mut value = scope.member(root, first)?.ok_or_else(gone)?;
    for (at, segment) in rest.iter().enumerate() {
        let next = match value {
            Cow::Borrowed(value) => inner(value, segment).map(Cow::Borrowed),
            Cow::Owned(value) => inner(&value, segment).map(|value| Cow::Owned(value.clone())),
        };
        value = next.ok_or_else(|| {
            let mut before = format!("{root}.{first}");
            for segment in rest.iter().take(at) {
                before.push_str(&segment.to_string());
            }
            match segment {
                Segment::Name(name) => format!("`{before}` has no member `{name}`"),
                Segment::Index(index) => format!("`{before}` has no item {index}"),
            }
        })?;
    }
    Ok(value)
}

fn inner<'v>(value: &'v Value, segment: &Segment) -> Option<&'v Value> {
    match segment {
        Segment::Name(name) => value.get(&**name),
        Segment::Index(index) => value.get(*index),
    }
}

fn run(program: &Program, reads: &[Read], scope: &dyn Scope) -> Result<Value, String> {
    thread_local! {
        static STANDARD: OnceCell<Arc<Env>> = const { OnceCell::new() };
    }
    let standard = STANDARD.with(|known| Arc::clone(known.get_or_init(|| Arc::new(Env::stdlib()))));
    let mut context = Context::with_env(standard);
    let mut budget = Budget::whole();
    let mut roots: Vec<&str> = Vec::new();
    for read in reads {
        if roots.contains(&&*read.root) {
            continue;
        }
        roots.push(&read.root);
        let members = members(&read.root, reads, scope, &mut budget)?;
        context.add_variable_from_value(&*read.root, cel::Value::Map(members));
    }
    let value = program.execute(&context).map_err(|error| told(&error))?;
    convert::to_json(&value, &mut Budget::whole())
}

/// What a root holds, as far as somebody reads it.
fn members(
    root: &str,
    reads: &[Read],
    scope: &dyn Scope,
    budget: &mut Budget,
) -> Result<Map, String> {
    let mut map = HashMap::new();
    for read in reads.iter().filter(|read| *read.root == *root) {
        let Some(Segment::Name(first)) = read.path.first() else { continue };
        if map.contains_key(&convert::key(first)) {
            continue;
        }
        let Some(value) = scope.member(root, first)? else { continue };
        let paths: Vec<&[Segment]> = reads
            .iter()
            .filter(|other| *other.root == *root && other.path.first() == read.path.first())
            .filter_map(|other| other.path.get(1..))
            .collect();
        map.insert(convert::key(first), convert::pruned(&value, &paths, budget)?);
    }
    Ok(Map { map: Arc::new(map) })
}

/// What went wrong, without the values: they are the client's, or an upstream's.
fn told(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(name) => format!("there is no member `{name}`"),
        ExecutionError::NoSuchOverload(overload) => overload.to_string(),
        ExecutionError::UndeclaredReference(name) => format!("there is no `{name}`"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "it divides by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "the number is too large".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "there is no such item".to_owned(),
        ExecutionError::ValuesNotComparable(..) => "the two cannot be compared".to_owned(),
        ExecutionError::UnexpectedType { got, want } => format!("it is {got}, and {want} is due"),
        ExecutionError::UnsupportedBinaryOperator(operator, ..) => {
            format!("`{operator}` does not go with these two")
        }
        ExecutionError::FunctionError { function, .. } => format!("`{function}` cannot take this"),
        // What the library may yet say.
        _ => "it cannot be worked out".to_owned(),
    }
}

/// What a value is, with its article, for a sentence.
pub(super) fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
