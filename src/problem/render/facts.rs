//! What an error reply says, settled once for all shapes, and the members of the two JSON shapes.

use http::HeaderValue;
use http::header::RETRY_AFTER;

use super::retry::{self, Wait};
use super::{Format, Reply};
use crate::base::RequestId;
use crate::problem::catalogue::{Text, whole_seconds};
use crate::problem::{Catalogue, Problem, Violation};

/// The facts of one reply.
pub(super) struct Facts<'a> {
    pub(super) problem: &'a Problem,
    pub(super) catalogue: &'a Catalogue,
    pub(super) reply: &'a Reply<'a>,
    /// The problem's status, whatever the wire says.
    pub(super) status: u16,
    /// `fr.ammyInvalidParameter`.
    pub(super) code: &'a str,
    pub(super) message: Text<'a>,
    /// Of the gateway that made the problem, else of this exchange.
    pub(super) request_id: &'a RequestId,
    pub(super) retryable: Option<bool>,
    /// Seconds to wait, for the body.
    pub(super) wait: Option<u64>,
    /// Seconds to wait, for the header.
    pub(super) header_wait: Option<u64>,
}

impl<'a> Facts<'a> {
    /// Settles everything that depends on more than one source.
    pub(super) fn gather(
        problem: &'a Problem,
        reply: &'a Reply<'a>,
        catalogue: &'a Catalogue,
    ) -> Self {
        let status = catalogue.status(problem);
        let demanded = matches!(status, 429 | 503);
        let told = problem.retry_after().map(whole_seconds).or_else(|| kept_wait(problem));
        let known = if told.is_some() { Wait::Known } else { Wait::Unknown };
        let retryable = retry::judge(problem, status, reply.method, known);
        let after = told.or_else(|| demanded.then(|| whole_seconds(reply.retry_after)));
        let wait = after.filter(|_| retryable != Some(false));
        Self {
            problem,
            catalogue,
            reply,
            status,
            code: catalogue.full_code_text(problem.code()),
            message: catalogue.text(problem, reply.language, wait),
            request_id: problem.request_id().unwrap_or(reply.request_id),
            retryable,
            wait,
            header_wait: if demanded { after } else { wait },
        }
    }

    /// The short name of the code.
    pub(super) fn title(&self) -> &'a str {
        self.catalogue.title(self.problem.code(), self.reply.language)
    }

    /// The tag of the reply's language.
    pub(super) fn language(&self) -> &'a str {
        let value = self.catalogue.content_language(self.reply.language);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The full code of one violation.
    pub(super) fn violation_code(&self, violation: &Violation) -> &'a str {
        self.catalogue.full_code_text(violation.code.into())
    }

    /// What one violation says. The first one says what the whole says.
    pub(super) fn violation_message(&self, at: usize, violation: &'a Violation) -> Text<'a> {
        match (at, self.problem.message()) {
            (0, Some(_)) => self.message,
            _ => self.catalogue.violation_text(self.problem, violation, self.reply.language),
        }
    }

    /// The shape of the reply.
    pub(super) fn format(&self) -> Format {
        self.reply.format
    }

    /// A good guess of the body's length: with it, most bodies are allocated once.
    pub(super) fn capacity(&self) -> usize {
        640 + self.problem.message().map_or(0, str::len)
            + self.problem.violations().len() * 256
            + self.problem.violations().iter().map(|violation| violation.name.len()).sum::<usize>()
    }
}

/// A wait that an upstream named in seconds in a header that is kept.
fn kept_wait(problem: &Problem) -> Option<u64> {
    let (_, value) = problem.headers().iter().find(|(name, _)| *name == RETRY_AFTER)?;
    seconds(value)
}

/// Seconds of a `Retry-After`; a date is not read, because no clock is asked here.
fn seconds(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    let plain = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain).map(|seconds: u64| seconds.max(1))
}

/// A member of the house JSON and of RFC 9457.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Type,
    Title,
    Code,
    Message,
    Status,
    Detail,
    Instance,
    RequestId,
    Parameters,
    Retryable,
    RetryAfter,
    Step,
}

impl Member {
    /// The member's name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Title => "title",
            Self::Code => "code",
            Self::Message => "message",
            Self::Status => "status",
            Self::Detail => "detail",
            Self::Instance => "instance",
            Self::RequestId => "request_id",
            Self::Parameters => "parameters",
            Self::Retryable => "retryable",
            Self::RetryAfter => "retry_after",
            Self::Step => "step",
        }
    }
}

/// The value of a member.
pub(super) enum Value<'a> {
    Text(&'a str),
    /// `urn:uuid:` and the id.
    Urn(&'a str),
    Message(Text<'a>),
    Number(u64),
    Flag(bool),
    /// One entry for each violation of the problem.
    Violations,
}

impl<'a> Facts<'a> {
    /// What a member says; none if it does not apply.
    pub(super) fn member(&self, member: Member) -> Option<Value<'a>> {
        let violations = !self.problem.violations().is_empty();
        match member {
            Member::Type => {
                let link = self.catalogue.link(self.problem.code());
                Some(Value::Text(link.unwrap_or("about:blank")))
            }
            Member::Title => Some(Value::Text(self.title())),
            Member::Code => Some(Value::Text(self.code)),
            Member::Message | Member::Detail => Some(Value::Message(self.message)),
            Member::Status => Some(Value::Number(self.status.into())),
            Member::Instance => {
                self.request_id.is_uuid().then(|| Value::Urn(self.request_id.as_str()))
            }
            Member::RequestId => Some(Value::Text(self.request_id.as_str())),
            Member::Parameters => violations.then_some(Value::Violations),
            Member::Retryable => self.retryable.map(Value::Flag),
            Member::RetryAfter => self.wait.map(Value::Number),
            Member::Step => self.problem.step().map(Value::Text),
        }
    }
}

/// The house shape, in the order of the contract.
pub(super) const HOUSE: &[Member] = &[
    Member::Code,
    Member::Message,
    Member::Status,
    Member::RequestId,
    Member::Parameters,
    Member::Retryable,
    Member::RetryAfter,
    Member::Step,
];

/// RFC 9457 with guichet's extensions, in the order of the contract.
pub(super) const RFC_9457: &[Member] = &[
    Member::Type,
    Member::Title,
    Member::Status,
    Member::Detail,
    Member::Instance,
    Member::Code,
    Member::RequestId,
    Member::Parameters,
    Member::RetryAfter,
    Member::Step,
];
