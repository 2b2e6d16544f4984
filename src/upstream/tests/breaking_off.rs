//! Answers that break off after a good head, as ejection and breaker see them.

use std::time::Duration;

use super::super::Kind;
use super::origin::Step::{Drain, Frame, Read, Rst, Send};
use super::origin::{Origin, Step, send};
use super::rig::{Rig, plain, settings};
use super::run;
use crate::base::EndpointId;
use crate::config::model::{Breaker, Eject, Upstream, UpstreamProtocol};

const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
const WHOLE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
const GARBAGE: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n";

/// Two endpoints that are the same, of which the first may fail so many times.
fn ejecting(origin: &Origin, failures: u32) -> Upstream {
    let mut upstream = settings(vec![plain(origin.address), plain(origin.address)]);
    let term = Duration::from_secs(60);
    upstream.eject = Some(Eject { failures, over: term, term });
    upstream.timeout.idle = Duration::from_millis(50);
    upstream
}

async fn end_of(rig: &Rig) -> Result<(), Kind> {
    rig.get("/").await.unwrap().end.map_err(|error| error.kind)
}

#[test]
fn whatever_breaks_off_is_a_failure_of_its_endpoint() {
    run(async {
        let cases: [(&[Step], Kind); 4] = [
            (&[Read, send(HALF)], Kind::Truncated),
            (&[Read, send(HALF), Step::Sleep(20), Rst], Kind::Truncated),
            (&[Read, send(GARBAGE), Drain], Kind::BadResponse),
            (&[Read, send(HALF), Drain], Kind::IdleTimeout),
        ];
        for (script, kind) in cases {
            let origin = Origin::new(script).await;
            let [rig, _] = Rig::pair(ejecting(&origin, 1));
            assert_eq!(end_of(&rig).await, Err(kind));
            assert!(!rig.board_says_up(EndpointId(0)), "{kind:?}");
        }
    });
}

#[test]
fn over_http2_too() {
    run(async {
        // SETTINGS, its acknowledgement, HEADERS with :status 200, DATA, RST_STREAM(INTERNAL_ERROR).
        let settings = Send(b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0".to_vec());
        let answer = Send(
            b"\0\0\x01\x01\x04\0\0\0\x01\x88\0\0\x02\0\0\0\0\0\x01hi\
              \0\0\x04\x03\0\0\0\0\x01\0\0\0\x02"
                .to_vec(),
        );
        let origin = Origin::new(&[settings, Frame(1), answer, Drain]).await;
        let mut upstream = ejecting(&origin, 1);
        upstream.protocol = UpstreamProtocol::H2c;
        let [rig, _] = Rig::pair(upstream);
        assert_eq!(end_of(&rig).await, Err(Kind::Truncated));
        assert!(!rig.board_says_up(EndpointId(0)));
    });
}

#[test]
fn an_answer_that_comes_whole_ends_the_row() {
    run(async {
        let half: &[Step] = &[Read, send(HALF)];
        // In two pieces, so that its end is not there with its head.
        let (head, tail) = WHOLE.split_at(WHOLE.len() - 2);
        let whole: &[Step] = &[Read, send(head), Step::Sleep(5), send(tail)];
        let origin = Origin::scripts(&[half, half, whole, half, half, half]).await;
        let other = Origin::new(whole).await;
        let mut upstream = ejecting(&origin, 3);
        upstream.endpoints[1] = plain(other.address);
        let [rig, _] = Rig::pair(upstream);
        let mut ends = Vec::new();
        while rig.board_says_up(EndpointId(0)) && ends.len() < 12 {
            ends.push(end_of(&rig).await);
        }
        // By turns, so that every other one is of the first.
        let first: Vec<_> = ends.iter().step_by(2).map(Result::is_ok).collect();
        assert_eq!(first, [false, false, true, false, false, false]);
    });
}

#[test]
fn one_that_comes_whole_and_leaves_its_connection_open_ends_the_row_too() {
    run(async {
        let half: &[Step] = &[Read, send(HALF)];
        let kept = WHOLE.replace("Connection: close\r\n", "");
        let (head, tail) = kept.split_at(kept.len() - 2);
        let whole_then_half: &[Step] =
            &[Read, send(head), Step::Sleep(5), send(tail), Read, send(HALF)];
        let origin = Origin::scripts(&[half, half, whole_then_half, half]).await;
        let other = Origin::new(&[Read, send(WHOLE)]).await;
        let mut upstream = ejecting(&origin, 3);
        upstream.endpoints[1] = plain(other.address);
        let [rig, _] = Rig::pair(upstream);
        let mut ends = Vec::new();
        while rig.board_says_up(EndpointId(0)) && ends.len() < 12 {
            ends.push(end_of(&rig).await);
        }
        let first: Vec<_> = ends.iter().step_by(2).map(Result::is_ok).collect();
        assert_eq!(first, [false, false, true, false, false, false]);
        assert_eq!(origin.connections(), 5, "the one that was whole was used twice");
    });
}

#[test]
fn an_answer_that_was_a_failure_already_is_none_again_when_it_breaks_off() {
    run(async {
        let poor = HALF.replace("200 OK", "503 No");
        let (good, poor): ([Step; 2], [Step; 2]) = ([Read, send(WHOLE)], [Read, send(&poor)]);
        let origin = Origin::scripts(&[&good, &good, &poor, &poor, &good]).await;
        let mut upstream = settings(vec![plain(origin.address)]);
        let (over, open) = (Duration::from_secs(60), Duration::from_secs(60));
        upstream.breaker = Some(Breaker { failures: 60, over, at_least: 4, open });
        let [rig, _] = Rig::pair(upstream);
        let ends = [end_of(&rig).await, end_of(&rig).await, end_of(&rig).await, end_of(&rig).await];
        let broke = Err(Kind::Truncated);
        assert_eq!(ends, [Ok(()), Ok(()), broke, broke]);
        // Two of four, and not four of four.
        assert_eq!(end_of(&rig).await, Ok(()));
    });
}

#[test]
fn a_client_that_leaves_is_no_failure() {
    run(async {
        let origin = Origin::new(&[Read, send(HALF), Drain]).await;
        let [rig, _] = Rig::pair(ejecting(&origin, 1));
        let answer = rig.send(super::rig::request(http::Method::GET, "/")).await.unwrap();
        drop(answer);
        origin.ended(1).await;
        assert!(rig.board_says_up(EndpointId(0)));
    });
}

#[test]
fn a_breaker_opens_by_them() {
    run(async {
        let origin = Origin::new(&[Read, send(HALF)]).await;
        let mut upstream = settings(vec![plain(origin.address)]);
        let (over, open) = (Duration::from_secs(60), Duration::from_secs(60));
        upstream.breaker = Some(Breaker { failures: 100, over, at_least: 4, open });
        let [rig, _] = Rig::pair(upstream);
        for _ in 0..4 {
            assert_eq!(end_of(&rig).await, Err(Kind::Truncated));
        }
        assert_eq!(rig.get("/").await.unwrap_err().kind, Kind::BreakerOpen);
    });
}
