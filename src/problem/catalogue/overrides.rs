//! The operator's entries: checked one by one and compiled.

use super::template::Template;
use super::{CatalogueError, Override};
use crate::problem::code::BuiltIn;

/// An operator's entry without a mistake.
#[derive(Debug)]
pub(super) struct Reworded {
    pub(super) name: String,
    pub(super) status: u16,
    /// The code that it rewords; none if it is a new one.
    pub(super) built_in: Option<BuiltIn>,
    texts: Vec<(String, Template)>,
}

impl Reworded {
    /// The text for a language: its own, else its primary language's (`fr` for `fr-CA`).
    pub(super) fn text(&self, tag: &str) -> Option<&Template> {
        let find = |tag: &str| {
            let found = self.texts.iter().find(|(known, _)| known.eq_ignore_ascii_case(tag));
            found.map(|(_, text)| text)
        };
        find(tag).or_else(|| find(tag.split('-').next()?))
    }
}

/// Compiles the entries. One with a mistake is still listed, as far as it could be read, so that
/// its absence is not reported as a second mistake.
pub(super) fn compile(
    entries: &[Override],
    languages: &[String],
    errors: &mut Vec<CatalogueError>,
) -> Vec<Reworded> {
    let mut done: Vec<Reworded> = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut report = Report { entry, errors };
        if done.iter().any(|known| known.name == entry.name) {
            report.add(None, "this entry stands twice".into());
            continue;
        }
        let built_in = BuiltIn::by_name(&entry.name);
        let status = report.status(built_in);
        let texts = report.texts();
        let reworded = Reworded { name: entry.name.clone(), status, built_in, texts };
        report.gaps(&reworded, languages);
        report.placeholders(&reworded);
        done.push(reworded);
    }
    if entries.len() > MAX_ENTRIES {
        let message = format!("at most {MAX_ENTRIES} entries can be given");
        errors.push(CatalogueError { name: None, language: None, message });
    }
    done
}

/// Whether a text looks like a language tag (RFC 5646): `fr`, `pt-BR`, `zh-Hant`.
pub(super) fn is_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default();
    (2..=8).contains(&primary.len())
        && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
        && tag.len() <= 35
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// The mistakes of one entry.
struct Report<'a> {
    entry: &'a Override,
    errors: &'a mut Vec<CatalogueError>,
}

impl Report<'_> {
    fn add(&mut self, language: Option<&str>, message: String) {
        self.errors.push(CatalogueError {
            name: Some(self.entry.name.clone()),
            language: language.map(str::to_owned),
            message,
        });
    }

    /// Checks name and status together, because a misspelt built-in code looks like a new one.
    fn status(&mut self, built_in: Option<BuiltIn>) -> u16 {
        let name = self.entry.name.as_str();
        if let Some(code) = built_in {
            let own = code.row().status;
            if self.entry.status.is_some() {
                let message = format!(
                    "{name} is built in: its status is {own} and cannot be set; it can be reworded"
                );
                self.add(None, message);
            }
            return own;
        }
        if !is_name(name) {
            let message = "a name is made of at most 64 letters and digits and begins with a \
                           capital, such as OutOfStock";
            self.add(None, message.into());
        }
        let Some(status) = self.entry.status else {
            let meant = near(name).map(|meant| format!("; did you mean the built-in {meant}?"));
            let message = "a new code needs a status, such as `status = 409`";
            self.add(None, format!("{message}{}", meant.unwrap_or_default()));
            return 500;
        };
        if BuiltIn::for_status(status).is_none_or(|(_, shown)| shown != status) {
            let message = format!(
                "{status} is not a registered error status; choose one of 400 to 511, such as 409 \
                 or 422"
            );
            self.add(None, message);
        }
        status
    }

    fn texts(&mut self) -> Vec<(String, Template)> {
        let mut texts: Vec<(String, Template)> = Vec::new();
        for (tag, text) in &self.entry.texts {
            if !is_tag(tag) {
                let message = "this is no language tag; examples are `fr`, `en` and `pt-BR`";
                self.add(Some(tag), message.into());
            } else if texts.iter().any(|(known, _)| known.eq_ignore_ascii_case(tag)) {
                self.add(Some(tag), "this language stands twice".into());
            }
            match Template::compile(text) {
                Ok(template) => texts.push((tag.clone(), template)),
                Err(error) => self.add(Some(tag), error.to_string()),
            }
        }
        texts
    }

    fn gaps(&mut self, reworded: &Reworded, languages: &[String]) {
        for tag in languages {
            // A text that does not compile has been reported, and is no gap.
            let primary = tag.split('-').next().unwrap_or_default();
            let given = self.entry.texts.iter().any(|(known, _)| {
                known.eq_ignore_ascii_case(tag) || known.eq_ignore_ascii_case(primary)
            });
            if !given && reworded.text(tag).is_none() {
                let message = format!("the text in the configured language `{tag}` is missing");
                self.add(Some(tag), message);
            }
        }
    }

    fn placeholders(&mut self, reworded: &Reworded) {
        let Some(((first, model), rest)) = reworded.texts.split_first() else { return };
        let wanted = model.placeholder_set();
        for (tag, text) in rest {
            if text.placeholder_set() == wanted {
                continue;
            }
            let list = |template: &Template| {
                let set = template.placeholder_set();
                let words = set.iter().map(|slot| format!("{{{}}}", slot.as_str()));
                let words: Vec<_> = words.collect();
                if words.is_empty() { "none".into() } else { words.join(", ") }
            };
            let message = format!(
                "the placeholders differ between languages: `{first}` has {}, `{tag}` has {}",
                list(model),
                list(text)
            );
            self.add(Some(tag), message);
        }
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The built-in name that was probably meant.
fn near(name: &str) -> Option<&'static str> {
    let names = BuiltIn::ALL.iter().map(|code| code.row().name);
    let close = names.map(|known| (distance(known, name), known)).min()?;
    (close.0 <= 2 && name.len() <= 64).then_some(close.1)
}

/// Letters to add, drop or change to get from one name to the other, case aside.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<u8> = right.bytes().take(65).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, from) in left.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, to) in right.iter().enumerate() {
            let change = diagonal + usize::from(!from.eq_ignore_ascii_case(to));
            diagonal = row[column + 1];
            row[column + 1] = change.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

const MAX_ENTRIES: usize = 1000;
