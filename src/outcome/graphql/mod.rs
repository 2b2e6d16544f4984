//! GraphQL on both ways. A request's document is skimmed: the tokens go by once, are held to the
//! grammar and counted, and no tree is built. Of a reply only the spellings of codes are known.

mod lexer;
mod measure;
mod skim;
mod spelling;

pub use skim::{Operation, OperationKind, Refusal, skim};

pub(super) use spelling::code;
