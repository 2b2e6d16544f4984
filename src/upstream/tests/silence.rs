//! HTTP/2 upstreams that are gone without a word, found by a PING. The clock is the test's: it moves
//! in small steps, between which both ends have their turn.

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;

use super::super::{Kind, Stage};
use super::http2::{END_HEADERS, HEADERS, STATUS_200, frame, hello, preface};
use super::origin::Step::{Drain, Frame, Hang, Sleep};
use super::origin::{Origin, Step};
use super::rig::{Rig, plain, request, settings};
use crate::base::clock::{self, Instant};
use crate::config::model::UpstreamProtocol;

const PING: u8 = 6;

fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build_local(tokio::runtime::LocalOptions::default())
        .unwrap();
    // A runtime that waits for sockets would let its paused clock jump past what they bring.
    let hours = async {
        for _ in 0..36_000 {
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            tokio::time::advance(Duration::from_millis(100)).await;
        }
    };
    runtime.block_on(async {
        tokio::select! {
            result = test => result,
            () = hours => panic!("the test hangs"),
        }
    })
}

/// The steps of the clock add up to a little more than the time itself.
#[track_caller]
fn took(seconds: u64, start: Instant) {
    let took = (clock::now() - start).as_secs();
    assert!((seconds..seconds + 3).contains(&took), "{took} seconds");
}

/// An upstream that may be silent for a minute.
fn rig(origin: &Origin) -> Rig {
    let mut upstream = settings(vec![plain(origin.address)]);
    upstream.protocol = UpstreamProtocol::H2c;
    upstream.timeout.first_byte = Duration::from_secs(60);
    upstream.timeout.idle = Duration::from_secs(60);
    Rig { deadline: Duration::from_secs(300), ..Rig::new(upstream) }
}

fn script(parts: &[&[Step]]) -> Vec<Step> {
    parts.concat()
}

#[test]
fn an_upstream_that_answers_no_ping_is_given_up_with_all_that_waits_for_it() {
    run(async {
        let fine = script(&[&[preface(), Frame(HEADERS)], &hello(1), &[Drain]]);
        let origin = Origin::scripts(&[&[preface(), Frame(HEADERS), Hang], &fine]).await;
        let rig = rig(&origin);
        let start = clock::now();
        let (one, two) = tokio::join!(rig.get("/"), rig.post("x"));
        for error in [one, two].map(Result::unwrap_err) {
            assert_eq!((error.kind, error.stage), (Kind::FirstByteTimeout, Stage::Head), "{error}");
        }
        // Twenty seconds of silence, ten for the answer to the PING.
        took(30, start);
        rig.upstreams.sweep();
        assert_eq!(rig.gauge(), (0, 0));
        assert_eq!(rig.get("/").await.unwrap().body, "hello");
        assert_eq!(origin.connections(), 2, "it is not used again");
    });
}

#[test]
fn in_mid_answer_too() {
    run(async {
        let head = frame(HEADERS, END_HEADERS, 1, STATUS_200);
        let origin = Origin::new(&[preface(), Frame(HEADERS), head, Hang]).await;
        let rig = rig(&origin);
        let body = rig.send(request(Method::GET, "/")).await.unwrap().into_body();
        let start = clock::now();
        let error = body.collect().await.unwrap_err();
        assert_eq!((error.kind, error.stage), (Kind::IdleTimeout, Stage::Body), "{error}");
        took(30, start);
        rig.upstreams.sweep();
        assert_eq!(rig.gauge(), (0, 0));
    });
}

#[test]
fn one_that_answers_pings_may_be_slow() {
    run(async {
        let pong = |mark: &[u8]| frame(PING, 1, 0, mark);
        let slow = script(&[
            &[preface(), Frame(HEADERS), Frame(PING), pong(&PAYLOAD), Frame(PING), pong(&PAYLOAD)],
            &[Sleep(5_000)],
            &hello(1),
            &[Drain],
        ]);
        let origin = Origin::new(&slow).await;
        let rig = rig(&origin);
        let start = clock::now();
        assert_eq!(rig.get("/").await.unwrap().body, "hello");
        took(45, start);
        // Nobody is asked while nothing is under way.
        tokio::time::sleep(Duration::from_secs(50)).await;
        assert_eq!((rig.gauge(), origin.requests().len()), ((1, 0), 3));
    });
}

/// What h2 has its user's PINGs carry.
const PAYLOAD: [u8; 8] = [0x3b, 0x7c, 0xdb, 0x7a, 0x0b, 0x87, 0x16, 0xb4];
