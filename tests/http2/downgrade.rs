//! Requests that mean one thing on HTTP/2 and another once they are written down as HTTP/1. None of
//! them reaches an upstream: the stream is reset, or answered 400 (501 for a tunnel), or the
//! connection ends.

use crate::rig::each;
use crate::rig::frames::{
    DATA, END_HEADERS, FrameClient, GOAWAY, HEADERS, RST_STREAM, WHOLE, field, frame, request,
};
use crate::rig::gateway::Gateway;
use crate::rig::origin::Origin;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Pseudo-headers in this order.
fn pseudo(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| field(name, value)).collect()
}

/// A good request with these fields behind it.
fn with(fields: &[(&str, &str)]) -> Vec<u8> {
    [request("GET", "/a"), pseudo(fields)].concat()
}

fn blocks() -> Vec<(&'static str, Vec<u8>)> {
    let (m, s) = ((":method", "GET"), (":scheme", "http"));
    let (a, p) = ((":authority", "localhost"), (":path", "/a"));
    let bytes = |name: &[u8], value: &[u8]| [request("GET", "/a"), field(name, value)].concat();
    vec![
        ("no method", pseudo(&[s, a, p])),
        ("no scheme", pseudo(&[m, a, p])),
        ("no path", pseudo(&[m, s, a])),
        ("no path and no authority", pseudo(&[m, s, ("host", "localhost")])),
        ("no authority and no host", pseudo(&[m, s, p])),
        ("two methods", pseudo(&[m, m, s, a, p])),
        ("two schemes", pseudo(&[m, s, s, a, p])),
        ("two authorities", pseudo(&[m, s, a, a, p])),
        ("two paths", pseudo(&[m, s, a, p, (":path", "/b")])),
        ("an unknown pseudo-header", pseudo(&[m, s, a, p, (":foo", "x")])),
        ("a pseudo-header of replies", pseudo(&[m, s, a, p, (":status", "200")])),
        ("a pseudo-header after a field", pseudo(&[m, s, a, ("x-a", "1"), p])),
        (":protocol without CONNECT", pseudo(&[m, s, a, p, (":protocol", "websocket")])),
        ("an empty method", pseudo(&[(":method", ""), s, a, p])),
        ("a method with a space", pseudo(&[(":method", "GET /b"), s, a, p])),
        ("a method with a line end", pseudo(&[(":method", "GET\r\nx: y"), s, a, p])),
        ("an empty path", pseudo(&[m, s, a, (":path", "")])),
        ("a path without a slash", pseudo(&[m, s, a, (":path", "a")])),
        ("a path that is an URL", pseudo(&[m, s, a, (":path", "http://other.test/a")])),
        ("a path with a space", pseudo(&[m, s, a, (":path", "/a HTTP/1.1")])),
        ("a path with a line end", pseudo(&[m, s, a, (":path", "/a\r\nx: y")])),
        ("an asterisk without OPTIONS", pseudo(&[m, s, a, (":path", "*")])),
        ("a path with a backslash", pseudo(&[m, s, a, (":path", "/a\\b")])),
        ("a scheme that is not http", pseudo(&[m, (":scheme", "ftp"), a, p])),
        ("a scheme with a line end", pseudo(&[m, (":scheme", "http\r\n"), a, p])),
        ("an empty authority", pseudo(&[m, s, (":authority", ""), p])),
        ("user information", pseudo(&[m, s, (":authority", "user@localhost"), p])),
        ("an authority with a path", pseudo(&[m, s, (":authority", "localhost/x"), p])),
        ("an authority with a line end", pseudo(&[m, s, (":authority", "a\r\nb"), p])),
        ("an authority with a space", pseudo(&[m, s, (":authority", "local host"), p])),
        ("a port that is none", pseudo(&[m, s, (":authority", "localhost:99999"), p])),
        ("a port that is no number", pseudo(&[m, s, (":authority", "localhost:x"), p])),
        ("a host that differs", with(&[("host", "other.test")])),
        ("two hosts", with(&[("host", "localhost"), ("host", "localhost")])),
        ("two hosts, no authority", pseudo(&[m, s, p, ("host", "a"), ("host", "b")])),
        ("a host with user information", pseudo(&[m, s, p, ("host", "user@localhost")])),
        ("a host with a path", pseudo(&[m, s, p, ("host", "localhost/x")])),
        ("an empty host", pseudo(&[m, s, p, ("host", "")])),
        ("connection", with(&[("connection", "x-a"), ("x-a", "1")])),
        ("keep-alive", with(&[("keep-alive", "timeout=5")])),
        ("proxy-connection", with(&[("proxy-connection", "close")])),
        ("transfer-encoding", with(&[("transfer-encoding", "chunked")])),
        ("upgrade", with(&[("upgrade", "h2c")])),
        ("te that is not trailers", with(&[("te", "gzip")])),
        ("a name in upper case", with(&[("X-A", "1")])),
        ("an empty name", with(&[("", "1")])),
        ("a name with a colon", with(&[("x:a", "1")])),
        ("a name with a space", with(&[("x a", "1")])),
        ("a name with a line end", bytes(b"x\r\ny", b"1")),
        ("a name with NUL", bytes(b"x\0", b"1")),
        ("a name with a high byte", bytes(b"x\xff", b"1")),
        ("a value with CR LF", bytes(b"x-a", b"1\r\ntransfer-encoding: chunked")),
        ("a value with LF", bytes(b"x-a", b"1\n2")),
        ("a value with CR", bytes(b"x-a", b"1\r2")),
        ("a value with NUL", bytes(b"x-a", b"1\x002")),
        ("a value with a space before it", with(&[("x-a", " 1")])),
        ("a value with a tab behind it", with(&[("x-a", "1\t")])),
        ("a length that is not a number", with(&[("content-length", "1x")])),
        ("a length with a sign", with(&[("content-length", "+0")])),
        ("an empty length", with(&[("content-length", "")])),
        ("two lengths", with(&[("content-length", "0"), ("content-length", "1")])),
        ("twice the same length", with(&[("content-length", "0"), ("content-length", "0")])),
        ("a list of lengths", with(&[("content-length", "0, 0")])),
        ("a length without a body", with(&[("content-length", "5")])),
        ("CONNECT", pseudo(&[(":method", "CONNECT"), (":authority", "localhost:80")])),
        ("CONNECT with a path", pseudo(&[(":method", "CONNECT"), s, a, p])),
        (
            "extended CONNECT",
            pseudo(&[(":method", "CONNECT"), (":protocol", "websocket"), s, a, p]),
        ),
        ("an expectation that is none", with(&[("expect", "200-ok")])),
    ]
}

#[test]
fn nothing_that_is_refused_reaches_an_upstream() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    each(
        &blocks(),
        |(name, _)| (*name).to_owned(),
        |(name, block)| {
            let before = origin.requests().len();
            let mut client = FrameClient::open(gateway.plain());
            client.send(frame(HEADERS, WHOLE, 1, block));
            refused(&mut client, name);
            assert_eq!(origin.requests().len(), before, "{:?}", origin.requests().last());
        },
    );
}

/// Waits until the request is over, and asserts how.
#[track_caller]
fn refused(client: &mut FrameClient, name: &str) {
    let over = client.wait_for("an end", |frame| match frame.kind {
        GOAWAY => true,
        RST_STREAM => frame.stream == 1,
        _ => frame.stream == 1 && frame.flags & 1 == 1,
    });
    match over.kind {
        GOAWAY => println!("  GOAWAY {:?}", client.goaway()),
        RST_STREAM => println!("  RST {:?}", client.reset(1)),
        _ => {
            let body = client.body(1);
            let body: serde_json::Value =
                serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{name}: {body:?}"));
            println!("  {} {}", body["status"], body["code"]);
            let expected = match name {
                "CONNECT" => 501,
                "an expectation that is none" => 417,
                _ => 400,
            };
            assert_eq!(body["status"], expected, "{body}");
        }
    }
}

#[test]
fn a_body_that_is_not_as_long_as_it_says_is_never_whole_upstream() {
    for (length, data) in [("9", &b"short"[..]), ("3", b"longer than that")] {
        let origin = Origin::echoing();
        let gateway = Gateway::before(&origin.url());
        let mut client = FrameClient::open(gateway.plain());

        let head = [request("POST", "/a"), field("content-length", length)].concat();
        client.send(frame(HEADERS, END_HEADERS, 1, &head));
        client.send(frame(DATA, 1, 1, data));

        client.wait_for("a reset", |frame| frame.kind == RST_STREAM && frame.stream == 1);
        assert!(origin.requests().iter().all(|seen| seen.body.len().to_string() != length));
        // The head may have gone; what was begun is not ended, and its connection not reused.
        assert!(client.settle(1));
        crate::rig::eventually("no request upstream", || (origin.open() == 0).then_some(()));
    }
}

/// The one thing that is repaired: h2 drops a fragment before anybody can see it. So neither routes
/// nor upstreams ever do.
#[test]
fn a_fragment_is_gone_before_the_path_is_matched() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let mut client = FrameClient::open(gateway.plain());

    client.ask(1, &request("GET", "/a#/../b?c"));

    client.wait_for("the answer", |frame| frame.stream == 1 && frame.flags & 1 == 1);
    assert_eq!(origin.last().head.target(), "/a");
    assert_eq!(gateway.log_line_where(|line| line["kind"] == "request")["path"], "/a");
}

#[test]
fn what_is_odd_but_right_is_served() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let (m, s, p) = ((":method", "GET"), (":scheme", "http"), (":path", "/a"));
    let cases = [
        ("host and authority agree", with(&[("host", "localhost")])),
        ("host and no authority", pseudo(&[m, s, p, ("host", "localhost")])),
        ("te: trailers", with(&[("te", "trailers")])),
        // Behind a load balancer that has ended TLS.
        ("https in the clear", pseudo(&[m, (":scheme", "https"), (":authority", "a.test"), p])),
        ("a value with spaces within", with(&[("x-a", "1 \t 2")])),
        ("an empty value", with(&[("x-a", "")])),
        ("a length of none", with(&[("content-length", "0")])),
    ];
    each(
        &cases,
        |(name, _)| (*name).to_owned(),
        |(_, block)| {
            let mut client = FrameClient::open(gateway.plain());
            client.send(frame(HEADERS, WHOLE, 1, block));
            client.wait_for("the answer", |frame| frame.stream == 1 && frame.flags & 1 == 1);
            assert_eq!(client.body(1), b"ok");
        },
    );
}
