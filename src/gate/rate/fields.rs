//! `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11): a list with one
//! item for each limit, by its name.
//!
//! The policy says the quota (`q`: the burst) and the window in which it comes back (`w`), so that
//! `q / w` is the configured rate. What is left is `r`; `t` is the time until there is one again
//! where `r` is 0 – the `Retry-After` of a refusal – and else the time until all of it is back.
//! Seconds are rounded up, so a client that waits as long is not early.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::gcra::Left;
use super::shared::Past;
use crate::base::{LimitId, field};

/// What a reply on a limited route says about its limits.
#[derive(Clone, Debug)]
pub struct Standing {
    pub(super) policy: HeaderValue,
    /// Empty where nobody counts at the moment.
    pub(super) left: Vec<u8>,
    /// Where a store has a say: what was taken, for a later limit may refuse.
    pub(super) past: Vec<(LimitId, Past)>,
}

impl Standing {
    /// Writes the two fields. They are lists: what an upstream says of its own limits stays.
    pub fn write(self, headers: &mut HeaderMap) {
        headers.append(POLICY, self.policy);
        if !self.left.is_empty() {
            headers.append(LEFT, value(self.left));
        }
    }

    /// The same as lines of HTTP/1.
    pub fn write_lines(&self, out: &mut Vec<u8>) {
        field::write(&POLICY, &self.policy, out);
        if !self.left.is_empty() {
            field::write_text(&LEFT, &self.left, out);
        }
    }
}

/// `RateLimit-Policy` of limits: name, burst and the time in which it comes back.
pub(super) fn policy<'a>(limits: impl Iterator<Item = (&'a str, u32, Duration)>) -> HeaderValue {
    value(list(limits.map(|(name, burst, window)| {
        (name, ("q", u64::from(burst)), ("w", seconds(window).max(1)))
    })))
}

/// `RateLimit` of limits: name, and what is left.
pub(super) fn left<'a>(limits: impl Iterator<Item = (&'a str, Left)>) -> Vec<u8> {
    list(limits.map(|(name, left)| {
        let until = if left.count == 0 { left.wait } else { left.refill };
        (name, ("r", left.count), ("t", seconds(until)))
    }))
}

/// A parameter of an item.
type Parameter = (&'static str, u64);

/// Put together by hand: every reply on a limited route has one, a refusal as well.
fn list<'a>(items: impl Iterator<Item = (&'a str, Parameter, Parameter)>) -> Vec<u8> {
    let mut text = Vec::with_capacity(64);
    for (name, first, second) in items {
        if !text.is_empty() {
            text.extend_from_slice(b", ");
        }
        text.push(b'"');
        text.extend_from_slice(name.as_bytes());
        text.push(b'"');
        for (key, number) in [first, second] {
            text.push(b';');
            text.extend_from_slice(key.as_bytes());
            text.push(b'=');
            text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
    }
    text
}

fn value(list: Vec<u8>) -> HeaderValue {
    // Names have letters, digits, `_`, `-` and `.` only, which `check` holds.
    HeaderValue::from_maybe_shared(Bytes::from(list))
        .unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");
