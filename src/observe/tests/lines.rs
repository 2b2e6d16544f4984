//! The access line.

use std::rc::Rc;
use std::time::Duration;

use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::base::{EndpointId, RouteId, Source, TraceContext, UpstreamId, clock};
use crate::observe::{Conformance, Mismatch, Outcome};
use crate::problem::{BuiltIn, Cause, Problem};

/// Every member, in the order of the contract; the last two are additions.
const ORDER: &[&str] = &[
    "ts",
    "level",
    "kind",
    "request_id",
    "trace_id",
    "listener",
    "client_ip",
    "tls",
    "protocol",
    "method",
    "host",
    "path",
    "route",
    "status",
    "code",
    "origin",
    "outcome",
    "parameter",
    "upstream",
    "endpoint",
    "attempts",
    "complete",
    "t_total_ms",
    "t_upstream_ms",
    "t_connect_ms",
    "bytes_in",
    "bytes_out",
    "user_agent",
    "cause",
    "detail",
    "would_change",
    "response_mismatch",
];

fn only_line(rig: Rig) -> Value {
    let written = rig.finish();
    assert_eq!(written.matches('\n').count(), 1, "{written}");
    serde_json::from_str(&written).unwrap()
}

/// The line of a record that `fill` completes.
fn line_of(request: Request<()>, fill: impl FnOnce(&mut Record)) -> Value {
    let rig = Rig::new(&everything());
    let mut record = rig.record(request);
    fill(&mut record);
    drop(record);
    only_line(rig)
}

#[test]
fn every_member_stands_in_the_order_of_the_contract() {
    let rig = Rig::new(&everything());
    let request = Request::post("https://user:secret@api.example.fr/v1/users?token=secret")
        .header(USER_AGENT, "curl/8")
        .body(())
        .unwrap();
    let mut record = rig.record(request);
    let trace = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    record.trace = TraceContext::parse(trace).map(|context| context.trace);
    record.routed(RouteId(1));
    record.blame(&Problem::new(Cause::Reset).with_detail("after 17 bytes"), 502);
    record.parameter = Some("id".into());
    record.upstream = Some((UpstreamId(0), Some(EndpointId(1))));
    record.attempts = 2;
    record.upstream_time = Some(Duration::from_micros(1_500));
    record.connect_time = Some(Duration::from_micros(250));
    (record.bytes_in, record.bytes_out, record.complete) = (3, 4, true);
    record.would_change = Some(BuiltIn::BadGateway.into());
    let mut found = Conformance::default();
    found.add(Mismatch::Status, "418");
    record.conformance = Some(Box::new(found));
    record.started = clock::now() - Duration::from_millis(12);
    let id = record.request_id.as_str().to_owned();
    drop(record);

    let written = rig.finish();
    let places: Vec<_> = ORDER
        .iter()
        .map(|name| written.find(&format!("\"{name}\":")).unwrap_or_else(|| panic!("{name}")))
        .collect();
    assert!(places.is_sorted(), "{written}");
    assert!(!written.contains("secret"), "{written}");

    let line: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(line.as_object().unwrap().len(), ORDER.len());
    let code = catalogue().full_code(BuiltIn::BadGateway.into()).to_str().unwrap().to_owned();
    for (name, expected) in [
        ("level", "error"),
        ("kind", "request"),
        ("request_id", id.as_str()),
        ("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("listener", "public"),
        ("client_ip", "192.0.2.7"),
        ("tls", "TLSv1.3"),
        ("protocol", "http/1.1"),
        ("method", "POST"),
        ("host", "api.example.fr"),
        ("path", "/v1/users"),
        ("route", "users.create"),
        ("code", &code),
        ("origin", "upstream"),
        ("outcome", "failed"),
        ("parameter", "id"),
        ("upstream", "users"),
        ("endpoint", "http://127.0.0.1:9001"),
        ("user_agent", "curl/8"),
        ("cause", "reset"),
        ("detail", "after 17 bytes"),
        ("would_change", &code),
    ] {
        assert_eq!(line[name], expected, "{name}");
    }
    let numbers = [("status", 502.0), ("attempts", 2.0), ("bytes_in", 3.0), ("bytes_out", 4.0)];
    let times = [("t_upstream_ms", 1.5), ("t_connect_ms", 0.25)];
    for (name, expected) in numbers.into_iter().chain(times) {
        assert_eq!(line[name].as_f64(), Some(expected), "{name}");
    }
    assert!(line["t_total_ms"].as_f64().unwrap() >= 12.0);
    assert_eq!(line["complete"], true);
}

#[test]
fn what_is_not_known_is_left_out() {
    let line = line_of(get("/"), |record| {
        (record.status, record.outcome, record.complete) = (200, Outcome::Success, true);
    });
    let members: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "bytes_in bytes_out client_ip complete kind level listener method outcome path \
                    protocol request_id status t_total_ms tls ts";
    assert_eq!(members.join(" "), expected);
    assert_eq!((&line["level"], &line["outcome"]), (&"info".into(), &"success".into()));
}

#[test]
fn an_exchange_that_nobody_finishes_was_left_by_its_client() {
    let line = line_of(get("/"), |_| {});
    assert_eq!(line["outcome"], "aborted");
    assert_eq!((&line["origin"], &line["cause"]), (&"client".into(), &"client_left".into()));
    assert_eq!((&line["level"], &line["complete"]), (&"warn".into(), &false.into()));
    assert!(line.get("status").is_none() && line.get("code").is_none());
}

#[test]
fn a_panic_that_unwinds_through_a_record_is_told_as_one() {
    let rig = Rig::new(&everything());
    let record = rig.record(get("/"));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _record = record;
        std::panic::resume_unwind(Box::new("a bug"));
    }));
    assert!(caught.is_err());
    let line = only_line(rig);
    assert_eq!((&line["cause"], &line["status"]), (&"panic".into(), &500.into()));
    assert_eq!((&line["level"], &line["origin"]), (&"error".into(), &"gateway".into()));
}

#[test]
fn a_connection_without_a_request_has_a_line_of_its_own_kind() {
    let rig = Rig::new(&everything());
    let mut record = Record::connection(Rc::clone(&rig.witness), peer(), RequestId::generate());
    record.blame(&Problem::new(Cause::BadRequestLine), 400);
    drop(record);
    let line = only_line(rig);
    assert_eq!((&line["kind"], &line["status"]), (&"connection".into(), &400.into()));
    assert_eq!((&line["cause"], &line["level"]), (&"bad_request_line".into(), &"warn".into()));
    assert!(line.get("method").is_none() && line.get("path").is_none());
}

#[test]
fn levels_follow_blame() {
    let level = |cause: Cause, status| {
        line_of(get("/"), |record| record.blame(&Problem::new(cause), status))["level"].clone()
    };
    assert_eq!(level(Cause::NoRoute, 404), "warn");
    assert_eq!(level(Cause::BadVersion, 505), "warn");
    assert_eq!(level(Cause::Loop, 508), "error");
    assert_eq!(level(Cause::UpstreamStatus, 404), "warn");
    assert_eq!(level(Cause::UpstreamStatus, 500), "error");
    let untouched = line_of(get("/"), |record| {
        (record.status, record.outcome) = (503, Outcome::Success);
    });
    assert_eq!(untouched["level"], "error");
}

#[test]
fn blame_decides_the_outcome() {
    let rig = Rig::new(&everything());
    let mut record = rig.record(get("/"));
    let mut outcome = |problem: Problem, status| {
        record.blame(&problem, status);
        record.outcome
    };
    assert_eq!(outcome(Problem::new(Cause::NoRoute), 404), Outcome::Refused);
    assert_eq!(outcome(Problem::new(Cause::UpstreamStatus), 404), Outcome::Refused);
    assert_eq!(outcome(Problem::new(Cause::UpstreamStatus), 502), Outcome::Failed);
    assert_eq!(outcome(Problem::new(Cause::Panic), 500), Outcome::Failed);
    assert_eq!(outcome(Problem::new(Cause::ClientLeft), 408), Outcome::Aborted);
    assert_eq!(record.source, Some(Source::Client));
}

#[test]
fn sampling_keeps_errors_and_slow_requests() {
    let none = AccessLog { sample: 0.0, ..everything() };
    let told = |config: &AccessLog, status, age| {
        let rig = Rig::new(config);
        let mut record = rig.record(get("/"));
        (record.status, record.outcome) = (status, Outcome::Success);
        record.started = clock::now() - Duration::from_secs(age);
        drop(record);
        !rig.finish().is_empty()
    };
    assert!(!told(&none, 200, 0));
    assert!(!told(&none, 500, 100));
    assert!(told(&everything(), 200, 0));
    let errors = AccessLog { always_errors: true, ..none.clone() };
    assert!(told(&errors, 404, 0) && !told(&errors, 399, 0));
    let slow = AccessLog { always_slower: Some(Duration::from_secs(60)), ..none };
    assert!(told(&slow, 200, 60) && !told(&slow, 200, 0));
}

#[test]
fn a_share_is_about_that_share() {
    let rig = Rig::new(&AccessLog { sample: 0.25, ..everything() });
    for _ in 0..2_000 {
        drop(rig.record(get("/")));
    }
    let lines = rig.finish().lines().count();
    assert!((350..650).contains(&lines), "{lines}");
}

#[test]
fn a_line_is_bounded_whatever_a_client_sends() {
    let path = format!("/{}", "a".repeat(60_000));
    let agent = HeaderValue::from_bytes(&[0xff; 16_000]).unwrap();
    let mut request = get(&path);
    request.headers_mut().insert(USER_AGENT, agent);
    let rig = Rig::new(&everything());
    drop(rig.record(request));
    let written = rig.finish();
    assert!(written.len() < 6_000, "{}", written.len());
}

proptest! {
    #[test]
    fn any_bytes_make_one_line_of_json(
        path in proptest::collection::vec(any::<u8>(), 0..60),
        host in proptest::collection::vec(any::<u8>(), 0..40),
        agent in proptest::collection::vec(any::<u8>(), 0..40),
        detail in ".*",
    ) {
        let mut request = get("/");
        let target = [b"/".as_slice(), &path].concat();
        if let Ok(uri) = Uri::from_maybe_shared(target) {
            *request.uri_mut() = uri;
        }
        for (name, bytes) in [(HOST, host), (USER_AGENT, agent)] {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                request.headers_mut().insert(name, value);
            }
        }
        let line = line_of(request, |record| record.detail = Some(detail.as_str().into()));
        prop_assert_eq!(&line["detail"], &detail);
        prop_assert_eq!(&line["kind"], "request");
    }
}
