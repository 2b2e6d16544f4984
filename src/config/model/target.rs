//! What answers a route.

use http::HeaderValue;

use crate::base::{FlowId, UpstreamId};
use crate::problem::Code;

/// What answers a route.
#[derive(Debug)]
pub enum Target {
    /// An upstream.
    Upstream(UpstreamId),
    /// A flow.
    Flow(FlowTarget),
    /// A fixed reply.
    Respond(Respond),
}

/// A flow that answers a route.
#[derive(Debug)]
pub struct FlowTarget {
    /// Which one.
    pub flow: FlowId,
    /// Captures of the path by their number, and the input of the flow that each is.
    pub captures: Box<[(usize, usize)]>,
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
