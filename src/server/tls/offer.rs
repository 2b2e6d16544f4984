//! What one reading of a listener's files makes: certificates, client authorities, ticket keys.
//!
//! An offer never changes. Renewal makes a new one beside it, and a connection keeps the one that
//! it shook hands with, so that what it may be asked for (421) stays what it was shown.

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ServerConfig, ServerConnection};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificates::Certificates;
use super::prefixed::Prefixed;
use super::tickets::Tickets;
use super::x509::client_names;
use super::{files, profile};
use crate::base::peer::TlsFacts;
use crate::config::model::{ClientAuth, Protocols, Tls};

/// What a listener needs to speak TLS.
pub(in crate::server) struct Offer {
    pub(super) acceptor: TlsAcceptor,
    certificates: Arc<Certificates>,
    protocols: Protocols,
}

/// The version of HTTP that a handshake settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Negotiated {
    /// HTTP/1.1, by ALPN or because the client named nothing.
    Http1,
    /// HTTP/2, by ALPN.
    Http2,
}

impl Offer {
    /// Reads certificates, keys and authorities. What hinders nothing but should be looked at is
    /// added to `warnings`.
    ///
    /// # Errors
    /// A sentence that names the file and what to do about it.
    pub(super) fn load(
        tls: &Tls,
        protocols: Protocols,
        environment: &dyn Fn(&str) -> Option<String>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, String> {
        let provider = Arc::new(profile::provider());
        let certificates = Arc::new(Certificates::load(&tls.certificates, &provider, environment)?);
        warnings.extend(certificates.warnings());
        warnings.extend(tls.certificates.iter().filter_map(files::exposed_key));
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(profile::versions(tls.allow_tls12))
            .map_err(|error| error.to_string())?;
        let builder = match client_verifier(tls, &provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::clone(&certificates) as _);
        config.alpn_protocols = alpn(protocols);
        // Tickets resume sessions across workers without a shared table. Each offer has keys of its
        // own, which change every six hours and are forgotten six hours later: a session of one
        // listener must not open another one whose client certificates it never showed
        // (CVE-2025-23419), nor outlive the authorities and certificates it was begun under.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = Tickets::begin();
        // What a client says before the handshake has ended can be said again by anybody.
        config.max_early_data_size = 0;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificates, protocols })
    }

    /// Shakes hands. The caller bounds the time.
    ///
    /// # Errors
    /// What rustls or the socket says; an alert was sent where one was due.
    pub(in crate::server) async fn accept(
        &self,
        socket: Prefixed,
    ) -> io::Result<TlsStream<Prefixed>> {
        let bounded = |session: &mut ServerConnection| session.set_buffer_limit(Some(SENT_AT_ONCE));
        self.acceptor.accept_with(socket, bounded).await
    }

    /// The version of HTTP that the handshake settled; none where the client offered no ALPN and
    /// the listener does not speak HTTP/1.1: the connection is closed.
    pub(in crate::server) fn negotiated(
        &self,
        connection: &ServerConnection,
    ) -> Option<Negotiated> {
        match connection.alpn_protocol() {
            Some(b"h2") => Some(Negotiated::Http2),
            Some(_) => Some(Negotiated::Http1),
            None => self.protocols.http1.then_some(Negotiated::Http1),
        }
    }

    /// Whether a connection that asked for `server_name` may carry requests for `host` (a name
    /// without port): false means 421, RFC 9110 section 15.5.20.
    pub(in crate::server) fn serves(&self, server_name: Option<&str>, host: &str) -> bool {
        self.certificates.serves(server_name, host)
    }

    /// The certificates.
    pub(super) fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// The facts of the handshake, for `Peer`.
    pub(in crate::server) fn facts(connection: &ServerConnection) -> TlsFacts {
        let version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        };
        TlsFacts {
            version,
            server_name: connection.server_name().map(Into::into),
            client: connection.peer_certificates().and_then(|chain| {
                // Read once for a connection, and only where a client has proved one.
                chain.first().map(|der| Rc::new(client_names(der)))
            }),
        }
    }
}

/// What is offered by ALPN (RFC 7301). A client that offers only other protocols is refused with
/// the alert `no_application_protocol`.
fn alpn(protocols: Protocols) -> Vec<Vec<u8>> {
    let mut offered = Vec::new();
    if protocols.http2 {
        offered.push(b"h2".to_vec());
    }
    if protocols.http1 {
        offered.push(b"http/1.1".to_vec());
    }
    offered
}

fn client_verifier(
    tls: &Tls,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
    let path = tls.client_ca.as_deref();
    match tls.client_auth {
        ClientAuth::None => Ok(None),
        ClientAuth::Optional => verifier(path, provider, Absent::Accepted).map(Some),
        ClientAuth::Required => verifier(path, provider, Absent::Refused).map(Some),
    }
}

/// What becomes of a client without a certificate; a wrong one is always refused.
#[derive(Clone, Copy)]
enum Absent {
    Accepted,
    Refused,
}

fn verifier(
    path: Option<&Path>,
    provider: &Arc<CryptoProvider>,
    absent: Absent,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let path = path.ok_or("client_auth needs client_ca: the PEM file of the authorities")?;
    let roots = Arc::new(files::authorities(path)?);
    let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
    let builder = match absent {
        Absent::Accepted => builder.allow_unauthenticated(),
        Absent::Refused => builder,
    };
    builder.build().map_err(|error| format!("{} cannot be used: {error}", path.display()))
}

/// Bytes of TLS that wait for a client, at most. Each send wakes the client, so that few large ones
/// cost less than many: as much at once as one read of a long answer brings.
const SENT_AT_ONCE: usize = 512 * 1024;
