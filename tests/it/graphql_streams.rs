//! Subscriptions: events over HTTP and sockets pass, and a failure is told before a stream ends.

use serde_json::{Value, json};

use crate::rig::client::{Client, Ending};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, send};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                    Transfer-Encoding: chunked\r\n\r\n";
const NEXT: &str = "event: next\ndata: {\"data\":{\"a\":1}}\n\n";

fn before(origin: &Origin) -> Gateway {
    Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route("name = \"graph\"\nmatch = \"/graphql\"\nupstream = \"origin\"\n[route.graphql]")
        .start()
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn subscribe(gateway: &Gateway) -> Client {
    let body = json!({ "query": "subscription { a }" }).to_string();
    let mut client = Client::plain(gateway.plain());
    client.send(format!(
        "POST /graphql HTTP/1.1\r\nHost: gw.test\r\nAccept: text/event-stream\r\n\
         Accept-Language: en\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    client
}

#[test]
fn events_pass_as_they_are_sent() {
    let end = "event: complete\ndata:\n\n";
    let origin = Origin::scripted([
        Step::Read,
        send(HEAD.to_owned() + &chunk(NEXT)),
        Step::Stall,
        send(chunk(end) + "0\r\n\r\n"),
    ]);
    let gateway = before(&origin);
    let mut client = subscribe(&gateway);
    // The first event is here while the second has not been sent.
    let mut begun = Vec::new();
    while !begun.ends_with(NEXT.as_bytes()) {
        begun.extend(client.bytes(1));
    }
    origin.release();
    while !begun.ends_with(b"0\r\n\r\n") {
        begun.extend(client.bytes(1));
    }
    assert!(String::from_utf8_lossy(&begun).contains(end));
    let line = gateway.log_line_where(|line| line["route"] == "graph");
    assert_eq!((&line["outcome"], &line["complete"]), (&json!("success"), &json!(true)));
}

#[test]
fn a_failure_between_events_is_an_event() {
    let origin = Origin::scripted([Step::Read, send(HEAD.to_owned() + &chunk(NEXT)), Step::Close]);
    let gateway = before(&origin);
    let reply = subscribe(&gateway).reply();
    let text = reply.text();
    let told = text.strip_prefix(NEXT).unwrap();
    let told = told.strip_prefix("event: next\ndata: ").unwrap();
    let (error, end) = told.split_once("\n\n").unwrap();
    let error: Value = serde_json::from_str(error).unwrap();
    assert_eq!(error["errors"][0]["extensions"]["problem"], "fr.ammyBadGateway", "{error}");
    assert_eq!(error["errors"][0]["extensions"]["request_id"], reply.request_id());
    assert_eq!((end, reply.ending), ("event: complete\ndata:\n\n", Ending::Cut));
    let line = gateway.log_line(&reply.request_id());
    assert_eq!((&line["outcome"], &line["cause"]), (&json!("failed"), &json!("truncated")));
    assert_eq!(line["complete"], false);
}

#[test]
fn a_failure_within_an_event_is_a_cut() {
    let half = &NEXT[..20];
    let origin = Origin::scripted([Step::Read, send(HEAD.to_owned() + &chunk(half)), Step::Close]);
    let gateway = before(&origin);
    let reply = subscribe(&gateway).reply();
    assert_eq!((reply.text(), reply.ending), (half.to_owned(), Ending::Cut));
}

#[test]
fn a_socket_passes() {
    let accepted = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
                    Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
    let origin = Origin::scripted([Step::Read, send(accepted), Step::EchoBytes]);
    let gateway = before(&origin);
    let mut client = Client::plain(gateway.plain());
    client.send(
        "GET /graphql HTTP/1.1\r\nHost: gw.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n",
    );
    let reply = client.reply();
    assert_eq!(reply.status(), 101);
    assert_eq!(reply.header("sec-websocket-protocol"), Some("graphql-transport-ws"));
    client.send("connection_init");
    assert_eq!(client.bytes(15), b"connection_init");
}
