//! An upstream that resets the stream of a gRPC call, or goes away: a status as gRPC over HTTP/2 maps it,
//! in our words, and another attempt where nobody has looked at the call.

use tonic::Code;

use crate::grpc_errors::{is_ours, trailer};
use crate::rig::client::{Ending, Reply};
use crate::rig::each;
use crate::rig::frame_origin::{FrameOrigin, Play};
use crate::rig::frames::{DATA, END_HEADERS, GOAWAY, HEADERS, RST_STREAM, WHOLE, field, frame};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::grpc::Caller;
use crate::rig::h2::{Frames, H2Client, H2Origin, request};
use crate::rig::origin::{Origin, Step, send};
use crate::rig::tls::{Authority, Validity};

/// The codes of RFC 9113, section 7, and what becomes of them (gRPC over HTTP/2, "Errors").
const CODES: [(&str, u32, Code); 13] = [
    ("NO_ERROR", 0, Code::Internal),
    ("PROTOCOL_ERROR", 1, Code::Internal),
    ("INTERNAL_ERROR", 2, Code::Internal),
    ("FLOW_CONTROL_ERROR", 3, Code::Internal),
    ("SETTINGS_TIMEOUT", 4, Code::Internal),
    ("STREAM_CLOSED", 5, Code::Internal),
    ("FRAME_SIZE_ERROR", 6, Code::Internal),
    ("REFUSED_STREAM", 7, Code::Unavailable),
    ("CANCEL", 8, Code::Cancelled),
    ("COMPRESSION_ERROR", 9, Code::Internal),
    ("CONNECT_ERROR", 10, Code::Internal),
    ("ENHANCE_YOUR_CALM", 11, Code::ResourceExhausted),
    ("INADEQUATE_SECURITY", 12, Code::PermissionDenied),
];

fn head() -> Vec<u8> {
    let block = [&[0x88][..], &field("content-type", "application/grpc")].concat();
    frame(HEADERS, END_HEADERS, 1, &block)
}

fn message(text: u8) -> [u8; 6] {
    [0, 0, 0, 0, 1, text]
}

fn said(text: u8) -> Vec<u8> {
    frame(DATA, 0, 1, &message(text))
}

fn reset(code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, 1, &code.to_be_bytes())
}

/// Last stream, code.
fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

/// The trailers of a call that went well.
fn fine() -> Vec<u8> {
    frame(HEADERS, WHOLE, 1, &field("grpc-status", "0"))
}

fn before(origin: &FrameOrigin, lines: &str) -> Gateway {
    Setup::before(&origin.url()).upstream("protocol = \"h2c\"").upstream(lines).start()
}

fn ask(gateway: &Gateway) -> Reply {
    let asked = request("POST", "/a.B/C")
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    H2Client::plain(gateway.plain()).ask(asked, Frames::data(message(b'x').to_vec()))
}

#[test]
fn a_reset_before_the_head_is_a_status() {
    each(
        &CODES,
        |(name, ..)| (*name).to_owned(),
        |(name, code, expected)| {
            let origin =
                FrameOrigin::new(&[], &[&[Play::Heads(1), Play::Send(reset(*code)), Play::Drain]]);
            let gateway = before(&origin, "");

            let status = Caller::plain(gateway.plain()).unary("x").unwrap_err();

            is_ours(&status, *expected, "BadGateway");
            let id = status.metadata().get("x-request-id").unwrap().to_str().unwrap();
            let line = gateway.log_line(id);
            assert_eq!((&line["cause"], &line["attempts"]), (&"reset".into(), &1.into()), "{line}");
            assert!(
                line["detail"].as_str().is_some_and(|words| !words.is_empty()),
                "{name}: {line}"
            );
            let named = guichet::base::grpc::GrpcStatus::ALL[*expected as usize].as_str();
            assert_eq!(line["grpc_status"], named);
        },
    );
}

#[test]
fn a_reset_in_the_middle_keeps_the_messages_and_is_a_status_in_trailers() {
    each(
        &CODES,
        |(name, ..)| (*name).to_owned(),
        |(_, code, expected)| {
            let broken = [head(), said(b'a'), said(b'b'), reset(*code)].concat();
            let origin =
                FrameOrigin::new(&[], &[&[Play::Heads(1), Play::Send(broken), Play::Drain]]);
            let gateway = before(&origin, "");

            let reply = ask(&gateway);

            assert_eq!(reply.body, [message(b'a'), message(b'b')].concat());
            assert_eq!(reply.ending, Ending::Complete, "{reply:?}");
            let number = (*expected as i32).to_string();
            assert_eq!(trailer(&reply, "grpc-status"), Some(&*number), "{reply:?}");
            assert_eq!(trailer(&reply, "error-code"), Some("fr.ammyBadGateway"));
            let line = gateway.log_line(&reply.request_id());
            assert_eq!((&line["cause"], &line["complete"]), (&"truncated".into(), &false.into()));
            assert_eq!((&line["origin"], &line["outcome"]), (&"upstream".into(), &"failed".into()));
        },
    );
}

#[test]
fn other_clients_get_the_code_of_http() {
    for code in [0, 8] {
        let resets = [Play::Heads(1), Play::Send(reset(code)), Play::Drain];
        let origin = FrameOrigin::new(&[], &[&resets]);
        let gateway = before(&origin, "");

        let reply = H2Client::plain(gateway.plain()).ask(request("POST", "/a"), Frames::data("x"));

        reply.is_problem(502, "BadGateway");
        assert_eq!(gateway.log_line(&reply.request_id())["cause"], "reset");
    }
}

#[test]
fn a_reset_without_an_error_does_not_make_half_an_answer_whole() {
    let half = [frame(HEADERS, END_HEADERS, 1, &[0x88]), frame(DATA, 0, 1, b"half"), reset(0)];
    let origin =
        FrameOrigin::new(&[], &[&[Play::Heads(1), Play::Send(half.concat()), Play::Drain]]);
    let gateway = before(&origin, "");

    let reply = H2Client::plain(gateway.plain()).get("/a");

    assert!(reply.ending == Ending::Cut || reply.status() == 502, "{reply:?}");
    assert_eq!(gateway.log_line(&reply.request_id())["cause"], "truncated");
}

#[test]
fn a_reset_after_a_whole_answer_takes_nothing_back() {
    let whole = [head(), said(b'a'), fine(), reset(0)].concat();
    let alone =
        [&[0x88][..], &field("content-type", "application/grpc"), &field("grpc-status", "5")];
    let alone = [frame(HEADERS, WHOLE, 1, &alone.concat()), reset(0)].concat();
    for (frames, status) in [(whole, "0"), (alone, "5")] {
        let origin = FrameOrigin::new(&[], &[&[Play::Heads(1), Play::Send(frames), Play::Drain]]);
        let gateway = before(&origin, "");

        let reply = ask(&gateway);

        let told = trailer(&reply, "grpc-status").or_else(|| reply.header("grpc-status"));
        assert_eq!((told, reply.ending), (Some(status), Ending::Complete), "{reply:?}");
        assert!(reply.header("error-code").is_none() && trailer(&reply, "error-code").is_none());
    }
}

#[test]
fn a_call_that_nobody_has_looked_at_is_sent_again() {
    let answer = [head(), said(b'a'), fine()].concat();
    for refusal in [reset(7), goaway(0, 0)] {
        let refuses = [Play::Heads(1), Play::Send(refusal), Play::Drain];
        let serves = [Play::Heads(1), Play::Send(answer.clone()), Play::Drain];

        let origin = FrameOrigin::new(&[], &[&refuses, &serves]);
        let gateway = before(&origin, "retry = { attempts = 2, on = [\"connect\"] }");
        let reply = ask(&gateway);
        assert_eq!((trailer(&reply, "grpc-status"), &*reply.body), (Some("0"), &message(b'a')[..]));
        assert_eq!(origin.requests(), [1, 1]);

        // Without `retry` no body is kept that could be sent again.
        let origin = FrameOrigin::new(&[], &[&refuses, &serves]);
        let gateway = before(&origin, "");
        let status = Caller::plain(gateway.plain()).unary("x").unwrap_err();
        is_ours(&status, Code::Unavailable, "BadGateway");
        assert_eq!(origin.requests(), [1]);
    }
}

#[test]
fn a_call_that_may_have_been_looked_at_is_not_sent_again() {
    for code in [2, 8, 11] {
        let origin =
            FrameOrigin::new(&[], &[&[Play::Heads(1), Play::Send(reset(code)), Play::Drain]]);
        let gateway = before(&origin, "retry = { attempts = 3, on = [\"connect\", \"reset\"] }");

        ask(&gateway);

        assert_eq!(origin.requests(), [1], "{code}");
    }
}

#[test]
fn a_server_that_goes_away_ends_what_it_has_begun() {
    let goes = [
        Play::Heads(1),
        Play::Send([head(), said(b'a'), goaway(1, 0)].concat()),
        Play::Send([said(b'b'), fine()].concat()),
        Play::Drain,
    ];
    let next = [Play::Heads(1), Play::Send([head(), said(b'c'), fine()].concat()), Play::Drain];
    let origin = FrameOrigin::new(&[], &[&goes, &next]);
    let gateway = before(&origin, "");

    let (first, second) = (ask(&gateway), ask(&gateway));

    assert_eq!(first.body, [message(b'a'), message(b'b')].concat());
    assert_eq!(second.body, message(b'c'), "over another connection");
    for reply in [first, second] {
        assert_eq!(trailer(&reply, "grpc-status"), Some("0"), "{reply:?}");
    }
}

#[test]
fn a_server_that_goes_away_in_the_middle_is_unavailable() {
    let dies = [Play::Heads(1), Play::Send([head(), said(b'a'), goaway(1, 11)].concat())];
    let origin = FrameOrigin::new(&[], &[&dies]);
    let gateway = before(&origin, "");

    let reply = ask(&gateway);

    let told = trailer(&reply, "grpc-status").or_else(|| reply.header("grpc-status"));
    assert_eq!(told, Some("14"), "a connection that ends is no reset stream: {reply:?}");
}

#[test]
fn a_server_that_does_not_speak_http2_is_unavailable() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let identity = authority.sign(&["localhost"], Validity::Now);
    let by_alpn = Origin::tls(&identity, [Step::Drain]);
    let deaf = Origin::tls_without_alpn(&identity, [Step::Drain]);
    let ca = authority.file(&folder);
    let secure = format!("protocol = \"h2\"\ntls = {{ ca = \"{}\" }}", ca.display());
    let http1 = Origin::scripted([
        send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        Step::Drain,
    ]);
    let cases = [
        ("http/1.1 by ALPN", by_alpn.url(), &*secure),
        ("no ALPN", deaf.url(), &*secure),
        ("HTTP/1.1 in the clear", http1.url(), "protocol = \"h2c\""),
    ];

    each(
        &cases,
        |(name, ..)| (*name).to_owned(),
        |(_, url, lines)| {
            let gateway = Setup::before(url).upstream(lines).start();

            let status = Caller::plain(gateway.plain()).unary("x").unwrap_err();

            is_ours(&status, Code::Unavailable, "BadGateway");
            let id = status.metadata().get("x-request-id").unwrap().to_str().unwrap();
            assert_eq!(gateway.log_line(id)["cause"], "protocol_mismatch");
        },
    );
}

#[test]
fn a_service_behind_tls_is_called_as_one_in_the_clear() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let origin = H2Origin::tls(&authority.sign(&["localhost"], Validity::Now));
    let ca = authority.file(&folder);
    let lines = format!("protocol = \"h2\"\ntls = {{ ca = \"{}\" }}", ca.display());
    let gateway = Setup::before(&origin.url()).upstream(&lines).start();
    let asked = request("POST", "/grpc")
        .header("content-type", "application/grpc")
        .header("te", "trailers");

    let reply = H2Client::tls(gateway.tls()).ask(asked, Frames::data(message(b'x').to_vec()));

    assert_eq!(trailer(&reply, "grpc-status"), Some("0"), "{reply:?}");
}
