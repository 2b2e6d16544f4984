//! The body that a route declares: JSON by a schema, a form by its fields, or either. It is judged once it
//! has been read whole, and goes on as it came, byte for byte.
//!
//! What it costs is bounded by `route.body.limit`: reading is linear in the body, and so is judging
//! by any schema that does not itself multiply what it looks at.

mod form;
mod judged;
mod media;
mod multipart;

pub(in crate::gate) use media::json;
pub use media::{Media, media};

use crate::config::model::BodyRule;
use crate::parameter::Verdict;
use crate::problem::{BuiltIn, Cause, Place, Problem, Reason, Violation};

use super::params::refusal;

/// Judges a body of this media type.
///
/// # Errors
/// It cannot be read, or is not as the route declares it: 400, with all that is wrong.
pub fn judge_body(rule: &BodyRule, media: &Media, bytes: &[u8]) -> Result<(), Problem> {
    if bytes.is_empty() {
        return if rule.optional { Ok(()) } else { Err(missing()) };
    }
    let tongues = &rule.tongues;
    // `media` announces nothing that the rule does not read.
    match media {
        Media::Json => match &rule.json {
            Some(schema) => verdict(schema.judge(bytes, tongues)),
            None => Ok(()),
        },
        Media::Form => match &rule.urlencoded {
            Some(form) => form::judge(form, tongues, bytes),
            None => Ok(()),
        },
        Media::Multipart(boundary) => match &rule.multipart {
            Some(form) => multipart::judge(form, tongues, boundary, bytes),
            None => Ok(()),
        },
    }
}

fn verdict(verdict: Verdict) -> Result<(), Problem> {
    match verdict {
        Verdict::Fine => Ok(()),
        Verdict::Unreadable(why) => Err(unreadable(&why)),
        Verdict::Wrong(violations) => Err(refusal(violations)),
    }
}

fn missing() -> Problem {
    let (code, reason) = (BuiltIn::MissingParameter, Reason::Missing);
    Problem::new(Cause::MissingBody).with_violation(Violation {
        name: String::new(),
        place: Some(Place::Body),
        code,
        reason,
        expected: Vec::new(),
    })
}

fn unreadable(why: &str) -> Problem {
    Problem::new(Cause::BadBody).with_detail(why)
}

#[cfg(test)]
mod tests;
