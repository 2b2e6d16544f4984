//! One configuration after the other, while clients are there.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};

use rustls::HandshakeKind;

use crate::rig::client::{self, Client};
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::h2::H2Client;
use crate::rig::origin::{Origin, Step, ok};
use crate::rig::tls::{self, Authority, Validity};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// `/word` is answered with this word.
fn says(word: &str) -> Setup {
    Setup::new().route(&format!(
        "name = \"word\"\nmatch = \"/word\"\nrespond = {{ status = 200, json = \"{word}\" }}"
    ))
}

#[test]
fn open_connections_have_their_next_request_answered_by_the_new_one() {
    let gateway = says("one").start();
    let mut http1 = Client::plain(gateway.plain());
    let mut secure = Client::tls(gateway.tls());
    let http2 = H2Client::tls(gateway.tls());
    let mut all =
        || [http1.get("/word").text(), secure.get("/word").text(), http2.get("/word").text()];
    assert_eq!(all(), ["\"one\""; 3]);

    for word in ["two", "three"] {
        gateway.reload(&says(word));
        assert_eq!(all(), [format!("\"{word}\""), format!("\"{word}\""), format!("\"{word}\"")]);
        // They are idle again, and hold nothing of what was before.
        gateway.forgets_the_past();
    }
    assert_eq!(gateway.metric("guichet_config_reloads_total{result=\"applied\"}"), Some(2.0));
}

#[test]
fn an_exchange_under_way_ends_with_the_configuration_that_it_began_with() {
    let origin = Origin::scripted([Step::Read, Step::Stall, ok("late")]);
    let gateway = Gateway::before(&origin.url());
    let mut http1 = Client::plain(gateway.plain());
    http1.send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    origin.wait_for_requests(1);

    gateway.reload(&says("new"));
    assert_eq!(client::get(gateway.plain(), "/word").text(), "\"new\"");
    client::get(gateway.plain(), "/a").is_problem(404, "InvalidResource");
    origin.release();
    let reply = http1.reply();

    assert_eq!((reply.status(), reply.text().as_str()), (200, "late"));
    let line = gateway.log_line(&reply.request_id());
    assert_eq!((&line["route"], &line["upstream"]), (&"all".into(), &"origin".into()));
    gateway.forgets_the_past();
    http1.get("/a").is_problem(404, "InvalidResource");
}

#[test]
fn an_upstream_that_has_not_changed_keeps_its_connections() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());
    assert_eq!(client.get("/a").status(), 200);

    let more = "name = \"more\"\nmatch = \"/more\"\nrespond = { status = 200, json = 1 }";
    gateway.reload(&Setup::before(&origin.url()).route_first(more));
    assert_eq!((client.get("/a").status(), client.get("/more").status()), (200, 200));
    assert_eq!((origin.connections(), origin.open()), (1, 1), "the same connection");

    gateway.reload(&Setup::before(&origin.url()).upstream("pool = { idle = 7 }"));
    assert_eq!(client.get("/a").status(), 200);
    origin.wait_for_closed(1);
    assert_eq!(origin.connections(), 2, "other settings, another connection");
}

#[test]
fn what_an_upstream_is_trusted_by_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    let identity = authority.sign(&["localhost"], Validity::Now);
    let origin = Origin::tls(&identity, [Step::Read, ok("ok"), Step::Again]);
    let (ca, more) = (authority.file(&folder), other.file(&folder));
    let setup =
        || Setup::before(&origin.url()).upstream(&format!("tls = {{ ca = \"{}\" }}", ca.display()));
    let gateway = setup().start();
    let mut client = Client::plain(gateway.plain());
    assert_eq!(client.get("/a").status(), 200);

    gateway.reload(&setup());
    assert_eq!(client.get("/a").status(), 200);
    assert_eq!(origin.connections(), 1, "the file says what it said");

    std::fs::copy(more, &ca).unwrap();
    gateway.reload(&setup());
    client.get("/a").is_problem(502, "BadGateway");
}

#[test]
fn counters_go_on_by_name() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());
    let count = |route: &str| {
        let labels = format!("listener=\"plain\",route=\"{route}\",method=\"GET\",status=\"200\"");
        gateway.metric(&format!("guichet_requests_total{{{labels}}}"))
    };
    let took = "guichet_request_duration_seconds_count{route=\"all\"}";
    let counted = |route: &str, number| {
        eventually("the count", || (count(route) == Some(number)).then_some(()));
    };
    client.get("/a");
    client.get("/a");
    counted("all", 2.0);

    // Routes, listeners and upstreams all get other numbers.
    let shifted = || {
        Setup::before(&origin.url())
            .route_first("name = \"new\"\nmatch = \"/new\"\nrespond = { status = 200, json = 1 }")
            .with("[listen.a]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"\n[upstream.a]\nendpoints = [\"http://127.0.0.1:1\"]")
    };
    for reload in 1_u8..4 {
        gateway.reload(&shifted());
        assert_eq!(count("all"), Some(1.0 + f64::from(reload)), "nothing is lost in between");
        client.get("/a");
        client.get("/new");
        counted("all", 2.0 + f64::from(reload));
        counted("new", f64::from(reload));
        assert_eq!(gateway.metric(took), Some(2.0 + f64::from(reload)));
        gateway.forgets_the_past();
    }
    assert_eq!(
        gateway.metric("guichet_connections{listener=\"plain\",protocol=\"http/1.1\"}"),
        Some(1.0)
    );
    assert_eq!(gateway.metric("guichet_requests_in_flight{route=\"all\"}"), Some(0.0));

    gateway.reload(&says("x"));
    assert_eq!(count("all"), None, "what is no longer named is no longer told");
}

#[test]
fn limits_and_trust_follow() {
    let gateway = says("one").start();
    let mut client = Client::plain(gateway.plain());
    let long = format!("GET /word HTTP/1.1\r\nHost: gw.test\r\nX: {}\r\n\r\n", "x".repeat(3000));
    let named = "GET /word HTTP/1.1\r\nHost: gw.test\r\nX-Request-Id: mine\r\n\r\n";
    assert_eq!(client.ask(&long).status(), 200);
    assert_ne!(client.ask(named).request_id(), "mine");

    gateway.reload(
        &says("two").server("limits = { header = \"2KiB\" }\ntrusted_proxies = [\"127.0.0.1/32\"]"),
    );
    assert_eq!(client.ask(named).request_id(), "mine");
    client.ask(&long).is_problem(431, "HeadersTooLarge");
}

#[test]
fn addresses_stay_come_and_go() {
    let extra = |name: &str, port: u16| {
        says("x")
            .with(&format!("[listen.{name}]\nbind = [\"127.0.0.1:{port}\"]\nplain = \"allow\""))
    };
    let gateway = says("x").start();
    let (plain, tls) = (gateway.plain(), gateway.tls());

    let applied = gateway.reload(&extra("more", 0));
    assert_eq!((gateway.plain(), gateway.tls()), (plain, tls), "sockets stay");
    assert_eq!(applied.generation, 2);
    let more = gateway.address("more");
    let mut client = Client::plain(more);
    assert_eq!(client.get("/word").status(), 200);

    // The same address under another name, and then under none.
    let port = more.port();
    gateway.reload(&says("x"));
    client.is_closed();
    eventually("it is closed", || {
        let error = TcpStream::connect(more).err()?;
        (error.kind() == ErrorKind::ConnectionRefused).then_some(())
    });
    gateway.reload(&extra("one", port));
    let mut one = Client::plain(more);
    assert_eq!(one.get("/word").status(), 200);
    gateway.reload(&extra("other", port));
    let mut other = Client::plain(more);
    let id = other.get("/word").request_id();
    assert_eq!(gateway.log_line(&id)["listener"], "other");
    one.is_closed();
    other.is_open();
}

#[test]
fn a_connection_of_a_listener_that_goes_has_its_answer_first() {
    let origin = Origin::scripted([Step::Read, Step::Stall, ok("late")]);
    let with = "[listen.more]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"\nprotocols = [\"h2\", \"http/1.1\"]";
    let gateway = Setup::before(&origin.url()).with(with).start();
    let mut client = Client::plain(gateway.address("more"));
    client.send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    let idle = H2Client::plain(gateway.address("more"));
    origin.wait_for_requests(1);

    gateway.reload(&Setup::before(&origin.url()));
    idle.is_closed();
    origin.release();
    let reply = client.reply();

    assert_eq!((reply.text().as_str(), reply.header("connection")), ("late", Some("close")));
    client.is_closed();
    gateway.forgets_the_past();
}

#[test]
fn what_cannot_be_applied_changes_nothing() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let gateway = says("one").start();
    let mut client = Client::plain(gateway.plain());
    let refused = |setup: Setup, words: &str| {
        let error = gateway.try_reload(&setup).unwrap_err();
        assert!(error.contains(words), "{error}");
    };
    let address = taken.local_addr().unwrap();
    refused(
        says("two").with(&format!(
            "[listen.more]\nbind = [\"127.0.0.1:0\", \"{address}\"]\nplain = \"allow\""
        )),
        "cannot bind [listen.more]",
    );
    let pair = "tls = { cert = \"/nowhere.pem\", key = { file = \"/nowhere.key\" } }";
    refused(says("two").tls(pair), "/nowhere.");
    let ca = "endpoints = [\"https://127.0.0.1:1\"]\ntls = { ca = \"/nowhere.pem\" }";
    refused(says("two").upstream(ca), "/nowhere.pem");

    assert_eq!(client.get("/word").text(), "\"one\"");
    assert_eq!(gateway.reload(&says("three")).generation, 2);
    assert_eq!(client.get("/word").text(), "\"three\"");
    assert_eq!(gateway.metric("guichet_config_reloads_total{result=\"refused\"}"), Some(3.0));
}

#[test]
fn what_cannot_change_is_told() {
    let gateway = says("one").start();

    let applied = gateway.reload(&says("two").server("").workers(2));

    let [warning] = &applied.warnings[..] else { panic!("{applied:?}") };
    assert!(warning.starts_with("server.workers stays 1 until "), "{warning}");
    assert_eq!(client::get(gateway.plain(), "/word").text(), "\"two\"");
}

#[test]
fn sessions_of_an_unchanged_listener_resume_after_a_change() {
    let gateway = says("one").start();
    let config = tls::trusting_client(&["http/1.1"]);
    let kind = || {
        let mut client = Client::tls_as(gateway.tls(), "localhost", config.clone()).unwrap();
        assert_eq!(client.get("/word").status(), 200);
        client.session().handshake_kind().unwrap()
    };
    assert_ne!(kind(), HandshakeKind::Resumed);

    gateway.reload(&says("two"));

    assert_eq!(kind(), HandshakeKind::Resumed);
}

#[test]
fn nothing_follows_once_it_drains() {
    let gateway = says("one").server("shutdown = { delay = \"60s\" }").start();
    gateway.begin_drain();
    let error = gateway.try_reload(&says("two")).unwrap_err();
    assert!(error.contains("drains"), "{error}");
    gateway.stop();
}
