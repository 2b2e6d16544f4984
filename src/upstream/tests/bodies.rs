//! Bodies of answers: how they end, how they break, and what that does to the connection.

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;

use super::super::{Kind, Sent, Stage};
use super::origin::Step::{Drain, Hang, Read, Rst, Sleep};
use super::origin::{Origin, Step, send};
use super::rig::{Answer, Rig, plain, request, settings};
use super::run;
use crate::config::model::UpstreamTimeouts;

const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
const HALF_CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";

fn answer(method: Method, steps: &[Step]) -> Answer {
    run(async {
        let origin = Origin::new(&[&[Read], steps].concat()).await;
        Rig::to(origin.address).call(request(method, "/")).await.unwrap()
    })
}

fn breaks(steps: &[Step]) -> Kind {
    let error = answer(Method::GET, steps).end.unwrap_err();
    assert_eq!((error.stage, error.sent), (Stage::Body, Sent::All));
    assert!(error.endpoint.is_some());
    error.kind
}

#[test]
fn a_cut_body_is_truncated() {
    assert_eq!(breaks(&[send(HALF)]), Kind::Truncated);
    assert_eq!(breaks(&[send(HALF), Sleep(20), Rst]), Kind::Truncated);
    assert_eq!(breaks(&[send(HALF_CHUNKED)]), Kind::Truncated);
    assert_eq!(breaks(&[send(HALF_CHUNKED), send("5\r\nhel")]), Kind::Truncated);
    assert_eq!(breaks(&[send(HALF_CHUNKED), send("0\r\nX: 1")]), Kind::Truncated);
    assert_eq!(breaks(&[send(HALF_CHUNKED), Sleep(20), Rst]), Kind::Truncated);
}

#[test]
fn what_was_read_before_the_cut_arrives() {
    let answer = answer(Method::GET, &[send(HALF), Sleep(20)]);
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
}

#[test]
fn a_post_that_was_cut_must_not_be_repeated() {
    assert_eq!(answer(Method::POST, &[send(HALF)]).end.unwrap_err().retryable, Some(false));
    assert_eq!(answer(Method::GET, &[send(HALF)]).end.unwrap_err().retryable, Some(true));
}

#[test]
fn a_broken_chunk_is_a_bad_answer() {
    for chunk in ["5\r\nhelloXX0\r\n\r\n", "zz\r\nhello\r\n", "ffffffffffffffffff\r\nhello\r\n"] {
        assert_eq!(
            breaks(&[send(HALF_CHUNKED), send(chunk), Hang]),
            Kind::BadResponse,
            "{chunk:?}"
        );
    }
}

#[test]
fn a_body_that_stands_still_is_given_up() {
    run(async {
        let origin = Origin::new(&[Read, send(HALF), Drain]).await;
        let mut upstream = settings(vec![plain(origin.address)]);
        upstream.timeout = UpstreamTimeouts { idle: Duration::from_millis(50), ..upstream.timeout };
        let answer = Rig::new(upstream).get("/").await.unwrap();
        assert_eq!(answer.end.unwrap_err().kind, Kind::IdleTimeout);
        origin.ended(1).await;
    });
}

#[test]
fn a_body_that_moves_slowly_is_not_given_up() {
    run(async {
        let drip = Step::Drip(12, 20, "1\r\nx\r\n");
        let head = send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let origin = Origin::new(&[Read, head, drip, send("0\r\n\r\n")]).await;
        let mut upstream = settings(vec![plain(origin.address)]);
        upstream.timeout =
            UpstreamTimeouts { idle: Duration::from_millis(150), ..upstream.timeout };
        let answer = Rig::new(upstream).get("/").await.unwrap();
        assert_eq!((answer.body.len(), answer.end), (12, Ok(())));
    });
}

#[test]
fn trailers_arrive() {
    let steps = [send(HALF_CHUNKED), send("0\r\nX-Sum: 7\r\n\r\n")];
    let answer = answer(Method::GET, &steps);
    assert_eq!(answer.end, Ok(()));
    assert_eq!(answer.trailers.unwrap()["x-sum"], "7");
}

#[test]
fn a_head_and_a_304_have_no_body() {
    let full = send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    let answer = answer(Method::HEAD, &[full]);
    assert_eq!((answer.body.as_str(), answer.end), ("", Ok(())));
    assert_eq!(answer.headers["content-length"], "5");
}

#[test]
fn dropping_a_body_closes_the_connection() {
    run(async {
        let origin = Origin::new(&[Read, send(HALF), Drain]).await;
        let rig = Rig::to(origin.address);
        let response = rig.send(request(Method::GET, "/")).await.unwrap();
        let mut body = response.into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
        assert_eq!(rig.gauge(), (0, 1));
        drop(body);
        origin.ended(1).await;
        assert_eq!(rig.gauge(), (0, 0));
    });
}

#[test]
fn dropping_a_body_that_has_ended_keeps_the_connection() {
    run(async {
        let whole = send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        let origin = Origin::new(&[Read, whole.clone(), Read, whole, Drain]).await;
        let rig = Rig::to(origin.address);
        for _ in 0..2 {
            let mut body = rig.send(request(Method::GET, "/")).await.unwrap().into_body();
            // The one frame says that it is the last: nobody asks for another.
            body.frame().await.unwrap().unwrap();
            assert!(http_body::Body::is_end_stream(&body));
            drop(body);
            assert_eq!(rig.gauge(), (1, 0));
        }
        assert_eq!(origin.carriers(), [0, 0]);
    });
}
