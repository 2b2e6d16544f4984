//! `[route.body]`.

use std::sync::Arc;

use super::Names;
use crate::parameter::{FormSchema, Rule, Schema, Tongue};

/// What the body of a route must be: JSON, a form, or what the client chooses of the two.
#[derive(Debug)]
pub struct BodyRule {
    /// The schema of JSON.
    pub json: Option<Schema>,
    /// A form in `application/x-www-form-urlencoded`.
    pub urlencoded: Option<Form>,
    /// A form in `multipart/form-data`.
    pub multipart: Option<Form>,
    /// Whether bodies of other media types pass, unread.
    pub others: bool,
    /// Bytes that are read at most, beside `server.limits.body`.
    pub limit: u64,
    /// Whether there may be none.
    pub optional: bool,
    /// The configured languages.
    pub tongues: Box<[Tongue]>,
}

impl BodyRule {
    /// The fields that are declared of a form, in either way of writing it.
    pub fn fields(&self) -> Option<&Fields> {
        let form = self.urlencoded.as_ref().or(self.multipart.as_ref());
        form.and_then(|form| form.fields.as_deref())
    }

    /// Whether it may be a form.
    pub const fn may_be_form(&self) -> bool {
        self.urlencoded.is_some() || self.multipart.is_some()
    }
}

/// What a form must be.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Its fields, each by itself.
    pub fields: Option<Arc<Fields>>,
    /// All of it.
    pub whole: Option<Arc<FormSchema>>,
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
