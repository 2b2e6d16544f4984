//! The fields of a form as they are read: each by its own rule, and all of them by the schema of the form.

use std::borrow::Cow;

use super::verdict;
use crate::base::percent::Unreadable;
use crate::config::model::Form;
use crate::gate::params::Ledger;
use crate::parameter::{Pair, Tongue};
use crate::problem::Problem;

/// A form that is being read.
pub(super) struct Judged<'f> {
    form: &'f Form,
    ledger: Ledger<'f>,
    /// Nothing where no schema will ask for them.
    pairs: Vec<Pair<'f>>,
}

impl<'f> Judged<'f> {
    pub(super) fn new(form: &'f Form) -> Self {
        let rules = form.fields.as_ref().map_or(&[][..], |fields| &fields.rules);
        Self { form, ledger: Ledger::new(rules), pairs: Vec::new() }
    }

    /// A field that holds a text. One that cannot be read is told by its rule, or is unknown.
    pub(super) fn text(
        &mut self,
        name: Result<Cow<'f, str>, &str>,
        text: Result<Cow<'f, str>, Unreadable>,
    ) {
        let known = name.as_deref().map_err(|raw| *raw);
        if let Some(fields) = &self.form.fields {
            match known.ok().and_then(|name| fields.names.find(name)) {
                Some(rule) => self.ledger.take(rule, text.as_deref().map_err(|why| *why)),
                None if fields.strict => self.ledger.unknown(known.unwrap_or_else(|raw| raw)),
                None => {}
            }
        }
        if let (true, Ok(name), Ok(text)) = (self.form.whole.is_some(), name, text) {
            self.pairs.push(Pair { name, text, is_file: false });
        }
    }

    /// A field that holds a file.
    pub(super) fn file(&mut self, name: String, content: &'f [u8]) {
        if let Some(fields) = &self.form.fields {
            match fields.names.find(&name) {
                Some(rule) => self.ledger.take_file(rule),
                None if fields.strict => self.ledger.unknown(&name),
                None => {}
            }
        }
        if self.form.whole.is_some() {
            // What it holds is not looked at, but for whether it is text at all.
            let text =
                std::str::from_utf8(content).map_or(Cow::Borrowed("\u{fffd}"), Cow::Borrowed);
            self.pairs.push(Pair { name: name.into(), text, is_file: true });
        }
    }

    /// What is wrong: with fields by themselves, or else with all of them.
    pub(super) fn close(self, urlencoded: bool, tongues: &[Tongue]) -> Result<(), Problem> {
        self.ledger.close(tongues)?;
        match &self.form.whole {
            Some(whole) => verdict(whole.judge(&self.pairs, urlencoded, tongues)),
            None => Ok(()),
        }
    }
}
