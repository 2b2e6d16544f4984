//! GraphQL on both ways. A request's document is skimmed: the tokens go by once, are held to the
//! grammar and counted, and no tree is built. A reply is looked over for what it could not do without
//! if it had errors, skimmed only if that is there, and read only if it is to be changed. Of a socket,
//! only which operations are open is known.

mod annotate;
mod judge;
mod kept_errors;
mod lexer;
mod measure;
mod members;
mod message;
mod name;
mod payload;
mod read;
mod reply;
mod skim;
mod spelling;
mod subscriptions;

pub use annotate::{Annotated, Annotation, Data, Worst, annotate, worst_of};
pub use judge::judge;
pub use payload::Payload;
pub use read::{Said, read};
pub use reply::{ReplySkimmer, Verdict};
pub use skim::{Operation, OperationKind, Refusal, skim};
pub use spelling::Spellings;
pub use subscriptions::{Ended, Subscriptions};

pub(super) use spelling::code;
