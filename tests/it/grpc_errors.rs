//! What goes wrong with gRPC calls, as its clients see it: a status, our code, our words.

use tonic::{Code, Status};

use crate::grpc::before;
use crate::rig::client::Client;
use crate::rig::each;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::grpc::service::Steps;
use crate::rig::grpc::{Caller, SERVICE};
use crate::rig::h2::{Frames, H2Client, H2Origin, request};
use crate::rig::origin::{Origin, Step, answer};

/// Whether a status is ours: this one, with this code in its metadata, and words.
#[track_caller]
pub fn is_ours(status: &Status, expected: Code, code: &str) {
    assert_eq!(status.code(), expected, "{status:?}");
    assert_eq!(status.metadata().get("error-code").unwrap(), &format!("fr.ammy{code}"));
    assert!(status.message().len() > 10, "{status:?}");
}

pub fn call(method: &str) -> http::request::Builder {
    request("POST", &format!("/{SERVICE}/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
}

/// A message with these words, as it stands in a body.
pub fn message(words: &str) -> Frames {
    let mut bytes = vec![0];
    bytes.extend_from_slice(&u32::try_from(words.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(words.as_bytes());
    Frames::data(bytes)
}

pub fn trailer<'r>(reply: &'r crate::rig::client::Reply, name: &str) -> Option<&'r str> {
    reply.trailers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_message_that_is_too_large_is_refused() {
    let service = Steps::start();
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]\nprotocol = \"h2c\"", service.url()))
        .route(&format!(
            "match = \"POST /{SERVICE}/{{method}}\"\nupstream = \"origin\"\ngrpc.message = \"1KiB\""
        ))
        .start();
    let caller = Caller::plain(gateway.plain());

    caller.upload(vec![vec![7; 1024].into(); 3]).unwrap();
    let status = caller.upload(vec![vec![7; 10].into(), vec![7; 1025].into()]).unwrap_err();

    is_ours(&status, Code::ResourceExhausted, "PayloadTooLarge");
}

#[test]
fn what_is_no_call_is_refused_in_terms_of_http() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let asked = format!(
        "POST /{SERVICE}/Unary HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/json\r\n\
         Content-Length: 2\r\n\r\n{{}}"
    );

    let reply = Client::plain(gateway.plain()).ask(&asked);

    reply.is_problem(415, "UnsupportedMediaType");
    assert_eq!(reply.header("accept-post"), Some("application/grpc, application/grpc-web"));
    assert!(service.calls().is_empty());
}

#[test]
fn a_service_that_dies_under_a_stream_is_unavailable() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let caller = Caller::plain(gateway.plain());

    let heard = caller.download("say a|say b|die").unwrap();
    let talked = caller.chat(&["say a", "die"]).unwrap();

    for (heard, messages) in [(heard, &["a", "b"][..]), (talked, &["a"])] {
        assert_eq!(heard.messages, messages);
        is_ours(&heard.end.unwrap_err(), Code::Unavailable, "BadGateway");
        let id = heard.head.get("x-request-id").unwrap().to_str().unwrap();
        let line = gateway.log_line(id);
        assert_eq!((&line["cause"], &line["complete"]), (&"truncated".into(), &false.into()));
        assert_eq!(
            (&line["grpc_status"], &line["outcome"]),
            (&"UNAVAILABLE".into(), &"failed".into())
        );
    }
}

#[test]
fn an_answer_without_a_status_gets_one() {
    let origin = H2Origin::plain();
    let gateway = Setup::before(&origin.url()).upstream("protocol = \"h2c\"").start();
    let ask = request("POST", "/unsaid").header("content-type", "application/grpc");

    let reply =
        H2Client::plain(gateway.plain()).ask(ask.header("te", "trailers"), Frames::default());

    assert_eq!(trailer(&reply, "grpc-status"), Some("14"), "{reply:?}");
    assert_eq!(trailer(&reply, "error-code"), Some("fr.ammyBadGateway"));
    let line = gateway.log_line(&reply.request_id());
    assert_eq!((&line["cause"], &line["complete"]), (&"bad_response".into(), &false.into()));
}

#[test]
fn time_that_is_over_is_told() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let client = H2Client::plain(gateway.plain());

    let before_head = client.ask(call("Unary").header("grpc-timeout", "200m"), message("hang"));
    let after_head =
        client.ask(call("Download").header("grpc-timeout", "200m"), message("say a|hang"));

    assert_eq!(before_head.header("grpc-status"), Some("4"), "{before_head:?}");
    assert_eq!(before_head.header("error-code"), Some("fr.ammyGatewayTimeout"));
    assert_eq!(after_head.body, b"\0\0\0\0\x01a");
    assert_eq!(trailer(&after_head, "grpc-status"), Some("4"), "{after_head:?}");
    assert_eq!(trailer(&after_head, "error-code"), Some("fr.ammyGatewayTimeout"));
}

#[test]
fn the_routes_own_time_is_told_too() {
    let service = Steps::start();
    let gateway = before(&service).upstream("timeout = { total = \"200ms\" }").start();
    let caller = Caller::plain(gateway.plain());

    let status = caller.unary("hang").unwrap_err();

    is_ours(&status, Code::DeadlineExceeded, "GatewayTimeout");
}

#[test]
fn what_http_answers_is_put_in_grpcs_terms() {
    let page = "<html><h1>Bad things at 10.0.0.7</h1>";
    let cases = [
        (503, page, Code::Unavailable, "ServiceUnavailable"),
        (502, page, Code::Unavailable, "BadGateway"),
        (504, page, Code::DeadlineExceeded, "GatewayTimeout"),
        (500, page, Code::Internal, "ServerError"),
        (429, "Trop de requêtes", Code::ResourceExhausted, "TooManyRequests"),
        (404, page, Code::Unimplemented, "InvalidResource"),
        (403, "{}", Code::PermissionDenied, "Forbidden"),
        (401, "{}", Code::Unauthenticated, "Unauthorized"),
        (400, "{}", Code::Internal, "BadRequest"),
        // What would look like a success.
        (200, page, Code::Unavailable, "BadGateway"),
        (302, page, Code::Unavailable, "BadGateway"),
        (204, "", Code::Unavailable, "BadGateway"),
    ];

    each(
        &cases,
        |(status, ..)| status.to_string(),
        |&(status, body, expected, code)| {
            let origin = Origin::scripted([Step::Read, answer(status, "text/html", body)]);
            let gateway = Gateway::before(&origin.url());
            let caller = Caller::plain(gateway.plain());

            let status = caller.unary("say a").unwrap_err();

            is_ours(&status, expected, code);
            assert!(!status.message().contains("10.0.0.7"), "{status:?}");
        },
    );
}

#[test]
fn pages_pass_where_nothing_is_normalised() {
    let origin = Origin::scripted([Step::Read, answer(200, "text/html", "<p>")]);
    for (normalise, would) in [("false", None), ("\"observe\"", Some("fr.ammyBadGateway"))] {
        let gateway = Setup::new()
            .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
            .route(&format!(
                "match = \"/{{*rest}}\"\nupstream = \"origin\"\nnormalise = {normalise}"
            ))
            .start();

        let reply = H2Client::plain(gateway.plain()).ask(call("Unary"), message("say a"));

        assert_eq!((reply.status(), &*reply.text()), (200, "<p>"));
        let line = gateway.log_line(&reply.request_id());
        assert_eq!(line["would_change"].as_str(), would);
    }
}

#[test]
fn grpc_web_passes_and_errors_come_in_its_own_type() {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: 20\r\n\r\n";
    let frame = b"\x80\0\0\0\x0fgrpc-status: 0\r";
    let origin = Origin::answering([head.as_bytes(), frame].concat());
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route("match = \"POST /a.B/{method}\"\nupstream = \"origin\"")
        .start();
    let ask = |path: &str, kind: &str| {
        let asked = request("POST", path).header("content-type", kind);
        H2Client::plain(gateway.plain()).ask(asked, message("x"))
    };

    let good = ask("/a.B/C", "application/grpc-web+proto");
    assert_eq!(
        (good.status(), good.header("content-type")),
        (200, Some("application/grpc-web+proto"))
    );
    assert_eq!(good.body, frame);
    let line = gateway.log_line(&good.request_id());
    assert_eq!((&line["outcome"], &line["grpc_status"]), (&"success".into(), &"OK".into()));

    for (kind, expected) in [
        ("application/grpc-web+proto", "application/grpc-web"),
        ("application/grpc-web-text", "application/grpc-web-text"),
        ("application/grpc+proto", "application/grpc"),
    ] {
        let refused = ask("/nowhere", kind);
        assert_eq!((refused.status(), refused.header("content-type")), (200, Some(expected)));
        assert_eq!(refused.header("grpc-status"), Some("12"));
    }
}
