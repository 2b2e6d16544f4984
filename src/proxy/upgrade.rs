//! WebSocket: the one protocol that a client may leave HTTP for. Anything else in `Upgrade` is
//! dropped, `h2c` above all: it is how requests are smuggled past a gateway (RFC 9113, section 3.1).

use std::rc::Rc;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version, header};
use hyper::body::{Body as _, Incoming};

use super::connection::{Connection, Protocol};
use super::headers;
use super::stream::Watched;
use crate::gate::{Fields, Seen};
use crate::problem::{Cause, Problem};
use crate::upstream::{Interim, Stream, Upgrade};

/// Whether the client asks for a WebSocket, without a doubt: GET, HTTP/1.1, no body, `Connection`
/// and `Upgrade` agreeing.
pub(super) fn requested(
    parts: &Parts,
    fields: &Fields,
    connection: &Connection,
    body: &Incoming,
) -> Upgrade<'static> {
    let asks = fields.named.has(Seen::UPGRADE)
        && fields.named.has(Seen::CONNECTION)
        && connection.protocol == Protocol::Http1
        && parts.method == Method::GET
        && parts.version == Version::HTTP_11
        && !fields.named.has(Seen::LENGTH)
        && body.is_end_stream()
        && names(&parts.headers, header::CONNECTION, "upgrade")
        && parts.headers.get_all(header::UPGRADE).iter().count() == 1
        && names(&parts.headers, header::UPGRADE, "websocket");
    if asks { Upgrade::Requested(WEBSOCKET) } else { Upgrade::No }
}

fn names(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    headers.get_all(name).iter().any(|value| {
        let text = value.to_str().unwrap_or_default();
        text.split(',').any(|part| part.trim().eq_ignore_ascii_case(token))
    })
}

/// Puts back what hop-by-hop removal took, where a WebSocket is asked for.
pub(super) fn keep(upgrade: &Upgrade<'static>, headers: &mut HeaderMap) {
    if let Upgrade::Requested(token) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static(token));
    }
}

/// Passes interim replies (1xx) on to clients that know them: HTTP/1.1, where the guard can write
/// them. HTTP/1.0 never gets one, and hyper has no way to send them on HTTP/2.
pub(super) fn interim(connection: &Connection, version: Version) -> Option<Interim> {
    if version != Version::HTTP_11 || connection.protocol != Protocol::Http1 {
        return None;
    }
    let wire = Rc::clone(&connection.wire);
    Some(Rc::new(move |status: StatusCode, fields: &HeaderMap| {
        let mut fields = fields.clone();
        headers::inbound(&mut fields);
        wire.send_interim(status, &fields);
    }))
}

/// A valid 101: the two sides are joined once it is written.
pub(super) fn switch(
    connection: &Connection,
    response: Response<Stream>,
) -> Result<Response<Watched>, Problem> {
    let (mut parts, stream) = response.into_parts();
    let Some(tunnel) = stream.into_tunnel() else {
        return Err(Problem::new(Cause::BadUpgrade).with_detail("101 without a tunnel"));
    };
    headers::inbound(&mut parts.headers);
    parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    parts.headers.insert(header::UPGRADE, HeaderValue::from_static(WEBSOCKET));
    connection.wire.join_tunnel(tunnel);
    Ok(Response::from_parts(parts, Watched::empty()))
}

const WEBSOCKET: &str = "websocket";
