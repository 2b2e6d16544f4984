//! The admin listener: alive, ready, counted, read only.

use crate::rig::client::{self, Client, Reply};
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, nobody, ok};

#[test]
fn it_says_that_it_lives_and_is_ready() {
    let gateway = quiet();

    assert_eq!(admin(&gateway, "GET", "/livez", "127.0.0.1").status(), 200);
    assert_eq!(admin(&gateway, "GET", "/readyz", "127.0.0.1").status(), 200);
}

#[test]
fn a_dead_upstream_does_not_unready_the_gateway() {
    let dead = nobody();
    let gateway = Gateway::before(&dead);
    client::get(gateway.plain(), "/a").is_problem(502, "BadGateway");

    assert_eq!(admin(&gateway, "GET", "/readyz", "127.0.0.1").status(), 200);
}

#[test]
fn requests_and_errors_are_counted_by_closed_labels() {
    let origin = Origin::scripted([Step::Read, ok("ok"), Step::Again]);
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route("name = \"one\"\nmatch = \"GET /one\"\nupstream = \"origin\"")
        .start();
    client::get(gateway.plain(), "/one");
    client::get(gateway.plain(), "/one?secret=1");
    client::get(gateway.plain(), "/wp-login.php");

    let page = eventually("the counters", || {
        let page = admin(&gateway, "GET", "/metrics", "127.0.0.1").text();
        let served = sample(&page, "guichet_requests_total", &["route=\"one\"", "status=\"200\""]);
        // A reply is counted once it has left, so its client may look before that.
        let missed = sample(&page, "guichet_errors_total", &["InvalidResource", "client"]);
        (served == Some(2.0) && missed.is_some()).then_some(page)
    });

    let missed = sample(&page, "guichet_errors_total", &["InvalidResource", "client"]);
    assert_eq!(missed, Some(1.0), "{page}");
    assert!(page.contains("guichet_build_info"));
    assert!(!page.contains("secret") && !page.contains("wp-login"), "labels are a closed set");
    for line in page.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (_, value) = line.rsplit_once(' ').expect(line);
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn connections_and_calls_are_counted() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());
    assert_eq!(client.get("/a").status(), 200);
    Client::plain(gateway.tls()).send("\x16\x03\x01\x00\x02no");

    eventually("both are counted", || {
        let page = admin(&gateway, "GET", "/metrics", "127.0.0.1").text();
        let open = sample(&page, "guichet_connections", &["listener=\"plain\"", "http/1.1"]);
        let called = sample(&page, "guichet_upstream_requests_total", &["status=\"200\""]);
        let kept = sample(&page, "guichet_upstream_connections", &["state=\"idle\""]);
        let failed = sample(&page, "guichet_connection_failures_total", &["client_tls_handshake"]);
        [open, called, kept, failed].iter().all(|found| *found == Some(1.0)).then_some(())
    });
}

#[test]
fn it_is_read_only() {
    let gateway = quiet();

    for method in ["POST", "PUT", "DELETE"] {
        let reply = admin(&gateway, method, "/livez", "127.0.0.1");
        reply.is_problem(405, "MethodNotAllowed");
    }
}

#[test]
fn its_own_errors_use_the_vocabulary() {
    let gateway = quiet();

    admin(&gateway, "GET", "/nothing", "127.0.0.1").is_problem(404, "InvalidResource");
}

#[test]
fn a_foreign_host_is_refused_so_that_a_browser_cannot_be_used() {
    let gateway = quiet();

    let reply = admin(&gateway, "GET", "/metrics", "evil.test");

    assert!((400..500).contains(&reply.status()), "{}", reply.head.line);
    assert!(!reply.text().contains("guichet_build_info"));
}

fn quiet() -> Gateway {
    Setup::new()
        .route("name = \"only\"\nmatch = \"/only\"\nrespond = { status = 200, json = {} }")
        .start()
}

fn admin(gateway: &Gateway, method: &str, path: &str, host: &str) -> Reply {
    client::ask(gateway.admin(), &format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
}

/// The value of the first sample of `name` whose labels hold all of `words`.
fn sample(page: &str, name: &str, words: &[&str]) -> Option<f64> {
    let fits = |line: &&str| line.starts_with(name) && words.iter().all(|word| line.contains(word));
    let line = page.lines().find(fits)?;
    line.rsplit_once(' ')?.1.parse().ok()
}
