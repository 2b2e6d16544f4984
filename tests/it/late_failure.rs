//! Failures after the head of an answer has left: cut so that every client can tell, and logged.

use crate::rig::client::{Client, Ending};
use crate::rig::each;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::h2::{H2Client, H2Origin};
use crate::rig::origin::{Origin, Step, send};

const IDLE: &str = "timeout = { idle = \"300ms\" }";

#[test]
fn a_cut_answer_is_never_made_to_look_whole() {
    let sized = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let broken = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n";
    let cases = [
        ("length, close", vec![Step::Read, send(sized), Step::Close], "truncated"),
        ("length, reset", vec![Step::Read, send(sized), Step::Reset], ""),
        ("length, silence", vec![Step::Read, send(sized), Step::Stall], "idle_timeout"),
        ("chunked, close", vec![Step::Read, send(chunked), Step::Close], "truncated"),
        ("chunked, silence", vec![Step::Read, send(chunked), Step::Stall], "idle_timeout"),
        ("a broken chunk", vec![Step::Read, send(broken), Step::Close], ""),
    ];

    each(
        &cases,
        |(name, ..)| (*name).to_owned(),
        |(_, steps, cause)| {
            let origin = Origin::scripted(steps.clone());
            let gateway = Setup::before(&origin.url()).upstream(IDLE).start();
            for mut client in [Client::plain(gateway.plain()), Client::tls(gateway.tls())] {
                let reply = client.get("/a");

                if reply.status() != 200 {
                    // The failure was known before the head left.
                    assert!(matches!(reply.status(), 502 | 504), "{}", reply.head.line);
                    continue;
                }
                assert_eq!(reply.ending, Ending::Cut, "{:?}", reply.text());
                let line = gateway.log_line(&reply.request_id());
                assert_eq!((&line["complete"], &line["status"]), (&false.into(), &200.into()));
                assert_eq!(line["origin"], "upstream");
                assert!(line["cause"].as_str().unwrap_or_default().starts_with(cause), "{line}");
            }
        },
    );
}

#[test]
fn a_cut_answer_resets_the_stream_and_not_the_connection() {
    let origin = H2Origin::plain();
    let gateway = Setup::before(&origin.url()).upstream("protocol = \"h2c\"").start();
    let client = H2Client::tls(gateway.tls());

    let cut = client.get("/cut");
    let next = client.get("/a");

    assert!(cut.ending == Ending::Cut || cut.status() == 502, "{cut:?}");
    assert_eq!((next.status(), next.ending), (200, Ending::Complete));
}

#[test]
fn a_cut_http1_answer_resets_the_stream_of_an_http2_client() {
    let origin = Origin::scripted([
        Step::Read,
        send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
        Step::Close,
    ]);
    let gateway = Gateway::before(&origin.url());

    let reply = H2Client::tls(gateway.tls()).get("/a");

    assert!(reply.ending == Ending::Cut || reply.status() == 502, "{reply:?}");
}

#[test]
fn a_grpc_answer_that_breaks_ends_with_a_status() {
    let origin = Origin::scripted([
        Step::Read,
        send(
            "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n\
             Transfer-Encoding: chunked\r\n\r\n5\r\n\0\0\0\0\0\r\n",
        ),
        Step::Close,
    ]);
    let gateway = Gateway::before(&origin.url());
    let request = crate::rig::h2::request("POST", "/a.B/C")
        .header("content-type", "application/grpc")
        .header("te", "trailers");

    let reply = H2Client::tls(gateway.tls()).ask(request, crate::rig::h2::Frames::default());

    let status = reply.trailers.iter().find(|(name, _)| name == "grpc-status");
    let status = status.map(|(_, value)| value.as_str()).or_else(|| reply.header("grpc-status"));
    assert_eq!(status, Some("14"), "{reply:?}");
}
