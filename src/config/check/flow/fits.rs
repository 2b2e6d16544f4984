//! Whether what is handed on can be what was declared, as far as that is known before anything runs.

use super::declared::Signature;
use super::known::{Known, of};
use super::reads::{View, unknown};
use super::step::Draft;
use crate::config::check::Check;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::tree::Node;
use crate::expression::{Expression, Template};
use crate::parameter::{Field, Form, Kind};

/// Whether what a step sends can be the input of the flow that it calls.
pub(super) fn fits_input(
    view: &View<'_, '_>,
    draft: &Draft<'_>,
    signature: &Signature<'_>,
    check: &mut Check<'_>,
) {
    let declared = &signature.input;
    let missing = |name: &str, check: &mut Check<'_>| {
        let message = format!("the flow `{}` needs the input `{name}`", signature.name);
        let place = draft.send.map_or(draft.call.place, |node| node.place);
        let made = Diagnostic::at(Id::FlowType, place, message);
        check.push(made.help(format!("send it: `send = {{ {name} = … }}`")));
    };
    let needed = declared.iter().filter(|input| !input.field.rule.optional);
    let (members, node) = match (&draft.step.send, draft.send) {
        (Some(Template::Object(members)), Some(node)) => (members, node),
        (None, None) => {
            needed.for_each(|input| missing(&input.field.rule.name, check));
            return;
        }
        _ => return,
    };
    for input in needed {
        let name = &*input.field.rule.name;
        if !members.iter().any(|(known, _)| **known == *name) {
            missing(name, check);
        }
    }
    let table = node.as_table();
    for (name, member) in members {
        let Some(entry) = table.and_then(|table| table.entry(name)) else { continue };
        match declared.iter().find(|input| *input.field.rule.name == **name) {
            Some(input) => fits(view, &entry.node, member, &input.field, check),
            // Without declared inputs all of it is `input.body`.
            None if declared.is_empty() => {}
            None => {
                let names = declared.iter().map(|input| &*input.field.rule.name);
                let message = format!("the flow `{}` has no input `{name}`", signature.name);
                let (id, message, help) = unknown(Id::UnknownMember, message, name, names);
                check.push(Diagnostic::at(id, entry.place, message).help_if(help));
            }
        }
    }
}

/// Whether a value can be what is declared, as far as that is known.
pub(super) fn fits(
    view: &View<'_, '_>,
    node: &Node,
    template: &Template,
    field: &Field,
    check: &mut Check<'_>,
) {
    let objects = &view.names.declared.objects;
    let wrong = |message: String, check: &mut Check<'_>| {
        check.push(Diagnostic::at(Id::FlowType, node.place, message));
    };
    match template {
        Template::Constant(value) => {
            if let Err(misfit) = field.admit(&mut value.clone(), objects) {
                let at = if misfit.pointer.is_empty() { "this" } else { misfit.pointer.as_str() };
                wrong(format!("{at} is not {}", misfit.due), check);
            }
        }
        Template::Hole(expression) => {
            if let Some(other) = mismatch(view, expression, field) {
                wrong(format!("this is {other}, and {} is due", due(field)), check);
            }
        }
        Template::Text(_) => {
            let text = match field.form {
                Form::Any => true,
                Form::Object | Form::Declared(_) => false,
                Form::Scalar => is_text(&field.rule.kind),
            };
            if !text || field.rule.repeated {
                wrong(format!("this is text, and {} is due", due(field)), check);
            }
        }
        Template::List(_) if field.rule.repeated || field.form == Form::Any => {}
        Template::List(_) => wrong(format!("this is a list, and {} is due", due(field)), check),
        Template::Object(_) if field.rule.repeated => {
            wrong(format!("this is an object, and {} is due", due(field)), check);
        }
        Template::Object(members) => {
            let id = match field.form {
                Form::Any | Form::Object => return,
                Form::Scalar => {
                    wrong(format!("this is an object, and {} is due", due(field)), check);
                    return;
                }
                Form::Declared(id) => id,
            };
            let Some(object) = objects.get(usize::from(id.0)) else { return };
            for field in object.fields.iter().filter(|field| !field.rule.optional) {
                let name = &*field.rule.name;
                if !members.iter().any(|(known, _)| **known == *name) {
                    wrong(format!("an object `{}` needs the member `{name}`", object.name), check);
                }
            }
            let table = node.as_table();
            for (name, member) in members {
                let Some(entry) = table.and_then(|table| table.entry(name)) else { continue };
                match object.field(name) {
                    Some(field) => fits(view, &entry.node, member, field, check),
                    None => {
                        let names = object.fields.iter().map(|field| &*field.rule.name);
                        let message = format!("an object `{}` has no member `{name}`", object.name);
                        let (id, message, help) = unknown(Id::UnknownMember, message, name, names);
                        check.push(Diagnostic::at(id, entry.place, message).help_if(help));
                    }
                }
            }
        }
    }
}

/// What an expression surely is, where that cannot be what is declared.
fn mismatch(view: &View<'_, '_>, expression: &Expression, field: &Field) -> Option<String> {
    let ([read], Some(_)) = (expression.reads(), expression.path()) else { return None };
    let known = of(view, read).ok()?;
    let (kind, list) = match known {
        Known::Nothing => return None,
        Known::Field(other, list) => {
            let same = match (other.form, field.form) {
                (Form::Any, _) | (_, Form::Any) => true,
                (Form::Declared(one), Form::Declared(other)) => one == other,
                (Form::Object | Form::Declared(_), Form::Object)
                | (Form::Object, Form::Declared(_)) => true,
                (Form::Scalar, Form::Scalar) => is_alike(&other.rule.kind, &field.rule.kind),
                (Form::Scalar, Form::Object | Form::Declared(_))
                | (Form::Object | Form::Declared(_), Form::Scalar) => false,
            };
            if same && list == field.rule.repeated || field.form == Form::Any {
                return None;
            }
            return Some(format!("{}{}", if list { "a list of " } else { "" }, other.word));
        }
        Known::Text => ("string", false),
        Known::Number => ("number", false),
        Known::Boolean => ("boolean", false),
        Known::List => ("list", true),
    };
    let fits = match (field.form, kind) {
        (Form::Any, _) => true,
        (Form::Object | Form::Declared(_), _) => false,
        (Form::Scalar, "number") => {
            matches!(field.rule.kind, Kind::Integer { .. } | Kind::Number { .. })
        }
        (Form::Scalar, "boolean") => matches!(field.rule.kind, Kind::Boolean),
        (Form::Scalar, "list") => true,
        (Form::Scalar, _) => is_text(&field.rule.kind),
    };
    (!fits || list != field.rule.repeated && field.form != Form::Any).then(|| kind.to_owned())
}

fn is_text(kind: &Kind) -> bool {
    !matches!(kind, Kind::Integer { .. } | Kind::Number { .. } | Kind::Boolean)
}

/// Whether some value is of both.
fn is_alike(one: &Kind, other: &Kind) -> bool {
    match (one, other) {
        (
            Kind::Integer { .. } | Kind::Number { .. },
            Kind::Integer { .. } | Kind::Number { .. },
        )
        | (Kind::Boolean, Kind::Boolean) => true,
        _ if !is_text(one) || !is_text(other) => false,
        (Kind::String { .. }, _) | (_, Kind::String { .. }) => true,
        _ => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

fn due(field: &Field) -> String {
    format!("{}{}", if field.rule.repeated { "a list of " } else { "" }, field.word)
}
