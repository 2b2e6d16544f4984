//! TLS upstreams: who is trusted, what is spoken, and what a file that is wrong says at the start.

use std::cell::Cell;
use std::fs;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, date_time_ymd};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::spawn_local;
use tokio_rustls::TlsAcceptor;

use super::super::{CallOptions, Credentials, Kind, Names, Sent, Stage, Upgrade, Upstreams};
use super::origin::Step::{Hang, Read};
use super::origin::{Origin, Step, play_alone, send};
use super::rig::{Rig, plain, request, settings};
use super::run;
use crate::config::model::{Endpoint, Upstream, UpstreamProtocol};
use crate::config::secret::Secret;

/// An authority, with its certificate in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    /// A certificate for `name` from one year to another.
    fn sign(&self, name: &str, from: i32, to: i32) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn server(&self, name: &str, alpn: &[&str]) -> ServerConfig {
        self.server_in(name, 2020, 2100, alpn)
    }

    fn server_in(&self, name: &str, from: i32, to: i32, alpn: &[&str]) -> ServerConfig {
        let (certificate, key) = self.sign(name, from, to);
        let chain = vec![certificate.der().clone()];
        let mut config = builder()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    /// An upstream that trusts this authority.
    fn upstream(&self, address: SocketAddr) -> Upstream {
        let mut upstream = settings(vec![secure(address)]);
        upstream.tls.ca = Some(self.folder.path().join("ca.pem"));
        upstream
    }
}

fn builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap()
}

/// An endpoint in TLS that is known as `origin.test`.
fn secure(address: SocketAddr) -> Endpoint {
    let authority = HeaderValue::from_static("origin.test");
    Endpoint { tls: true, authority, ..plain(address) }
}

/// Serves TLS, then the script; counts handshakes that came to an end.
async fn serve(config: ServerConfig, script: &[Step]) -> (SocketAddr, Rc<Cell<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (acceptor, script) = (TlsAcceptor::from(Arc::new(config)), script.to_vec());
    let count = Rc::new(Cell::new(0));
    let shaken = Rc::clone(&count);
    spawn_local(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let (acceptor, script, shaken) = (acceptor.clone(), script.clone(), shaken.clone());
            spawn_local(async move {
                let Ok(mut stream) = acceptor.accept(socket).await else { return };
                shaken.set(shaken.get() + 1);
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    serve_http2(stream).await;
                } else {
                    play_alone(&mut stream, &script).await;
                    let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
                }
            });
        }
    });
    (address, count)
}

async fn serve_http2<S>(stream: S)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        assert_eq!(request.uri().scheme_str(), Some("https"));
        let mut body = respond.send_response(http::Response::new(()), false).unwrap();
        body.send_data("over h2".into(), true).unwrap();
    }
}

fn ok() -> Step {
    send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
}

#[test]
fn a_trusted_upstream_is_called_and_its_connection_kept() {
    run(async {
        let authority = Authority::new();
        let server = authority.server("origin.test", &[]);
        let (address, handshakes) = serve(server, &[Read, ok(), Read, ok(), Hang]).await;
        let rig = Rig::new(authority.upstream(address));
        for _ in 0..2 {
            assert_eq!(rig.get("/").await.unwrap().body, "hello");
        }
        assert_eq!(handshakes.get(), 1);
    });
}

/// The failure towards a server with this certificate, and an upstream changed like this.
fn fails(
    server: impl FnOnce(&Authority) -> ServerConfig,
    change: impl FnOnce(&mut Upstream),
) -> Kind {
    run(async {
        let authority = Authority::new();
        let (address, _) = serve(server(&authority), &[Read, ok()]).await;
        let mut upstream = authority.upstream(address);
        change(&mut upstream);
        let error = Rig::new(upstream).post("x").await.unwrap_err();
        assert_eq!((error.stage, error.sent), (Stage::Handshake, Sent::Nothing), "{error}");
        assert!(error.detail.is_some());
        error.kind
    })
}

#[test]
fn a_certificate_out_of_its_time_is_told() {
    let old = |authority: &Authority| authority.server_in("origin.test", 2000, 2001, &[]);
    assert_eq!(fails(old, |_| ()), Kind::TlsExpired);
    let new = |authority: &Authority| authority.server_in("origin.test", 2100, 2101, &[]);
    assert_eq!(fails(new, |_| ()), Kind::TlsExpired);
}

#[test]
fn a_certificate_of_an_unknown_authority_is_told() {
    let other = |_: &Authority| Authority::new().server("origin.test", &[]);
    assert_eq!(fails(other, |_| ()), Kind::TlsUntrusted);
    let ours = |authority: &Authority| authority.server("origin.test", &[]);
    assert_eq!(fails(ours, |upstream| upstream.tls.ca = None), Kind::TlsUntrusted);
}

#[test]
fn a_certificate_for_another_name_is_told_unless_that_name_is_configured() {
    let other = |authority: &Authority| authority.server("other.test", &[]);
    assert_eq!(fails(other, |_| ()), Kind::TlsName);
    run(async {
        let authority = Authority::new();
        let (address, _) = serve(authority.server("other.test", &[]), &[Read, ok()]).await;
        let mut upstream = authority.upstream(address);
        upstream.tls.server_name = Some("other.test".into());
        assert_eq!(Rig::new(upstream).get("/").await.unwrap().body, "hello");
    });
}

#[test]
fn what_is_no_tls_is_a_failed_handshake() {
    run(async {
        let origin = Origin::new(&[send("HTTP/1.1 400 Bad Request\r\n\r\n")]).await;
        let error = Rig::new(Authority::new().upstream(origin.address)).get("/").await;
        assert_eq!(error.unwrap_err().kind, Kind::TlsHandshake);
        let origin = Origin::new(&[]).await;
        let error = Rig::new(Authority::new().upstream(origin.address)).get("/").await;
        assert_eq!(error.unwrap_err().kind, Kind::TlsHandshake);
    });
}

#[test]
fn a_server_that_never_shakes_hands_is_a_connect_timeout() {
    run(async {
        let origin = Origin::new(&[Hang]).await;
        let authority = Authority::new();
        let mut upstream = authority.upstream(origin.address);
        upstream.timeout.connect = Duration::from_millis(50);
        let error = Rig::new(upstream).get("/").await.unwrap_err();
        assert_eq!(error.kind, Kind::ConnectTimeout);
    });
}

fn spoken(protocol: UpstreamProtocol, alpn: &[&str]) -> Result<String, Kind> {
    run(async {
        let authority = Authority::new();
        let (address, _) = serve(authority.server("origin.test", alpn), &[Read, ok()]).await;
        let mut upstream = authority.upstream(address);
        upstream.protocol = protocol;
        let answer = Rig::new(upstream).get("/").await;
        answer.map(|answer| answer.body).map_err(|error| error.kind)
    })
}

#[test]
fn the_protocol_is_negotiated_or_insisted_on() {
    use UpstreamProtocol::{H2, Http1, Negotiate};
    let both = &["h2", "http/1.1"];
    assert_eq!(spoken(Negotiate, both).unwrap(), "over h2");
    assert_eq!(spoken(Negotiate, &["http/1.1"]).unwrap(), "hello");
    assert_eq!(spoken(Negotiate, &[]).unwrap(), "hello");
    assert_eq!(spoken(Http1, both).unwrap(), "hello");
    assert_eq!(spoken(H2, both).unwrap(), "over h2");
    assert_eq!(spoken(H2, &["http/1.1"]), Err(Kind::ProtocolMismatch));
    assert_eq!(spoken(H2, &[]), Err(Kind::ProtocolMismatch));
    assert_eq!(spoken(Http1, &["h2"]), Err(Kind::ProtocolMismatch));
}

#[test]
fn an_upgrade_takes_http1_where_http2_would_be_usual() {
    run(async {
        let authority = Authority::new();
        let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                      Upgrade: chat\r\n\r\n";
        let server = authority.server("origin.test", &["h2", "http/1.1"]);
        let (address, _) = serve(server, &[Read, send(switch), Step::Echo]).await;
        let rig = Rig::new(authority.upstream(address));
        assert_eq!(rig.get("/").await.unwrap().body, "over h2");
        let mut request = request(Method::GET, "/");
        request.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
        request.headers_mut().insert("upgrade", HeaderValue::from_static("chat"));
        let options = CallOptions { upgrade: Upgrade::Requested("chat"), ..rig.options() };
        let response = rig.send_with(request, options, &mut Default::default()).await;
        let mut tunnel = response.unwrap().into_body().into_tunnel().unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut tunnel, b"x").await.unwrap();
        assert_eq!(tokio::io::AsyncReadExt::read_u8(&mut tunnel).await.unwrap(), b'x');
    });
}

#[test]
fn a_body_that_ends_without_goodbye_is_truncated() {
    run(async {
        let authority = Authority::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(authority.server("origin.test", &[])));
        spawn_local(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(socket).await.unwrap();
            play_alone(&mut stream, &[Read, send("HTTP/1.1 200 OK\r\n\r\nhello")]).await;
        });
        let answer = Rig::new(authority.upstream(address)).get("/").await.unwrap();
        assert_eq!(
            (answer.body.as_str(), answer.end.unwrap_err().kind),
            ("hello", Kind::Truncated)
        );
    });
}

#[test]
fn we_say_goodbye() {
    run(async {
        let authority = Authority::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rig = Rig::new(authority.upstream(listener.local_addr().unwrap()));
        let acceptor = TlsAcceptor::from(Arc::new(authority.server("origin.test", &[])));
        let server = async {
            let (socket, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(socket).await.unwrap();
            play_alone(&mut stream, &[Read, ok()]).await;
            stream
        };
        let (answer, mut stream) = tokio::join!(rig.get("/"), server);
        answer.unwrap();
        drop(rig);
        // Without close_notify this would be an unexpected end.
        let end = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1]).await;
        assert_eq!(end.unwrap(), 0);
    });
}

/// A server that wants a certificate of this authority.
fn strict(authority: &Authority) -> ServerConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.issuer.der().to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let (certificate, key) = authority.sign("origin.test", 2020, 2100);
    builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap()
}

#[test]
fn our_own_certificate_is_shown_and_its_absence_is_told() {
    run(async {
        let authority = Authority::new();
        let (address, _) = serve(strict(&authority), &[Read, ok()]).await;
        let mut upstream = authority.upstream(address);
        let error = Rig::new(authority.upstream(address)).get("/").await.unwrap_err();
        assert_eq!(error.kind, Kind::TlsHandshake, "{error}");

        let (certificate, key) = authority.sign("me.test", 2020, 2100);
        let path = authority.folder.path().join("me.pem");
        fs::write(&path, certificate.pem()).unwrap();
        upstream.tls.cert = Some(path);
        upstream.tls.key = Some(Secret::Env("KEY".into()));
        let key = key.serialize_pem();
        let environment = move |name: &str| (name == "KEY").then(|| key.clone());
        let all = [upstream];
        let credentials = Credentials::load(&all, &environment, None).unwrap();
        let upstreams = Upstreams::new(&all, &credentials, &Names::scripted().0, None).unwrap();
        let rig = Rig { upstreams, deadline: Duration::from_secs(5) };
        assert_eq!(rig.get("/").await.unwrap().body, "hello");
    });
}

/// What setting up says.
fn refuses(change: impl FnOnce(&mut Upstream, &Authority)) -> String {
    let authority = Authority::new();
    let mut upstream = authority.upstream(([127, 0, 0, 1], 1).into());
    change(&mut upstream, &authority);
    let all = [upstream];
    let made = Credentials::load(&all, &|_| None, None)
        .and_then(|credentials| Upstreams::new(&all, &credentials, &Names::scripted().0, None));
    let error = made.unwrap_err();
    assert_eq!(error.upstream, "origin");
    error.to_string()
}

#[test]
fn files_that_are_wrong_are_named_at_the_start() {
    let said = refuses(|upstream, _| upstream.tls.ca = Some("/nowhere/ca.pem".into()));
    assert!(said.starts_with("upstream origin: /nowhere/ca.pem: No such file"), "{said}");
    let said = refuses(|upstream, authority| {
        let path = authority.folder.path().join("empty.pem");
        fs::write(&path, "nothing").unwrap();
        upstream.tls.ca = Some(path);
    });
    assert!(said.contains("empty.pem: there is no certificate in this file"), "{said}");
    let said = refuses(|upstream, _| upstream.tls.cert = upstream.tls.ca.clone());
    assert!(said.contains("tls.cert and tls.key must be set together"), "{said}");
    let said = refuses(|upstream, _| {
        upstream.tls.cert = upstream.tls.ca.clone();
        upstream.tls.key = upstream.tls.ca.clone().map(Secret::File);
    });
    assert!(said.ends_with("ca.pem: there is no private key"), "{said}");
    for (secret, text) in [
        (Secret::Env("NO_KEY".into()), "the variable NO_KEY is not set"),
        (Secret::Credential("key".into()), "CREDENTIALS_DIRECTORY is not set"),
    ] {
        let said = refuses(|upstream, _| {
            upstream.tls.cert = upstream.tls.ca.clone();
            upstream.tls.key = Some(secret);
        });
        assert!(said.ends_with(text), "{said}");
    }
    let said = refuses(|upstream, authority| {
        let path = authority.folder.path().join("other.key");
        fs::write(&path, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        upstream.tls.cert = upstream.tls.ca.clone();
        upstream.tls.key = Some(Secret::File(path));
    });
    assert!(said.contains("the certificate and its key do not fit"), "{said}");
    let said = refuses(|upstream, _| upstream.tls.server_name = Some("not a name".into()));
    assert!(said.contains("\"not a name\" is not a name that a certificate can carry"), "{said}");
}
