//! What one policy says of one request.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::basic::Claim;
use super::forward::Judgement;
use super::identity::Identity;
use super::jwt::KeyRing;
use crate::observe::AuthResult;
use crate::problem::{BuiltIn, Cause};

/// What a policy says.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// It knows the caller.
    Known(Arc<Identity>),
    /// It does not let the request pass.
    Refused(Refusal),
}

/// What a look at a request leads to.
#[derive(Debug)]
pub(super) enum Look {
    /// The policy has decided.
    Said(Said),
    /// It has to ask first.
    Ask(Question),
}

/// What a policy has to ask before it can decide.
#[derive(Debug)]
pub(super) enum Question {
    /// Whether a password is right.
    Password(Claim),
    /// For the issuer's keys of now.
    Keys(Arc<KeyRing>),
    /// For the word of an upstream.
    Upstream(Box<Judgement>),
}

impl From<Said> for Look {
    fn from(said: Said) -> Self {
        Self::Said(said)
    }
}

impl From<Refusal> for Look {
    fn from(refusal: Refusal) -> Self {
        Self::Said(Said::Refused(refusal))
    }
}

/// Why a policy does not let a request pass.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) cause: Cause,
    /// For the log: nothing of what was sent.
    pub(super) detail: Cow<'static, str>,
    /// What hardly any has.
    more: Option<Box<More>>,
}

#[derive(Clone, Debug, Default)]
struct More {
    retry_after: Option<Duration>,
    challenges: Vec<HeaderValue>,
}

impl Refusal {
    pub(super) fn new(cause: Cause, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { cause, detail: detail.into(), more: None }
    }

    /// What is counted.
    pub(super) fn result(&self) -> AuthResult {
        if self.is_missing() {
            AuthResult::Missing
        } else if self.cause.code() == BuiltIn::Unauthorized {
            AuthResult::Refused
        } else if self.cause.code() == BuiltIn::Forbidden {
            AuthResult::Forbidden
        } else {
            AuthResult::Unavailable
        }
    }

    /// Says when trying again makes sense.
    #[must_use]
    pub(super) fn with_retry_after(mut self, after: Duration) -> Self {
        self.more.get_or_insert_default().retry_after = Some(after);
        self
    }

    /// Says what somebody else wants of the client, in place of the policy's own challenge.
    #[must_use]
    pub(super) fn with_challenges(mut self, challenges: Vec<HeaderValue>) -> Self {
        self.more.get_or_insert_default().challenges = challenges;
        self
    }

    /// When trying again makes sense.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.more.as_ref()?.retry_after
    }

    /// What somebody else wants of the client.
    pub(super) fn challenges(&self) -> &[HeaderValue] {
        self.more.as_ref().map_or(&[], |more| &more.challenges)
    }

    /// Whether nothing was shown at all.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self.cause, Cause::AuthMissing | Cause::CertificateMissing)
    }

    /// Where several policies refuse, the one that says most is told: that more rights are needed,
    /// that somebody could not be asked who might have said yes, that what was shown is wrong.
    pub(super) fn weight(&self) -> u8 {
        match self.result() {
            AuthResult::Forbidden => 3,
            AuthResult::Unavailable => 2,
            AuthResult::Refused | AuthResult::Passed => 1,
            AuthResult::Missing => 0,
        }
    }
}

impl From<Refusal> for Said {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
