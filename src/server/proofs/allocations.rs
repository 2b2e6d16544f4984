//! What a small exchange takes from the heap: five allocations, whatever else is configured.
//!
//! The request's field map is two (its index and its entries), the answer's is two, and the box of
//! what will be said of the exchange is one. Bodies, heads and log lines find room that their
//! connection, or their worker, has already. A feature costs something where a request uses it, and
//! nothing where it is merely there; the tables below say which is which.
//!
//! `benches/instructions/run` counts the same on the release binary. Here client and origin are in
//! the same thread, so neither of them allocates.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderValue, SERVER};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use tokio::task::spawn_local;

use super::rig::stage;
use crate::base::{ListenerId, Peer, RequestId};
use crate::observe::{Names, Record, Registers, Witness};
use crate::server::guard::{HeadLimits, HeadScanner};
use crate::server::stage::runtime;

#[test]
fn a_small_exchange_takes_five_allocations() {
    assert_eq!(allocations("", "", GET, ANSWER), SMALL);
}

#[test]
fn the_five_are_two_field_maps_and_a_record() {
    let limits = HeadLimits { uri: 8192, header: 32_768, headers: 100 };
    let mut scanner = HeadScanner::new(false, limits);
    scanner.scan(GET.as_bytes()).ok();
    let head = Bytes::from_static(GET.as_bytes());
    assert_eq!(count(|| drop(scanner.request(&head))), REQUEST_FIELDS);

    let answer = || {
        let mut headers = HeaderMap::with_capacity(4);
        for name in [SERVER, DATE, CONTENT_TYPE] {
            headers.append(name, HeaderValue::from_static("x"));
        }
    };
    assert_eq!(count(answer), ANSWER_FIELDS);

    let config = crate::server::tests::plain(&["127.0.0.1:0"], 1);
    let names = Arc::new(Names::new(&config));
    let registers = Arc::new(Registers::new(&names));
    let catalogue = Arc::clone(&config.errors.catalogue);
    let witness = Rc::new(Witness::new(registers, names, catalogue, None));
    let address = ([127, 0, 0, 1], 1).into();
    let listener = ListenerId(0);
    let peer = Rc::new(Peer { address, listener, tls: None, trusted: false });
    let parts = http::Request::get("/small").body(()).unwrap().into_parts().0;
    let record = || {
        let id = RequestId::generate_at(1);
        drop(Record::new(Rc::clone(&witness), Rc::clone(&peer), id, &parts));
    };
    // The first id of a thread makes the slab that the next ones are cut from.
    record();
    assert_eq!(count(record), RECORD);
}

#[test]
fn what_a_request_does_not_use_takes_nothing() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let logged = format!("[observe]\naccess_log = {{ to = \"{}\" }}", log.path().display());
    for (what, route, rest, request, answer) in [
        ("an access log", "", logged.as_str(), GET, ANSWER),
        ("hundreds of other routes that use everything", "", &elsewhere(), GET, ANSWER),
        ("errors that pass untouched", "normalise = false", "", GET, ANSWER),
        ("errors that are only observed", "normalise = \"observe\"", "", GET, ANSWER),
        ("a time limit of the route", "timeout = \"3s\"", "", GET, ANSWER),
        ("rules for errors", RULES, "", GET, ANSWER),
        ("hosts", "hosts = [\"a.test\", \"*.b.test\"]", "", GET, ANSWER),
        ("an id of the request, not trusted", "", "", GET_WITH_ID, ANSWER),
        ("a trace to be continued", "", "", GET_WITH_TRACE, ANSWER),
        ("a query", "", "", GET_WITH_QUERY, ANSWER),
        ("an answer without a body", "", "", GET, NOTHING),
    ] {
        assert_eq!(allocations(route, rest, request, answer), SMALL, "{what}");
    }
}

#[test]
fn what_a_request_uses_is_known() {
    for (what, more, route, request, answer) in [
        // Whose turn it is.
        ("a body that comes with its head", 1, "", POST, ANSWER),
        // What connection and exchange share of it, what is counted, and the scanner of the chunks.
        ("a body in chunks", 4, "", POST_CHUNKED, ANSWER),
        ("an answer in chunks", 1, "", GET, ANSWER_CHUNKED),
        // The new path, and the count of its owners.
        ("a path that is rewritten", 2, "rewrite = \"/other\"", GET, ANSWER),
        ("a path that is not in its one form", 2, "", GET_ODD, ANSWER),
        ("a field whose name is nobody's", 1, "", GET_WITH_OWN, ANSWER),
    ] {
        assert_eq!(allocations(route, "", request, answer), SMALL + more, "{what}");
    }
}

/// What one exchange takes, once the connections and their buffers are there.
fn allocations(route: &str, rest: &str, request: &'static str, answer: &'static str) -> u64 {
    let runtime = runtime().unwrap();
    let (mut client, _stage) = runtime.block_on(async {
        let port = origin(answer).await;
        let stage = stage(&config(port, route, rest));
        let (client, near) = UnixStream::pair().unwrap();
        spawn_local(stage.serve_http1(near));
        (client, stage)
    });
    let mut exchange = || {
        runtime.block_on(async {
            client.write_all(request.as_bytes()).await.unwrap();
            read_answer(&mut client, answer).await;
        });
    };
    (0..WARM).for_each(|_| exchange());
    let mut counts: Vec<u64> = (0..ROUNDS).map(|_| count(&mut exchange)).collect();
    counts.sort_unstable();
    // Now and then a buffer is full and the next one is made, for many exchanges to come.
    let total: u64 = counts.iter().sum();
    let usual = counts[ROUNDS / 2];
    assert!(total <= usual * ROUNDS as u64 + BUFFERS, "{counts:?}");
    usual
}

fn count(run: impl FnOnce()) -> u64 {
    allocation_counter::measure(run).count_total
}

/// Reads until the answer's last bytes have come, without knowing what the gateway made of its head.
async fn read_answer(client: &mut UnixStream, answer: &str) {
    let end = &answer.as_bytes()[answer.len() - END..];
    let mut bytes = [0; 1024];
    let mut length = 0;
    while !bytes[..length].ends_with(end) {
        let read = client.read(&mut bytes[length..]).await.unwrap();
        assert!(read > 0, "the gateway left");
        length += read;
    }
    assert!(bytes.starts_with(b"HTTP/1.1 20"), "{}", String::from_utf8_lossy(&bytes[..length]));
}

/// An origin that answers whatever comes at once; each request is written at once.
async fn origin(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    spawn_local(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut bytes = [0; 4096];
        while socket.read(&mut bytes).await.unwrap() > 0 {
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    port
}

fn config(port: u16, route: &str, rest: &str) -> String {
    let log = if rest.contains("[observe]") { "" } else { "[observe]\naccess_log = false" };
    format!(
        r#"
        version = 1
        [listen.plain]
        bind = ["127.0.0.1:0"]
        plain = "allow"
        [upstream.app]
        endpoints = ["http://127.0.0.1:{port}"]
        [[route]]
        name = "small"
        match = "/small"
        upstream = "app"
        {route}
        {log}
        {rest}
        "#
    )
}

/// Routes that nobody asks for.
fn elsewhere() -> String {
    let route = |number: usize| {
        format!(
            r#"
            [[route]]
            name = "route-{number}"
            match = "GET /things/{number}/{{id}}/parts/{{part}}"
            upstream = "app"
            rewrite = "/{{part}}/{{id}}"
            timeout = "1s"
            hosts = ["a.test", "*.test"]
            {RULES}
            "#
        )
    };
    (0..200).map(route).collect()
}

const REQUEST_FIELDS: u64 = 2;
const ANSWER_FIELDS: u64 = 2;
const RECORD: u64 = 1;
const SMALL: u64 = REQUEST_FIELDS + ANSWER_FIELDS + RECORD;

const RULES: &str = r#"errors = [{ when = { status = 503 }, raise = "ServiceUnavailable" }]"#;
const GET: &str = "GET /small HTTP/1.1\r\nhost: a.test\r\nuser-agent: a\r\naccept: */*\r\n\r\n";
const GET_WITH_ID: &str = "GET /small HTTP/1.1\r\nhost: a.test\r\nx-request-id: 7\r\n\r\n";
const GET_WITH_OWN: &str = "GET /small HTTP/1.1\r\nhost: a.test\r\nx-shop-basket: 7\r\n\r\n";
const GET_WITH_TRACE: &str = "GET /small HTTP/1.1\r\nhost: a.test\r\n\
    traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n";
const GET_WITH_QUERY: &str = "GET /small?page=2&of=a%20b HTTP/1.1\r\nhost: a.test\r\n\r\n";
const GET_ODD: &str = "GET /%73mall HTTP/1.1\r\nhost: a.test\r\n\r\n";
const POST: &str = "POST /small HTTP/1.1\r\nhost: a.test\r\ncontent-length: 4\r\n\r\nbody";
const POST_CHUNKED: &str = "POST /small HTTP/1.1\r\nhost: a.test\r\n\
    transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
const ANSWER: &str =
    "HTTP/1.1 200 OK\r\nserver: o\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nsmall";
const ANSWER_CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nserver: o\r\ntransfer-encoding: chunked\r\n\r\n5\r\nsmall\r\n0\r\n\r\n";
const NOTHING: &str = "HTTP/1.1 204 No Content\r\nserver: o\r\n\r\n";

const WARM: usize = 8;
const ROUNDS: usize = 64;
/// Of both connections, in all rounds together: a buffer and its count of owners each.
const BUFFERS: u64 = 16;
/// Bytes by which the end of every answer is known.
const END: usize = 4;
