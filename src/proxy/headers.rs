//! The fields that guichet owns on the way through: hop-by-hop fields go both ways, forwarding
//! fields are replaced or appended by trust, `Via` is written and read for loops.
//!
//! Fields are edited in place. What does not change from request to request is made once per
//! process or per connection and shared.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, Version};

use super::connection::{Connection, Forwarding};
use super::exchange::Exchange;
use crate::base::{RequestId, TraceContext};
use crate::config::model::Server;
use crate::gate::{IDENTITY_FIELDS, Seen, is_identity_field};

/// How this process signs `Via`, and knows itself again.
#[derive(Debug)]
pub(super) struct Identity {
    via: HeaderValue,
    mark: String,
}

impl Identity {
    /// `mark` is the instance's own, the same in all its workers: a second guichet in the chain
    /// is not a loop.
    pub(super) fn new(mark: &str) -> Self {
        let mark = format!("({mark})");
        let via = HeaderValue::from_str(&format!("1.1 guichet {mark}"))
            .unwrap_or_else(|_| HeaderValue::from_static("1.1 guichet"));
        Self { via, mark }
    }

    /// Whether a request has been here before: it carries our mark, or has crossed too many
    /// gateways of our kind to be on its way anywhere.
    pub(super) fn is_loop(&self, headers: &HeaderMap) -> bool {
        let mut gateways = 0;
        for value in headers.get_all(header::VIA) {
            let text = value.to_str().unwrap_or_default();
            if text.contains(&self.mark) {
                return true;
            }
            gateways += text.matches(" guichet").count();
        }
        gateways >= MAX_GATEWAYS
    }
}

/// Edits a request's head for the upstream. What comes back is to be sent beside it.
pub(super) fn outbound(
    headers: &mut HeaderMap,
    exchange: &Exchange,
    connection: &Connection,
    host: &HeaderValue,
    identity: &Identity,
) -> Option<Rc<Forwarding>> {
    let seen = exchange.fields.named;
    strip_hop_by_hop(headers, seen);
    if seen.has(Seen::ALIAS) {
        strip_aliases(headers);
    }
    if seen.has(Seen::IDENTITY) {
        for name in IDENTITY_FIELDS {
            headers.remove(name);
        }
    }
    if seen.has(Seen::COOKIES) {
        join_cookies(headers);
    }
    let told = seen.has_any(Seen::X_FORWARDED_FOR, Seen::FORWARDED, Seen::X_FORWARDED);
    let sent_beside = !(seen.has(Seen::VIA) || told && connection.peer.trusted);
    let beside = if sent_beside {
        if told {
            for name in FORWARDING.iter().chain(&[X_FORWARDED_FOR, header::FORWARDED]) {
                headers.remove(name);
            }
        }
        Some(connection.forwarding(host, &identity.via))
    } else {
        forwarding(headers, seen, connection, host);
        headers.append(header::VIA, identity.via.clone());
        None
    };
    if exchange.fields.request_id.is_some() {
        headers.remove(RequestId::FIELD);
    }
    if seen.has(Seen::TRACE) {
        headers.remove(TraceContext::FIELD);
    }
    if exchange.fields.host.as_ref().is_none_or(|known| known != host)
        || exchange.version == Version::HTTP_2
    {
        headers.insert(header::HOST, host.clone());
    }
    beside
}

/// The fields of a request that say where it came from, for requests that come of it.
pub(super) fn forwarded(headers: &HeaderMap) -> HeaderMap {
    let mut told = HeaderMap::new();
    for name in FORWARDING.iter().chain(&[X_FORWARDED_FOR, header::FORWARDED, header::VIA]) {
        for value in headers.get_all(name) {
            told.append(name.clone(), value.clone());
        }
    }
    told
}

/// `Forwarded` and `X-Forwarded-*`: appended where the peer is trusted, else replaced.
fn forwarding(headers: &mut HeaderMap, seen: Seen, connection: &Connection, host: &HeaderValue) {
    let trusted = connection.peer.trusted;
    if seen.has(Seen::X_FORWARDED) && !trusted {
        for name in FORWARDING {
            headers.remove(name);
        }
    }
    let address = connection.address.clone();
    let element = connection.forwarded(host);
    if trusted {
        append_element(headers, X_FORWARDED_FOR, address, seen.has(Seen::X_FORWARDED_FOR));
        append_element(headers, header::FORWARDED, element, seen.has(Seen::FORWARDED));
    } else {
        headers.insert(X_FORWARDED_FOR, address);
        headers.insert(header::FORWARDED, element);
    }
    let keeps = trusted && seen.has(Seen::X_FORWARDED);
    if !(keeps && headers.contains_key(X_FORWARDED_PROTO)) {
        let scheme = HeaderValue::from_static(connection.peer.scheme());
        headers.insert(X_FORWARDED_PROTO, scheme);
    }
    if !(keeps && headers.contains_key(X_FORWARDED_HOST)) {
        headers.insert(X_FORWARDED_HOST, host.clone());
    }
}

fn append_element(headers: &mut HeaderMap, name: HeaderName, element: HeaderValue, known: bool) {
    if !known {
        headers.insert(name, element);
        return;
    }
    let mut list = Vec::with_capacity(128);
    for value in headers.get_all(&name) {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(element.as_bytes());
    headers
        .insert(name, HeaderValue::from_maybe_shared(bytes::Bytes::from(list)).unwrap_or(element));
}

/// Removes fields that are for this hop alone (RFC 9110, section 7.6.1).
fn strip_hop_by_hop(headers: &mut HeaderMap, seen: Seen) {
    if seen.has(Seen::CONNECTION) {
        strip_nominated(headers);
    }
    if seen.has(Seen::HOP) {
        for name in HOP_BY_HOP {
            headers.remove(name);
        }
        headers.remove(header::EXPECT);
        headers.remove("http2-settings");
    }
    if seen.has(Seen::UPGRADE) {
        headers.remove(header::UPGRADE);
    }
    if seen.has(Seen::TE) {
        let trailers = headers.get_all(header::TE).iter().any(|value| {
            let text = value.to_str().unwrap_or_default();
            text.split(',').any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
        });
        headers.remove(header::TE);
        if trailers {
            // The one value that goes on: an upstream sends trailers only to who asked.
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
    }
}

/// Removes `Connection` and the fields that it names, except those that are for every recipient.
fn strip_nominated(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(header::CONNECTION).iter();
    if let (Some(only), None) = (lines.next(), lines.next())
        && (only == "keep-alive" || only == "close")
    {
        // What nearly every connection says names no field.
        headers.remove(header::CONNECTION);
        return;
    }
    let mut names: Vec<HeaderName> = Vec::new();
    for value in headers.get_all(header::CONNECTION) {
        let text = value.to_str().unwrap_or_default();
        let tokens = text.split(',').map(str::trim);
        names.extend(tokens.filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok()));
    }
    for name in names {
        if name != header::TE && !END_TO_END.contains(&name.as_str()) {
            headers.remove(name);
        }
    }
    headers.remove(header::CONNECTION);
}

/// Removes `Proxy`, and names that differ from a field of ours only by an underscore: upstreams
/// that make variables of names cannot tell them apart (RFC 9110, section 17.10).
fn strip_aliases(headers: &mut HeaderMap) {
    headers.remove("proxy");
    let aliases: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().contains('_'))
        .filter(|name| is_owned(&name.as_str().replace('_', "-")))
        .cloned()
        .collect();
    for name in aliases {
        headers.remove(name);
    }
}

fn is_owned(name: &str) -> bool {
    name.starts_with("x-forwarded-")
        || END_TO_END.contains(&name)
        || is_identity_field(name)
        || HOP_BY_HOP.iter().any(|known| known.as_str() == name)
        || matches!(name, "x-real-ip" | "te" | "upgrade" | "expect" | "connection" | "proxy")
}

/// HTTP/2 sends cookies in crumbs; HTTP/1 wants one line (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> =
        headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(header::COOKIE, joined);
    }
}

/// Edits the head of an upstream's reply: its hop-by-hop fields are not the client's business.
pub(super) fn inbound(headers: &mut HeaderMap) {
    // One walk over few names is cheaper than seven look-ups for what is hardly ever there.
    let (mut connection, mut others) = (false, false);
    for name in headers.keys() {
        connection |= *name == header::CONNECTION;
        others |= *name == header::UPGRADE || HOP_BY_HOP.contains(name);
    }
    if connection {
        strip_nominated(headers);
    }
    if others {
        for name in HOP_BY_HOP {
            headers.remove(name);
        }
        headers.remove(header::UPGRADE);
    }
}

/// HTTP/2 knows no connection fields (RFC 9113, section 8.2.2).
pub(super) fn strip_connection(headers: &mut HeaderMap) {
    headers.remove(header::CONNECTION);
    headers.remove(header::UPGRADE);
}

/// Says that the reply depends on this field of the request, unless it is said.
pub(super) fn vary(headers: &mut HeaderMap, name: &'static str) {
    let said = headers.get_all(header::VARY).iter().any(|line| {
        let mut names = line.to_str().unwrap_or_default().split(',').map(str::trim);
        names.any(|known| known == "*" || known.eq_ignore_ascii_case(name))
    });
    if !said {
        headers.append(header::VARY, HeaderValue::from_static(name));
    }
}

/// A reply without content carries no length (RFC 9110, section 8.6).
pub(super) fn no_content<B>(response: &mut Response<B>) {
    response.headers_mut().remove(header::CONTENT_LENGTH);
}

/// `Strict-Transport-Security`.
pub(super) fn hsts(age: Duration) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("max-age={}", age.as_secs())).ok()
}

/// The client's address behind trusted proxies: the last one that none of them vouches for.
pub(super) fn client_address(headers: &HeaderMap, peer: IpAddr, server: &Server) -> IpAddr {
    let mut client = peer;
    let lines: Vec<&str> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')).take(MAX_HOPS) {
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        client = address;
        if !server.trusts(address) {
            break;
        }
    }
    client
}

pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(super) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(super) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

const FORWARDING: [HeaderName; 8] = [
    X_FORWARDED_PROTO,
    X_FORWARDED_HOST,
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-forwarded-scheme"),
    HeaderName::from_static("x-forwarded-ssl"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-real-ip"),
];

const HOP_BY_HOP: [HeaderName; 5] = [
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TRANSFER_ENCODING,
];

/// Fields that `Connection` may name in vain: every recipient needs them, or they are ours.
const END_TO_END: [&str; 14] = [
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "authorization",
    "cookie",
    "set-cookie",
    "cache-control",
    "date",
    "forwarded",
    "via",
    "x-request-id",
    "traceparent",
    "x-forwarded-for",
];

/// Gateways of our kind that a request may cross.
const MAX_GATEWAYS: usize = 4;
/// Entries of `X-Forwarded-For` that are looked at.
const MAX_HOPS: usize = 32;
