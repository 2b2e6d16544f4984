//! TLS listeners: versions, names, client certificates, ALPN, misdirected requests.

use std::sync::Arc;

use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};

use crate::rig::client::Client;
use crate::rig::gateway::Setup;
use crate::rig::h2::H2Client;
use crate::rig::origin::{Origin, Step, nobody, ok};
use crate::rig::tls::{self, Authority, Validity};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn both_protocols_are_chosen_by_alpn() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();

    assert_eq!(Client::tls(gateway.tls()).get("/a").status(), 200);
    assert_eq!(H2Client::tls(gateway.tls()).get("/a").status(), 200);
}

#[test]
fn a_listener_that_speaks_one_protocol_offers_one() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url())
        .tls("tls = { self_signed = [\"localhost\"] }\nprotocols = [\"http/1.1\"]")
        .start();

    let both = tls::trusting_client(&["h2", "http/1.1"]);
    let client = Client::tls_as(gateway.tls(), "localhost", both).unwrap();

    assert_eq!(client.session().alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[test]
fn the_certificate_is_chosen_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let first = authority.sign(&["one.test"], Validity::Now).files(&folder);
    let second = authority.sign(&["two.test"], Validity::Now).files(&folder);
    let origin = Origin::answering(OK);
    let entry = |(cert, key): &(std::path::PathBuf, std::path::PathBuf)| {
        format!("{{ cert = \"{}\", key = {{ file = \"{}\" }} }}", cert.display(), key.display())
    };
    let gateway = Setup::before(&origin.url())
        .tls(&format!("tls = [{}, {}]", entry(&first), entry(&second)))
        .start();
    let shown = |name: &str| {
        let client =
            Client::tls_as(gateway.tls(), name, tls::trusting_client(&["http/1.1"])).unwrap();
        client.session().peer_certificates().unwrap()[0].to_vec()
    };

    assert_ne!(shown("one.test"), shown("two.test"));
    assert_eq!(shown("one.test"), shown("unknown.test"), "the first is the default");
}

#[test]
fn a_host_that_the_certificate_does_not_serve_is_misdirected() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();

    let reply = Client::tls(gateway.tls()).ask("GET /a HTTP/1.1\r\nHost: other.test\r\n\r\n");

    reply.is_problem(421, "MisdirectedRequest");
    assert!(origin.saw_nothing());
}

#[test]
fn a_client_certificate_is_required_where_the_listener_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url())
        .tls(&format!(
            "tls = {{ self_signed = [\"localhost\"], client_ca = \"{}\", \
             client_auth = \"required\" }}",
            authority.file(&folder).display()
        ))
        .start();
    let known = authority.sign(&["client.test"], Validity::Now);
    let stranger = Authority::new().sign(&["client.test"], Validity::Now);
    let ask = |config: Arc<rustls::ClientConfig>| {
        let mut client = Client::tls_as(gateway.tls(), "localhost", config)?;
        client.try_send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        client.try_reply(crate::rig::client::Expects::Body)
    };

    assert_eq!(ask(tls::known_client(&["http/1.1"], &known)).unwrap().status(), 200);
    assert!(ask(tls::known_client(&["http/1.1"], &stranger)).is_err());
    assert!(ask(tls::trusting_client(&["http/1.1"])).is_err());
}

#[test]
fn a_session_of_one_listener_opens_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new().file(&folder);
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url())
        .with(&format!(
            "[listen.other]\nbind = [\"127.0.0.1:0\"]\ntls = {{ self_signed = [\"localhost\"] }}\n\
             [listen.mutual]\nbind = [\"127.0.0.1:0\"]\ntls = {{ self_signed = [\"localhost\"], \
             client_ca = \"{}\", client_auth = \"required\" }}",
            authority.display()
        ))
        .start();
    for version in [&TLS12, &TLS13] {
        // One client, which keeps what it is given and shows it wherever it asks for this name.
        let config = tls::client_of(version);
        let ask = |listener: &str| {
            let address = gateway.address(listener);
            let mut client = Client::tls_as(address, "localhost", Arc::clone(&config))?;
            client.try_send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
            client.try_reply(crate::rig::client::Expects::Body)?;
            Ok::<_, std::io::Error>(client.session().handshake_kind().unwrap())
        };

        assert_eq!(ask("tls").unwrap(), HandshakeKind::Full);
        assert_eq!(ask("tls").unwrap(), HandshakeKind::Resumed);
        assert_eq!(ask("other").unwrap(), HandshakeKind::Full);
        assert_eq!(ask("tls").unwrap(), HandshakeKind::Full, "the last one met is the one kept");
        assert_eq!(ask("tls").unwrap(), HandshakeKind::Resumed);
        assert!(ask("mutual").is_err(), "no certificate was ever shown");
    }
}

#[test]
fn http2_is_spoken_only_where_it_was_agreed_on() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();

    for offered in [&[][..], &["http/1.1"]] {
        let config = tls::trusting_client(offered);
        let mut client = Client::tls_as(gateway.tls(), "localhost", config).unwrap();
        client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");

        let reply = client.reply();

        assert!(reply.head.line.starts_with("HTTP/1.1 "), "{}", reply.head.line);
        assert!(reply.status() >= 400);
    }
    assert!(origin.saw_nothing());
}

#[test]
fn the_end_of_a_connection_is_said() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).server("limits = { idle = \"200ms\" }").start();

    let mut asked = Client::tls(gateway.tls());
    asked.ask("GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut refused = Client::tls(gateway.tls());
    refused.ask("GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n").is_problem(400, "BadRequest");
    let mut idle = Client::tls(gateway.tls());
    idle.get("/a");

    for client in [&mut asked, &mut refused, &mut idle] {
        client.ends_in_order();
    }
}

#[test]
fn the_end_of_an_http2_connection_is_said() {
    let gateway = Setup::before(&nobody()).start();
    let config = tls::trusting_client(&["h2"]);
    let mut client = Client::tls_as(gateway.tls(), "localhost", config).unwrap();
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");

    // Data of no stream ends the connection.
    client.send(b"\0\0\x01\0\0\0\0\0\0x");
    let mut said = Vec::new();

    // Settings, their acknowledgement, GOAWAY; and an end that TLS knows of.
    std::io::Read::read_to_end(&mut client, &mut said).expect("an orderly end");
    assert!(said.len() > 9 && said[3] == 4, "{said:?}");
}

#[test]
fn a_body_that_was_cut_on_the_way_is_never_taken_for_whole() {
    let origin = Origin::scripted([Step::Read, ok("whole"), Step::Again]);
    let gateway = Setup::before(&origin.url()).start();
    for (path, rest) in [
        ("/length", "Content-Length: 10\r\n\r\nhello"),
        ("/chunked", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    ] {
        let mut client = Client::tls(gateway.tls());
        client.send(format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{rest}"));
        client.truncate();

        let line = gateway.log_line_where(|line| line["path"] == path);

        assert_eq!(line["cause"], "client_left", "{line}");
        assert_eq!(line["outcome"], "aborted", "{line}");
    }
    assert!(origin.requests().iter().all(|seen| seen.body.len() < 10), "nor by the origin");
}

#[test]
fn hsts_is_said_where_it_is_configured() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url())
        .tls("tls = { self_signed = [\"localhost\"], hsts = \"365d\" }")
        .start();

    let reply = Client::tls(gateway.tls()).get("/a");

    let said = reply.header("strict-transport-security").unwrap_or_default();
    assert!(said.starts_with("max-age=31536000"), "{said}");
}

#[test]
fn the_log_names_the_version() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();

    let reply = Client::tls(gateway.tls()).get("/a");

    let line = gateway.log_line(&reply.request_id());
    assert_eq!(line["tls"], "TLSv1.3");
    assert_eq!(line["listener"], "tls");
}
