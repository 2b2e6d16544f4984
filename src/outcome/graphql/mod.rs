//! GraphQL on both ways. A request's document is skimmed: the tokens go by once, are held to the
//! grammar and counted, and no tree is built. A reply is skimmed while it goes by, and the spellings of its codes are known.

mod lexer;
mod measure;
mod reply;
mod skim;
mod spelling;

pub use reply::{Payload, ReplySkimmer, Verdict};
pub use skim::{Operation, OperationKind, Refusal, skim};

pub(super) use spelling::code;
