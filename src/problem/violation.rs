//! A parameter that is not as declared: which, where, and what is wrong with it.

use super::BuiltIn;

/// One parameter that is not as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The parameter's name; for a body a JSON pointer.
    pub name: String,
    /// Where it was expected; none where only an upstream knows.
    pub place: Option<Place>,
    /// The code of this violation alone.
    pub code: BuiltIn,
    /// What is wrong with it.
    pub reason: Reason,
    /// What would have been right, in each configured language, in their order.
    pub expected: Vec<String>,
}

/// Where a parameter stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Place {
    Path,
    Query,
    Header,
    Cookie,
    Body,
}

impl Place {
    /// The word of the `in` member.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Body => "body",
        }
    }
}

/// What is wrong with a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Reason {
    Missing,
    Empty,
    Invalid,
    Unknown,
}

impl Reason {
    /// The word of the `reason` member.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Empty => "empty",
            Self::Invalid => "invalid",
            Self::Unknown => "unknown",
        }
    }
}
