//! gRPC-Web on the way through: as it came where all goes well, and where it does not, a status in the
//! last message of the body, which is where its clients look.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::grpc_errors::message;
use crate::rig::client::{Client, Ending, Reply};
use crate::rig::each;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::h2::{H2Client, request};
use crate::rig::origin::{Origin, Step, send};

const WEB: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text+proto";

/// A message of a body.
fn one(flags: u8, words: &[u8]) -> Vec<u8> {
    let length = u32::try_from(words.len()).unwrap().to_be_bytes();
    [&[flags][..], &length, words].concat()
}

fn fine() -> Vec<u8> {
    one(0x80, b"grpc-status:0\r\n")
}

/// As it stands in a body of this type.
fn written(kind: &str, bytes: &[u8]) -> Vec<u8> {
    if kind == TEXT { STANDARD.encode(bytes).into_bytes() } else { bytes.to_vec() }
}

fn head(kind: &str, fields: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{fields}\r\n").into_bytes()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
const LAST: &[u8] = b"0\r\n\r\n";

/// Answers with these pieces and ends as told.
fn origin(kind: &str, fields: &str, pieces: &[Vec<u8>], end: Step) -> Origin {
    let mut steps = vec![Step::Read, send(head(kind, fields))];
    steps.extend(pieces.iter().map(|piece| send(piece.clone())));
    steps.push(end);
    Origin::scripted(steps)
}

fn before(origin: &Origin) -> Gateway {
    Setup::before(&origin.url()).upstream("timeout = { idle = \"300ms\" }").start()
}

fn ask(gateway: &Gateway, kind: &str, language: &str) -> Reply {
    let asked =
        request("POST", "/a.B/C").header("content-type", kind).header("accept-language", language);
    H2Client::plain(gateway.plain()).ask(asked, message("x"))
}

/// The messages of a body, with their flags.
fn messages(kind: &str, body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut bytes = Vec::new();
    if kind == TEXT {
        for quad in body.chunks(4) {
            bytes.extend(STANDARD.decode(quad).expect("whole quads, each padded or not"));
        }
    } else {
        bytes.extend_from_slice(body);
    }
    let (mut rest, mut messages) = (&bytes[..], Vec::new());
    while let Some((prefix, after)) = rest.split_at_checked(5) {
        let length = u32::from_be_bytes(prefix[1..].try_into().unwrap()) as usize;
        messages.push((prefix[0], after[..length].to_vec()));
        rest = &after[length..];
    }
    assert!(rest.is_empty(), "{rest:?}");
    messages
}

#[test]
fn a_reply_passes_byte_for_byte_and_its_status_is_read() {
    for kind in [WEB, TEXT] {
        for (status, named, outcome) in
            [(0, "OK", "success"), (5, "NOT_FOUND", "refused"), (14, "UNAVAILABLE", "failed")]
        {
            let end =
                one(0x80, format!("grpc-status: {status}\r\ngrpc-message: so\r\n").as_bytes());
            let body = [written(kind, &one(0, b"hello")), written(kind, &end)].concat();
            for (fields, wire) in [
                (
                    CHUNKED.to_owned(),
                    [chunk(&body[..7]), chunk(&body[7..]), LAST.to_vec()].concat(),
                ),
                (format!("Content-Length: {}\r\n", body.len()), body.clone()),
            ] {
                let origin = origin(kind, &fields, &[wire], Step::Drain);
                let gateway = before(&origin);

                let reply = ask(&gateway, kind, "fr");

                assert_eq!((reply.ending, &reply.body), (Ending::Complete, &body));
                assert_eq!(reply.header("content-type"), Some(kind));
                let line = gateway.log_line(&reply.request_id());
                assert_eq!(
                    (&line["grpc_status"], &line["outcome"]),
                    (&named.into(), &outcome.into())
                );
                assert_eq!(line["complete"], true);
            }
        }
    }
}

#[test]
fn a_reply_that_breaks_between_two_messages_ends_with_a_status() {
    let ends = [
        ("close", Step::Close, "truncated", "14", "BadGateway"),
        ("silence", Step::Stall, "idle_timeout", "4", "GatewayTimeout"),
    ];
    for kind in [WEB, TEXT] {
        each(
            &ends,
            |(name, ..)| format!("{kind}: {name}"),
            |(_, end, cause, status, code)| {
                let said = [written(kind, &one(0, b"a")), written(kind, &one(0, b"bcd"))];
                let pieces = said.each_ref().map(|bytes| chunk(bytes));
                let origin = origin(kind, CHUNKED, &pieces, end.clone());
                let gateway = before(&origin);

                let reply = ask(&gateway, kind, "fr");

                assert_eq!(reply.ending, Ending::Complete, "{reply:?}");
                let mut messages = messages(kind, &reply.body);
                let (flags, told) = messages.pop().unwrap();
                assert_eq!(messages, [(0, b"a".to_vec()), (0, b"bcd".to_vec())]);
                let told = String::from_utf8(told).unwrap();
                assert_eq!(flags, 0x80);
                assert!(told.contains(&format!("grpc-status:{status}\r\n")), "{told}");
                assert!(told.contains(&format!("error-code:fr.ammy{code}\r\n")), "{told}");
                assert!(
                    told.contains("\r\ngrpc-message:Le%20") || told.contains("grpc-message:Le "),
                    "{told}"
                );
                assert!(told.is_ascii() && told.ends_with("\r\n"), "{told}");
                let line = gateway.log_line(&reply.request_id());
                assert_eq!((&line["cause"], &line["complete"]), (&(*cause).into(), &false.into()));
                let named = if *status == "14" { "UNAVAILABLE" } else { "DEADLINE_EXCEEDED" };
                assert_eq!(
                    (&line["grpc_status"], &line["outcome"]),
                    (&named.into(), &"failed".into())
                );
            },
        );
    }
}

#[test]
fn a_client_of_http1_gets_a_whole_body_too() {
    let said = chunk(&one(0, b"a"));
    let origin = origin(WEB, CHUNKED, &[said], Step::Close);
    let gateway = before(&origin);

    let reply = Client::plain(gateway.plain()).ask(&format!(
        "POST /a.B/C HTTP/1.1\r\nHost: gw.test\r\nContent-Type: {WEB}\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0"
    ));

    assert_eq!(reply.ending, Ending::Complete, "{reply:?}");
    let messages = messages(WEB, &reply.body);
    assert_eq!((messages.len(), messages[1].0), (2, 0x80));
    assert!(reply.trailers.is_empty(), "{reply:?}");
    assert_eq!(gateway.log_line(&reply.request_id())["complete"], false);
}

#[test]
fn a_reply_that_breaks_within_a_message_is_cut() {
    let half = [one(0, b"a"), one(0, b"bcd")].concat();
    for kind in [WEB, TEXT] {
        for cut in [7, 10, 11, 13] {
            let origin = origin(kind, CHUNKED, &[chunk(&written(kind, &half[..cut]))], Step::Close);
            let gateway = before(&origin);

            let reply = ask(&gateway, kind, "fr");

            assert_eq!(reply.ending, Ending::Cut, "{kind} {cut}: {reply:?}");
            let line = gateway.log_line(&reply.request_id());
            assert_eq!((&line["cause"], line.get("grpc_status")), (&"truncated".into(), None));
        }
    }
}

#[test]
fn an_end_without_a_status_gets_one() {
    for kind in [WEB, TEXT] {
        let said = chunk(&written(kind, &one(0, b"abc")));
        let origin = origin(kind, CHUNKED, &[said, LAST.to_vec()], Step::Drain);
        let gateway = before(&origin);

        let reply = ask(&gateway, kind, "en");

        let messages = messages(kind, &reply.body);
        assert_eq!((messages.len(), messages[1].0, reply.ending), (2, 0x80, Ending::Complete));
        assert!(messages[1].1.starts_with(b"grpc-status:14\r\n"), "{messages:?}");
        assert_eq!(gateway.log_line(&reply.request_id())["cause"], "bad_response");
    }
}

#[test]
fn nothing_follows_on_the_status_of_the_service() {
    let said = [chunk(&one(0, b"a")), chunk(&fine())];
    let origin = origin(WEB, CHUNKED, &said, Step::Close);
    let gateway = before(&origin);

    let reply = ask(&gateway, WEB, "en");

    assert_eq!(reply.ending, Ending::Cut, "{reply:?}");
    assert!(reply.body.ends_with(&fine()), "{reply:?}");
}

#[test]
fn a_status_in_a_body_counts_against_its_upstream_as_one_in_trailers() {
    let rule = "breaker = { failures = \"50%\", over = \"60s\", at_least = 3, open = \"60s\" }";
    for (kind, status, timeout, opens) in [
        (WEB, 14, None, true),
        (TEXT, 14, None, true),
        (WEB, 4, None, true),
        (WEB, 4, Some("60S"), false),
        (WEB, 13, None, false),
        (TEXT, 0, None, false),
    ] {
        let end = one(0x80, format!("grpc-status: {status}\r\n").as_bytes());
        let body = [written(kind, &one(0, b"hello")), written(kind, &end)].concat();
        for (fields, wire) in [
            (CHUNKED.to_owned(), [chunk(&body[..7]), chunk(&body[7..]), LAST.to_vec()].concat()),
            (format!("Content-Length: {}\r\n", body.len()), body.clone()),
        ] {
            let origin = Origin::answering([head(kind, &fields), wire].concat());
            let gateway = Setup::before(&origin.url()).upstream(rule).start();
            let client = H2Client::plain(gateway.plain());
            let ask = || {
                let asked = request("POST", "/a.B/C").header("content-type", kind);
                let asked = match timeout {
                    Some(time) => asked.header("grpc-timeout", time),
                    None => asked,
                };
                client.ask(asked, message("x"))
            };

            let replies: [Reply; 4] = std::array::from_fn(|_| ask());

            let passed = replies.iter().filter(|reply| reply.body == body).count();
            assert_eq!(passed, if opens { 3 } else { 4 }, "{kind} {status} {timeout:?}");
            assert_eq!(origin.requests().len(), passed);
            if opens {
                let line = gateway.log_line(&replies[3].request_id());
                assert_eq!(line["cause"], "breaker_open", "{line}");
            }
        }
    }
}

#[test]
fn an_endpoint_that_says_so_in_its_bodies_is_ejected() {
    let end = one(0x80, b"grpc-status: 14\r\n");
    let bad = [head(WEB, &format!("Content-Length: {}\r\n", end.len())), end].concat();
    let good = [head(WEB, &format!("Content-Length: {}\r\n", fine().len())), fine()].concat();
    let (one, other) = (Origin::answering(bad), Origin::answering(good));
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\", \"{}\"]", one.url(), other.url()))
        .upstream(
            "balance = \"round_robin\"\neject = { failures = 2, over = \"60s\", for = \"60s\" }",
        )
        .route("match = \"POST /a.B/{method}\"\nupstream = \"origin\"")
        .start();

    for _ in 0..12 {
        ask(&gateway, WEB, "en");
    }

    assert_eq!((one.requests().len(), other.requests().len()), (2, 10));
}

#[test]
fn a_body_of_a_known_length_is_cut() {
    let origin = origin(WEB, "Content-Length: 60\r\n", &[one(0, b"a")], Step::Close);
    let gateway = before(&origin);

    let reply = ask(&gateway, WEB, "en");

    assert_eq!((reply.ending, &*reply.body), (Ending::Cut, &*one(0, b"a")));
    let line = gateway.log_line(&reply.request_id());
    assert_eq!(line.get("grpc_status"), None, "nobody was told: {line}");
}

#[test]
fn what_is_coded_cannot_be_followed_and_is_cut() {
    // Coded or not, by chance it looks like a message.
    let said = chunk(&one(0, b"a"));
    let origin = origin(WEB, &format!("Content-Encoding: gzip\r\n{CHUNKED}"), &[said], Step::Close);
    let gateway = before(&origin);

    assert_eq!(ask(&gateway, WEB, "en").ending, Ending::Cut);
}

#[test]
fn a_page_can_read_what_guichet_refuses_it() {
    let cors = "cors = { origins = [\"https://app.example.fr\"], headers = [\"content-type\"], expose = [\"grpc-status\", \"grpc-message\"] }";
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", crate::rig::origin::nobody()))
        .route(&format!("match = \"POST /a.B/{{method}}\"\nupstream = \"origin\"\n{cors}"))
        .start();
    let asked = request("POST", "/a.B/C")
        .header("content-type", WEB)
        .header("origin", "https://app.example.fr");

    let reply = H2Client::plain(gateway.plain()).ask(asked, message("x"));

    assert_eq!((reply.status(), reply.header("grpc-status")), (200, Some("14")), "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/grpc-web"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example.fr"));
    let exposed = reply.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("grpc-status") && exposed.contains("grpc-message"), "{exposed}");
    assert_eq!(reply.header("grpc-retry-pushback-ms"), None);
}
