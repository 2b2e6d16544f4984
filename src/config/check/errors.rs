//! `[errors]`: the catalogue, and which codes there are.

use std::sync::Arc;

use http::StatusCode;

use super::Check;
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::Errors;
use crate::config::read::{Section, Word};
use crate::config::shape::quoted;
use crate::config::source::FileId;
use crate::config::suggest;
use crate::config::tree::Entry;
use crate::config::value;
use crate::problem::{BuiltIn, Catalogue, CatalogueError, Code, CustomId, Format, Override};

/// Which codes there are, even if the catalogue was refused: a gap in one text should not make
/// every rule look wrong.
pub(super) struct Codes {
    catalogue: Option<Arc<Catalogue>>,
    prefix: String,
    added: Vec<String>,
}

impl Codes {
    /// The code that `word` names, with or without prefix; reported if there is none.
    pub(super) fn resolve(&self, word: Word<'_>, check: &mut Check<'_>) -> Option<Code> {
        let name = word.text.strip_prefix(self.prefix.as_str()).unwrap_or(word.text);
        let known = self
            .catalogue
            .as_ref()
            .and_then(|catalogue| catalogue.code_by_name(word.text))
            .or_else(|| BuiltIn::by_name(name).map(Code::from))
            .or_else(|| self.added(name));
        if known.is_none() {
            let built_in = BuiltIn::ALL.iter().map(|code| code.row().name);
            let names = self.added.iter().map(String::as_str).chain(built_in);
            let likely = suggest::nearest(name, names).or_else(|| standard(name));
            let message = format!("there is no error code `{}`", quoted(name));
            let made = Diagnostic::at(Id::UnknownCode, word.place, message);
            check.push(match likely {
                Some(likely) => made.help(format!("did you mean `{likely}`?")),
                None => {
                    made.help("`guichet errors` lists the codes; `[errors.catalogue]` adds others")
                }
            });
        }
        known
    }

    fn added(&self, name: &str) -> Option<Code> {
        let index = self.added.iter().position(|known| known == name)?;
        u16::try_from(index).ok().map(|index| Code::Custom(CustomId(index)))
    }
}

/// The code for what HTTP itself calls a failure: `NotFound` is `InvalidResource` here.
fn standard(name: &str) -> Option<&'static str> {
    let named = |status: &u16| {
        let reason = StatusCode::from_u16(*status).ok()?.canonical_reason()?;
        reason.replace([' ', '-'], "").eq_ignore_ascii_case(name).then_some(())
    };
    let status = (400..600).find(|status| named(status).is_some())?;
    let (code, shown) = BuiltIn::for_status(status)?;
    (code.row().status == shown).then_some(code.row().name)
}

pub(super) fn errors(
    root: Section<'_>,
    languages: &[String],
    check: &mut Check<'_>,
) -> (Option<Errors>, Codes) {
    let section = root.section("errors");
    // What is malformed was reported; the catalogue would only say it again.
    let text = |key, fits: fn(&str) -> Result<(), String>| {
        section.text(key).map(|word| word.text).filter(|text| fits(text).is_ok())
    };
    let prefix = text("prefix", value::prefix).unwrap_or(defaults::PREFIX);
    let docs = text("docs", value::url);
    let overrides = overrides(section.section("catalogue"), languages, check);
    let catalogue = match Catalogue::new(prefix, docs, languages, &overrides) {
        Ok(catalogue) => Some(Arc::new(catalogue)),
        Err(faults) => {
            for fault in faults {
                let diagnostic = diagnose(&fault, root);
                check.push(diagnostic);
            }
            None
        }
    };
    let added = overrides
        .into_iter()
        .map(|entry| entry.name)
        .filter(|name| BuiltIn::by_name(name).is_none())
        .collect();
    let errors = catalogue.clone().map(|catalogue| Errors {
        catalogue,
        format: match section.text("format").map(|word| word.text) {
            Some("problem+json") => Format::ProblemJson,
            Some("json") => Format::Json,
            Some(_) | None => defaults::FORMAT,
        },
        inspect: section.length("inspect").unwrap_or(defaults::INSPECT),
        retry_after: section.duration("retry_after").unwrap_or(defaults::RETRY_AFTER),
        keep_headers: section
            .texts("keep_headers")
            .iter()
            .filter_map(|word| value::kept_header(word.text).ok())
            .collect(),
    });
    (errors, Codes { catalogue, prefix: prefix.to_owned(), added })
}

fn overrides(section: Section<'_>, languages: &[String], check: &mut Check<'_>) -> Vec<Override> {
    let mut overrides = Vec::new();
    for entry in section.entries() {
        let inner = Section::of_node(&entry.node);
        let mut texts = Vec::new();
        for text in inner.entries().iter().filter(|text| text.key != "status") {
            match languages.iter().find(|tag| tag.eq_ignore_ascii_case(&text.key)) {
                Some(tag) => {
                    let written = text.node.as_str();
                    texts.extend(written.map(|written| (tag.clone(), written.to_owned())));
                }
                None => {
                    let known = languages.iter().map(String::as_str);
                    let word = Word { text: &text.key, place: text.place };
                    check.unknown(Id::UnknownName, word, "language", known);
                }
            }
        }
        // Entries whose values were refused already would only be called incomplete.
        let whole = entry.node.as_table().is_some()
            && value::code_name(&entry.key).is_ok()
            && inner
                .entries()
                .iter()
                .all(|text| text.key == "status" || text.node.as_str().is_some());
        if whole {
            let status = inner.integer("status");
            overrides.push(Override { name: entry.key.clone(), status, texts });
        }
    }
    overrides
}

fn diagnose(fault: &CatalogueError, root: Section<'_>) -> Diagnostic {
    let catalogue = root.section("errors").section("catalogue");
    let entry = fault
        .name
        .as_ref()
        .and_then(|name| catalogue.entries().iter().find(|entry| entry.key == *name));
    let written = |entry: &Entry, language: &str| {
        let texts = Section::of_node(&entry.node).entries();
        texts
            .iter()
            .find(|text| text.key.eq_ignore_ascii_case(language))
            .map(|text| text.node.place)
    };
    let place = match (entry, &fault.language) {
        (Some(entry), Some(language)) => written(entry, language).or(Some(entry.place)),
        (Some(entry), None) => Some(entry.place),
        (None, Some(_)) => root.section("server").place("languages"),
        (None, None) => root.section("errors").place("catalogue"),
    };
    let made = match place {
        Some(place) => Diagnostic::at(Id::Catalogue, place, &fault.message),
        None => Diagnostic::whole(Id::Catalogue, FileId::MAIN, &fault.message),
    };
    match (entry, &fault.language) {
        (Some(entry), Some(language)) if written(entry, language).is_none() => {
            made.help(format!("add `{language} = \"…\"`"))
        }
        (Some(_), None) => made.help(WHOLE_ENTRY),
        (Some(_) | None, Some(_) | None) => made,
    }
}

const WHOLE_ENTRY: &str = "a whole entry: `OutOfStock = { status = 409, fr = \"…\", en = \"…\" }`, \
                           with every language of `server.languages`; a built-in code has its \
                           status already";
