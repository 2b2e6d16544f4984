//! A request in the clothes of the connection that will carry it, and a request read back from the
//! bytes that a dead connection was given.

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery, Uri};
use http::{Method, Request, Version, uri};
use http_body::Body as _;

use super::endpoint::Endpoint;
use super::upload::Outgoing;

/// Makes the request fit for HTTP/1.1: origin form, and Host.
pub(super) fn http1(request: &mut Request<Outgoing>, endpoint: &Endpoint) {
    *request.version_mut() = Version::HTTP_11;
    if request.uri().authority().is_some() {
        undress(request);
    }
    if let Some(host) = &endpoint.host {
        request.headers_mut().insert(HOST, host.value.clone());
    } else if !request.headers().contains_key(HOST) {
        request.headers_mut().insert(HOST, endpoint.target.host.value.clone());
    }
    // hyper takes a GET of unknown length for one without a body, and would drop what there is.
    let is_streamed =
        !request.body().is_end_stream() && request.body().size_hint().exact().is_none();
    if is_streamed && matches!(*request.method(), Method::GET | Method::HEAD) {
        request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// Makes the request fit for HTTP/2: the Host moves into the target. hyper takes out the fields
/// that belong to a connection, and keeps `te: trailers` (RFC 9113, section 8.2.2).
pub(super) fn http2(request: &mut Request<Outgoing>, endpoint: &Endpoint) {
    *request.version_mut() = Version::HTTP_2;
    let clients = request.headers_mut().remove(HOST);
    let authority = match (&endpoint.host, request.uri().authority(), clients) {
        (Some(host), _, _) => host.authority.clone(),
        (None, Some(authority), _) => authority.clone(),
        (None, None, Some(value)) => Authority::try_from(value.as_bytes())
            .unwrap_or_else(|_| endpoint.target.host.authority.clone()),
        (None, None, None) => endpoint.target.host.authority.clone(),
    };
    let mut parts = uri::Parts::default();
    parts.scheme = Some(endpoint.target.scheme());
    parts.authority = Some(authority);
    parts.path_and_query = Some(path(request.uri()));
    // Scheme, authority and path together always make a target.
    if let Ok(target) = Uri::from_parts(parts) {
        *request.uri_mut() = target;
    }
}

/// A copy of a request without a body.
pub(super) fn copy(request: &Request<Outgoing>) -> Request<Outgoing> {
    let mut copy = Request::new(Outgoing::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// Reads back what hyper wrote: a whole head without a body. None if it is not whole.
pub(super) fn read_back(head: &[u8]) -> Option<Request<Outgoing>> {
    let mut lines = lines_of(head.strip_suffix(b"\r\n\r\n")?);
    let mut words = lines.next()?.splitn(3, |byte| *byte == b' ');
    let method = Method::from_bytes(words.next()?).ok()?;
    let target = Uri::try_from(words.next()?).ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        headers.append(name, value);
    }
    let mut request = Request::new(Outgoing::empty());
    *request.method_mut() = method;
    *request.uri_mut() = target;
    *request.headers_mut() = headers;
    Some(request)
}

/// Takes HTTP/2's clothes off: the target's authority becomes Host again.
fn undress(request: &mut Request<Outgoing>) {
    let host = request.uri().authority().map(|authority| authority.as_str().parse());
    if let Some(Ok(host)) = host {
        request.headers_mut().insert(HOST, host);
    }
    *request.uri_mut() = path(request.uri()).into();
}

fn path(target: &Uri) -> PathAndQuery {
    target.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))
}

fn lines_of(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_head_reads_back_as_it_was_written() {
        let head =
            b"GET /a?b=c%20d HTTP/1.1\r\nhost: x.test\r\nx-a: 1\r\nx-a: caf\xe9\r\nx-b: \r\n\r\n";
        let request = read_back(head).unwrap();
        assert_eq!(request.method(), Method::GET);
        assert_eq!(request.uri(), "/a?b=c%20d");
        let values: Vec<_> = request.headers().get_all("x-a").iter().collect();
        assert_eq!(values[1].as_bytes(), b"caf\xe9");
        assert_eq!(request.headers().len(), 4);
        assert!(request.body().is_end_stream());
    }

    #[test]
    fn half_a_head_does_not_read_back() {
        for head in ["", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nhost: x\r\n", "\r\n\r\n"] {
            assert!(read_back(head.as_bytes()).is_none(), "{head:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_back_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_back(&bytes);
        }

        #[test]
        fn reading_back_lines_never_panics(text in "[A-Z]{0,4} ?[ -~\r\n:]{0,80}") {
            let _ = read_back(format!("{text}\r\n\r\n").as_bytes());
        }
    }
}
