//! `${env.NAME}` and `${env.NAME:-default}` in every string value; `$$` is a dollar.
//!
//! Substitution happens after parsing, so that a variable can never change the shape of the file.

use std::ops::Range;

use super::diagnostic::{Diagnostic, Id, Report};
use super::source::{Place, Sources};
use super::tree::{Node, Value};
use crate::expression::{self, Part};

/// How a variable of the environment is read; none where it is not set.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The process's environment. The only place in the house that reads it.
#[allow(clippy::disallowed_methods, reason = "this is the place that the ban points to")]
pub fn system_environment(name: &str) -> Option<String> {
    // The standard library panics on none of these, but they name no variable either.
    if name.is_empty() || name.contains(['=', '\0']) {
        return None;
    }
    std::env::var(name).ok()
}

/// Substitutes in every string under `node`.
pub(crate) fn substitute(
    node: &mut Node,
    sources: &Sources,
    environment: Environment<'_>,
    report: &mut Report,
) {
    each_string(node, sources, &|text| expand(text, environment), report);
}

/// Substitutes in every string of flows. There `${…}` holds expressions, which stay as they are, and
/// so does `$$`; a variable stands by itself, and its dollars are escaped: it never becomes an
/// expression.
pub(crate) fn substitute_beside_expressions(
    node: &mut Node,
    sources: &Sources,
    environment: Environment<'_>,
    report: &mut Report,
) {
    let expand =
        |text: &str| expand_beside_expressions(text, environment).map_err(|fault| vec![fault]);
    each_string(node, sources, &expand, report);
}

fn each_string(
    node: &mut Node,
    sources: &Sources,
    expand: &dyn Fn(&str) -> Result<String, Vec<Fault>>,
    report: &mut Report,
) {
    match &mut node.value {
        Value::String(text) if text.contains('$') => match expand(text) {
            Ok(expanded) => *text = expanded,
            Err(faults) => {
                for fault in faults {
                    report.push(fault.diagnose(node.place, text, sources));
                }
                node.value = Value::Broken;
            }
        },
        Value::Array(items) => {
            for item in items {
                each_string(item, sources, expand, report);
            }
        }
        Value::Table(table) => {
            for entry in &mut table.entries {
                each_string(&mut entry.node, sources, expand, report);
            }
        }
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Broken => {}
    }
}

/// Whether the strings of a table at the top of the file hold expressions.
pub(crate) fn holds_expressions(key: &str) -> bool {
    key == "flow"
}

fn expand_beside_expressions(text: &str, environment: Environment<'_>) -> Result<String, Fault> {
    // What cannot be read is reported where expressions are compiled.
    let Ok(parts) = expression::scan(text) else { return Ok(text.to_owned()) };
    let is_variable = |part: &Part<'_>| match part {
        Part::Hole(inside, _) => inside.starts_with("env."),
        Part::Literal(_) => false,
    };
    if !parts.iter().any(is_variable) {
        return Ok(text.to_owned());
    }
    let mut out = String::with_capacity(text.len());
    for part in parts {
        match part {
            Part::Literal(literal) => out.push_str(&escape(literal)),
            Part::Hole(inside, begin) if inside.starts_with("env.") => {
                match variable(inside, environment) {
                    Ok(value) => out.push_str(&escape(&value)),
                    Err(FaultKind::Unknown(_)) => hole(&mut out, inside),
                    Err(kind) => {
                        let at = begin - "${".len()..begin + inside.len() + 1;
                        return Err(Fault { at, kind });
                    }
                }
            }
            Part::Hole(inside, _) => hole(&mut out, inside),
        }
    }
    Ok(out)
}

fn hole(out: &mut String, inside: &str) {
    out.push_str("${");
    out.push_str(inside);
    out.push('}');
}

/// Writes a value so that reading it gives the same value again.
pub(crate) fn escape(text: &str) -> String {
    text.replace('$', "$$")
}

struct Fault {
    at: Range<usize>,
    kind: FaultKind,
}

enum FaultKind {
    Unset(String),
    Unclosed,
    Unknown(String),
}

impl Fault {
    fn diagnose(self, place: Place, text: &str, sources: &Sources) -> Diagnostic {
        let place = sources.within(place, text, &self.at);
        match self.kind {
            FaultKind::Unset(name) => Diagnostic::at(
                Id::MissingVariable,
                place,
                format!("the environment variable `{name}` is not set"),
            )
            .help(format!("set it, or give a default: `${{env.{name}:-default}}`")),
            FaultKind::Unclosed => {
                Diagnostic::at(Id::BadVariable, place, "this `${` has no closing `}`")
                    .help("write `${env.NAME}`, or `$$` for a dollar")
            }
            FaultKind::Unknown(inside) => {
                let made = Diagnostic::at(
                    Id::BadVariable,
                    place,
                    "only variables of the environment can be substituted here",
                );
                if is_name(&inside) {
                    made.help(format!("write `${{env.{inside}}}`"))
                } else {
                    made.help(
                        "write `${env.NAME}` with letters, digits and `_`, or `$$` for a dollar",
                    )
                }
            }
        }
    }
}

fn expand(text: &str, environment: Environment<'_>) -> Result<String, Vec<Fault>> {
    let mut out = String::with_capacity(text.len());
    let mut faults = Vec::new();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('$')) {
        let dollar = at + found;
        out.push_str(text.get(at..dollar).unwrap_or_default());
        let rest = text.get(dollar + 1..).unwrap_or_default();
        at = if rest.starts_with('$') {
            out.push('$');
            dollar + 2
        } else if let Some(rest) = rest.strip_prefix('{') {
            let Some(length) = rest.find('}') else {
                faults.push(Fault { at: dollar..text.len(), kind: FaultKind::Unclosed });
                break;
            };
            let end = dollar + 2 + length + 1;
            match variable(rest.get(..length).unwrap_or_default(), environment) {
                Ok(value) => out.push_str(&value),
                Err(kind) => faults.push(Fault { at: dollar..end, kind }),
            }
            end
        } else {
            out.push('$');
            dollar + 1
        };
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Ok(out)
}

fn variable(inside: &str, environment: Environment<'_>) -> Result<String, FaultKind> {
    let unknown = || FaultKind::Unknown(inside.to_owned());
    let expression = inside.strip_prefix("env.").ok_or_else(unknown)?;
    let (name, default) = match expression.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (expression, None),
    };
    if !is_name(name) {
        return Err(unknown());
    }
    environment(name)
        .or_else(|| default.map(str::to_owned))
        .ok_or_else(|| FaultKind::Unset(name.to_owned()))
}

/// Whether a text can name a variable of the environment.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn environment(name: &str) -> Option<String> {
        (name == "HOME").then(|| "/root $x".to_owned())
    }

    fn expanded(text: &str) -> Option<String> {
        expand(text, &environment).ok()
    }

    #[test]
    fn variables_defaults_and_dollars() {
        assert_eq!(expanded("a${env.HOME}b").as_deref(), Some("a/root $xb"));
        assert_eq!(expanded("${env.NONE:-x:-y}").as_deref(), Some("x:-y"));
        assert_eq!(expanded("${env.NONE:-}").as_deref(), Some(""));
        assert_eq!(expanded("$$ $ $$${env.HOME:-q}$").as_deref(), Some("$ $ $/root $x$"));
    }

    #[test]
    fn every_fault_of_a_string_is_found() {
        let faults = expand("${env.A} ${HOME} ${env.1} ${env.B", &environment).unwrap_err();
        assert_eq!(faults.len(), 4);
        assert_eq!(faults[1].at, 9..16);
    }

    #[test]
    fn beside_expressions_a_variable_is_never_one() {
        let expanded = |text: &str| {
            let environment = |name: &str| (name == "X").then(|| "a ${b} $".to_owned());
            expand_beside_expressions(text, &environment).ok()
        };
        assert_eq!(expanded("${env.X} ${c.d} $$").as_deref(), Some("a $${b} $$ ${c.d} $$"));
        assert_eq!(expanded("${env.NONE:-n}${ x }").as_deref(), Some("n${ x }"));
        assert_eq!(expanded("${env.NONE}"), None);
        assert_eq!(expanded("$ ${").as_deref(), Some("$ ${"));
    }

    #[test]
    fn the_system_environment_survives_odd_names() {
        for name in ["", "a=b", "a\0b", "SURELY_NOT_SET_ANYWHERE"] {
            assert_eq!(system_environment(name), None);
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = expand(&text, &environment);
        }

        #[test]
        fn what_is_escaped_reads_back(text in ".*") {
            prop_assert_eq!(expanded(&escape(&text)), Some(text));
        }
    }
}
