//! `[[openapi]]` with `responses = "report"`: what a document says of an operation's answers, laid out
//! for reading.

use std::sync::Arc;

use http::HeaderName;

use crate::parameter::{FormSchema, Schema};

/// What an operation may answer.
#[derive(Debug)]
pub struct ReplyRule {
    /// By their statuses, those that say more precisely which first.
    pub answers: Box<[(Statuses, Arc<Answer>)]>,
    /// Bytes of a body that are read at most.
    pub limit: u64,
}

/// A key of `responses`. The more precise ones are the smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statuses {
    /// `404`
    One(u16),
    /// `4XX`, by its first digit.
    Hundred(u16),
    /// `default`
    Rest,
}

/// One answer.
#[derive(Debug, Default)]
pub struct Answer {
    /// What its body may be, the more precise ones first; nothing is said of it where there are none.
    pub media: Box<[ReplyMedia]>,
    /// Fields that have to be there.
    pub required: Box<[HeaderName]>,
    /// Fields with a schema, and how they are called in it.
    pub fields: Box<[(HeaderName, Box<str>)]>,
    /// The schema of each of them.
    pub schema: Option<FormSchema>,
}

/// A media type or a range of them, in small letters.
#[derive(Debug)]
pub struct ReplyMedia {
    /// What stands before the slash; `*` for all.
    pub kind: Box<str>,
    /// What stands behind it; `*` for all.
    pub subtype: Box<str>,
    /// Of a body in JSON, where there is something to hold it to.
    pub schema: Option<Arc<Schema>>,
}

impl ReplyRule {
    /// What is said of a status; none where the document does not have it.
    pub fn answer(&self, status: u16) -> Option<&Answer> {
        let takes = |statuses: Statuses| match statuses {
            Statuses::One(one) => one == status,
            Statuses::Hundred(digit) => digit == status / 100,
            Statuses::Rest => true,
        };
        self.answers.iter().find(|(statuses, _)| takes(*statuses)).map(|(_, answer)| &**answer)
    }
}

impl Answer {
    /// What is said of a media type, without its parameters; none where the document does not have it.
    pub fn media(&self, essence: &str) -> Option<&ReplyMedia> {
        let (kind, subtype) = essence.split_once('/')?;
        let takes = |known: &str, said: &str| known == "*" || known.eq_ignore_ascii_case(said);
        self.media.iter().find(|one| takes(&one.kind, kind) && takes(&one.subtype, subtype))
    }
}
