//! `[route.body]`.

use super::Names;
use crate::parameter::{Rule, Schema, Tongue};

/// What the body of a route must be.
#[derive(Debug)]
pub struct BodyRule {
    /// What it is.
    pub form: BodyForm,
    /// Bytes that are read at most, beside `server.limits.body`.
    pub limit: u64,
    /// Whether there may be none.
    pub optional: bool,
    /// The configured languages.
    pub tongues: Box<[Tongue]>,
}

/// What a body is.
#[derive(Debug)]
pub enum BodyForm {
    /// JSON that follows a schema.
    Json(Schema),
    /// A form.
    Form(Fields),
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
