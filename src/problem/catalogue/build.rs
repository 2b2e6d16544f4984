//! Building a catalogue: guichet's own texts, then the operator's over them. Every mistake is
//! gathered, so that one run of `guichet check` shows them all.

use std::borrow::Cow;

use http::HeaderValue;

use super::embedded::{self, Edition, Wording, Words};
use super::overrides::{self, Reworded};
use super::template::Template;
use super::{Catalogue, CatalogueError, Custom, Entry, Override, Speech};
use crate::base::grpc::GrpcStatus;
use crate::problem::code::BuiltIn;

/// Builds a catalogue, or says everything that is wrong.
pub(super) fn build(
    prefix: &str,
    docs: Option<&str>,
    languages: &[String],
    overrides: &[Override],
) -> Result<Catalogue, Vec<CatalogueError>> {
    let mut errors = Vec::new();
    if !is_prefix(prefix) {
        errors.push(whole(format!(
            "the prefix `{}` can hold at most 64 letters, digits, dots, hyphens and underscores",
            prefix.escape_debug()
        )));
    }
    if let Some(docs) = docs.filter(|docs| !is_address(docs)) {
        errors.push(whole(format!(
            "the address `{}` must begin with https:// or http:// and hold no space",
            docs.escape_debug()
        )));
    }
    let spoken = speak(languages, &mut errors);
    let reworded = overrides::compile(overrides, languages, &mut errors);
    refuse_gaps(&spoken, &reworded, &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }

    let press = Press { prefix, docs, spoken: &spoken, reworded: &reworded };
    let built_in = BuiltIn::ALL.iter().map(|code| press.built_in(*code));
    let added = reworded.iter().filter(|entry| entry.built_in.is_none());
    let customs = added.map(|entry| Custom { name: entry.name.clone(), status: entry.status });
    let customs: Vec<_> = customs.collect();
    let custom = customs.iter().map(|custom| press.custom(custom));
    Ok(Catalogue {
        built_in: built_in.collect::<Option<_>>().ok_or_else(unfinished)?,
        custom: custom.collect::<Option<_>>().ok_or_else(unfinished)?,
        customs,
        prefix: prefix.into(),
        tags: languages.to_vec(),
        languages: spoken.into_iter().map(Spoken::into_speech).collect(),
    })
}

/// A configured language, with guichet's own texts if it has any in it.
struct Spoken {
    tag: String,
    content_language: HeaderValue,
    edition: Option<Edition>,
}

impl Spoken {
    fn into_speech(self) -> Speech {
        let words = self.edition.map_or_else(Words::neutral, |edition| edition.words);
        Speech { content_language: self.content_language, words }
    }
}

/// All that entries are made from, once nothing is wrong any more.
struct Press<'a> {
    prefix: &'a str,
    docs: Option<&'a str>,
    spoken: &'a [Spoken],
    reworded: &'a [Reworded],
}

impl Press<'_> {
    fn built_in(&self, code: BuiltIn) -> Option<Entry> {
        let row = code.row();
        self.entry(row.name.into(), row.status, code, row.graphql, row.grpc)
    }

    /// A code of the operator's: what its status means to GraphQL and gRPC, it means as well.
    fn custom(&self, custom: &Custom) -> Option<Entry> {
        let (like, _) = BuiltIn::for_status(custom.status)?;
        let grpc = grpc_for_status(custom.status);
        self.entry(custom.name.clone().into(), custom.status, like, like.row().graphql, grpc)
    }

    fn entry(
        &self,
        name: Cow<'static, str>,
        status: u16,
        like: BuiltIn,
        graphql: &'static str,
        grpc: GrpcStatus,
    ) -> Option<Entry> {
        let full_text = format!("{}{name}", self.prefix);
        let own = self.reworded.iter().find(|entry| entry.name == name);
        let wordings = self.spoken.iter().map(|spoken| spoken.wording(&name, like, own));
        Some(Entry {
            full: HeaderValue::from_str(&full_text).ok()?,
            wordings: wordings.collect::<Option<_>>()?,
            link: self.docs.map(|docs| format!("{docs}{name}")),
            full_text,
            name,
            status,
            graphql,
            grpc,
        })
    }
}

impl Spoken {
    /// What is said of a code: the operator's text where there is one. It replaces guichet's own,
    /// all but the plainest, which remains for a problem that cannot fill the operator's text.
    fn wording(&self, name: &str, like: BuiltIn, own: Option<&Reworded>) -> Option<Wording> {
        let ours = self.edition.as_ref().and_then(|edition| edition.wordings.get(like as usize));
        let Some(own) = own else { return ours.cloned() };
        let text = own.text(&self.tag)?.clone();
        let plainest = ours.and_then(|ours| ours.variants.last()).cloned();
        let rest = plainest.filter(|_| text.fixed().is_none());
        Some(Wording {
            title: ours.map_or_else(|| in_words(name), |ours| ours.title.clone()),
            when: ours.filter(|_| own.built_in.is_some()).map_or_else(String::new, when),
            variants: std::iter::once(text).chain(rest).collect::<Vec<Template>>(),
        })
    }
}

fn when(wording: &Wording) -> String {
    wording.when.clone()
}

fn speak(languages: &[String], errors: &mut Vec<CatalogueError>) -> Vec<Spoken> {
    if languages.is_empty() || languages.len() > MAX_LANGUAGES {
        errors.push(whole(format!("between 1 and {MAX_LANGUAGES} languages are needed")));
    }
    let mut spoken: Vec<Spoken> = Vec::with_capacity(languages.len());
    for tag in languages {
        let wrong = |message: &str| CatalogueError {
            name: None,
            language: Some(tag.clone()),
            message: message.into(),
        };
        if spoken.iter().any(|known| known.tag.eq_ignore_ascii_case(tag)) {
            errors.push(wrong("this language stands twice"));
            continue;
        }
        let Some(content_language) =
            HeaderValue::from_str(tag).ok().filter(|_| overrides::is_tag(tag))
        else {
            errors.push(wrong("this is no language tag; examples are `fr`, `en` and `pt-BR`"));
            continue;
        };
        match embedded::edition(tag) {
            Ok(edition) => spoken.push(Spoken { tag: tag.clone(), content_language, edition }),
            Err(message) => errors.push(wrong(&message)),
        }
    }
    spoken
}

/// A language that guichet does not speak needs the operator's text for every built-in code. What
/// an entry itself lacks has already been said.
fn refuse_gaps(spoken: &[Spoken], reworded: &[Reworded], errors: &mut Vec<CatalogueError>) {
    let names = || BuiltIn::ALL.iter().map(|code| code.row().name);
    let untold = |name: &&str| !reworded.iter().any(|entry| entry.name == *name);
    let missing: Vec<_> = names().filter(untold).collect();
    let [first, ..] = missing.as_slice() else { return };
    for language in spoken.iter().filter(|language| language.edition.is_none()) {
        let rest = match missing.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        errors.push(CatalogueError {
            name: None,
            language: Some(language.tag.clone()),
            message: format!(
                "guichet itself speaks {} only; for another language, [errors.catalogue] must \
                 hold a text for every code: {first}{rest} lack one",
                embedded::LANGUAGES.join(" and "),
            ),
        });
    }
}

/// gRPC's word for an operator's status. Where a built-in code has the same status for a reason of
/// its own (400 for unreadable, 404 for "no such method"), the operator's meaning is the usual one.
fn grpc_for_status(status: u16) -> GrpcStatus {
    match status {
        404 => GrpcStatus::NotFound,
        402 | 423 | 424 | 428 => GrpcStatus::FailedPrecondition,
        407 | 511 => GrpcStatus::Unauthenticated,
        425 => GrpcStatus::Unavailable,
        451 => GrpcStatus::PermissionDenied,
        507 => GrpcStatus::ResourceExhausted,
        400 | 418 => GrpcStatus::InvalidArgument,
        _ => BuiltIn::for_status(status).map_or(GrpcStatus::Unknown, |(code, _)| code.row().grpc),
    }
}

/// `OutOfStock` as "Out of stock".
fn in_words(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push(' ');
            out.push(letter.to_ascii_lowercase());
        } else {
            out.push(letter);
        }
    }
    out
}

fn is_prefix(prefix: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    prefix.len() <= 64 && prefix.bytes().all(fits)
}

fn is_address(docs: &str) -> bool {
    let web = docs.starts_with("https://") || docs.starts_with("http://");
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\');
    web && docs.len() <= 1024 && docs.bytes().all(plain)
}

fn whole(message: String) -> CatalogueError {
    CatalogueError { name: None, language: None, message }
}

/// Cannot happen once everything has been checked; if it does, the operator is told, and the
/// configuration is refused.
fn unfinished() -> Vec<CatalogueError> {
    vec![whole("the catalogue could not be built: please report this".into())]
}

const MAX_LANGUAGES: usize = 32;
