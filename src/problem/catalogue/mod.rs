//! Every code in every configured language: built once when the configuration loads, then only
//! read. An existing catalogue has no gaps, so rendering never meets one.

mod build;
mod embedded;
mod overrides;
mod template;
mod text;

use std::borrow::Cow;
use std::time::Duration;

use http::HeaderValue;

use self::embedded::{Wording, Words};
use self::text::Values;
use super::{BuiltIn, Code, CustomId, Problem, Reason, Violation};
use crate::base::grpc::GrpcStatus;
use crate::base::prefer;

pub use self::template::Placeholder;
pub(super) use self::text::{Text, clip};

/// The texts of every code in every configured language, and the operator's codes.
#[derive(Debug)]
pub struct Catalogue {
    prefix: String,
    tags: Vec<String>,
    languages: Vec<Speech>,
    /// One per built-in code, in the order of [`BuiltIn::ALL`].
    built_in: Vec<Entry>,
    custom: Vec<Entry>,
    customs: Vec<Custom>,
}

/// Index of a language in `server.languages`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language(pub u8);

/// An entry of `[errors.catalogue]`: rewords a built-in code, or adds one.
#[derive(Debug, Clone)]
pub struct Override {
    /// Name without prefix.
    pub name: String,
    /// Status; needed for a new code, refused for a built-in one.
    pub status: Option<u16>,
    /// Language tag → text.
    pub texts: Vec<(String, String)>,
}

/// What the operator added.
#[derive(Debug, Clone)]
pub struct Custom {
    /// Name without prefix.
    pub name: String,
    /// Status.
    pub status: u16,
}

/// Why a catalogue is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueError {
    /// The entry, or none for the whole.
    pub name: Option<String>,
    /// The language, where one is at fault.
    pub language: Option<String>,
    /// A sentence for the operator.
    pub message: String,
}

/// What is the same for all texts of a language.
#[derive(Debug)]
struct Speech {
    content_language: HeaderValue,
    words: Words,
}

/// One code with all that is said about it.
#[derive(Debug)]
struct Entry {
    name: Cow<'static, str>,
    full: HeaderValue,
    full_text: String,
    status: u16,
    graphql: &'static str,
    grpc: GrpcStatus,
    link: Option<String>,
    /// One per language, in their order.
    wordings: Vec<Wording>,
}

impl Catalogue {
    /// Builds a catalogue: guichet's own texts, reworded and completed by `overrides`, for
    /// `languages` (the first is the fallback). A code is `prefix` directly followed by its name,
    /// and its link `docs` followed by its name.
    ///
    /// # Errors
    /// Every mistake at once: an unusable prefix, link or language; a name, status or placeholder
    /// that does not fit; a text that is missing in one of the languages.
    pub fn new(
        prefix: &str,
        docs: Option<&str>,
        languages: &[String],
        overrides: &[Override],
    ) -> Result<Self, Vec<CatalogueError>> {
        build::build(prefix, docs, languages, overrides)
    }

    /// The code with this name, with or without prefix; upper and lower case differ.
    pub fn code_by_name(&self, name: &str) -> Option<Code> {
        self.code_by_bare_name(name).or_else(|| self.code_by_full(name))
    }

    /// The code that a client sees as `full`, prefix included; upper and lower case differ.
    pub fn code_by_full(&self, full: &str) -> Option<Code> {
        self.code_by_bare_name(full.strip_prefix(self.prefix.as_str())?)
    }

    /// What stands before every name.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Every code: the built-in ones in the order of the contract, then the operator's.
    pub fn codes(&self) -> impl Iterator<Item = Code> {
        let custom = (0..).map(CustomId).take(self.custom.len()).map(Code::Custom);
        BuiltIn::ALL.iter().copied().map(Code::BuiltIn).chain(custom)
    }

    /// The operator's codes, in the order of their [`CustomId`]s.
    pub fn customs(&self) -> &[Custom] {
        &self.customs
    }

    /// The configured languages' tags, the first is the fallback.
    pub fn languages(&self) -> &[String] {
        &self.tags
    }

    /// The language that fits `Accept-Language` best.
    pub fn choose_language(&self, accept_language: Option<&HeaderValue>) -> Language {
        let line = accept_language.and_then(|value| value.to_str().ok());
        let best = line.and_then(|line| prefer::language(&[line], &self.tags));
        Language(best.and_then(|at| u8::try_from(at).ok()).unwrap_or(0))
    }

    /// The tag of a language as a header value; cloning it copies no text.
    pub fn content_language(&self, language: Language) -> Option<&HeaderValue> {
        self.speech(language).map(|speech| &speech.content_language)
    }

    /// The name after the prefix.
    pub fn name(&self, code: Code) -> &str {
        &self.entry(code).name
    }

    /// `fr.ammyInvalidParameter`, ready for the `error-code` header.
    pub fn full_code(&self, code: Code) -> &HeaderValue {
        &self.entry(code).full
    }

    /// `fr.ammyInvalidParameter`, as text.
    pub fn full_code_text(&self, code: Code) -> &str {
        &self.entry(code).full_text
    }

    /// The status that a code has by nature.
    pub fn code_status(&self, code: Code) -> u16 {
        self.entry(code).status
    }

    /// The value of GraphQL's `extensions.code`.
    pub fn graphql(&self, code: Code) -> &'static str {
        self.entry(code).graphql
    }

    /// The gRPC status.
    pub fn grpc(&self, code: Code) -> GrpcStatus {
        self.entry(code).grpc
    }

    /// The gRPC status of a problem: its own, else its code's.
    pub fn grpc_of(&self, problem: &Problem) -> GrpcStatus {
        problem.grpc_override().unwrap_or_else(|| self.grpc(problem.code()))
    }

    /// Where a code is explained: the configured address followed by the name.
    pub fn link(&self, code: Code) -> Option<&str> {
        self.entry(code).link.as_deref()
    }

    /// The status of a problem: its own if that is one of an error, else its code's.
    pub fn status(&self, problem: &Problem) -> u16 {
        let own = problem.status_override().filter(|status| (400..600).contains(status));
        own.unwrap_or_else(|| self.code_status(problem.code()))
    }

    /// The short name of a code for people.
    pub fn title(&self, code: Code, language: Language) -> &str {
        self.wording(code, language).map_or("", |wording| &wording.title)
    }

    /// When a code is used, for developers; none for an operator's code.
    pub fn when(&self, code: Code, language: Language) -> Option<&str> {
        let wording = self.wording(code, language)?;
        (!wording.when.is_empty()).then_some(wording.when.as_str())
    }

    /// The most precise text of a code, with its placeholders in braces.
    pub fn template(&self, code: Code, language: Language) -> String {
        let text = self.wording(code, language).and_then(|wording| wording.variants.first());
        text.map(ToString::to_string).unwrap_or_default()
    }

    /// What a problem says to people: its own message, else the most precise text of its code
    /// whose placeholders all have a value.
    pub fn message<'a>(&'a self, problem: &'a Problem, language: Language) -> Cow<'a, str> {
        self.text(problem, language, problem.retry_after().map(whole_seconds)).to_text()
    }

    /// [`Self::message`] for a renderer, with the wait that it found.
    pub(super) fn text<'a>(
        &'a self,
        problem: &'a Problem,
        language: Language,
        wait: Option<u64>,
    ) -> Text<'a> {
        match problem.message_in(language) {
            Some(message) => Text::given(message),
            None => self.catalogue_text(problem, problem.code(), None, language, wait),
        }
    }

    /// What one violation alone says.
    pub(super) fn violation_text<'a>(
        &'a self,
        problem: &'a Problem,
        violation: &'a Violation,
        language: Language,
    ) -> Text<'a> {
        self.catalogue_text(problem, violation.code.into(), Some(violation), language, None)
    }

    /// The labels of code and request id in a language.
    pub(super) fn labels(&self, language: Language) -> (&str, &str) {
        match self.speech(language) {
            Some(speech) => (&speech.words.code, &speech.words.request_id),
            None => ("Code", "ID"),
        }
    }

    fn catalogue_text<'a>(
        &'a self,
        problem: &'a Problem,
        code: Code,
        violation: Option<&'a Violation>,
        language: Language,
        wait: Option<u64>,
    ) -> Text<'a> {
        let speech = self.speech(language);
        let text = self.wording(code, language).zip(speech).and_then(|(wording, speech)| {
            let values = Values {
                problem,
                violation,
                language: usize::from(language.0),
                words: &speech.words,
                wait,
                status: self.status(problem),
            };
            let subject = violation.or_else(|| problem.violations().first());
            match (&speech.words.unknown, subject.map(|subject| subject.reason)) {
                (Some(unknown), Some(Reason::Unknown)) => Some(Text::filled(unknown, values)),
                _ => Text::choose(wording, values),
            }
        });
        text.unwrap_or_else(|| Text::given(""))
    }

    fn code_by_bare_name(&self, name: &str) -> Option<Code> {
        if let Some(code) = BuiltIn::by_name(name) {
            return Some(code.into());
        }
        let at = self.custom.iter().position(|entry| entry.name == name)?;
        u16::try_from(at).ok().map(|at| Code::Custom(CustomId(at)))
    }

    /// The entry of a code. An operator's code of another generation that this one no longer has
    /// reads as ServerError.
    fn entry(&self, code: Code) -> &Entry {
        let custom = match code {
            Code::BuiltIn(code) => return &self.built_in[code as usize],
            Code::Custom(CustomId(at)) => self.custom.get(usize::from(at)),
        };
        custom.unwrap_or_else(|| &self.built_in[BuiltIn::ServerError as usize])
    }

    fn wording(&self, code: Code, language: Language) -> Option<&Wording> {
        let wordings = &self.entry(code).wordings;
        wordings.get(usize::from(language.0)).or_else(|| wordings.first())
    }

    fn speech(&self, language: Language) -> Option<&Speech> {
        self.languages.get(usize::from(language.0)).or_else(|| self.languages.first())
    }
}

/// Whole seconds, rounded up, at least one: what `Retry-After` can say.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    let up = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(up).max(1)
}

#[cfg(test)]
mod tests;
