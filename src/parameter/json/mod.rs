//! JSON bodies: read strictly, judged by a JSON Schema (2020-12), and what is wrong said by JSON
//! pointer in the words of guichet. Nothing that a client wrote is repeated but names.

mod local;
mod schema;
mod strict;
mod told;

pub use schema::{Schema, Verdict};
