//! F2: what a parameter of a request may look like. A [`Rule`] is compiled when the configuration
//! loads, says in every configured language what it expects, and judges one value at a time.
//!
//! Pure, and linear in the value: patterns are those of the `regex` crate, which cannot backtrack.
//! Where values stand in a request, and which are there, is the business of `gate`.

mod date;
mod email;
mod iban;
mod json;
mod kind;
mod phrase;
mod rule;
mod siret;
mod typed;

pub use json::{FormSchema, Pair, Schema, Verdict, read as read_json};
pub use kind::{Kind, Pattern};
pub use phrase::{Phrase, Tongue};
pub use rule::{Fallback, Fault, Rule};
pub use typed::{Field, Form, Misfit, Object};
