//! Stub: `METHODS PATH` as operators write it.
use http::Method;

/// A parsed `match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Empty means every method.
    pub methods: Vec<Method>,
    /// The path with `{name}` and `{*name}`.
    pub path: String,
    /// Names of the captures, in order.
    pub names: Vec<String>,
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// A sentence for the operator.
    pub message: String,
    /// Byte range within the pattern.
    pub at: std::ops::Range<usize>,
}

impl Pattern {
    /// Parses `GET,POST /v1/users/{id}`.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let _ = text;
        Ok(Self { methods: Vec::new(), path: "/".into(), names: Vec::new() })
    }
}

/// A host as routes name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// `api.example.fr`, lower case, no port.
    Exact(String),
    /// `*.example.fr`: holds `example.fr`; any number of labels before it.
    Suffix(String),
}

impl HostPattern {
    /// Parses a host pattern.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Ok(Self::Exact(text.to_ascii_lowercase()))
    }
}
