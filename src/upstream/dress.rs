//! A request in the clothes of the HTTP/2 connection that will carry it, and out of them again.

use http::header::{HOST, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Uri};
use http::{Request, Version, uri};

use super::endpoint::Endpoint;
use super::upload::Outgoing;

/// The Host that an endpoint is sent.
pub(super) fn host<'a>(headers: &'a HeaderMap, endpoint: &'a Endpoint) -> &'a HeaderValue {
    match &endpoint.host {
        Some(host) => &host.value,
        None => headers.get(HOST).unwrap_or(&endpoint.target.host.value),
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

/// A copy of a head.
pub(super) fn copy(head: &Parts) -> Parts {
    let mut copy = Request::new(());
    *copy.method_mut() = head.method.clone();
    *copy.uri_mut() = head.uri.clone();
    *copy.headers_mut() = head.headers.clone();
    copy.into_parts().0
}

/// Takes the clothes off a request that came back: the target's authority becomes Host again.
pub(super) fn undress(request: &mut Request<Outgoing>) {
    let host = request.uri().authority().map(|authority| authority.as_str().parse());
    if let Some(Ok(host)) = host {
        request.headers_mut().insert(HOST, host);
    }
    *request.uri_mut() = path(request.uri()).into();
}

fn path(target: &Uri) -> PathAndQuery {
    target.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))
}
