//! Stub: codes with their texts.
use http::HeaderValue;

use super::{Code, Problem};

/// The texts of every code in every configured language, and the operator's codes.
#[derive(Debug)]
pub struct Catalogue {}

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

impl Catalogue {
    /// Builds a catalogue.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn new(
        prefix: &str,
        docs: Option<&str>,
        languages: &[String],
        overrides: &[Override],
    ) -> Result<Self, Vec<CatalogueError>> {
        let _ = (prefix, docs, languages, overrides);
        Ok(Self {})
    }

    /// The code with this name, with or without prefix.
    pub fn code_by_name(&self, name: &str) -> Option<Code> {
        let _ = name;
        None
    }

    /// The configured languages' tags, the first is the fallback.
    pub fn languages(&self) -> &[String] {
        &[]
    }

    /// The language that fits `Accept-Language` best.
    pub fn choose_language(&self, accept_language: Option<&HeaderValue>) -> Language {
        let _ = accept_language;
        Language(0)
    }

    /// `fr.ammyInvalidParameter`, ready for the `error-code` header.
    pub fn full_code(&self, code: Code) -> &HeaderValue {
        let _ = code;
        static STUB: std::sync::LazyLock<HeaderValue> =
            std::sync::LazyLock::new(|| HeaderValue::from_static("stub"));
        &STUB
    }

    /// The status of a problem: its own, else its code's.
    pub fn status(&self, problem: &Problem) -> u16 {
        let _ = problem;
        500
    }
}
