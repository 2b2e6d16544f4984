//! The first gate: is the connection one that a request may come on?

use http::HeaderMap;

use crate::base::Peer;
use crate::config::model::{Config, Plain, Security};
use crate::problem::{Cause, Problem};

/// What becomes of a request at the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It may go on.
    Open,
    /// It is sent to the same URL under https.
    Redirect,
}

/// Refuses plain HTTP where TLS is required: understood, not executed (426).
///
/// A trusted proxy that says `x-forwarded-proto: https` has ended TLS itself, so its requests are
/// served on a plain listener.
///
/// # Errors
/// [`Cause::PlainHttp`], after which the connection closes: whatever follows would be refused too.
pub fn entry(config: &Config, peer: &Peer, headers: &HeaderMap) -> Result<Entry, Problem> {
    if peer.tls.is_some() {
        return Ok(Entry::Open);
    }
    let policy = match &config.listeners[usize::from(peer.listener.0)].security {
        Security::Tls(_) => {
            let refused = Problem::new(Cause::PlainHttp).closing();
            return Err(refused.with_detail("plain HTTP on a TLS port"));
        }
        Security::Plain(policy) => *policy,
    };
    match policy {
        Plain::Allow => Ok(Entry::Open),
        Plain::Refuse | Plain::Redirect if effective_scheme(peer, headers) == "https" => {
            Ok(Entry::Open)
        }
        Plain::Refuse => Err(Problem::new(Cause::PlainHttp).closing()),
        Plain::Redirect => Ok(Entry::Redirect),
    }
}

/// The scheme that the client used: of this connection, or what a trusted proxy says.
pub fn effective_scheme(peer: &Peer, headers: &HeaderMap) -> &'static str {
    let claimed = if peer.trusted { headers.get("x-forwarded-proto") } else { None };
    match claimed.map(http::HeaderValue::as_bytes) {
        Some(proto) if proto.eq_ignore_ascii_case(b"https") => "https",
        Some(proto) if proto.eq_ignore_ascii_case(b"http") => "http",
        Some(_) | None => peer.scheme(),
    }
}
