//! What a caller is called in a store: `guichet:LIMIT:WHO`, readable where that is harmless. What a
//! client has sent may be a secret, and of any length, so it goes there as a digest.

use std::fmt::Write as _;
use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};

use super::{Caller, Limiter};
use crate::base::hex;
use crate::config::model::LimitKey;
use crate::gate::auth::Identity;

impl Limiter {
    /// The caller's name in the limit's store.
    pub(super) fn key(&self, caller: &Caller<'_>) -> String {
        let mut key = String::with_capacity(96);
        // Writing into a String cannot fail.
        let _ = write!(key, "guichet:{}:", self.limit.name);
        match &self.limit.key {
            LimitKey::Ip => {
                let _ = match caller.ip.to_canonical() {
                    IpAddr::V4(address) => write!(key, "{address}"),
                    IpAddr::V6(address) => {
                        let [a, b, c, d, ..] = address.segments();
                        write!(key, "{a:x}:{b:x}:{c:x}:{d:x}::/64")
                    }
                };
            }
            LimitKey::Header(name) => match caller.headers.get(name) {
                Some(value) => push_digest(&mut key, value.as_bytes()),
                None => key.push('-'),
            },
            LimitKey::Route => key.push_str(caller.route),
            LimitKey::Gateway => key.push('*'),
            LimitKey::ApiKey => push_identity(&mut key, caller),
            LimitKey::Claim(name) => match caller.identity.and_then(|known| known.claim(name)) {
                Some(claim) => push_digest(&mut key, &[b"claim:", claim.as_bytes()].concat()),
                None => push_identity(&mut key, caller),
            },
        }
        key
    }
}

/// Whoever it is, as its policy calls it: no secret, but of any length. It begins unlike a claim does,
/// for nobody is to choose a claim that reads like somebody's name.
fn push_identity(key: &mut String, caller: &Caller<'_>) {
    match caller.identity.map(Identity::key) {
        Some((policy, name)) => push_digest(key, &[b"name:", policy, b":", name].concat()),
        None => key.push('-'),
    }
}

/// Half of a SHA-256: nobody finds another value for it.
fn push_digest(key: &mut String, value: &[u8]) {
    let mut text = [0; 32];
    let digest = digest(&SHA256, value);
    hex::write(digest.as_ref().get(..16).unwrap_or_default(), &mut text);
    key.push('#');
    key.extend(text.map(char::from));
}
