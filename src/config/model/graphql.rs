//! `[route.graphql]`.

use std::sync::Arc;

use crate::outcome::graphql::{Payload, Spellings};

/// What is done about GraphQL on a route.
#[derive(Clone, Debug)]
pub struct Graphql {
    /// What an operation may ask for.
    pub operations: GraphqlRule,
    /// What becomes of replies.
    pub replies: GraphqlReplies,
}

/// What becomes of the replies of a GraphQL route.
#[derive(Clone, Debug)]
pub struct GraphqlReplies {
    /// What errors at the root do to a reply.
    pub root_errors: RootErrors,
    /// Where errors and warnings stand that are data. Shared with replies that stream through: they
    /// may outlive the configuration.
    pub payload: Arc<Payload>,
    /// Bytes of a reply that is held until it is judged.
    pub inspect: usize,
    /// Which codes the upstream's spellings mean.
    pub codes: Spellings,
    /// Whether replies tell their outcome in a header.
    pub outcome_header: bool,
}

/// What errors at the root of a reply do to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootErrors {
    /// Their codes become those of the vocabulary; data beside them stay.
    Annotate,
    /// The same, and there are no data.
    Fatal,
    /// Nothing: they are only counted.
    Pass,
}

/// What an operation of a GraphQL route may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphqlRule {
    /// Fields that stand in each other.
    pub depth: u32,
    /// Tokens of a document.
    pub tokens: u32,
    /// Fields under another name than their own.
    pub aliases: u32,
    /// Fields that stand in no other field.
    pub root_fields: u32,
    /// Whether the schema may be asked for.
    pub introspection: bool,
    /// Whether a request may hold several operations.
    pub batch: bool,
}
