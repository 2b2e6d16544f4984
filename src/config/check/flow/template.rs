//! Values with holes, compiled, with the place of each hole.

use crate::config::check::Check;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::read::{Word, word};
use crate::config::tree::{Node, Value};
use crate::expression::{Expression, Fault, Part, Template, Text, scan};

/// Where an expression stands.
#[derive(Clone, Copy)]
pub(super) struct Hole<'t> {
    /// The string that it stands in.
    pub(super) word: Word<'t>,
    /// The byte of the string at which it begins.
    pub(super) begin: usize,
}

/// A value of the file. The holes are noted in the order in which the template shows its
/// expressions; none where it is refused.
pub(super) fn whole<'t>(
    node: &'t Node,
    holes: &mut Vec<Hole<'t>>,
    check: &mut Check<'_>,
) -> Option<Template> {
    let mut found = Vec::new();
    let made = template(node, &mut found, check)?;
    holes.append(&mut found);
    Some(made)
}

fn template<'t>(
    node: &'t Node,
    holes: &mut Vec<Hole<'t>>,
    check: &mut Check<'_>,
) -> Option<Template> {
    match &node.value {
        Value::Broken => None,
        Value::String(text) => match Template::of_text(text) {
            Ok(template) => {
                note(word(node)?, holes);
                Some(template)
            }
            Err(faults) => {
                refuse(word(node)?, faults, check);
                None
            }
        },
        // One mistake is no reason to be silent about the others.
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| template(item, holes, check)).collect();
            items.into_iter().collect::<Option<_>>().map(Template::List)
        }
        Value::Table(table) => {
            let members: Vec<_> = table
                .entries
                .iter()
                .map(|entry| {
                    let made = template(&entry.node, holes, check);
                    made.map(|made| (Box::from(entry.key.as_str()), made))
                })
                .collect();
            members.into_iter().collect::<Option<_>>().map(Template::Object)
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
            Some(Template::Constant(node.to_json()))
        }
    }
}

/// A string that becomes text.
pub(super) fn text<'t>(
    word: Word<'t>,
    holes: &mut Vec<Hole<'t>>,
    check: &mut Check<'_>,
) -> Option<Text> {
    match Text::compile(word.text) {
        Ok(text) => {
            note(word, holes);
            Some(text)
        }
        Err(faults) => {
            refuse(word, faults, check);
            None
        }
    }
}

/// A string that is one expression, with `${…}` around it or without.
pub(super) fn expression<'t>(
    word: Word<'t>,
    holes: &mut Vec<Hole<'t>>,
    check: &mut Check<'_>,
) -> Option<Expression> {
    let (inside, begin) = match scan(word.text).as_deref() {
        Ok([Part::Hole(inside, begin)]) => (*inside, *begin),
        _ => (word.text, 0),
    };
    match Expression::compile(inside) {
        Ok(expression) => {
            holes.push(Hole { word, begin });
            Some(expression)
        }
        Err(fault) => {
            refuse(word, vec![fault.moved(begin)], check);
            None
        }
    }
}

fn note<'t>(word: Word<'t>, holes: &mut Vec<Hole<'t>>) {
    for part in scan(word.text).unwrap_or_default() {
        if let Part::Hole(_, begin) = part {
            holes.push(Hole { word, begin });
        }
    }
}

fn refuse(word: Word<'_>, faults: Vec<Fault>, check: &mut Check<'_>) {
    for fault in faults {
        let place = check.within(word, &fault.at);
        let made = Diagnostic::at(Id::BadExpression, place, fault.message);
        check.push(made.help_if(fault.help));
    }
}
