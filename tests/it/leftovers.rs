//! Requests that guichet answers itself while their body is still unread: the next request on the
//! connection is the client's, never a piece of that body.
//!
//! Lessons: Pingora CVE-2025-4366, Go CVE-2024-24791, Akamai CVE-2025-32094.

use crate::rig::client::{Client, Expects};
use crate::rig::each;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, nobody};

/// What stands in the body: were it read as a request, the origin would see it.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: gw.test\r\n\r\n";
const NEXT: &str = "GET /next HTTP/1.1\r\nHost: gw.test\r\n\r\n";

/// A request that is answered without its body: its line, further fields, the status.
#[derive(Clone, Copy)]
struct Answered(&'static str, &'static str, u16);

const ANSWERED: &[Answered] = &[
    Answered("POST /local/nowhere", "", 404),
    Answered("POST /local/only-get", "", 405),
    Answered("OPTIONS /local/only-get", "", 204),
    Answered("OPTIONS *", "", 204),
    Answered("POST /local/fixed", "", 200),
    Answered("POST /local/gone", "", 410),
    Answered("POST /local/dead", "", 502),
    Answered("POST /a", "Expect: 200-maybe\r\n", 417),
    Answered("POST /..%2Fa", "", 400),
    Answered("POST /a", "X-A: b c\r\n d\r\n", 400),
];

/// How the body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    /// Longer than what is read for the sake of the connection.
    Long,
    LongChunked,
}

/// When the body comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    WithItsHead,
    AfterTheAnswer,
    /// The client waits for a word, gets the answer instead, and sends no body (RFC 9110, 10.1.1).
    Never,
}

#[test]
fn the_body_of_an_answered_request_is_never_the_next_request() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = gateway(&origin, "plain = \"allow\"");

    each(&cases(ANSWERED), name, |case| check(&gateway, case, 200));

    only_next_was_seen(&origin);
}

#[test]
fn nor_where_everything_is_refused_for_want_of_tls() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = gateway(&origin, "plain = \"refuse\"");

    each(&cases(&[Answered("POST /a", "", 426)]), name, |case| check(&gateway, case, 426));

    assert!(origin.saw_nothing());
}

#[test]
fn nor_where_it_is_too_large() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Setup::before(&origin.url()).server("limits = { body = \"1KiB\" }").start();

    each(&cases(&[Answered("POST /a", "", 413)]), name, |case| check(&gateway, case, 200));

    only_next_was_seen(&origin);
}

#[test]
fn nor_where_there_is_no_place() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Setup::before(&origin.url()).server("limits = { connections = 1 }").start();
    let mut only = Client::plain(gateway.plain());
    assert_eq!(only.get("/next").status(), 200);

    each(&cases(&[Answered("POST /a", "", 503)]), name, |case| check(&gateway, case, 503));

    only_next_was_seen(&origin);
}

/// What follows a part of a body belongs to that body, whatever it looks like.
#[test]
fn a_body_that_is_not_whole_swallows_what_follows() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = gateway(&origin, "plain = \"allow\"");
    let length = HIDDEN.len() + 100;

    for expect in ["", "Expect: 100-continue\r\n"] {
        for Answered(line, fields, status) in ANSWERED {
            let mut client = Client::plain(gateway.plain());
            let _ = client.try_send(format!(
                "{line} HTTP/1.1\r\nHost: gw.test\r\n{fields}{expect}\
                 Content-Length: {length}\r\n\r\n{HIDDEN}"
            ));
            let reply = client.reply();
            assert_eq!(reply.status(), *status, "{line}");
            client.half_close();
            client.is_closed();
        }
    }

    assert!(origin.saw_nothing());
}

struct Case {
    answered: Answered,
    framing: Framing,
    expects: bool,
    body: Body,
}

fn cases(answered: &[Answered]) -> Vec<Case> {
    let mut cases = Vec::new();
    for &answered in answered {
        for framing in [Framing::Length, Framing::Chunked, Framing::Long, Framing::LongChunked] {
            for body in [Body::WithItsHead, Body::AfterTheAnswer] {
                cases.push(Case { answered, framing, expects: false, body });
                cases.push(Case { answered, framing, expects: true, body });
            }
            cases.push(Case { answered, framing, expects: true, body: Body::Never });
        }
    }
    // Only a length tells beforehand that a body is too large; a body that is wanted is asked for;
    // and one expectation is enough.
    cases.retain(|case| match case.answered.2 {
        413 => case.framing == Framing::Long,
        417 => !case.expects,
        _ => true,
    });
    cases
}

fn name(case: &Case) -> String {
    let Case { answered, framing, expects, body } = case;
    format!("{} {}: {framing:?}, expects {expects}, {body:?}", answered.2, answered.0)
}

fn check(gateway: &Gateway, case: &Case, next: u16) {
    let Answered(line, fields, status) = case.answered;
    let expect = if case.expects { "Expect: 100-continue\r\n" } else { "" };
    let (framing, body) = framed(case.framing);
    let head = format!("{line} HTTP/1.1\r\nHost: gw.test\r\n{fields}{expect}{framing}\r\n\r\n");
    let mut client = Client::plain(gateway.plain());

    let first = match case.body {
        Body::WithItsHead => {
            let _ = client.try_send(format!("{head}{body}"));
            client.reply()
        }
        Body::AfterTheAnswer => {
            client.send(&head);
            let first = client.reply();
            let _ = client.try_send(&body);
            first
        }
        Body::Never => {
            client.send(&head);
            client.reply()
        }
    };

    assert_eq!(first.status(), status, "{}", first.text());
    assert!(first.interim.is_empty(), "nobody wants this body");
    // The connection goes on with the next request, or it ends; nothing else.
    let sent = client.try_send(NEXT);
    match sent.and_then(|()| client.try_reply(Expects::Body)) {
        Err(error) => {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "neither goes on nor ends");
        }
        Ok(second) => {
            assert_eq!(second.status(), next, "{} {}", second.head.line, second.text());
            assert_ne!(first.header("connection"), Some("close"), "it was to end");
            client.half_close();
            client.is_closed();
        }
    }
}

fn framed(framing: Framing) -> (String, String) {
    let body = match framing {
        Framing::Length | Framing::Chunked => HIDDEN.to_owned(),
        Framing::Long | Framing::LongChunked => HIDDEN.repeat(5000),
    };
    match framing {
        Framing::Length | Framing::Long => (format!("Content-Length: {}", body.len()), body),
        Framing::Chunked | Framing::LongChunked => (
            "Transfer-Encoding: chunked".to_owned(),
            format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
        ),
    }
}

#[track_caller]
fn only_next_was_seen(origin: &Origin) {
    let lines: Vec<_> = origin.requests().iter().map(|seen| seen.head.line.clone()).collect();
    assert!(lines.iter().all(|line| line.starts_with("GET /next ")), "{lines:?}");
}

fn gateway(origin: &Origin, plain: &str) -> Gateway {
    let dead = nobody();
    let fixed = "respond = { status = 200, json = {} }";
    Setup::new()
        .plain(plain)
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .with(&format!("[upstream.dead]\nendpoints = [\"{dead}\"]\n"))
        .route("name = \"next\"\nmatch = \"GET /next\"\nupstream = \"origin\"")
        .route("name = \"a\"\nmatch = \"/a\"\nupstream = \"origin\"")
        .route("name = \"get\"\nmatch = \"GET /local/only-get\"\nupstream = \"origin\"")
        .route(&format!("name = \"fixed\"\nmatch = \"/local/fixed\"\n{fixed}"))
        .route("name = \"gone\"\nmatch = \"/local/gone\"\nrespond = { code = \"Gone\" }")
        .route("name = \"dead\"\nmatch = \"/local/dead\"\nupstream = \"dead\"")
        .start()
}
