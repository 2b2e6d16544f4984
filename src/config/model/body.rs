//! `[route.body]`.

use super::Names;
use crate::parameter::{Rule, Schema, Tongue};

/// What the body of a route must be: JSON, a form, or what the client chooses of the two.
#[derive(Debug)]
pub struct BodyRule {
    /// The schema of JSON.
    pub json: Option<Schema>,
    /// The fields of a form.
    pub form: Option<Fields>,
    /// Whether bodies of other media types pass, unread.
    pub others: bool,
    /// Bytes that are read at most, beside `server.limits.body`.
    pub limit: u64,
    /// Whether there may be none.
    pub optional: bool,
    /// The configured languages.
    pub tongues: Box<[Tongue]>,
}

/// The fields of a form.
#[derive(Debug)]
pub struct Fields {
    /// In file order.
    pub rules: Box<[Rule]>,
    /// Where each is found.
    pub names: Names,
    /// Whether there may be no others.
    pub strict: bool,
}
