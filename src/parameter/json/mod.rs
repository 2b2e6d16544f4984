//! JSON bodies: read strictly, judged by a JSON Schema (2020-12), and what is wrong said by JSON
//! pointer in the words of guichet. Nothing that a client wrote is repeated but names.

mod form;
mod local;
mod schema;
mod strict;
mod told;

pub use form::{FormSchema, Pair};
pub use schema::{Schema, Verdict};

pub(super) use strict::below;

use serde_json::Value;

/// Reads a document, strictly.
///
/// # Errors
/// Why it is not read, for the log.
pub fn read(bytes: &[u8]) -> Result<Value, String> {
    strict::read(bytes).map_err(|unfit| match unfit {
        strict::Unfit::Syntax(why) => why,
        strict::Unfit::Deep => format!("nested more deeply than {} levels", strict::DEEPEST),
        strict::Unfit::Twice(pointer) => format!("{pointer} stands twice"),
    })
}
