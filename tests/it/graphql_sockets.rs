//! Sockets of GraphQL: a client is told in the terms of its protocol when its upstream breaks off, and
//! the log and the metrics tell how it went.

use serde_json::{Value, json};

use crate::rig::client::{self, Client};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, answer, nobody, send};

fn ask(protocol: &str) -> String {
    format!(
        "GET /graphql HTTP/1.1\r\nHost: gw.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Accept-Language: en\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
    )
}

fn switch(protocol: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
         Sec-WebSocket-Protocol: {protocol}\r\n\r\n"
    )
}

const NOW: &str = "graphql-transport-ws";
const BEFORE: &str = "graphql-ws";

fn length(payload: &[u8]) -> u8 {
    u8::try_from(payload.len()).ok().filter(|length| *length < 126).expect("a short payload")
}

/// A frame of a server.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, length(payload)], payload].concat()
}

/// A frame of a client.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let hidden = payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]);
    let mut out = vec![first, 0x80 | length(payload)];
    out.extend(mask);
    out.extend(hidden);
    out
}

fn says(message: &Value) -> Vec<u8> {
    frame(0x81, message.to_string().as_bytes())
}

fn asks(message: &Value) -> Vec<u8> {
    masked(0x81, message.to_string().as_bytes())
}

fn begins(id: &str) -> Vec<u8> {
    asks(&json!({"id": id, "type": "subscribe", "payload": {"query": "subscription { a }"}}))
}

/// The next frame: what it is, and what it holds.
fn next(client: &mut Client) -> (u8, Vec<u8>) {
    let head = client.bytes(2);
    let length = match head[1] {
        126 => u16::from_be_bytes(client.bytes(2).try_into().unwrap()).into(),
        few => usize::from(few),
    };
    (head[0], client.bytes(length))
}

fn message(client: &mut Client) -> Value {
    let (first, payload) = next(client);
    assert_eq!(first, 0x81);
    serde_json::from_slice(&payload).unwrap()
}

/// The code and the reason of the close frame that comes next, and the end.
fn closed(client: &mut Client) -> (u16, String) {
    let (first, payload) = next(client);
    assert_eq!(first, 0x88, "{}", String::from_utf8_lossy(&payload));
    let (code, reason) = payload.split_first_chunk().unwrap();
    client.is_closed();
    (u16::from_be_bytes(*code), String::from_utf8(reason.to_vec()).unwrap())
}

fn before(url: &str) -> Gateway {
    Setup::new()
        .upstream(&format!("endpoints = [\"{url}\"]"))
        .route("name = \"graph\"\nmatch = \"/graphql\"\nupstream = \"origin\"\n[route.graphql]")
        .start()
}

/// A socket to an origin that switches and then plays these steps.
fn socket(
    protocol: &str,
    steps: impl IntoIterator<Item = Step>,
) -> (Gateway, Origin, Client, String) {
    let steps = [Step::ReadHead, send(switch(protocol))].into_iter().chain(steps);
    let origin = Origin::scripted(steps);
    let gateway = before(&origin.url());
    let mut client = Client::plain(gateway.plain());
    let reply = client.ask(&ask(protocol));
    assert_eq!(reply.status(), 101, "{}", reply.text());
    let id = reply.request_id();
    (gateway, origin, client, id)
}

fn operations(gateway: &Gateway, result: &str) -> Option<f64> {
    gateway.metric(&format!(
        "guichet_graphql_operations_total{{route=\"graph\",type=\"unknown\",result=\"{result}\"}}"
    ))
}

#[test]
fn what_is_open_gets_an_error_and_then_the_socket_closes() {
    for reset in [false, true] {
        let said = [begins("a"), begins("b"), begins("c"), begins("é\"d")].concat();
        let (gateway, _origin, mut client, id) = socket(
            NOW,
            [
                Step::Take(said.len()),
                send(says(&json!({"type": "connection_ack"}))),
                send(says(&json!({"id": "b", "type": "next", "payload": {"data": {"a": 1}}}))),
                send(says(&json!({"id": "b", "type": "complete"}))),
                send(says(&json!({"id": "c", "type": "error", "payload": []}))),
                if reset { Step::Reset } else { Step::Close },
            ],
        );
        client.send(&said);
        if reset {
            // A reset may overtake what was sent before it; what follows is whole frames all the same.
            let mut last = next(&mut client);
            while last.0 == 0x81 {
                last = next(&mut client);
            }
            assert_eq!((last.0, &last.1[..2]), (0x88, &1014_u16.to_be_bytes()[..]));
            client.is_closed();
        } else {
            for kind in ["connection_ack", "next", "complete", "error"] {
                assert_eq!(message(&mut client)["type"], kind);
            }
            for open in ["a", "é\"d"] {
                let told = message(&mut client);
                assert_eq!((&told["id"], &told["type"]), (&json!(open), &json!("error")));
                let error = &told["payload"][0];
                assert_eq!(error["extensions"]["problem"], "fr.ammyBadGateway", "{told}");
                assert_eq!(error["extensions"]["request_id"], id);
                assert!(!error["message"].as_str().unwrap().is_empty());
            }
            let reason = format!("fr.ammyBadGateway request_id={id}");
            assert_eq!(closed(&mut client), (1014, reason));
        }
        client.leave();
        let line = gateway.log_line(&id);
        assert_eq!((&line["outcome"], &line["cause"]), (&json!("failed"), &json!("truncated")));
        assert_eq!((&line["status"], &line["complete"]), (&json!(101), &json!(false)), "{line}");
        assert_eq!(
            (&line["code"], &line["origin"]),
            (&json!("fr.ammyBadGateway"), &json!("upstream"))
        );
        let errors =
            "guichet_errors_total{route=\"graph\",code=\"fr.ammyBadGateway\",origin=\"upstream\"}";
        assert_eq!(gateway.metric(errors), Some(1.0));
        if !reset {
            assert_eq!(line["bytes_in"], said.len());
            assert_eq!(operations(&gateway, "success"), Some(1.0));
            assert_eq!(operations(&gateway, "refused"), Some(1.0));
            assert_eq!(operations(&gateway, "failed"), Some(2.0));
        }
    }
}

#[test]
fn the_protocol_of_before_is_spoken_too() {
    let ack = send(says(&json!({"type": "connection_ack"})));
    let begun = asks(&json!({"id": "1", "type": "start", "payload": {}}));
    let take = Step::Take(begun.len());
    let (_gateway, _origin, mut client, _) = socket(BEFORE, [ack, take, Step::Close]);
    assert_eq!(message(&mut client)["type"], "connection_ack");
    client.send(&begun);
    let told = message(&mut client);
    assert_eq!((&told["id"], &told["type"]), (&json!("1"), &json!("error")));
    assert_eq!(told["payload"]["extensions"]["problem"], "fr.ammyBadGateway", "{told}");
    assert_eq!(closed(&mut client).0, 1014);

    let (_gateway, _origin, mut client, _) = socket(BEFORE, [Step::Close]);
    let told = message(&mut client);
    assert_eq!(told["type"], "connection_error");
    assert_eq!(told["payload"]["extensions"]["code"], "internal_server_error", "{told}");
    assert_eq!(closed(&mut client).0, 1014);
}

#[test]
fn nothing_is_put_into_a_frame_and_no_message_into_another() {
    let whole = says(&json!({"id": "1", "type": "next", "payload": {}}));
    let (gateway, _origin, mut client, id) = socket(NOW, [send(&whole[..10]), Step::Close]);
    assert_eq!(client.bytes(10), &whole[..10]);
    client.is_closed();
    client.leave();
    assert_eq!(gateway.log_line(&id)["outcome"], "failed");

    let part = frame(0x01, b"{\"id\":\"1\",");
    let begun = begins("1");
    let steps = [Step::Take(begun.len()), send(part.clone()), Step::Close];
    let (_gateway, _origin, mut client, _) = socket(NOW, steps);
    client.send(&begun);
    assert_eq!(client.bytes(part.len()), part);
    assert_eq!(closed(&mut client).0, 1014, "a close frame may stand in a message");
}

#[test]
fn what_is_compressed_is_not_read_and_the_socket_closes_all_the_same() {
    let unread = masked(0xc1, json!({"id": "1", "type": "subscribe"}).to_string().as_bytes());
    let steps = [Step::Take(unread.len()), Step::Close];
    let (_gateway, _origin, mut client, _) = socket(NOW, steps);
    client.send(&unread);
    assert_eq!(closed(&mut client).0, 1014);
}

#[test]
fn who_closes_in_order_is_left_alone() {
    for (code, outcome, problem) in [
        (1000_u16, "success", None),
        (1001, "success", None),
        (3000, "success", None),
        (1002, "refused", Some("BadRequest")),
        (1003, "refused", Some("BadRequest")),
        (1011, "failed", Some("ServerError")),
        (1012, "failed", Some("ServiceUnavailable")),
        (1014, "failed", Some("BadGateway")),
        (1013, "failed", Some("ServiceUnavailable")),
        (4400, "refused", Some("BadRequest")),
        (4401, "refused", Some("Unauthorized")),
        (4403, "refused", Some("Forbidden")),
        (4429, "refused", Some("TooManyRequests")),
        (4500, "failed", Some("ServerError")),
    ] {
        let close = frame(0x88, &[&code.to_be_bytes()[..], b"why"].concat());
        let (gateway, _origin, mut client, id) = socket(NOW, [send(close.clone()), Step::Close]);
        assert_eq!(client.bytes(close.len()), close);
        // As clients answer; who closed first has said why.
        client.send(masked(0x88, &code.to_be_bytes()));
        client.is_closed();
        client.leave();
        let line = gateway.log_line(&id);
        assert_eq!(
            (&line["outcome"], &line["complete"]),
            (&json!(outcome), &json!(true)),
            "{line}"
        );
        let problem = problem.map(|name| json!(format!("fr.ammy{name}")));
        assert_eq!(line.get("code"), problem.as_ref(), "{line}");
    }
}

#[test]
fn a_client_that_closes_is_served_and_one_that_vanishes_has_left() {
    let (gateway, _origin, mut client, id) = socket(NOW, [Step::Drain, Step::Close]);
    client.send(masked(0x88, &1000_u16.to_be_bytes()));
    client.leave();
    let line = gateway.log_line(&id);
    assert_eq!((&line["outcome"], &line["complete"]), (&json!("success"), &json!(true)));

    let close = masked(0x88, &1000_u16.to_be_bytes());
    let answers = frame(0x88, &1011_u16.to_be_bytes());
    let steps = [Step::Take(close.len()), send(answers.clone()), Step::Close];
    let (gateway, _origin, mut client, id) = socket(NOW, steps);
    client.send(close);
    assert_eq!(client.bytes(answers.len()), answers);
    client.leave();
    assert_eq!(gateway.log_line(&id)["outcome"], "success", "the client has closed first");

    let (gateway, _origin, mut client, id) = socket(NOW, [Step::Drain, Step::Close]);
    client.send(begins("1"));
    client.leave();
    let line = gateway.log_line(&id);
    assert_eq!((&line["outcome"], &line["cause"]), (&json!("aborted"), &json!("client_left")));
    assert_eq!(operations(&gateway, "aborted"), Some(1.0));
}

#[test]
fn a_gateway_that_leaves_says_so() {
    let origin = Origin::scripted([Step::ReadHead, send(switch(NOW)), Step::Drain]);
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route("name = \"graph\"\nmatch = \"/graphql\"\nupstream = \"origin\"\n[route.graphql]")
        .server("shutdown = { drain = \"300ms\" }")
        .start();
    let mut client = Client::plain(gateway.plain());
    assert_eq!(client.ask(&ask(NOW)).status(), 101);
    let draining = std::thread::spawn(move || gateway.drain());
    let (code, reason) = closed(&mut client);
    assert_eq!(code, 1012);
    assert!(reason.starts_with("fr.ammyServiceUnavailable request_id="), "{reason}");
    draining.join().unwrap();
}

#[test]
fn a_handshake_that_is_refused_is_one_error() {
    for (url, origin, status, problem) in [
        {
            let origin = Origin::scripted([Step::Read, answer(403, "text/html", "<p>no</p>")]);
            (origin.url(), Some(origin), 403, "fr.ammyForbidden")
        },
        (nobody(), None, 502, "fr.ammyBadGateway"),
    ] {
        let gateway = before(&url);
        let reply = client::ask(gateway.plain(), &ask(NOW));
        let errors = reply.json()["errors"].clone();
        assert_eq!((reply.status(), errors.as_array().unwrap().len()), (status, 1));
        assert_eq!(errors[0]["extensions"]["problem"], problem);
        drop(origin);
    }
}

#[test]
fn sockets_of_other_routes_are_nobody_s_business() {
    let hello = says(&json!({"type": "connection_ack"}));
    let origin =
        Origin::scripted([Step::ReadHead, send(switch(NOW)), send(hello.clone()), Step::Close]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());
    let reply = client.ask(&ask(NOW));
    assert_eq!(reply.status(), 101);
    assert_eq!(client.bytes(hello.len()), hello);
    client.is_closed();
    client.leave();
    assert_eq!(gateway.log_line(&reply.request_id())["outcome"], "success");
}
