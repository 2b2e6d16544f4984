//! The head itself. On HTTP/1 the guard has been here before; HTTP/2 has none, so what could be
//! smuggled through a downgrade (RFC 9113, sections 8.2 and 8.3; RFC 9110, section 7.2) is told here.

use http::{HeaderValue, Method, Uri, Version};

use super::fields::{Fields, Seen};
use crate::base::authority::is_authority;
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
    check_fields(fields)?;
    check_target(method, uri)?;
    check_host(uri, fields)
}

/// Fields that HTTP/2 forbids, or that read differently once they are written down as HTTP/1.
fn check_fields(fields: &Fields) -> Result<(), Problem> {
    let bad = |detail: &str| Err(Problem::new(Cause::BadHeader).with_detail(detail));
    if fields.named.has(Seen::CONNECTION) || fields.named.has(Seen::UPGRADE) {
        return bad("a connection field on HTTP/2");
    }
    if fields.named.has(Seen::ODD_LENGTH) {
        return bad("Content-Length is not one number");
    }
    if fields.named.has(Seen::BLANK_EDGE) {
        return bad("a value begins or ends with a blank");
    }
    if fields.named.has(Seen::ODD_EXPECT) {
        return Err(Problem::new(Cause::BadExpect).with_detail("Expect is not 100-continue"));
    }
    Ok(())
}

fn check_target(method: &Method, uri: &Uri) -> Result<(), Problem> {
    let bad = |detail: &str| Err(Problem::new(Cause::BadTarget).with_detail(detail));
    // https in the clear is what a load balancer says that has ended TLS.
    if uri.scheme_str().is_some_and(|scheme| !matches!(scheme, "http" | "https")) {
        return bad(":scheme is neither http nor https");
    }
    if uri.path() == "*" && method != Method::OPTIONS {
        return bad("the asterisk form is for OPTIONS alone");
    }
    Ok(())
}

fn check_host(uri: &Uri, fields: &Fields) -> Result<(), Problem> {
    let bad = |detail: &str| Err(Problem::new(Cause::BadHost).with_detail(detail));
    let Some(authority) = uri.authority() else {
        return match &fields.host {
            Some(host) if fields.hosts == 1 && is_authority(host.as_bytes()) => Ok(()),
            Some(_) | None => bad("neither :authority nor one Host that is a host"),
        };
    };
    let authority = authority.as_str().as_bytes();
    if !is_authority(authority) {
        return bad(":authority is not a host");
    }
    let agrees = |host: &HeaderValue| host.as_bytes().eq_ignore_ascii_case(authority);
    if fields.hosts > 1 || !fields.host.as_ref().is_none_or(agrees) {
        return bad("Host differs from :authority");
    }
    Ok(())
}
