//! Which headers of an upstream's error reply stand on the problem too (errors.md, section 4).

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The headers that are kept: the built-in list, and what the operator's `keep_headers` names.
///
/// `Retry-After` is not among them, because the problem carries it as a number.
pub(super) fn kept<'a>(
    headers: &'a HeaderMap,
    listed: &'a [HeaderName],
) -> impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)> {
    headers
        .iter()
        .filter(|(name, _)| is_built_in(name) || (listed.contains(name) && !is_framing(name)))
}

fn is_built_in(name: &HeaderName) -> bool {
    match *name {
        header::WWW_AUTHENTICATE | header::ALLOW | header::SET_COOKIE => true,
        _ => {
            matches!(name.as_str(), "traceparent" | "tracestate" | "server-timing")
                || name.as_str().starts_with("access-control-")
        }
    }
}

/// What describes the body and the connection that the client does not get. Kept, these would
/// break the reply, so no list brings them back.
fn is_framing(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION
            | header::CONTENT_ENCODING
            | header::CONTENT_LANGUAGE
            | header::CONTENT_LENGTH
            | header::CONTENT_RANGE
            | header::CONTENT_TYPE
            | header::ETAG
            | header::RETRY_AFTER
            | header::TE
            | header::TRAILER
            | header::TRANSFER_ENCODING
            | header::UPGRADE
    ) || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "content-digest")
        || name.as_str().starts_with("grpc-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_the_contract_and_the_operators() {
        let mut headers = HeaderMap::new();
        for name in [
            "www-authenticate",
            "allow",
            "access-control-allow-origin",
            "access-control-expose-headers",
            "traceparent",
            "tracestate",
            "server-timing",
            "x-kept",
            "x-dropped",
            "server",
            "content-type",
            "content-length",
            "connection",
            "retry-after",
            "grpc-status",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("v"));
        }
        headers.append(header::SET_COOKIE, HeaderValue::from_static("a=1"));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("b=2"));
        let listed = ["x-kept", "content-type", "connection", "retry-after", "grpc-status"];
        let listed = listed.map(HeaderName::from_static);
        let mut names: Vec<_> = kept(&headers, &listed).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "access-control-allow-origin",
                "access-control-expose-headers",
                "allow",
                "server-timing",
                "set-cookie",
                "set-cookie",
                "traceparent",
                "tracestate",
                "www-authenticate",
                "x-kept",
            ]
        );
    }
}
