//! `[[route]]` as the program needs it.

use std::time::Duration;

use http::HeaderValue;

use crate::base::UpstreamId;
use crate::outcome::Rule;
use crate::problem::{Code, Dialect};

/// `[[route]]`.
#[derive(Debug)]
pub struct Route {
    /// The name, or `route-N` where the file gives none.
    pub name: String,
    /// As written, for `check` and `route`.
    pub pattern: String,
    /// As written.
    pub hosts: Vec<String>,
    /// What answers.
    pub target: Target,
    /// Path template towards the upstream, none means the path as matched.
    pub rewrite: Option<Rewrite>,
    /// Limit on the whole exchange up to the answer's head, none means the upstream's `total`.
    pub timeout: Option<Duration>,
    /// What becomes of upstream errors.
    pub normalise: Normalise,
    /// Rules of this route, tried before the upstream's.
    pub errors: Vec<Rule>,
    /// Name of the parameter marked `identifier`, and where it stands.
    pub identifier: Option<String>,
    /// How errors are dressed.
    pub dialect: Dialect,
}

/// What answers a route.
#[derive(Debug)]
pub enum Target {
    /// An upstream.
    Upstream(UpstreamId),
    /// A fixed reply.
    Respond(Respond),
}

/// A fixed reply.
#[derive(Debug)]
pub enum Respond {
    /// A success.
    Fixed {
        /// Status, below 400.
        status: u16,
        /// Type of the body.
        content_type: HeaderValue,
        /// The body.
        body: bytes::Bytes,
    },
    /// A problem of the vocabulary.
    Problem(Code),
}

/// `rewrite`: literal text and captured parameters by turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite(pub Vec<RewritePart>);

/// One piece of a rewritten path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RewritePart {
    /// As it stands.
    Literal(String),
    /// The captured parameter with this index, as it stood in the path (still encoded).
    Capture(usize),
}

/// `normalise`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalise {
    /// Errors become problems.
    On,
    /// Errors pass untouched.
    Off,
    /// Errors pass untouched, but what would have changed is counted and logged.
    Observe,
}

// The defaults.

/// `route.normalise`.
pub const NORMALISE: Normalise = Normalise::On;
/// `route.respond.status`.
pub const RESPOND_STATUS: u16 = 200;
