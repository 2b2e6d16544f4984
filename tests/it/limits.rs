//! What a client may not exceed: size, number, time, connections. Each limit answers in the
//! vocabulary, and names nobody but the client.

use crate::rig::client::{self, Client, Expects, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::h2::{Frames, H2Client, request};
use crate::rig::origin::Origin;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn too_many_fields() {
    let origin = Origin::answering(OK);
    let gateway = limited(&origin, "headers = 20");
    let fields = "X-A: 1\r\n".repeat(30);

    let reply =
        client::ask(gateway.plain(), &format!("GET /a HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n"));

    refused(&gateway, &reply, 431, "HeadersTooLarge", "header_limit");
    assert!(origin.saw_nothing());
}

#[test]
fn fields_too_large() {
    let origin = Origin::answering(OK);
    let gateway = limited(&origin, "header = \"4KiB\"");
    let value = "a".repeat(6000);

    let reply = client::ask(
        gateway.plain(),
        &format!("GET /a HTTP/1.1\r\nHost: gw.test\r\nX-A: {value}\r\n\r\n"),
    );

    refused(&gateway, &reply, 431, "HeadersTooLarge", "header_limit");
    assert!(origin.saw_nothing());
}

#[test]
fn a_megabyte_of_fields_is_answered_and_not_read() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    let fields = format!("X-A: {}\r\n", "b".repeat(12_000)).repeat(90);
    let _ = client.try_send(format!("GET / HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n"));

    client.reply().is_problem(431, "HeadersTooLarge");
    assert!(origin.saw_nothing());
}

#[test]
fn just_enough_fields_pass() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let fields = "X-A: 1\r\n".repeat(80);

    let reply =
        client::ask(gateway.plain(), &format!("GET /a HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n"));

    assert_eq!(reply.status(), 200);
}

#[test]
fn a_target_too_long() {
    let origin = Origin::answering(OK);
    let gateway = limited(&origin, "uri = \"1KiB\"");

    let reply = client::get(gateway.plain(), &format!("/{}", "a".repeat(3000)));

    refused(&gateway, &reply, 414, "UriTooLong", "uri_limit");
    assert!(origin.saw_nothing());
}

#[test]
fn a_target_without_an_end() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    let _ = client.try_send(format!("GET /{} HTTP/1.1\r\n", "a".repeat(70_000)));

    client.reply().is_problem(414, "UriTooLong");
}

#[test]
fn a_body_that_says_that_it_is_too_large() {
    let origin = Origin::answering(OK);
    let gateway = limited(&origin, "body = \"1KiB\"");
    let mut client = Client::plain(gateway.plain());

    let _ = client.try_send(format!(
        "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5000\r\n\r\n{}",
        "x".repeat(5000)
    ));

    let reply = client.reply();
    refused(&gateway, &reply, 413, "PayloadTooLarge", "body_limit");
    assert!(origin.saw_nothing());
}

#[test]
fn a_body_that_turns_out_too_large() {
    let origin = Origin::answering(OK);
    let gateway = limited(&origin, "body = \"1KiB\"");
    let mut client = Client::plain(gateway.plain());

    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    let _ = client.try_send(format!(
        "POST /a HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(5)
    ));

    let reply = client.reply();
    refused(&gateway, &reply, 413, "PayloadTooLarge", "body_limit");
}

#[test]
fn a_chunk_that_promises_everything() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    client.send(
        "POST /a HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n\
         7fffffffffffffff\r\nhello\r\n",
    );

    let reply = client.reply();
    if reply.status() == 413 {
        reply.is_problem(413, "PayloadTooLarge");
    } else {
        reply.is_problem(400, "BadRequest");
    }
}

#[test]
fn a_head_that_never_ends() {
    let origin = Origin::answering(OK);
    let gateway = limited(&origin, "header_time = \"300ms\"");
    let mut client = Client::plain(gateway.plain());

    client.send("GET / HTTP/1.1\r\nHost: gw.test\r\nX-A: a");

    let reply = client.reply();
    refused(&gateway, &reply, 408, "RequestTimeout", "header_timeout");
    client.is_closed();
    assert!(origin.saw_nothing());
}

#[test]
fn a_body_that_stops() {
    let origin = Origin::echoing();
    let gateway = limited(&origin, "body_idle = \"300ms\"");
    let mut client = Client::plain(gateway.plain());

    client.send("POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 10\r\n\r\nhello");

    let reply = client.reply();
    refused(&gateway, &reply, 408, "RequestTimeout", "body_timeout");
    client.is_closed();
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let origin = Origin::answering(OK);
    let gateway = limited(&origin, "idle = \"300ms\"");
    let mut client = Client::plain(gateway.plain());

    assert_eq!(client.get("/a").status(), 200);
    client.is_closed();
}

#[test]
fn one_connection_too_many_is_refused_politely() {
    let origin = Origin::answering(OK);
    let gateway = limited(&origin, "connections = 2");
    let mut first = Client::plain(gateway.plain());
    let mut second = Client::plain(gateway.plain());
    assert_eq!((first.get("/a").status(), second.get("/a").status()), (200, 200));

    let mut third = Client::plain(gateway.plain());
    let reply = third.get("/a");

    reply.is_problem(503, "ServiceUnavailable");
    third.is_closed();
    drop((first, second));
    crate::rig::eventually("a free place", || {
        let mut next = Client::plain(gateway.plain());
        next.try_send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n").ok()?;
        (next.try_reply(Expects::Body).ok()?.status() == 200).then_some(())
    });
}

#[test]
fn limits_answer_on_http2_as_well() {
    let origin = Origin::answering(OK);
    let gateway = limited(&origin, "header = \"4KiB\", uri = \"1KiB\", body = \"1KiB\"");
    let client = H2Client::tls(gateway.tls());

    let long = client.get(&format!("/{}", "a".repeat(3000)));
    let wide = client.ask(request("GET", "/a").header("x-a", "a".repeat(6000)), Frames::default());
    let big = client.ask(request("POST", "/a"), Frames::data(vec![b'x'; 5000]));

    long.is_problem(414, "UriTooLong");
    wide.is_problem(431, "HeadersTooLarge");
    big.is_problem(413, "PayloadTooLarge");
    assert_eq!(client.get("/a").status(), 200, "the connection goes on");
}

fn limited(origin: &Origin, limits: &str) -> Gateway {
    Setup::before(&origin.url()).server(&format!("limits = {{ {limits} }}")).start()
}

#[track_caller]
fn refused(gateway: &Gateway, reply: &Reply, status: u16, name: &str, cause: &str) {
    reply.is_problem(status, name);
    let line = gateway.log_line(&reply.request_id());
    assert!(line["cause"].as_str().unwrap_or_default().starts_with(cause), "{line}");
    assert_eq!(line["origin"], "client");
}
