//! Requests that cannot be read, or could be read in two ways. Each gets a whole answer in the
//! vocabulary, the connection closes, and the origin sees nothing.

use std::cell::RefCell;

use crate::rig::client::{self, Client, Expects};
use crate::rig::each;
use crate::rig::gateway::Setup;
use crate::rig::origin::Origin;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A raw request, the answers that the contract allows, and the causes that the log may give.
struct Case {
    name: &'static str,
    raw: &'static str,
    answers: &'static [(u16, &'static str)],
    causes: &'static [&'static str],
}

const BAD: &[(u16, &str)] = &[(400, "BadRequest")];
const CODING: &[(u16, &str)] = &[(400, "BadRequest"), (501, "NotImplemented")];
const VERSION: &[(u16, &str)] = &[(505, "HttpVersionNotSupported"), (400, "BadRequest")];
const FRAMING: &[&str] = &["bad_framing", "bad_header"];
const TARGET: &[&str] = &["bad_target", "bad_request_line"];
const LINE: &[&str] = &["bad_request_line", "bad_version", "bad_target"];

#[rustfmt::skip]
const CASES: &[Case] = &[
    case("bare lf after a field", "GET / HTTP/1.1\r\nHost: gw.test\nX-A: 1\r\n\r\n", BAD, &["bad_header", "bad_host"]),
    case("bare lf everywhere", "GET / HTTP/1.1\nHost: gw.test\n\n", BAD, &["bad_request_line", "bad_header"]),
    case("bare cr in a field", "GET / HTTP/1.1\r\nHost: gw.test\r\nX-A: a\rTransfer-Encoding: chunked\r\n\r\n", BAD, &["bad_header"]),
    case("bare cr in the request line", "GET / HTTP/1.1\rHost: gw.test\r\n\r\n", BAD, LINE),
    case("folding", "GET / HTTP/1.1\r\nHost: gw.test\r\nX-A: 1\r\n 2\r\n\r\n", BAD, &["bad_header"]),
    case("folded content-length", "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length:\r\n 5\r\n\r\nhello", BAD, FRAMING),
    case("no colon", "GET / HTTP/1.1\r\nHost: gw.test\r\nXAnoColon\r\n\r\n", BAD, &["bad_header"]),
    case("space before the colon", "GET / HTTP/1.1\r\nHost: gw.test\r\nX-A : 1\r\n\r\n", BAD, &["bad_header"]),
    case("space first in the section", "GET / HTTP/1.1\r\n Host: gw.test\r\n\r\n", BAD, &["bad_header"]),
    case("nul in a value", "GET / HTTP/1.1\r\nHost: gw.test\r\nX-A: a\0b\r\n\r\n", BAD, &["bad_header"]),
    case("nul in a name", "GET / HTTP/1.1\r\nHost: gw.test\r\nX\0A: 1\r\n\r\n", BAD, &["bad_header"]),
    case("empty name", "GET / HTTP/1.1\r\nHost: gw.test\r\n: 1\r\n\r\n", BAD, &["bad_header"]),
    case("two spaces", "GET  / HTTP/1.1\r\nHost: gw.test\r\n\r\n", BAD, LINE),
    case("tabs between words", "GET\t/\tHTTP/1.1\r\nHost: gw.test\r\n\r\n", BAD, LINE),
    case("space before the method", " GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n", BAD, LINE),
    case("no target", "GET HTTP/1.1\r\nHost: gw.test\r\n\r\n", BAD, LINE),
    case("no version", "GET /\r\nHost: gw.test\r\n\r\n", VERSION, LINE),
    case("version of two digits", "GET / HTTP/1.32\r\nHost: gw.test\r\n\r\n", VERSION, LINE),
    case("another version", "GET / HTTP/9.9\r\nHost: gw.test\r\n\r\n", &[(505, "HttpVersionNotSupported")], &["bad_version"]),
    case("nul in the target", "GET /a\0b HTTP/1.1\r\nHost: gw.test\r\n\r\n", BAD, TARGET),
    case("bad percent", "GET /%zz HTTP/1.1\r\nHost: gw.test\r\n\r\n", BAD, TARGET),
    case("encoded nul", "GET /a%00.png HTTP/1.1\r\nHost: gw.test\r\n\r\n", BAD, TARGET),
    case("a fragment", "GET /a#b HTTP/1.1\r\nHost: gw.test\r\n\r\n", BAD, TARGET),
    case("a backslash", "GET /a\\b HTTP/1.1\r\nHost: gw.test\r\n\r\n", BAD, TARGET),
    case("another scheme", "GET ftp://gw.test/ HTTP/1.1\r\nHost: gw.test\r\n\r\n", &[(400, "BadRequest"), (421, "MisdirectedRequest")], &["bad_target", "wrong_host"]),
    case("host missing", "GET / HTTP/1.1\r\n\r\n", BAD, &["bad_host"]),
    case("host twice", "GET / HTTP/1.1\r\nHost: gw.test\r\nHost: gw.test\r\n\r\n", BAD, &["bad_host"]),
    case("host with a space", "GET / HTTP/1.1\r\nHost: gw test\r\n\r\n", BAD, &["bad_host"]),
    case("host as a list", "GET / HTTP/1.1\r\nHost: gw.test, evil.test\r\n\r\n", BAD, &["bad_host"]),
    case("host with a path", "GET / HTTP/1.1\r\nHost: gw.test/x\r\n\r\n", BAD, &["bad_host"]),
    case("host with user information", "GET / HTTP/1.1\r\nHost: me@gw.test\r\n\r\n", BAD, &["bad_host"]),
    case("host with a port too large", "GET / HTTP/1.1\r\nHost: gw.test:99999\r\n\r\n", BAD, &["bad_host"]),
    case("target and host disagree", "GET http://other.test/a HTTP/1.1\r\nHost: gw.test\r\n\r\n", BAD, &["bad_host", "bad_target"]),
    case("negative length", "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: -5\r\n\r\nhello", BAD, FRAMING),
    case("length with a plus", "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: +5\r\n\r\nhello", BAD, FRAMING),
    case("length and letters", "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5abc\r\n\r\nhello", BAD, FRAMING),
    case("length as a list", "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5, 5\r\n\r\nhello", BAD, FRAMING),
    case("length twice", "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", BAD, FRAMING),
    case("two lengths", "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", BAD, FRAMING),
    case("length empty, then real", "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length:\r\nContent-Length: 5\r\n\r\nhello", BAD, FRAMING),
    case("length beside coding", "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD, FRAMING),
    case("coding beside a bad length", "POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\nContent-Length: zzz\r\n\r\n0\r\n\r\n", BAD, FRAMING),
    case("coding twice", "POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CODING, &["bad_framing", "unknown_transfer_coding"]),
    case("chunked is not last", "POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", CODING, &["bad_framing", "unknown_transfer_coding"]),
    case("unknown coding", "POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: xchunked\r\n\r\nhello", &[(501, "NotImplemented")], &["unknown_transfer_coding"]),
    case("coding with a parameter", "POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", CODING, &["bad_framing", "unknown_transfer_coding"]),
    case("coding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD, FRAMING),
    case("coding after a form feed", "POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: \x0cchunked\r\n\r\n0\r\n\r\n", CODING, &["bad_framing", "bad_header", "unknown_transfer_coding"]),
    case("name split over lines", "POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-\r\nEncoding: chunked\r\nContent-Length: 5\r\n\r\nhello", BAD, &["bad_header"]),
    case("cr ends the section", "GET / HTTP/1.1\r\nHost: gw.test\r\n\rXGET /evil HTTP/1.1\r\nHost: a\r\n\r\n", BAD, &["bad_header"]),
    case("an obfuscated expectation", "POST / HTTP/1.1\r\nHost: gw.test\r\nExpect: y 100-continue\r\nContent-Length: 5\r\n\r\nhello", &[(417, "ExpectationFailed")], &["bad_expect"]),
    case("a tunnel", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n", &[(405, "MethodNotAllowed"), (400, "BadRequest"), (501, "NotImplemented")], &["tunnel_refused"]),
    case("the preface of HTTP/2, broken", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", VERSION, &["bad_version", "bad_request_line"]),
];

const fn case(
    name: &'static str,
    raw: &'static str,
    answers: &'static [(u16, &'static str)],
    causes: &'static [&'static str],
) -> Case {
    Case { name, raw, answers, causes }
}

#[test]
fn unreadable_requests_are_answered_in_full_and_never_forwarded() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();
    let ids = RefCell::new(Vec::new());

    each(
        CASES,
        |case| case.name.to_owned(),
        |case| {
            let mut client = Client::plain(gateway.plain());
            let reply = client.ask(case.raw);

            let known = case.answers.iter().find(|(status, _)| *status == reply.status());
            let (status, name) = known.unwrap_or(&case.answers[0]);
            reply.is_problem(*status, name);
            if case.name != "an obfuscated expectation" {
                client.is_closed();
            }
            ids.borrow_mut().push((reply.request_id(), case.name, case.causes));
        },
    );
    // The lines come by tick, so they are looked at together.
    each(
        &ids.into_inner(),
        |(_, name, _)| format!("the line of: {name}"),
        |(id, _, causes)| {
            let line = gateway.log_line(id);
            let cause = line["cause"].as_str().unwrap_or_default();
            assert!(causes.contains(&cause), "{cause}");
            assert_eq!(line["origin"], "client");
        },
    );

    assert!(origin.saw_nothing());
}

/// Chunks that are broken after a head that was fine: the origin may have seen a beginning, but
/// never an end, and the client is to blame.
const BROKEN_CHUNKS: &[(&str, &str)] = &[
    ("hexadecimal prefix", "0x5\r\nhello\r\n0\r\n\r\n"),
    ("underscore", "1_0\r\n0123456789abcdef\r\n0\r\n\r\n"),
    ("empty size", "\r\nhello\r\n0\r\n\r\n"),
    ("space before the size", " 5\r\nhello\r\n0\r\n\r\n"),
    ("space after the size", "5 \r\nhello\r\n0\r\n\r\n"),
    ("no crlf after the data", "5\r\nhello0\r\n\r\n"),
    ("data longer than its size", "3\r\nhello\r\n0\r\n\r\n"),
    ("lf after the data", "5\r\nhello\n0\r\n\r\n"),
    ("lf after the size", "5\nhello\r\n0\r\n\r\n"),
    ("cr cr after the size", "5\r\rhello\r\n0\r\n\r\n"),
    ("no last chunk", "5\r\nhello\r\n\r\n\r\n"),
    ("an extra line end", "5\r\nhello\r\n\r\n0\r\n\r\n"),
    ("bare semicolon", "5;\r\nhello\r\n0\r\n\r\n"),
    ("lf in an extension", "5;a\nb\r\nhello\r\n0\r\n\r\n"),
    ("trailer without a colon", "5\r\nhello\r\n0\r\nnonsense\r\n\r\n"),
    ("lf in the trailers", "5\r\nhello\r\n0\r\nX-T: 1\n\r\n"),
];

#[test]
fn a_broken_chunk_is_the_client_s_fault() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();
    let ids = RefCell::new(Vec::new());

    each(
        BROKEN_CHUNKS,
        |(name, _)| (*name).to_owned(),
        |(_, body)| {
            let mut client = Client::plain(gateway.plain());
            let reply = client.ask(&format!(
                "POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n{body}"
            ));

            reply.is_problem(400, "BadRequest");
            client.is_closed();
            ids.borrow_mut().push(reply.request_id());
        },
    );

    for id in ids.into_inner() {
        let line = gateway.log_line(&id);
        assert_eq!((&line["cause"], &line["origin"]), (&"bad_chunk".into(), &"client".into()));
    }
}

#[test]
fn odd_but_valid_requests_are_served_in_one_form() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();
    let chunked = "POST /c HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: ";
    let cases = [
        ("empty value", "GET /a HTTP/1.1\r\nHost: gw.test\r\nX-A:\r\n\r\n".to_owned()),
        ("white space around", "GET /a HTTP/1.1\r\nHost: gw.test\r\nX-A: \t 1 \t \r\n\r\n".into()),
        ("absolute form", "GET http://gw.test/a HTTP/1.1\r\nHost: gw.test\r\n\r\n".into()),
        ("one empty line before", "\r\nGET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n".into()),
        ("upper case coding", format!("{chunked}CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n")),
        ("tab before the coding", format!("{chunked}\tchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")),
        ("extension", format!("{chunked}chunked\r\n\r\n5;n=v;q=\"x y\"\r\nhello\r\n0\r\n\r\n")),
        ("three zeros", format!("{chunked}chunked\r\n\r\n5\r\nhello\r\n000\r\n\r\n")),
        ("trailer", format!("{chunked}chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n")),
    ];

    each(
        &cases,
        |(name, _)| (*name).to_owned(),
        |(_, raw)| {
            assert_eq!(client::ask(gateway.plain(), raw).status(), 200);
            let seen = origin.last();
            assert!(["/a", "/c"].contains(&seen.head.target()), "{}", seen.head.line);
            if seen.head.method() == "POST" {
                assert_eq!(seen.body, b"hello");
            }
            let all = format!("{:?}", seen.head.fields);
            assert!(!all.contains("CHUNKED") && !all.contains("n=v"), "{all}");
        },
    );
}

#[test]
fn bytes_after_a_refused_request_are_never_a_request() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();
    let mut client = Client::plain(gateway.plain());

    client.send(
        "GET / HTTP/1.1\r\nHost: gw.test\r\nX-A : 1\r\n\r\n\
         GET /smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n",
    );

    client.reply().is_problem(400, "BadRequest");
    client.is_closed();
    assert!(origin.saw_nothing());
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let origin = Origin::scripted([
        crate::rig::origin::Step::Read,
        crate::rig::origin::ok("one"),
        crate::rig::origin::Step::Read,
        crate::rig::origin::ok("two"),
    ]);
    let gateway = Setup::before(&origin.url()).start();
    let mut client = Client::plain(gateway.plain());

    client.send("GET /1 HTTP/1.1\r\nHost: gw.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    let (first, second) = (client.reply(), client.reply());

    assert_eq!((first.text().as_str(), second.text().as_str()), ("one", "two"));
}

#[test]
fn an_answer_before_a_refusal_still_comes_first() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();
    let mut client = Client::plain(gateway.plain());

    client.send("GET /1 HTTP/1.1\r\nHost: gw.test\r\n\r\nGET /2 HTTP/1.1\r\nBad Name: 1\r\n\r\n");

    assert_eq!(client.reply().status(), 200);
    client.reply().is_problem(400, "BadRequest");
    client.is_closed();
}

#[test]
fn a_connection_that_says_nothing_is_closed_without_a_word() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url())
        .server("limits = { idle = \"200ms\", header_time = \"200ms\" }")
        .start();
    let mut client = Client::plain(gateway.plain());

    let nothing = client.try_reply(Expects::Body);

    assert!(nothing.is_err());
    assert!(origin.saw_nothing());
}
