//! What guichet refuses of a gRPC client, for whatever reason: a status, our code and words, and when
//! to come back.

use bytes::Bytes;
use tonic::{Code, Request, Status};

use crate::grpc_errors::{call, is_ours, message};
use crate::rig::client::Client;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::grpc::service::Steps;
use crate::rig::grpc::{Caller, SERVICE};
use crate::rig::h2::H2Client;
use crate::rig::origin::nobody;
use crate::rig::{callers, each, eventually};

/// A configuration with these tables, before a service, and more lines of its route.
fn guarded(service: &Steps, tables: &str, lines: &str) -> Setup {
    let origin = format!("endpoints = [\"{}\"]\nprotocol = \"h2c\"", service.url());
    Setup::new().upstream(&origin).with(tables).route(&route(lines))
}

fn route(lines: &str) -> String {
    format!(
        "name = \"steps\"\nmatch = \"POST /{SERVICE}/{{method}}\"\nupstream = \"origin\"\ngrpc = {{}}\n{lines}"
    )
}

fn without_anybody(lines: &str) -> Setup {
    let origin = format!("endpoints = [\"{}\"]\nprotocol = \"h2c\"\n{lines}", nobody());
    Setup::new().upstream(&origin).route(&route(""))
}

/// A call that stays under way, by a client that is held.
fn occupy(gateway: &Gateway, service: &Steps) -> Client {
    let mut holder = Client::plain(gateway.plain());
    holder.send(format!(
        "POST /{SERVICE}/Unary HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/grpc\r\n\
         TE: trailers\r\nContent-Length: 9\r\n\r\n\0\0\0\0\x04hang"
    ));
    eventually("the call", || (service.calls().len() == 1).then_some(()));
    holder
}

fn with(name: &'static str, value: &str) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from_static(b"say a"));
    request.metadata_mut().insert(name, value.parse().unwrap());
    request
}

fn ask(gateway: &Gateway) -> Status {
    Caller::plain(gateway.plain()).unary("say a").unwrap_err()
}

/// How a refusal is provoked.
type Provoke = fn(&Steps) -> (Gateway, Status);

#[test]
fn what_the_gateway_refuses_is_a_status() {
    let cases: [(&str, Provoke, Code, &str, &str); 17] = [
        ("no route", no_route, Code::Unimplemented, "InvalidResource", "no_route"),
        ("no method", no_method, Code::Unimplemented, "MethodNotAllowed", "no_method"),
        ("no key", no_key, Code::Unauthenticated, "Unauthorized", "auth_missing"),
        ("an unknown key", wrong_key, Code::Unauthenticated, "Unauthorized", "key_unknown"),
        ("no scope", no_scope, Code::PermissionDenied, "Forbidden", "insufficient_scope"),
        ("a quota", quota, Code::ResourceExhausted, "TooManyRequests", "rate_limit"),
        ("capacity", capacity, Code::Unavailable, "ServiceUnavailable", "capacity_limit"),
        ("overload", overload, Code::Unavailable, "ServiceUnavailable", "overload"),
        ("connections", connections, Code::Unavailable, "ServiceUnavailable", "connection_limit"),
        ("maintenance", maintenance, Code::Unavailable, "ServiceUnavailable", "maintenance"),
        ("a breaker", breaker, Code::Unavailable, "ServiceUnavailable", "breaker_open"),
        ("nobody there", nobody_there, Code::Unavailable, "BadGateway", "connect_refused"),
        ("a loop", a_loop, Code::Internal, "LoopDetected", "loop"),
        ("a body", body, Code::ResourceExhausted, "PayloadTooLarge", "body_limit"),
        ("a head", head, Code::ResourceExhausted, "HeadersTooLarge", "header_limit"),
        ("a parameter", parameter, Code::InvalidArgument, "MissingParameter", "missing_parameter"),
        ("plain HTTP", plain, Code::FailedPrecondition, "NonSecureConnection", "plain_http"),
    ];

    each(
        &cases,
        |(name, ..)| (*name).to_owned(),
        |(_, provoke, expected, code, cause)| {
            let service = Steps::start();
            let (gateway, status) = provoke(&service);

            is_ours(&status, *expected, code);
            assert!(status.details().is_empty());
            let told = status.metadata();
            let demanded = matches!(*code, "TooManyRequests" | "ServiceUnavailable");
            for name in ["retry-after", "grpc-retry-pushback-ms"] {
                assert_eq!(told.contains_key(name), demanded, "{name}: {status:?}");
            }
            let id = told.get("x-request-id").unwrap().to_str().unwrap();
            let line = gateway.log_line(id);
            let named = guichet::base::grpc::GrpcStatus::ALL[*expected as usize].as_str();
            assert_eq!((&line["grpc_status"], &line["status"]), (&named.into(), &200.into()));
            assert_eq!(
                (&line["cause"], &line["code"]),
                (&(*cause).into(), &format!("fr.ammy{code}").into())
            );
        },
    );
}

fn no_route(service: &Steps) -> (Gateway, Status) {
    let gateway = guarded(service, "", "").start();
    let status = Caller::plain(gateway.plain()).unary_of("/guichet.test.Other/Unary", "say a");
    (gateway, status.unwrap_err())
}

fn no_method(service: &Steps) -> (Gateway, Status) {
    let origin = format!("endpoints = [\"{}\"]\nprotocol = \"h2c\"", service.url());
    let gateway = Setup::new()
        .upstream(&origin)
        .route(&format!("match = \"GET /{SERVICE}/Unary\"\nupstream = \"origin\""))
        .start();
    let status = ask(&gateway);
    assert_eq!(status.metadata().get("allow").unwrap(), "GET, HEAD, OPTIONS");
    (gateway, status)
}

fn keyed(service: &Steps, lines: &str) -> Gateway {
    let folder = tempfile::tempdir().unwrap();
    let keys = callers::keys(&folder, &[("acme", "s3cret-key", "scopes = [\"read\"]")]);
    let tables = format!(
        "[auth.keys]\ntype = \"api_key\"\nheader = \"x-api-key\"\nkeys = {{ file = \"{keys}\" }}"
    );
    guarded(service, &tables, lines).start()
}

fn no_key(service: &Steps) -> (Gateway, Status) {
    let gateway = keyed(service, "auth = \"keys\"");
    let status = ask(&gateway);
    assert!(status.metadata().contains_key("www-authenticate"), "{status:?}");
    (gateway, status)
}

fn wrong_key(service: &Steps) -> (Gateway, Status) {
    let gateway = keyed(service, "auth = \"keys\"");
    let status = Caller::plain(gateway.plain()).unary(with("x-api-key", "guess"));
    (gateway, status.unwrap_err())
}

fn no_scope(service: &Steps) -> (Gateway, Status) {
    let gateway = keyed(service, "auth = { any = [\"keys\"], scopes = [\"write\"] }");
    let status = Caller::plain(gateway.plain()).unary(with("x-api-key", "s3cret-key"));
    (gateway, status.unwrap_err())
}

fn limited(service: &Steps, key: &str) -> (Gateway, Status) {
    let limit = format!("[limit.one]\nkey = \"{key}\"\nrate = \"1/h\"\nburst = 1");
    let gateway = guarded(service, &limit, "limits = [\"one\"]").start();
    Caller::plain(gateway.plain()).unary("say a").unwrap();
    let status = ask(&gateway);
    (gateway, status)
}

fn quota(service: &Steps) -> (Gateway, Status) {
    limited(service, "ip")
}

fn capacity(service: &Steps) -> (Gateway, Status) {
    limited(service, "route")
}

fn overload(service: &Steps) -> (Gateway, Status) {
    let full = "in_flight = 1\n[overload.queue]\ndepth = 0";
    let gateway = guarded(service, "", "").upstream(full).start();
    let _holder = occupy(&gateway, service);
    let status = ask(&gateway);
    (gateway, status)
}

fn connections(service: &Steps) -> (Gateway, Status) {
    let gateway = guarded(service, "", "").server("limits.connections = 1").start();
    let _holder = occupy(&gateway, service);
    let status = ask(&gateway);
    (gateway, status)
}

fn maintenance(service: &Steps) -> (Gateway, Status) {
    let table = "[[maintenance]]\nfrom = 2020-01-01T00:00:00Z\nuntil = 2099-01-01T00:00:00Z";
    let gateway = guarded(service, table, "").start();
    let status = ask(&gateway);
    (gateway, status)
}

fn breaker(_: &Steps) -> (Gateway, Status) {
    let rule = "breaker = { failures = \"100%\", over = \"60s\", at_least = 1, open = \"60s\" }";
    let gateway = without_anybody(rule).start();
    is_ours(&ask(&gateway), Code::Unavailable, "BadGateway");
    let status = ask(&gateway);
    (gateway, status)
}

fn nobody_there(_: &Steps) -> (Gateway, Status) {
    let gateway = without_anybody("").start();
    let status = ask(&gateway);
    (gateway, status)
}

fn a_loop(service: &Steps) -> (Gateway, Status) {
    let gateway = guarded(service, "", "").start();
    let caller = Caller::plain(gateway.plain());
    caller.unary("say a").unwrap();
    let via = service.calls()[0]["via"].to_str().unwrap().to_owned();
    let status = caller.unary(with("via", &via)).unwrap_err();
    (gateway, status)
}

fn body(service: &Steps) -> (Gateway, Status) {
    let origin = format!("endpoints = [\"{}\"]\nprotocol = \"h2c\"", service.url());
    let plain = format!("match = \"POST /{SERVICE}/{{method}}\"\nupstream = \"origin\"");
    let setup = Setup::new().upstream(&origin).route(&plain);
    let gateway = setup.server("limits.body = \"1KiB\"").start();
    let messages = vec![vec![7; 600].into(); 2];
    let status = Caller::plain(gateway.plain()).upload(messages).unwrap_err();
    (gateway, status)
}

fn head(service: &Steps) -> (Gateway, Status) {
    let gateway = guarded(service, "", "").server("limits.header = \"2KiB\"").start();
    let status = Caller::plain(gateway.plain()).unary(with("x-long", &"x".repeat(3 << 10)));
    (gateway, status.unwrap_err())
}

fn parameter(service: &Steps) -> (Gateway, Status) {
    let lines = "[route.params]\nx-tenant = { in = \"header\", type = \"string\" }";
    let gateway = guarded(service, "", lines).start();
    let status = ask(&gateway);
    assert!(status.message().contains("x-tenant"), "{status:?}");
    (gateway, status)
}

fn plain(service: &Steps) -> (Gateway, Status) {
    let refuse = "plain = \"refuse\"\nprotocols = [\"h2\", \"http/1.1\"]";
    let gateway = guarded(service, "", "").plain(refuse).start();
    let status = ask(&gateway);
    (gateway, status)
}

#[test]
fn a_client_that_tries_again_by_itself_is_told_when() {
    let rates =
        [("1/h", "", "-1"), ("1/s", "", "1000"), ("1/s", "500m", "-1"), ("1/s", "9S", "1000")];
    each(
        &rates,
        |(rate, time, _)| format!("{rate} {time}"),
        |(rate, time, expected)| {
            let service = Steps::start();
            let limit = format!("[limit.one]\nkey = \"ip\"\nrate = \"{rate}\"\nburst = 1");
            let gateway = guarded(&service, &limit, "limits = [\"one\"]").start();
            let client = H2Client::plain(gateway.plain());
            let ask = || {
                let call = call("Unary");
                let call = if time.is_empty() { call } else { call.header("grpc-timeout", *time) };
                client.ask(call, message("say a"))
            };

            let refused = eventually("the limit", || {
                Some(ask()).filter(|reply| reply.header("error-code").is_some())
            });

            assert_eq!(refused.header("grpc-status"), Some("8"), "{refused:?}");
            assert_eq!(refused.header("grpc-retry-pushback-ms"), Some(*expected), "{refused:?}");
        },
    );
}

#[test]
fn what_no_wait_would_help_says_nothing_of_one() {
    let gateway = without_anybody("").start();

    let status = ask(&gateway);

    assert!(!status.metadata().contains_key("grpc-retry-pushback-ms"), "{status:?}");
    let page = Client::plain(gateway.plain()).get("/nowhere");
    assert_eq!(page.header("grpc-retry-pushback-ms"), None);
}

#[test]
fn the_words_are_in_the_clients_language_and_plain_ascii_on_the_wire() {
    for (language, words) in [
        (
            "fr",
            "Le service qui traite cette requête est injoignable ou n’a pas répondu correctement.",
        ),
        (
            "en",
            "The service that handles this request cannot be reached or did not answer properly.",
        ),
    ] {
        let gateway = without_anybody("").start();
        let status = Caller::plain(gateway.plain()).unary(with("accept-language", language));
        assert_eq!(status.unwrap_err().message(), words);

        let asked = call("Unary").header("accept-language", language);
        let reply = H2Client::plain(gateway.plain()).ask(asked, message("say a"));
        let wire = reply.header("grpc-message").unwrap();
        assert!(wire.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{wire}");
        assert_eq!(reply.header("content-language"), Some(language));
        assert_eq!(wire.contains("requ%C3%AAte"), language == "fr", "{wire}");
    }
}

#[test]
fn long_words_are_cut_at_a_letter() {
    let text = "é".repeat(3000);
    let catalogue = format!("[errors.catalogue.BadGateway]\nfr = \"{text}\"\nen = \"{text}\"");
    let gateway = without_anybody("").with(&catalogue).start();

    let status = ask(&gateway);

    is_ours(&status, Code::Unavailable, "BadGateway");
    assert_eq!(status.message(), "é".repeat(512));
}
