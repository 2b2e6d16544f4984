//! gRPC through the gateway, by a client and a service that others wrote: what works without it works
//! with it, and the log and the metrics know how it ended.

use std::time::Duration;

use bytes::Bytes;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request};

use crate::rig::each;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::grpc::service::{DETAILS, Steps};
use crate::rig::grpc::{Caller, SERVICE, text};

/// Every method of the service, before an upstream that speaks HTTP/2 in the clear.
pub fn before(service: &Steps) -> Setup {
    Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]\nprotocol = \"h2c\"", service.url()))
        .route(&format!(
            "name = \"steps\"\nmatch = \"POST /{SERVICE}/{{method}}\"\nupstream = \"origin\"\ngrpc = {{}}"
        ))
}

fn calls(gateway: &Gateway, method: &str, status: &str) -> Option<f64> {
    let labels = format!("route=\"steps\",method=\"{method}\",grpc_status=\"{status}\"");
    gateway.metric(&format!("guichet_grpc_requests_total{{{labels}}}"))
}

#[test]
fn all_four_kinds_of_calls_pass() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let caller = Caller::plain(gateway.plain());

    assert_eq!(text(caller.unary("say hello").unwrap().get_ref()), "hello");

    let heard = caller.download("say a|say b|say c").unwrap();
    assert_eq!(heard.messages, ["a", "b", "c"]);
    heard.end.unwrap();

    let sent = vec![Bytes::from_static(b"one"), Bytes::from_static(b"three")];
    assert_eq!(text(caller.upload(sent).unwrap().get_ref()), "2 8");

    let heard = caller.chat(&["say a", "say b", "say c"]).unwrap();
    assert_eq!(heard.messages, ["a", "b", "c"], "each line waits for the answer to the last");
    heard.end.unwrap();

    let line = gateway.log_line_where(|line| line["path"] == format!("/{SERVICE}/Chat"));
    assert_eq!((&line["grpc_status"], &line["outcome"]), (&"OK".into(), &"success".into()));
    for method in ["Unary", "Download", "Upload", "Chat"] {
        assert_eq!(calls(&gateway, &format!("{SERVICE}/{method}"), "OK"), Some(1.0), "{method}");
    }
}

#[test]
fn every_status_arrives_as_it_was_sent() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let caller = Caller::plain(gateway.plain());

    each(
        &(1..=16).collect::<Vec<_>>(),
        |number| Code::from_i32(*number).description().to_owned(),
        |&number| {
            let words = format!("100 % sûr,\n« {number} »");
            let alone = caller.unary(&*format!("status {number} {words}")).unwrap_err();
            let after = caller.download(&*format!("say a|status {number} {words}")).unwrap();

            assert_eq!(after.messages, ["a"]);
            for status in [alone, after.end.unwrap_err()] {
                assert_eq!((status.code(), status.message()), (Code::from_i32(number), &*words));
                assert_eq!(status.details(), DETAILS);
                assert_eq!(status.metadata().get("x-why").unwrap(), "because");
                assert!(status.metadata().get("error-code").is_none(), "it is not ours");
            }
        },
    );
}

#[test]
fn the_status_decides_how_a_call_went() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let caller = Caller::plain(gateway.plain());
    let cases = [
        (5, "NOT_FOUND", "refused", "client", "warn"),
        (16, "UNAUTHENTICATED", "refused", "client", "warn"),
        (13, "INTERNAL", "failed", "upstream", "error"),
        (14, "UNAVAILABLE", "failed", "upstream", "error"),
    ];

    for (number, name, outcome, origin, level) in cases {
        // In the head, then in the trailers.
        caller.unary(&*format!("status {number}")).unwrap_err();
        caller.download(&*format!("say a|status {number}")).unwrap().end.unwrap_err();

        for method in ["Unary", "Download"] {
            let line = gateway.log_line_where(|line| {
                line["grpc_status"] == name && line["path"] == format!("/{SERVICE}/{method}")
            });
            assert_eq!(line["outcome"], outcome, "{line}");
            assert_eq!((&line["origin"], &line["level"]), (&origin.into(), &level.into()));
            assert_eq!((&line["cause"], &line["status"]), (&"upstream_status".into(), &200.into()));
            assert_eq!(line["complete"], true);
            assert_eq!(calls(&gateway, &format!("{SERVICE}/{method}"), name), Some(1.0));
        }
    }
    let refused = "guichet_outcomes_total{route=\"steps\",outcome=\"refused\"}";
    assert_eq!(gateway.metric(refused), Some(4.0));
}

#[test]
fn metadata_passes_both_ways() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let caller = Caller::plain(gateway.plain());
    let mut request = Request::new(Bytes::from_static(b"say hello"));
    let asked = request.metadata_mut();
    asked.append("x-ask", "one".parse().unwrap());
    asked.append("x-ask", "two".parse().unwrap());
    asked.insert_bin("x-ask-bin", MetadataValue::from_bytes(b"\0\xff"));

    let answer = caller.unary(request).unwrap();

    let told = answer.metadata();
    assert_eq!(told.get_all("x-told").iter().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(told.get_bin("x-told-bin").unwrap().to_bytes().unwrap(), &b"\0\xff"[..]);
    assert!(told.contains_key("x-request-id"));
    let call = &service.calls()[0];
    assert_eq!(call["te"], "trailers");
    assert!(call.contains_key("x-request-id") && call.contains_key("traceparent"));
}

#[test]
fn the_clients_time_is_handed_on() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let caller = Caller::plain(gateway.plain());
    let mut request = Request::new(Bytes::from_static(b"say hello"));
    request.set_timeout(Duration::from_secs(9));

    caller.unary(request).unwrap();

    let told = service.calls()[0]["grpc-timeout"].to_str().unwrap().to_owned();
    let micros: u64 = told.strip_suffix('u').expect("microseconds").parse().unwrap();
    assert!((1..9_000_000).contains(&micros), "less than the client has sent: {told}");
}

#[test]
fn a_stream_may_be_longer_than_a_body() {
    let service = Steps::start();
    let gateway = before(&service).server("limits.body = \"64KiB\"").start();
    let caller = Caller::plain(gateway.plain());
    let messages = vec![Bytes::from(vec![7; 32 << 10]); 64];

    let answer = caller.upload(messages).unwrap();

    assert_eq!(text(answer.get_ref()), format!("64 {}", 64 * (32 << 10)));
}

#[test]
fn routes_tell_services_and_methods_apart() {
    let (service, other) = (Steps::start(), Steps::start());
    let gateway = before(&service)
        .with(&format!("[upstream.other]\nendpoints = [\"{}\"]\nprotocol = \"h2c\"", other.url()))
        .route(&format!(
            "name = \"one\"\nmatch = \"POST /{SERVICE}/Upload\"\nupstream = \"other\"\ngrpc = {{}}"
        ))
        .start();
    let caller = Caller::plain(gateway.plain());

    caller.upload(Vec::new()).unwrap();
    caller.unary("say a").unwrap();
    let unknown = caller.unary_of("/guichet.test.Other/Unary", "say a").unwrap_err();

    assert_eq!((service.calls().len(), other.calls().len()), (1, 1));
    assert_eq!(unknown.code(), Code::Unimplemented);
}

#[test]
fn names_that_no_service_knows_get_no_label() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let caller = Caller::plain(gateway.plain());

    for number in 0..10 {
        let unknown = caller.unary_of(&format!("/{SERVICE}/Guess{number}"), "say a").unwrap_err();
        assert_eq!(unknown.code(), Code::Unimplemented);
    }

    assert_eq!(calls(&gateway, "other", "UNIMPLEMENTED"), Some(10.0));
}

#[test]
fn an_upstream_that_says_unavailable_is_failing() {
    // In the head, and in the trailers after a good head.
    for line in ["status 14", "say a|status 14"] {
        let service = Steps::start();
        let breaker =
            "breaker = { failures = \"50%\", over = \"60s\", at_least = 4, open = \"60s\" }";
        let gateway = before(&service).upstream(breaker).start();
        let caller = Caller::plain(gateway.plain());

        let mut spared = None;
        for _ in 0..12 {
            match caller.download(line) {
                Ok(heard) => assert_eq!(heard.end.unwrap_err().code(), Code::Unavailable),
                Err(status) if status.metadata().contains_key("error-code") => {
                    spared = Some(status);
                    break;
                }
                Err(status) => assert_eq!(status.code(), Code::Unavailable),
            }
        }

        let spared = spared.expect("the breaker opens");
        assert_eq!(spared.code(), Code::Unavailable, "{line}");
        assert_eq!(spared.metadata().get("error-code").unwrap(), "fr.ammyServiceUnavailable");
        let before = service.calls().len();
        caller.download(line).unwrap_err();
        assert_eq!(service.calls().len(), before, "{line}: it is spared");
    }
}

#[test]
fn an_upstream_that_refuses_calls_is_well() {
    let service = Steps::start();
    let breaker = "breaker = { failures = \"50%\", over = \"60s\", at_least = 2, open = \"60s\" }";
    let gateway = before(&service).upstream(breaker).start();
    let caller = Caller::plain(gateway.plain());

    for number in [5, 13, 4, 8].repeat(4) {
        let status = caller.unary(&*format!("status {number}")).unwrap_err();
        assert_eq!(status.code(), Code::from_i32(number));
    }
}
