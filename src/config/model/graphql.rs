//! `[route.graphql]`.

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
