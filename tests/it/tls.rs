//! TLS listeners: versions, names, client certificates, ALPN, misdirected requests.

use std::sync::Arc;

use crate::rig::client::Client;
use crate::rig::gateway::Setup;
use crate::rig::h2::H2Client;
use crate::rig::origin::Origin;
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
