//! What the status of a service says: to its client, which gets it as it is, and to the log, the metrics,
//! `eject` and `breaker`.

use std::time::Duration;

use bytes::Bytes;
use tonic::{Code, Request, Status};

use crate::grpc::before;
use crate::grpc_errors::{call, is_ours, message};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::grpc::service::{DETAILS, Steps};
use crate::rig::grpc::{Caller, SERVICE};
use crate::rig::h2::H2Client;
use crate::rig::origin::{Origin, Step, send};
use crate::rig::{each, eventually};

/// An origin that answers with this status of HTTP, these fields, and a page.
fn answering(status: u16, fields: &str) -> Origin {
    let page = "<html>10.0.0.7 is on fire";
    Origin::scripted([
        Step::Read,
        send(format!(
            "HTTP/1.1 {status} Whatever\r\nContent-Type: text/html\r\nContent-Length: {}\r\n{fields}\r\n{page}",
            page.len()
        )),
        Step::Again,
    ])
}

fn gateway(origin: &Origin, lines: &str) -> Gateway {
    Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route(&format!("name = \"steps\"\nmatch = \"/{{*rest}}\"\nupstream = \"origin\"\n{lines}"))
        .start()
}

fn asked(gateway: &Gateway) -> Status {
    Caller::plain(gateway.plain()).unary("say a").unwrap_err()
}

/// `grpc-status-details-bin` of the service, as it is written.
const TOLD: &str =
    "grpc-message: caf%C3%A9\r\ngrpc-status-details-bin: CAUSBGRlZXAA/w\r\nx-why: because\r\n";

#[test]
fn a_status_beside_an_error_of_http_is_the_services_own() {
    let cases = [(400, 3), (404, 5), (401, 16), (429, 8), (500, 13), (503, 8), (503, 14), (418, 2)];
    each(
        &cases,
        |(http, grpc)| format!("{http} {grpc}"),
        |&(http, grpc)| {
            let origin = answering(http, &format!("grpc-status: {grpc}\r\n{TOLD}"));
            let gateway = gateway(&origin, "");

            let status = asked(&gateway);

            assert_eq!((status.code(), status.message()), (Code::from_i32(grpc), "café"));
            assert_eq!(status.details(), DETAILS);
            assert_eq!(status.metadata().get("x-why").unwrap(), "because");
            assert!(status.metadata().get("error-code").is_none(), "it is not ours");
            // Some clients look at the status of HTTP before that of gRPC.
            let reply = H2Client::plain(gateway.plain()).ask(call("Unary"), message("x"));
            assert_eq!((reply.status(), &*reply.body), (200, &b""[..]), "{reply:?}");
            assert_eq!(reply.header("content-type"), Some("application/grpc"));
            let line = gateway.log_line(&reply.request_id());
            let named = guichet::base::grpc::GrpcStatus::ALL[grpc as usize].as_str();
            assert_eq!((&line["grpc_status"], &line["complete"]), (&named.into(), &true.into()));
        },
    );
}

#[test]
fn a_rule_of_the_operator_comes_before_it() {
    let origin = answering(503, &format!("grpc-status: 8\r\n{TOLD}"));
    let rule = "errors = [{ when = { status = 503 }, raise = \"Conflict\" }]";
    let gateway = gateway(&origin, rule);

    is_ours(&asked(&gateway), Code::Aborted, "Conflict");
}

#[test]
fn a_status_that_says_nothing_leaves_the_word_to_http() {
    for told in ["0", "17", "soon", ""] {
        let origin = answering(503, &format!("grpc-status: {told}\r\n"));
        let gateway = gateway(&origin, "");

        is_ours(&asked(&gateway), Code::Unavailable, "ServiceUnavailable");
    }
}

#[test]
fn both_pass_where_nothing_is_normalised() {
    let origin = answering(503, &format!("grpc-status: 8\r\n{TOLD}"));
    for normalise in ["normalise = false", "normalise = \"observe\""] {
        let gateway = gateway(&origin, normalise);

        let reply = H2Client::plain(gateway.plain()).ask(call("Unary"), message("x"));

        assert_eq!((reply.status(), reply.header("grpc-status")), (503, Some("8")));
        assert!(reply.text().contains("on fire"));
        assert_eq!(gateway.log_line(&reply.request_id()).get("would_change"), None);
    }
}

#[test]
fn a_client_of_http_gets_the_vocabulary() {
    let origin = answering(503, "grpc-status: 8\r\n");
    let gateway = gateway(&origin, "");

    crate::rig::client::get(gateway.plain(), "/a").is_problem(429, "TooManyRequests");
}

#[test]
fn every_status_has_a_code_in_the_log_and_the_metrics() {
    let cases = [
        (2, "ServerError", "upstream"),
        (3, "BadRequest", "client"),
        (4, "GatewayTimeout", "upstream"),
        (5, "InvalidResource", "client"),
        (6, "Conflict", "client"),
        (7, "Forbidden", "client"),
        (8, "TooManyRequests", "client"),
        (9, "PreconditionFailed", "client"),
        (10, "Conflict", "client"),
        (11, "BadRequest", "client"),
        (12, "NotImplemented", "client"),
        (13, "ServerError", "upstream"),
        (14, "ServiceUnavailable", "upstream"),
        (15, "ServerError", "upstream"),
        (16, "Unauthorized", "client"),
    ];
    each(
        &cases,
        |(number, ..)| Code::from_i32(*number).description().to_owned(),
        |&(number, code, origin)| {
            let service = Steps::start();
            let gateway = before(&service).start();
            let caller = Caller::plain(gateway.plain());

            // In the head, then in the trailers.
            caller.unary(&*format!("status {number}")).unwrap_err();
            caller.download(&*format!("say a|status {number}")).unwrap().end.unwrap_err();

            let labels = format!("route=\"steps\",code=\"fr.ammy{code}\",origin=\"{origin}\"");
            let series = format!("guichet_errors_total{{{labels}}}");
            eventually("both", || (gateway.metric(&series) == Some(2.0)).then_some(()));
            for method in ["Unary", "Download"] {
                let path = format!("/{SERVICE}/{method}");
                let line = gateway.log_line_where(|line| line["path"] == path);
                assert_eq!(
                    (&line["code"], &line["origin"]),
                    (&format!("fr.ammy{code}").into(), &origin.into())
                );
            }
        },
    );
}

#[test]
fn a_call_that_went_well_or_was_cancelled_has_no_code() {
    let service = Steps::start();
    let gateway = before(&service).start();
    let caller = Caller::plain(gateway.plain());

    caller.unary("say a").unwrap();
    caller.unary("status 1").unwrap_err();

    for (status, outcome) in [("OK", "success"), ("CANCELLED", "refused")] {
        let line = gateway.log_line_where(|line| line["grpc_status"] == status);
        assert_eq!((&line["outcome"], line.get("code")), (&outcome.into(), None), "{line}");
    }
}

#[test]
fn the_code_of_a_gateway_behind_is_counted_as_it_is() {
    let back = Setup::before(&crate::rig::origin::nobody()).start();
    let front = Setup::before(&format!("http://{}", back.plain())).upstream("protocol = \"h2c\"");
    let front = front.start();

    let status = asked(&front);

    is_ours(&status, Code::Unavailable, "BadGateway");
    let line = front.log_line_where(|line| line["grpc_status"] == "UNAVAILABLE");
    assert_eq!(
        (&line["code"], &line["cause"]),
        (&"fr.ammyBadGateway".into(), &"upstream_status".into())
    );
}

fn timed(words: &str, time: Option<Duration>) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from(words.to_owned()));
    if let Some(time) = time {
        request.set_timeout(time);
    }
    request
}

#[test]
fn a_service_that_runs_out_of_time_by_itself_is_failing() {
    let rule = "breaker = { failures = \"50%\", over = \"60s\", at_least = 3, open = \"60s\" }";
    for line in ["status 4", "say a|status 4"] {
        for (time, opens) in [(None, true), (Some(Duration::from_secs(60)), false)] {
            let service = Steps::start();
            let gateway = before(&service).upstream(rule).start();
            let caller = Caller::plain(gateway.plain());

            for _ in 0..8 {
                // The client is answered when it has read the end, which the gateway read before.
                let _ = caller.download(timed(line, time)).map(|heard| heard.end);
            }

            assert_eq!(service.calls().len() < 8, opens, "{line}: {time:?}");
        }
    }
}

#[test]
fn an_endpoint_whose_trailers_say_that_it_cannot_serve_is_left_alone() {
    let services = [Steps::start(), Steps::start()];
    let [one, other] = services.each_ref().map(Steps::url);
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{one}\", \"{other}\"]\nprotocol = \"h2c\""))
        .upstream(
            "balance = \"round_robin\"\neject = { failures = 2, over = \"60s\", for = \"60s\" }",
        )
        .route(&format!("match = \"POST /{SERVICE}/{{method}}\"\nupstream = \"origin\""))
        .start();
    let caller = Caller::plain(gateway.plain());
    let up = |url: &str| {
        let labels = format!("upstream=\"origin\",endpoint=\"{url}\"");
        gateway.metric(&format!("guichet_upstream_endpoint_up{{{labels}}}"))
    };

    let mut calls = 0;
    while up(&one) == Some(1.0) && up(&other) == Some(1.0) {
        let end = caller.download("say a|status 14").unwrap().end.unwrap_err();
        assert_eq!(end.code(), Code::Unavailable);
        calls += 1;
        assert!(calls < 20, "neither is left alone");
    }
}
