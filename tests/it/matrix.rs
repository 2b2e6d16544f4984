//! Every kind of client before every kind of upstream: the same requests, the same answers.

use std::path::Path;

use crate::rig::client::{Client, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::h2::{Frames, H2Client, H2Origin, request};
use crate::rig::origin::{Origin, Step};
use crate::rig::tls::{Authority, Validity};

#[derive(Clone, Copy, Debug)]
enum Front {
    Http1,
    Http1Tls,
    H2c,
    H2Tls,
}

const FRONTS: [Front; 4] = [Front::Http1, Front::Http1Tls, Front::H2c, Front::H2Tls];

#[test]
fn before_http1() {
    let origin = Origin::by_path(script());
    serves_everybody(&Gateway::before(&origin.url()));
}

#[test]
fn before_http1_behind_tls() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let identity = authority.sign(&["localhost"], Validity::Now);
    let origin = Origin::tls(&identity, [Step::Read, Step::EchoBody, Step::Again]);
    let gateway = Setup::before(&origin.url())
        .upstream(&format!("tls = {{ ca = \"{}\" }}", authority.file(&folder).display()))
        .start();

    for front in FRONTS {
        echoes(&gateway, front);
    }
}

#[test]
fn before_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("origin.sock");
    let origin = Origin::unix(Path::new(&path), [Step::Read, Step::EchoBody, Step::Again]);
    let gateway = Gateway::before(&origin.url());

    for front in FRONTS {
        echoes(&gateway, front);
    }
}

#[test]
fn before_h2c() {
    let origin = H2Origin::plain();
    serves_everybody(&Setup::before(&origin.url()).upstream("protocol = \"h2c\"").start());
    assert!(origin.requests().iter().all(|asked| asked.headers.contains_key("x-request-id")));
}

#[test]
fn before_h2_behind_tls() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let origin = H2Origin::tls(&authority.sign(&["localhost"], Validity::Now));
    let ca = format!("tls = {{ ca = \"{}\" }}", authority.file(&folder).display());
    serves_everybody(
        &Setup::before(&origin.url()).upstream(&ca).upstream("protocol = \"h2\"").start(),
    );
    serves_everybody(&Setup::before(&origin.url()).upstream(&ca).start());
}

fn script() -> Vec<(&'static str, Vec<Step>)> {
    let status = |status: u16| {
        vec![
            Step::ReadBody,
            crate::rig::origin::answer(status, "text/plain", "as asked"),
            Step::Again,
        ]
    };
    vec![
        ("/status/404", status(404)),
        ("/status/500", status(500)),
        ("/status/201", status(201)),
        ("/", vec![Step::ReadBody, Step::EchoBody, Step::Again]),
    ]
}

fn serves_everybody(gateway: &Gateway) {
    for front in FRONTS {
        echoes(gateway, front);
        let created = ask(gateway, front, "GET", "/status/201", "");
        assert_eq!((created.status(), created.text().as_str()), (201, "as asked"), "{front:?}");
        ask(gateway, front, "GET", "/status/404", "").is_problem(404, "InvalidResource");
        ask(gateway, front, "GET", "/status/500", "").is_problem(500, "ServerError");
        let head = ask(gateway, front, "HEAD", "/status/404", "");
        assert_eq!((head.status(), head.body.len()), (404, 0), "{front:?}");
    }
}

fn echoes(gateway: &Gateway, front: Front) {
    let large = "0123456789".repeat(30_000);
    for body in ["", "hello", &large] {
        let reply = ask(gateway, front, "POST", "/echo", body);
        assert_eq!(reply.status(), 200, "{front:?}: {}", reply.text());
        assert!(reply.body == body.as_bytes(), "{front:?}: {} bytes", reply.body.len());
    }
}

fn ask(gateway: &Gateway, front: Front, method: &str, path: &str, body: &str) -> Reply {
    let raw = |host: &str| {
        let length = body.len();
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    match front {
        Front::Http1 => Client::plain(gateway.plain()).ask(&raw("gw.test")),
        Front::Http1Tls => Client::tls(gateway.tls()).ask(&raw("localhost")),
        Front::H2c => H2Client::plain(gateway.plain())
            .ask(request(method, path), Frames::data(body.to_owned())),
        Front::H2Tls => {
            H2Client::tls(gateway.tls()).ask(request(method, path), Frames::data(body.to_owned()))
        }
    }
}
