//! What passes as it came: compressed messages, trailers of requests, times in every unit, services that
//! everybody knows.

use bytes::Bytes;
use tonic::{Code, Request};

use crate::grpc::before;
use crate::grpc_errors::{call, message, trailer};
use crate::rig::each;
use crate::rig::gateway::Setup;
use crate::rig::grpc::service::Steps;
use crate::rig::grpc::{Caller, text};
use crate::rig::h2::{Frames, H2Client};

/// A message that says that it is compressed, whatever that may be: nobody looks into it.
const PACKED: &[u8] = b"\x01\0\0\0\x05\x1f\x8b\x08\0\xff";

#[test]
fn compressed_messages_pass_in_both_directions() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let asked = call("Raw")
        .header("grpc-encoding", "gzip")
        .header("grpc-accept-encoding", "gzip, identity");

    let reply = H2Client::plain(gateway.plain()).ask(asked, Frames::data(PACKED));

    assert_eq!((&*reply.body, reply.header("grpc-encoding")), (PACKED, Some("gzip")));
    assert_eq!(trailer(&reply, "grpc-status"), Some("0"));
    let asked = &service.calls()[0];
    assert_eq!(asked["grpc-encoding"], "gzip");
    assert_eq!(asked["grpc-accept-encoding"], "gzip, identity");
}

#[test]
fn nothing_of_a_call_is_compressed_here() {
    let service = Steps::start();
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]\nprotocol = \"h2c\"", service.url()))
        .route(
            "name = \"steps\"\nmatch = \"POST /{*call}\"\nupstream = \"origin\"\ncompress = true",
        )
        .start();
    let long = "say ".to_owned() + &"a".repeat(8 << 10);
    let asked = call("Unary").header("accept-encoding", "gzip, br, zstd");

    let reply = H2Client::plain(gateway.plain()).ask(asked, message(&long));

    assert_eq!((reply.body.len(), reply.header("content-encoding")), (5 + (8 << 10), None));
}

#[test]
fn trailers_of_a_request_reach_the_service() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let body = Frames::data(&b"\0\0\0\0\x01x"[..]).trailers(&[("x-checksum", "abc")]);

    let reply = H2Client::plain(gateway.plain()).ask(call("Raw"), body);

    assert_eq!(trailer(&reply, "x-checksum"), Some("abc"), "{reply:?}");
}

#[test]
fn a_call_without_a_message_and_one_of_many_pass() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let client = H2Client::plain(gateway.plain());

    let nothing = client.ask(call("Raw"), Frames::default());
    let many = b"\0\0\0\0\0".repeat(10_000);
    let all = client.ask(call("Raw"), Frames::data(many.clone()));

    assert_eq!((&*nothing.body, trailer(&nothing, "grpc-status")), (&b""[..], Some("0")));
    assert_eq!(all.body, many);
}

#[test]
fn a_time_is_read_in_every_unit() {
    for (time, least, most) in [
        ("1H", 3_500_000_000_u64, 3_600_000_000),
        ("2M", 100_000_000, 120_000_000),
        ("30S", 20_000_000, 30_000_000),
        ("40000m", 30_000_000, 40_000_000),
        ("50000000u", 40_000_000, 50_000_000),
    ] {
        let service = Steps::start();
        let gateway = before(&service).start();
        let reply = H2Client::plain(gateway.plain())
            .ask(call("Unary").header("grpc-timeout", time), message("say a"));
        assert_eq!(trailer(&reply, "grpc-status"), Some("0"), "{time}: {reply:?}");

        let told = service.calls()[0]["grpc-timeout"].to_str().unwrap().to_owned();
        let (digits, unit) = told.split_at(told.len() - 1);
        let micros = match unit {
            "u" => 1,
            "m" => 1000,
            _ => panic!("{told}"),
        } * digits.parse::<u64>().unwrap();
        assert!((least..=most).contains(&micros), "{time}: {told}");
        assert!(digits.len() <= 8, "{told}");
    }
}

#[test]
fn a_time_that_is_over_at_once_is_over() {
    for time in ["0S", "0n", "1n", "99n"] {
        let service = Steps::start();
        let gateway = before(&service).start();
        let asked = call("Unary").header("grpc-timeout", time);

        let reply = H2Client::plain(gateway.plain()).ask(asked, message("say a"));

        assert_eq!(reply.header("grpc-status"), Some("4"), "{time}: {reply:?}");
        assert_eq!(reply.header("error-code"), Some("fr.ammyGatewayTimeout"));
    }
}

#[test]
fn a_time_that_is_none_is_for_the_service_to_judge() {
    for time in ["soon", "10", "10s", "-1S", "1.5S", "123456789m", "H"] {
        let service = Steps::start();
        let gateway = before(&service).start();
        let asked = call("Raw").header("grpc-timeout", time);

        let reply = H2Client::plain(gateway.plain()).ask(asked, message("x"));

        assert_eq!(trailer(&reply, "grpc-status"), Some("0"), "{time}: {reply:?}");
        assert_eq!(service.calls()[0]["grpc-timeout"], time);
    }
}

#[test]
fn a_time_beyond_all_clocks_is_no_limit() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let asked = call("Unary").header("grpc-timeout", "99999999H");

    let reply = H2Client::plain(gateway.plain()).ask(asked, message("say a"));

    assert_eq!(trailer(&reply, "grpc-status"), Some("0"), "{reply:?}");
}

#[test]
fn services_that_everybody_knows_pass_like_any_other() {
    let service = Steps::start();
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]\nprotocol = \"h2c\"", service.url()))
        .route("name = \"steps\"\nmatch = \"POST /{*call}\"\nupstream = \"origin\"\ngrpc = {}")
        .start();
    let caller = Caller::plain(gateway.plain());
    let methods = [
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ];

    each(
        &methods,
        |method| (*method).to_owned(),
        |method| {
            let status = caller.unary_of(method, "say a").unwrap_err();

            assert_eq!((status.code(), status.message()), (Code::Unimplemented, "no such method"));
            assert!(status.metadata().get("error-code").is_none(), "the service says so");
        },
    );
}

#[test]
fn what_http_says_of_a_request_passes_too() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let caller = Caller::plain(gateway.plain());
    let mut asked = Request::new(Bytes::from_static(b"say a"));
    asked.metadata_mut().insert("authorization", "Bearer abc".parse().unwrap());
    asked.metadata_mut().insert(
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap(),
    );

    assert_eq!(text(caller.unary(asked).unwrap().get_ref()), "a");

    let seen = &service.calls()[0];
    assert_eq!(seen["authorization"], "Bearer abc");
    assert!(seen["traceparent"].to_str().unwrap().contains("0af7651916cd43dd8448eb211c80319c"));
    assert!(seen["user-agent"].to_str().unwrap().contains("tonic"));
    assert_eq!(seen["content-type"], "application/grpc");
}
