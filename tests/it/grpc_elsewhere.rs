//! gRPC calls of what answers in HTTP alone: a flow, a fixed answer, a redirect. Their clients get a
//! status, and nothing is done for an answer that they could not read.

use tonic::{Code, Status};

use crate::grpc_errors::{call, is_ours, message};
use crate::rig::client::{self, Client};
use crate::rig::each;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::grpc::{Caller, SERVICE};
use crate::rig::h2::H2Client;
use crate::rig::origin::{Origin, Step, answer, nobody};

fn answered_by(target: &str) -> Gateway {
    Setup::new().route(&format!("match = \"/{{*rest}}\"\n{target}")).start()
}

fn ask(gateway: &Gateway) -> Status {
    Caller::plain(gateway.plain()).unary("say a").unwrap_err()
}

#[test]
fn what_answers_in_http_alone_answers_a_call_with_a_status() {
    let cases = [
        ("{ status = 200, json = { ok = true } }", Code::Unimplemented, "UnsupportedMediaType"),
        ("{ status = 204 }", Code::Unimplemented, "UnsupportedMediaType"),
        ("{ code = \"Gone\" }", Code::NotFound, "Gone"),
        ("{ code = \"Forbidden\" }", Code::PermissionDenied, "Forbidden"),
    ];
    each(
        &cases,
        |(target, ..)| (*target).to_owned(),
        |(target, status, code)| {
            let gateway = answered_by(&format!("respond = {target}"));

            is_ours(&ask(&gateway), *status, code);

            let reply = H2Client::plain(gateway.plain()).ask(call("Unary"), message("x"));
            assert_eq!((reply.status(), &*reply.body), (200, &b""[..]), "{reply:?}");
            assert_eq!(reply.header("content-type"), Some("application/grpc"));
            let line = gateway.log_line(&reply.request_id());
            assert_eq!(line["code"], format!("fr.ammy{code}"), "{line}");
            // Whoever does not speak it gets what is written.
            let page = client::get(gateway.plain(), "/a");
            assert_eq!(page.header("grpc-status"), None, "{page:?}");
        },
    );
}

#[test]
fn a_flow_is_not_run_for_a_call() {
    let origin = Origin::scripted([Step::Read, answer(200, "application/json", "{}"), Step::Again]);
    let flow = format!(
        "[upstream.made]\nendpoints = [\"{}\"]\n[flow.make]\n[[flow.make.step]]\nname = \"one\"\ncall = \"POST made:/a\"",
        origin.url()
    );
    let gateway =
        Setup::new().with(&flow).route("match = \"POST /{*rest}\"\nflow = \"make\"").start();

    is_ours(&ask(&gateway), Code::Unimplemented, "UnsupportedMediaType");

    assert_eq!(origin.requests().len(), 0);
    let form =
        format!("POST /{SERVICE}/Unary HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client::ask(gateway.plain(), &form).status(), 200);
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn a_call_is_not_redirected() {
    let redirect = "plain = \"redirect\"\nprotocols = [\"h2\", \"http/1.1\"]";
    let gateway = Setup::before(&nobody()).plain(redirect).start();

    is_ours(&ask(&gateway), Code::FailedPrecondition, "NonSecureConnection");

    assert_eq!(client::get(gateway.plain(), "/a").status(), 308);
}

#[test]
fn a_page_that_speaks_grpc_web_is_told_so_in_its_own_type() {
    let gateway = answered_by("respond = { status = 200, text = \"ok\" }");

    let reply = Client::plain(gateway.plain()).ask(
        "POST /a.B/C HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/grpc-web-text\r\n\
         Content-Length: 8\r\n\r\nAAAAAAA=",
    );

    assert_eq!((reply.status(), reply.header("grpc-status")), (200, Some("12")), "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/grpc-web-text"));
}
