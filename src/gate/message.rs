//! The head itself. On HTTP/1 the guard has been here before; HTTP/2 has none, so what could be
//! smuggled through a downgrade (RFC 9113, sections 8.2 and 8.3; RFC 9110, section 7.2) is told here.

use http::{HeaderValue, Method, Uri, Version};

use super::fields::{Fields, Seen};
use crate::config::model::Limits;
use crate::problem::{Cause, Problem};

/// Checks what does not depend on the route.
///
/// # Errors
/// Limits (414, 431), a malformed host, CONNECT, fields that HTTP/2 forbids, another `Expect`.
pub fn check_head(
    method: &Method,
    uri: &Uri,
    version: Version,
    fields: &Fields,
    limits: &Limits,
) -> Result<(), Problem> {
    if version != Version::HTTP_2 {
        return Ok(());
    }
    if method == Method::CONNECT {
        return Err(Problem::new(Cause::TunnelRefused).with_detail("CONNECT asks for a tunnel"));
    }
    let path_length = uri.path_and_query().map_or(0, |path| path.as_str().len());
    if path_length > limits.uri {
        return Err(Cause::UriLimit.into());
    }
    if fields.count > limits.headers || fields.bytes > limits.header {
        return Err(Cause::HeaderLimit.into());
    }
    if fields.named.has(Seen::CONNECTION) || fields.named.has(Seen::UPGRADE) {
        return Err(bad_header("a connection field on HTTP/2"));
    }
    let Some(authority) = uri.authority() else {
        return match fields.hosts {
            1 => Ok(()),
            _ => Err(Problem::new(Cause::BadHost).with_detail("neither :authority nor one Host")),
        };
    };
    if authority.as_str().contains('@') {
        return Err(Problem::new(Cause::BadHost).with_detail(":authority holds user information"));
    }
    let agrees =
        |host: &HeaderValue| host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes());
    if fields.hosts > 1 || !fields.host.as_ref().is_none_or(agrees) {
        return Err(Problem::new(Cause::BadHost).with_detail("Host differs from :authority"));
    }
    Ok(())
}

fn bad_header(detail: &str) -> Problem {
    Problem::new(Cause::BadHeader).with_detail(detail)
}
