//! Handshakes on loopback sockets, with certificates made on the spot.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, NamedGroup, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::prefixed::Prefixed;
use super::{Negotiated, Offer};
use crate::base::peer::TlsFacts;
use crate::config::model::{CertificateSource, ClientAuth, Protocols, Tls};
use crate::config::secret::Secret;

const BOTH: Protocols = Protocols { http1: true, http2: true };

/// An authority, and what it signed, on disk.
pub(super) struct Authority {
    directory: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { directory, issuer }
    }

    fn sign(&self, name: &str) -> (CertificateDer<'static>, KeyPair, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.der().clone(), key, certificate.pem())
    }

    /// Signs a certificate for `name` and writes it to `name.pem` and `name.key`, where it takes
    /// the place of an older one.
    pub(super) fn source(&self, name: &str) -> CertificateSource {
        let (_, key, pem) = self.sign(name);
        let path = |end: &str| self.folder().join(format!("{name}.{end}"));
        std::fs::write(path("pem"), pem).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        CertificateSource::Files { cert: path("pem"), key: Secret::File(path("key")) }
    }

    pub(super) fn source_until(&self, name: &str, year: i32) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.folder().join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.folder().join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    pub(super) fn folder(&self) -> &Path {
        self.directory.path()
    }

    fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    pub(super) fn tls(&self, names: &[&str], client_auth: ClientAuth) -> Tls {
        Tls {
            certificates: names.iter().map(|name| self.source(name)).collect(),
            allow_tls12: true,
            client_ca: Some(self.ca()),
            client_auth,
            hsts: None,
        }
    }

    fn listener(&self, names: &[&str], client_auth: ClientAuth) -> Offer {
        Offer::load(&self.tls(names, client_auth), BOTH, &|_| None, &mut Vec::new()).unwrap()
    }

    fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        self.client_builder(versions).with_no_client_auth()
    }

    fn client_with_certificate(&self, signer: &Self) -> ClientConfig {
        let (certificate, key, _) = signer.sign("partner");
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let builder = self.client_builder(rustls::ALL_VERSIONS);
        builder.with_client_auth_cert(vec![certificate], key).unwrap()
    }

    fn client_builder(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
    }

    fn client_of(&self, provider: CryptoProvider) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }
}

/// What both sides saw of one connection.
#[derive(Debug)]
struct Met {
    facts: TlsFacts,
    negotiated: Option<Negotiated>,
    client_alpn: Option<Vec<u8>>,
    certificate: CertificateDer<'static>,
    kind: Option<HandshakeKind>,
    group: Option<NamedGroup>,
}

/// Shakes hands and passes one byte each way; errors are the server's and the client's.
async fn meet(
    listener: &Offer,
    client: Arc<ClientConfig>,
    name: &str,
) -> Result<Met, (io::Result<()>, io::Result<()>)> {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let server = async {
        let (stream, _) = socket.accept().await.unwrap();
        let mut prefixed = Prefixed::new(stream.into());
        // The opening was looked at before, as it is on every connection.
        prefixed.opening().await?;
        let mut stream = listener.accept(prefixed).await?;
        stream.read_u8().await?;
        stream.write_u8(b'!').await?;
        stream.flush().await?;
        Ok::<_, io::Error>(stream)
    };
    let client = async {
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut stream = TlsConnector::from(client).connect(name, stream).await?;
        stream.write_u8(b'?').await?;
        stream.flush().await?;
        stream.read_u8().await?;
        Ok::<_, io::Error>(stream)
    };
    match tokio::join!(server, client) {
        (Ok(server), Ok(client)) => {
            let (connection, seen) = (server.get_ref().1, client.get_ref().1);
            Ok(Met {
                facts: Offer::facts(connection),
                negotiated: listener.negotiated(connection),
                client_alpn: seen.alpn_protocol().map(<[u8]>::to_vec),
                certificate: seen.peer_certificates().unwrap()[0].clone(),
                kind: seen.handshake_kind(),
                group: seen.negotiated_key_exchange_group().map(|group| group.name()),
            })
        }
        (server, client) => Err((server.map(drop), client.map(drop))),
    }
}

#[tokio::test]
async fn both_versions_are_spoken_and_told() {
    let authority = Authority::new();
    let listener = authority.listener(&["api.fr"], ClientAuth::None);
    for (version, expected) in [(&TLS12, "TLSv1.2"), (&TLS13, "TLSv1.3")] {
        let met = meet(&listener, Arc::new(authority.client(&[version])), "api.fr").await.unwrap();
        assert_eq!(met.facts.version, expected);
        assert_eq!(met.facts.server_name.as_deref(), Some("api.fr"));
        assert!(met.facts.client.is_none());
    }
}

#[tokio::test]
async fn tls_1_2_can_be_switched_off() {
    let authority = Authority::new();
    let mut tls = authority.tls(&["api.fr"], ClientAuth::None);
    tls.allow_tls12 = false;
    let listener = Offer::load(&tls, BOTH, &|_| None, &mut Vec::new()).unwrap();
    assert!(meet(&listener, Arc::new(authority.client(&[&TLS12])), "api.fr").await.is_err());
    assert!(meet(&listener, Arc::new(authority.client(&[&TLS13])), "api.fr").await.is_ok());
}

#[tokio::test]
async fn the_key_exchange_is_post_quantum_where_the_client_can() {
    let authority = Authority::new();
    let listener = authority.listener(&["api.fr"], ClientAuth::None);
    let group = async |groups| {
        let mut provider = aws_lc_rs::default_provider();
        provider.kx_groups = groups;
        let client = authority.client_of(provider);
        meet(&listener, Arc::new(client), "api.fr").await.ok().and_then(|met| met.group)
    };
    use aws_lc_rs::kx_group::{MLKEM1024, SECP256R1, SECP384R1, X25519, X25519MLKEM768};
    assert_eq!(group(vec![X25519MLKEM768, X25519]).await, Some(NamedGroup::X25519MLKEM768));
    assert_eq!(group(vec![X25519]).await, Some(NamedGroup::X25519));
    assert_eq!(group(vec![SECP256R1]).await, Some(NamedGroup::secp256r1));
    assert_eq!(group(vec![SECP384R1]).await, Some(NamedGroup::secp384r1));
    assert_eq!(group(vec![MLKEM1024]).await, None);
}

#[tokio::test]
async fn the_protocol_is_what_both_speak_and_nothing_else() {
    let authority = Authority::new();
    let tls = authority.tls(&["api.fr"], ClientAuth::None);
    let only = |http1, http2| Protocols { http1, http2 };
    for (protocols, offered, expected) in [
        (BOTH, &["http/1.1", "h2"][..], Some(Some(Negotiated::Http2))),
        (BOTH, &["http/1.1"], Some(Some(Negotiated::Http1))),
        (BOTH, &[], Some(Some(Negotiated::Http1))),
        (BOTH, &["h3", "acme-tls/1"], None),
        (only(true, false), &["h2", "http/1.1"], Some(Some(Negotiated::Http1))),
        (only(true, false), &["h2"], None),
        (only(false, true), &["h2", "http/1.1"], Some(Some(Negotiated::Http2))),
        (only(false, true), &["http/1.1"], None),
        (only(false, true), &[], Some(None)),
    ] {
        let listener = Offer::load(&tls, protocols, &|_| None, &mut Vec::new()).unwrap();
        let mut client = authority.client(rustls::ALL_VERSIONS);
        client.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
        let met = meet(&listener, Arc::new(client), "api.fr").await;
        assert_eq!(met.as_ref().ok().map(|met| met.negotiated), expected, "{offered:?}");
        match met {
            Ok(met) if offered.is_empty() => assert_eq!(met.client_alpn, None),
            Ok(met) => assert!(met.client_alpn.is_some()),
            Err((_, client)) => {
                let told = client.unwrap_err().to_string();
                assert!(told.contains("NoApplicationProtocol"), "{told}");
            }
        }
    }
}

#[tokio::test]
async fn the_certificate_is_chosen_by_the_name_that_is_asked_for() {
    let authority = Authority::new();
    let listener = authority.listener(&["one.fr", "*.two.fr"], ClientAuth::None);
    let client = Arc::new(authority.client(rustls::ALL_VERSIONS));
    let one = meet(&listener, Arc::clone(&client), "one.fr").await.unwrap();
    let two = meet(&listener, Arc::clone(&client), "api.two.fr").await.unwrap();
    assert_ne!(one.certificate, two.certificate);
    assert!(listener.serves(Some("api.two.fr"), "www.two.fr"));
    assert!(!listener.serves(Some("api.two.fr"), "one.fr"));
    // The first one, which this client does not take.
    let (_, refused) = meet(&listener, client, "three.fr").await.unwrap_err();
    assert!(refused.unwrap_err().to_string().contains("one.fr"));
    assert_eq!(listener.certificates().expiries().count(), 2);
}

#[tokio::test]
async fn client_certificates_are_verified() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let none = || Arc::new(authority.client(rustls::ALL_VERSIONS));
    let good = || Arc::new(authority.client_with_certificate(&authority));
    let wrong = || Arc::new(authority.client_with_certificate(&stranger));
    for (client_auth, client, expected) in [
        (ClientAuth::None, none(), Some(false)),
        (ClientAuth::None, good(), Some(false)),
        (ClientAuth::Optional, none(), Some(false)),
        (ClientAuth::Optional, good(), Some(true)),
        (ClientAuth::Optional, wrong(), None),
        (ClientAuth::Required, none(), None),
        (ClientAuth::Required, good(), Some(true)),
        (ClientAuth::Required, wrong(), None),
    ] {
        let listener = authority.listener(&["api.fr"], client_auth);
        let met = meet(&listener, client, "api.fr").await;
        assert_eq!(met.ok().map(|met| met.facts.client.is_some()), expected, "{client_auth:?}");
    }
}

#[tokio::test]
async fn sessions_resume_on_their_own_listener_alone() {
    let authority = Authority::new();
    let tls = authority.tls(&["api.fr"], ClientAuth::None);
    let own = Offer::load(&tls, BOTH, &|_| None, &mut Vec::new()).unwrap();
    let other = Offer::load(&tls, BOTH, &|_| None, &mut Vec::new()).unwrap();
    for version in [&TLS12, &TLS13] {
        let client = Arc::new(authority.client(&[version]));
        let mut kinds = Vec::new();
        for listener in [&own, &own, &other] {
            kinds.push(meet(listener, Arc::clone(&client), "api.fr").await.unwrap().kind);
        }
        assert_eq!(kinds[1], Some(HandshakeKind::Resumed), "{version:?}");
        assert_ne!(kinds[0], Some(HandshakeKind::Resumed));
        assert_ne!(kinds[2], Some(HandshakeKind::Resumed));
    }
}

#[test]
fn keys_of_tickets_change_after_six_hours_and_are_forgotten_after_twelve() {
    let authority = Authority::new();
    let tls = authority.tls(&["api.fr"], ClientAuth::None);
    let offer = Offer::load(&tls, BOTH, &|_| None, &mut Vec::new()).unwrap();
    let tickets = &offer.acceptor.config().ticketer;
    assert!(tickets.enabled());
    // Two turns of a key: the one in which it seals, and the one in which it only opens.
    assert_eq!(tickets.lifetime(), 12 * 60 * 60);
    assert!(format!("{tickets:?}").contains("TicketRotator"), "{tickets:?}");
}

#[tokio::test]
async fn a_ticket_opens_no_early_data() {
    let authority = Authority::new();
    let tls = authority.tls(&["api.fr"], ClientAuth::None);
    let own = Offer::load(&tls, BOTH, &|_| None, &mut Vec::new()).unwrap();
    let mut client = authority.client(&[&TLS13]);
    client.enable_early_data = true;
    let client = Arc::new(client);
    meet(&own, Arc::clone(&client), "api.fr").await.unwrap();
    let name = ServerName::try_from("api.fr").unwrap();
    let mut again = rustls::ClientConnection::new(client, name).unwrap();
    assert!(again.early_data().is_none());
}

#[test]
fn client_certificates_need_authorities_that_can_be_read() {
    let authority = Authority::new();
    let mut tls = authority.tls(&["api.fr"], ClientAuth::Required);
    tls.client_ca = Some(authority.directory.path().join("missing.pem"));
    let error = Offer::load(&tls, BOTH, &|_| None, &mut Vec::new()).err().unwrap();
    assert!(error.contains("missing.pem"), "{error}");
    tls.client_ca = None;
    let error = Offer::load(&tls, BOTH, &|_| None, &mut Vec::new()).err().unwrap();
    assert!(error.contains("client_ca"), "{error}");
}
