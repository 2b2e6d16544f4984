//! Who is at the other end of a connection: facts made once, when it is accepted.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use super::ListenerId;

/// The other end of one client connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The client's address: of the socket, or what a trusted PROXY header said.
    pub address: SocketAddr,
    /// The listener that accepted the connection.
    pub listener: ListenerId,
    /// Facts of the TLS handshake; none on a plain connection.
    pub tls: Option<TlsFacts>,
    /// Whether the socket's own address is one of `server.trusted_proxies`.
    pub trusted: bool,
}

impl Peer {
    /// The client's address without its port.
    pub fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// The scheme that this connection speaks.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

/// What the TLS handshake settled.
#[derive(Clone, Debug)]
pub struct TlsFacts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The name that the client asked for.
    pub server_name: Option<Box<str>>,
    /// Whom the certificate names that the client proved; none where it proved none.
    pub client: Option<Rc<CertificateNames>>,
}

/// The names in a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateNames {
    /// The common name of its subject.
    pub common: Option<Box<str>>,
    /// Its alternative names: DNS, URI and e-mail.
    pub alternative: Vec<Box<str>>,
}
