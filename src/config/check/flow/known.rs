//! What is known of values before anything runs: from declared inputs, from objects, and from what
//! flows say that they return.

use super::reads::{Complaint, View, unknown};
use crate::config::diagnostic::Id;
use crate::config::model::Call;
use crate::expression::{Fact, Read, Segment};
use crate::parameter::{Field, Form, Kind};

/// What is known of a value.
#[derive(Clone, Copy)]
pub(super) enum Known<'k> {
    /// Nothing.
    Nothing,
    /// A declared value, or one item of it where that is a list.
    Field(&'k Field, bool),
    Text,
    Number,
    Boolean,
    List,
}

impl Known<'_> {
    pub(super) fn is_boolean(&self) -> bool {
        match self {
            Self::Boolean => true,
            Self::Field(field, false) => {
                field.form == Form::Any
                    || field.form == Form::Scalar && matches!(field.rule.kind, Kind::Boolean)
            }
            Self::Field(_, true) | Self::Nothing | Self::Text | Self::Number | Self::List => false,
        }
    }
}

/// What is known of what an expression reads.
pub(super) fn of<'v>(view: &View<'v, '_>, read: &Read) -> Result<Known<'v>, Complaint> {
    let root = &*read.root;
    let (first, rest) = match read.path.split_first() {
        Some((Segment::Name(first), rest)) => (&**first, rest),
        Some((Segment::Index(_), _)) | None if ROOTS.contains(&root) => {
            let message = format!("`{root}` is no value by itself");
            return Err((Id::FlowType, message, Some(format!("write `{root}.` and a member"))));
        }
        Some((Segment::Index(_), _)) | None => ("", &[][..]),
    };
    match root {
        "input" => input(view, read, first, rest),
        "identity" => member(
            root,
            first,
            rest,
            &[("consumer", Known::Text), ("policy", Known::Text), ("scopes", Known::List)],
        ),
        "request" if first == "headers" => match rest {
            [Segment::Name(name)] if name.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                let message = format!("names of headers are in small letters here: `{name}`");
                Err((Id::UnknownMember, message, None))
            }
            _ => Ok(Known::Nothing),
        },
        "request" => member(
            root,
            first,
            rest,
            &[("method", Known::Text), ("path", Known::Text), ("headers", Known::Nothing)],
        ),
        "env" => {
            let message =
                "variables of the environment are substituted before expressions are read";
            let help = "write `${env.NAME}` by itself";
            Err((Id::UnknownMember, message.to_owned(), Some(help.to_owned())))
        }
        _ => step(view, read, first, rest),
    }
}

fn step<'v>(
    view: &View<'v, '_>,
    read: &Read,
    first: &str,
    rest: &[Segment],
) -> Result<Known<'v>, Complaint> {
    let root = &*read.root;
    let Some(draft) = view.drafts.iter().find(|draft| *draft.step.name == *root) else {
        let steps = view.drafts.iter().map(|draft| draft.step.name.as_str());
        let message = format!("there is no `{root}` here");
        return Err(unknown(Id::UnknownMember, message, root, steps.chain(ROOTS.iter().copied())));
    };
    match (first, rest) {
        ("body", rest) => match &draft.step.call {
            Call::Flow(id) => {
                let signature = view.names.declared.signature(*id);
                match signature.and_then(|signature| signature.returns.as_deref()) {
                    Some(returns) => descend(view, returns, read, 1, rest),
                    None => Ok(Known::Nothing),
                }
            }
            Call::Upstream { .. } => Ok(Known::Nothing),
        },
        ("headers", _) => Ok(Known::Nothing),
        ("error", [Segment::Name(inner), rest @ ..]) => {
            let known =
                [("code", Known::Text), ("message", Known::Text), ("status", Known::Number)];
            member(&format!("{root}.error"), inner, rest, &known)
        }
        ("error", _) => Ok(Known::Nothing),
        _ => member(
            root,
            first,
            rest,
            &[
                ("ok", Known::Boolean),
                ("status", Known::Number),
                ("warnings", Known::List),
                ("body", Known::Nothing),
                ("headers", Known::Nothing),
                ("error", Known::Nothing),
            ],
        ),
    }
}

fn member<'v>(
    of: &str,
    name: &str,
    rest: &[Segment],
    known: &[(&'static str, Known<'v>)],
) -> Result<Known<'v>, Complaint> {
    let Some((_, found)) = known.iter().find(|(known, _)| *known == name) else {
        let message = format!("`{of}` has no member `{name}`");
        return Err(unknown(Id::UnknownMember, message, name, known.iter().map(|(name, _)| *name)));
    };
    match (found, rest) {
        (Known::Text | Known::Number | Known::Boolean, [_, ..]) => {
            Err((Id::FlowType, format!("`{of}.{name}` has no members"), None))
        }
        _ => Ok(*found),
    }
}

fn input<'v>(
    view: &View<'v, '_>,
    read: &Read,
    first: &str,
    rest: &[Segment],
) -> Result<Known<'v>, Complaint> {
    if first == "body" {
        return Ok(Known::Nothing);
    }
    let Some(found) = view.input().iter().find(|input| *input.field.rule.name == *first) else {
        let names = view.input().iter().map(|input| &*input.field.rule.name).chain(["body"]);
        let message = format!("there is no input `{first}`");
        let (id, message, help) = unknown(Id::UnknownMember, message, first, names);
        let help =
            help.or_else(|| Some(format!("declare it: `input = {{ {first} = \"string\" }}`")));
        return Err((id, message, help));
    };
    if found.field.rule.optional && found.fallback.is_none() && !is_guarded(read, 1) {
        let help = format!("give it a `default`, or guard it: `has(input.{first}) ? … : …`");
        let message = format!("the input `{first}` may be absent");
        return Err((Id::MayNotExist, message, Some(help)));
    }
    descend(view, &found.field, read, 1, rest)
}

/// Whether the first `length` segments of a path are known to be there, or are what is asked for.
fn is_guarded(read: &Read, length: usize) -> bool {
    let path = &read.path[..length.min(read.path.len())];
    (read.tested && read.path.len() == length)
        || read.facts.iter().any(|fact| match fact {
            Fact::Has(root, known) => *root == read.root && known.starts_with(path),
            Fact::Ok(..) => false,
        })
}

fn descend<'v>(
    view: &View<'v, '_>,
    field: &'v Field,
    read: &Read,
    depth: usize,
    rest: &[Segment],
) -> Result<Known<'v>, Complaint> {
    let Some((next, after)) = rest.split_first() else {
        return Ok(Known::Field(field, field.rule.repeated));
    };
    let so_far = written(read, depth);
    let name = match (next, field.rule.repeated) {
        (Segment::Index(_), true) => match after.split_first() {
            None => return Ok(Known::Field(field, false)),
            Some((Segment::Name(name), after)) => {
                return inner(view, field, read, depth + 1, name, after);
            }
            Some((Segment::Index(_), _)) => {
                return Err((Id::FlowType, format!("`{so_far}` is no list of lists"), None));
            }
        },
        (Segment::Index(_), false) if matches!(field.form, Form::Any) => return Ok(Known::Nothing),
        (Segment::Index(_), false) => {
            return Err((Id::FlowType, format!("`{so_far}` is no list"), None));
        }
        (Segment::Name(_), true) => {
            let help = Some(format!("an item of it is `{so_far}[0]`"));
            return Err((Id::FlowType, format!("`{so_far}` is a list"), help));
        }
        (Segment::Name(name), false) => name,
    };
    inner(view, field, read, depth, name, after)
}

fn inner<'v>(
    view: &View<'v, '_>,
    field: &'v Field,
    read: &Read,
    depth: usize,
    name: &str,
    after: &[Segment],
) -> Result<Known<'v>, Complaint> {
    match field.form {
        Form::Any | Form::Object => Ok(Known::Nothing),
        Form::Scalar => {
            let message =
                format!("`{}` is {}, and has no members", written(read, depth), field.word);
            Err((Id::FlowType, message, None))
        }
        Form::Declared(id) => {
            let Some(object) = view.names.declared.objects.get(usize::from(id.0)) else {
                return Ok(Known::Nothing);
            };
            let Some(found) = object.field(name) else {
                let names = object.fields.iter().map(|field| &*field.rule.name);
                let message = format!("an object `{}` has no member `{name}`", object.name);
                return Err(unknown(Id::UnknownMember, message, name, names));
            };
            if found.rule.optional && !is_guarded(read, depth + 1) {
                let path = written(read, depth + 1);
                let message = format!("`{path}` may be absent");
                let help = format!("guard it: `has({path}) ? {path} : …`");
                return Err((Id::MayNotExist, message, Some(help)));
            }
            descend(view, found, read, depth + 1, after)
        }
    }
}

fn written(read: &Read, depth: usize) -> String {
    let mut path = read.root.to_string();
    for segment in read.path.iter().take(depth) {
        path.push_str(&segment.to_string());
    }
    path
}

const ROOTS: &[&str] = &["input", "identity", "request"];
