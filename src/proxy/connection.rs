//! A client's connection as its exchanges see it: who is there, and values that are the same for
//! every request, made once.

use std::cell::RefCell;
use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;

use http::Version;
use http::header::{self, HeaderName, HeaderValue};

use super::headers;
use super::wire::Wire;
use crate::base::{ListenerId, Peer, field};
use crate::problem::Cause;
use crate::upstream::Interim;

/// One client connection.
pub struct Connection {
    /// Who is there.
    pub peer: Rc<Peer>,
    /// What the connection and its exchanges say to each other.
    pub wire: Rc<Wire>,
    /// Whether it speaks HTTP/1, where one exchange follows the other.
    pub protocol: Protocol,
    /// Every request is refused with this: the connection is one too many.
    pub refuse: Option<Cause>,
    /// Whether the certificate that the client was shown serves a host.
    pub serves: Option<Serves>,
    /// The client's address as `X-Forwarded-For` wants it.
    pub(super) address: HeaderValue,
    forwarding: RefCell<Option<Rc<Forwarding>>>,
    interim: Interim,
}

/// Whether a certificate serves a host.
pub type Serves = Rc<dyn Fn(&str) -> bool>;

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 or 1.0, behind a guard. Whoever writes its replies asks each body for its
    /// [`Wording`](crate::problem::Wording) first.
    Http1,
    /// HTTP/2.
    Http2,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Connection {
    /// A connection of this peer.
    pub fn new(peer: Rc<Peer>, wire: Rc<Wire>, protocol: Protocol) -> Self {
        let address = header_value(&address_text(peer.ip()));
        let forwarding = RefCell::new(None);
        let interim = pass_interim(Rc::clone(&wire));
        Self { peer, wire, protocol, refuse: None, serves: None, address, forwarding, interim }
    }

    /// The same connection under another configuration, which calls its listener by another id or
    /// trusts its peer otherwise.
    pub fn under(&self, listener: ListenerId, trusted: bool) -> Self {
        let peer = Peer { listener, trusted, ..Peer::clone(&self.peer) };
        let mut connection = Self::new(Rc::new(peer), Rc::clone(&self.wire), self.protocol);
        connection.refuse = self.refuse;
        connection.serves.clone_from(&self.serves);
        connection
    }

    /// Passes interim replies (1xx) on to clients that know them: HTTP/1.1.
    /// HTTP/1.0 never gets one, and hyper has no way to send them on HTTP/2.
    pub(super) fn interim(&self, version: Version) -> Option<Interim> {
        let knows = version == Version::HTTP_11 && self.protocol == Protocol::Http1;
        knows.then(|| Rc::clone(&self.interim))
    }

    /// What says where a request came from, for requests to `host`: clients nearly always ask for
    /// the same host again, so the last one is kept.
    pub(super) fn forwarding(&self, host: &HeaderValue, via: &HeaderValue) -> Rc<Forwarding> {
        let mut kept = self.forwarding.borrow_mut();
        if let Some(known) = kept.as_ref()
            && known.host == host
        {
            return Rc::clone(known);
        }
        let fresh = Rc::new(Forwarding::new(self, host, via));
        *kept = Some(Rc::clone(&fresh));
        fresh
    }

    /// Forgets what was made for the next request: a connection that is silent for long should not
    /// hold it, least of all a host that is a slice of what was read with it.
    pub fn rest(&self) {
        self.forwarding.borrow_mut().take();
    }

    /// The `Forwarded` element for requests to `host` (RFC 7239).
    pub(super) fn forwarded(&self, host: &HeaderValue) -> HeaderValue {
        let address = self.address.to_str().unwrap_or_default();
        header_value(&forwarded_element(address, host, self.peer.scheme()))
    }
}

/// The fields that tell an upstream where a request came from, where nobody has told before.
#[derive(Debug)]
pub(super) struct Forwarding {
    host: HeaderValue,
    /// Field by field.
    pub(super) fields: Vec<(HeaderName, HeaderValue)>,
    /// As lines of HTTP/1.
    pub(super) lines: Vec<u8>,
}

impl Forwarding {
    fn new(connection: &Connection, host: &HeaderValue, via: &HeaderValue) -> Self {
        let scheme = HeaderValue::from_static(connection.peer.scheme());
        let fields = vec![
            (headers::X_FORWARDED_FOR, connection.address.clone()),
            (header::FORWARDED, connection.forwarded(host)),
            (headers::X_FORWARDED_PROTO, scheme),
            (headers::X_FORWARDED_HOST, host.clone()),
            (header::VIA, via.clone()),
        ];
        let mut lines = Vec::with_capacity(256);
        for (name, value) in &fields {
            field::write(name, value, &mut lines);
        }
        Self { host: host.clone(), fields, lines }
    }
}

fn pass_interim(wire: Rc<Wire>) -> Interim {
    Rc::new(move |status, fields| {
        let mut fields = fields.clone();
        headers::inbound(&mut fields);
        wire.send_interim(status, &fields);
    })
}

/// An address as text. Every connection needs it, and the formatting machinery takes ten times as
/// long for the four numbers that it nearly always is.
fn address_text(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let mut text = String::with_capacity("255.255.255.255".len());
            let mut number = itoa::Buffer::new();
            for (place, octet) in address.octets().into_iter().enumerate() {
                if place > 0 {
                    text.push('.');
                }
                text.push_str(number.format(octet));
            }
            text
        }
        IpAddr::V6(address) => address.to_string(),
    }
}

fn forwarded_element(address: &str, host: &HeaderValue, scheme: &str) -> String {
    let mut element = String::with_capacity(80);
    let (before, after) = if address.contains(':') { ("for=\"[", "]\"") } else { ("for=", "") };
    // Host was checked to be a plain authority, so it needs no escaping.
    let host = host.to_str().unwrap_or_default();
    for part in [before, address, after, ";host=\"", host, "\";proto=", scheme] {
        element.push_str(part);
    }
    element
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(address: &str) -> Connection {
        let address = address.parse().unwrap();
        let peer = Peer { address, listener: ListenerId(0), tls: None, trusted: false };
        Connection::new(Rc::new(peer), Rc::default(), Protocol::Http1)
    }

    #[test]
    fn addresses_are_written_as_each_header_wants_them() {
        let v4 = connection("192.0.2.1:1234");
        assert_eq!(v4.address, "192.0.2.1");
        let host = HeaderValue::from_static("gw.test:8443");
        assert_eq!(v4.forwarded(&host), "for=192.0.2.1;host=\"gw.test:8443\";proto=http");
        let v6 = connection("[2001:db8::1]:1234");
        assert_eq!(v6.address, "2001:db8::1");
        assert_eq!(v6.forwarded(&host), "for=\"[2001:db8::1]\";host=\"gw.test:8443\";proto=http");
        let mapped = connection("[::ffff:192.0.2.1]:1");
        assert_eq!(mapped.address, "192.0.2.1");
    }
}
