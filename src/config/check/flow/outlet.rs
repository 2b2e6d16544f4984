//! `[[flow.NAME.result]]`.

use super::Names;
use super::step::Draft;
use super::template::{Hole, expression, whole};
use crate::config::check::Check;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Outlet, Status, What};
use crate::config::read::{Section, Word};
use crate::config::source::Place;
use crate::config::tree::{Node, Value};
use crate::expression::{Part, Segment, scan};

/// A result that was read, with its place in the file.
pub(super) struct OutletDraft<'t> {
    pub(super) outlet: Outlet,
    pub(super) place: Place,
    pub(super) data: Option<&'t Node>,
    /// The expressions of `outlet.each`, in its order.
    pub(super) holes: Vec<Hole<'t>>,
}

pub(super) fn outlets<'t>(
    flow: Section<'t>,
    steps: &[Draft<'t>],
    names: Names<'_, 't>,
    check: &mut Check<'_>,
) -> Vec<OutletDraft<'t>> {
    flow.tables("result")
        .map(|(node, section)| {
            let name = section.text("name");
            let place = name.map_or(node.place, |word| word.place);
            let name = name.map_or("", |word| word.text).to_owned();
            let mut holes = Vec::new();
            let status = section.node("status").and_then(|node| status(node, &mut holes, check));
            let what = what(section, steps, names, &mut holes, check);
            agree(section, status.as_ref(), &what, check);
            let outlet = Outlet { name, status, what };
            OutletDraft { outlet, place, data: section.node("data"), holes }
        })
        .collect()
}

fn status<'t>(node: &'t Node, holes: &mut Vec<Hole<'t>>, check: &mut Check<'_>) -> Option<Status> {
    match &node.value {
        Value::Integer(number) => u16::try_from(*number).ok().map(Status::Fixed),
        Value::String(text) => {
            let word = Word { text, place: node.place };
            expression(word, holes, check).map(Status::Computed)
        }
        Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_)
        | Value::Table(_)
        | Value::Broken => None,
    }
}

fn what<'t>(
    section: Section<'t>,
    steps: &[Draft<'t>],
    names: Names<'_, 't>,
    holes: &mut Vec<Hole<'t>>,
    check: &mut Check<'_>,
) -> What {
    if let (Some(data), Some(error)) = (section.place("data"), section.place("error")) {
        let made =
            Diagnostic::at(Id::Conflict, error, "a result is a success or an error, not both");
        check.push(made.other(data, "`data` makes it a success").help("keep one of the two"));
    }
    if let Some(word) = section.text("error") {
        return error(word, steps, names, holes, check);
    }
    match section.node("data") {
        Some(node) => whole(node, holes, check).map_or(What::Nothing, What::Data),
        None => What::Nothing,
    }
}

/// `"${STEP.error}"`, or a code of the vocabulary.
fn error<'t>(
    word: Word<'t>,
    steps: &[Draft<'t>],
    names: Names<'_, 't>,
    holes: &mut Vec<Hole<'t>>,
    check: &mut Check<'_>,
) -> What {
    match scan(word.text).as_deref() {
        Ok([Part::Literal(_)]) => {
            return names.codes.resolve(word, check).map_or(What::Nothing, What::Code);
        }
        Ok([Part::Hole(..)]) => {}
        _ => {
            let made = Diagnostic::at(Id::BadOutlet, word.place, "this is no error");
            check.push(made.help("write \"${STEP.error}\", or the name of an error code"));
            return What::Nothing;
        }
    }
    let Some(made) = expression(word, holes, check) else { return What::Nothing };
    // An error is handed on as it is, with all that belongs to it.
    let step = match made.path() {
        Some((root, [Segment::Name(member)])) if **member == *"error" => Some(root),
        _ => None,
    };
    if step.is_none() || !steps.iter().any(|known| step == Some(known.step.name.as_str())) {
        let made = Diagnostic::at(Id::BadOutlet, word.place, "an error is that of one step");
        check.push(made.help("write \"${STEP.error}\", or the name of an error code"));
    }
    What::Error(made)
}

/// A status that is written out says whether a result is an error.
fn agree(section: Section<'_>, status: Option<&Status>, what: &What, check: &mut Check<'_>) {
    let Some(node) = section.node("status") else { return };
    let Some(Status::Fixed(status)) = status else { return };
    let made = match what {
        What::Nothing | What::Data(_) if *status >= 400 && !section.has("error") => {
            let message =
                format!("{status} is an error, and a result without `error` is a success");
            Diagnostic::at(Id::BadOutlet, node.place, message)
                .help("name the error: `error = \"${STEP.error}\"`, or `error = \"Conflict\"`")
        }
        What::Error(_) | What::Code(_) if *status < 400 => {
            let message = format!("{status} is a success, and `error` makes this result an error");
            Diagnostic::at(Id::BadOutlet, node.place, message)
                .help("errors begin at 400; hand a success on with `data`")
        }
        What::Data(_) if matches!(status, 204 | 205 | 304) => {
            let message = format!("a reply with status {status} has no body");
            Diagnostic::at(Id::BadOutlet, node.place, message).help("take `data` away")
        }
        What::Nothing | What::Data(_) | What::Error(_) | What::Code(_) => return,
    };
    check.push(made);
}
