//! WebSocket: the one protocol that a client may leave HTTP for. Anything else in `Upgrade` is
//! dropped, `h2c` above all: it is how requests are smuggled past a gateway (RFC 9113, section 3.1).

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, Version, header};

use super::connection::{Connection, Protocol};
use super::exchange::Exchange;
use super::socket::{Slot, Socket};
use super::stream::Watched;
use super::wire::Switched;
use super::{Gateway, headers};
use crate::base::Inflow;
use crate::config::model::Route;
use crate::gate::{Fields, Seen};
use crate::problem::{Cause, Problem};
use crate::upstream::{Stream, Upgrade};

/// Whether the client asks for a WebSocket, without a doubt: GET, HTTP/1.1, no body, `Connection`
/// and `Upgrade` agreeing.
pub(super) fn requested(
    parts: &Parts,
    fields: &Fields,
    connection: &Connection,
    body: &Inflow,
) -> Upgrade<'static> {
    let asks = fields.named.has(Seen::UPGRADE)
        && fields.named.has(Seen::CONNECTION)
        && connection.protocol == Protocol::Http1
        && parts.method == Method::GET
        && parts.version == Version::HTTP_11
        && !fields.named.has(Seen::LENGTH)
        && body.is_end()
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

impl Gateway {
    /// A valid 101: the two sides are joined once it is written.
    pub(super) fn switch(
        &self,
        exchange: &Exchange,
        connection: &Connection,
        route: &Route,
        response: Response<Stream>,
    ) -> Result<Response<Watched>, Problem> {
        let (mut parts, stream) = response.into_parts();
        let Some(tunnel) = stream.into_tunnel() else {
            return Err(Problem::new(Cause::BadUpgrade).with_detail("101 without a tunnel"));
        };
        headers::inbound(&mut parts.headers);
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(header::UPGRADE, HeaderValue::from_static(WEBSOCKET));
        if route.graphql.is_none() {
            connection.wire.join(Switched::Tunnel(tunnel));
            return Ok(Response::from_parts(parts, Watched::empty()));
        }
        let protocol = parts.headers.get(header::SEC_WEBSOCKET_PROTOCOL);
        let protocol = protocol.map(|name| name.as_bytes().trim_ascii());
        let slot = Slot::default();
        let socket = Socket::new(tunnel, protocol, self.in_band(exchange), Slot::clone(&slot));
        connection.wire.join(Switched::GraphQl(Box::new(socket)));
        Ok(Response::from_parts(parts, Watched::switched(slot)))
    }
}

const WEBSOCKET: &str = "websocket";
