//! `[route.body]`: the schema compiled, or the fields of a form.

use std::sync::Arc;

use super::{Check, params};
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{BodyRule, Fields, Form, Names, Params};
use crate::config::read::Section;
use crate::parameter::{Schema, Tongue};
use crate::problem::Place;

pub(super) fn body(
    route: Section<'_>,
    tongues: &[Tongue],
    check: &mut Check<'_>,
) -> Option<Box<BodyRule>> {
    let place = route.place("body")?;
    let section = route.section("body");
    let (json, form) = match (section.has("schema"), section.place("fields")) {
        (true, Some(fields)) => {
            let message = "a body has a schema or fields, not both";
            let made = Diagnostic::at(Id::BadBody, fields, message);
            check.push(made.help("write a second route for the other media type"));
            return None;
        }
        (true, None) => (Some(schema(section, check)?), None),
        (false, Some(_)) => {
            let fields = Some(Arc::new(fields(route, section, tongues, check)));
            (None, Some(Form { fields, whole: None }))
        }
        (false, None) => {
            let message = "nothing says what this body must be";
            let made = Diagnostic::at(Id::BadBody, place, message);
            check.push(made.help("add `schema = \"schemas/user.json\"`, or `[route.body.fields]`"));
            return None;
        }
    };
    Some(Box::new(BodyRule {
        json,
        urlencoded: form.clone(),
        multipart: form,
        others: false,
        limit: section.size("limit").unwrap_or(defaults::CHECKED_BODY),
        optional: section.boolean("optional").unwrap_or_default(),
        tongues: tongues.into(),
    }))
}

/// A schema is read with the configuration: a file that is not there is an error, not a warning.
fn schema(section: Section<'_>, check: &mut Check<'_>) -> Option<Schema> {
    let word = section.text("schema")?;
    let path = check.sources.resolve(word.place.file, word.text);
    check.sources.looks_for(&path);
    let mut files = Vec::new();
    let loaded = Schema::load(&path, section.boolean("formats").unwrap_or(true), &mut files);
    for (path, content) in files {
        check.sources.rests_on(path, &content);
    }
    match loaded {
        Ok(schema) => Some(schema),
        Err(why) => {
            let message = format!("the schema {} cannot be used: {why}", path.display());
            let help = (path.is_relative() && !path.exists())
                .then_some("a relative path starts from the folder of its file");
            check.push(Diagnostic::at(Id::BadBody, word.place, message).help_if(help));
            None
        }
    }
}

fn fields(
    route: Section<'_>,
    section: Section<'_>,
    tongues: &[Tongue],
    check: &mut Check<'_>,
) -> Fields {
    let entries = section.section("fields").entries();
    if let Some(entry) = entries.get(Params::MOST) {
        let message = format!("a form has at most {} fields", Params::MOST);
        check.push(Diagnostic::at(Id::OutOfRange, entry.place, message));
    }
    let declared = entries.iter().take(Params::MOST);
    let rules: Vec<_> =
        declared.map(|entry| params::rule(entry, Place::Body, check).speaking(tongues)).collect();
    let names = rules.iter().map(|rule| rule.name.clone()).zip(0..).collect();
    Fields {
        rules: rules.into(),
        names: Names::new(names),
        strict: route.boolean("strict").unwrap_or_default(),
    }
}
