//! Who may ask for what.
//!
//! | | `/livez` `/readyz` `/metrics` | what `/v1` tells | what `/v1` does |
//! |---|---|---|---|
//! | unix socket | yes | yes | yes |
//! | TCP, no token configured | yes | from this machine | no (405) |
//! | TCP, a token configured | yes | with the token | with the token |

use std::net::SocketAddr;

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};

use super::resource::{READ, Resource, not_allowed};
use crate::problem::{Cause, Problem};
use crate::server::Token;

/// Where a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// The unix socket: its file says who may.
    Socket,
    /// TCP from this machine.
    Loopback,
    /// TCP from elsewhere.
    Network,
}

impl Door {
    pub(super) fn of(remote: SocketAddr) -> Self {
        if remote.ip().to_canonical().is_loopback() { Self::Loopback } else { Self::Network }
    }
}

/// Refuses what somebody may not ask for.
pub(super) fn check(
    door: Door,
    resource: Resource<'_>,
    token: Option<&Token>,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    let asked = match resource {
        Resource::Livez | Resource::Readyz | Resource::Metrics => return Ok(()),
        Resource::V1(asked, _) => asked,
    };
    let token = token.filter(|token| token.is_set());
    match (door, token) {
        (Door::Socket, _) => Ok(()),
        (Door::Loopback | Door::Network, Some(token)) if shows(token, headers) => Ok(()),
        (Door::Loopback | Door::Network, None) if asked.acts() => {
            let detail = "the admin listener is read only without [admin] token";
            Err(not_allowed(READ).with_detail(detail))
        }
        (Door::Loopback, None) => Ok(()),
        (Door::Loopback | Door::Network, Some(_)) | (Door::Network, None) => {
            Err(Problem::new(Cause::AdminToken)
                .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
        }
    }
}

/// Whether the token is shown (RFC 6750, section 2.1).
fn shows(token: &Token, headers: &HeaderMap) -> bool {
    let mut shown = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (shown.next(), shown.next()) else { return false };
    let only = only.as_bytes();
    let scheme = only.get(..SCHEME.len()).is_some_and(|word| word.eq_ignore_ascii_case(SCHEME));
    scheme && token.is(only[SCHEME.len()..].trim_ascii())
}

const SCHEME: &[u8] = b"Bearer ";
