//! Endpoints that fail are left alone for a while, and come back.
//!
//! The roster is asked directly, with the time that a test names; the rest is on sockets.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use super::super::balance::Choice;
use super::super::endpoint::Row;
use super::super::error::{self, Kind, Sent, UpstreamError};
use super::super::health::Board;
use super::super::roster::{Conduct, Roster};
use super::super::{EndpointId, Upstream, UpstreamId};
use super::origin::Step::{Read, Rst};
use super::origin::{Origin, send};
use super::rig::{Rig, plain, settings};
use super::run;
use crate::base::clock;
use crate::config::model::{self, Eject};

const RULE: Eject =
    Eject { failures: 3, over: Duration::from_secs(10), term: Duration::from_secs(5) };

/// An upstream whose endpoints nobody calls.
struct Stage {
    board: Arc<Board>,
    upstream: Upstream,
    headers: HeaderMap,
    now: Instant,
}

impl Stage {
    fn new(endpoints: u16) -> Self {
        let endpoints = (1..=endpoints).map(|port| plain(([127, 0, 0, 1], port).into()));
        let mut model = settings(endpoints.collect());
        model.eject = Some(RULE);
        Self::of(&model)
    }

    fn of(model: &model::Upstream) -> Self {
        let board = Arc::new(Board::new(model, 1));
        let names = super::super::Names::scripted().0;
        let upstream = Upstream::new(model, None, &names, &board, 0).unwrap();
        Self { board, upstream, headers: HeaderMap::new(), now: clock::now() }
    }

    fn roster(&self) -> &Roster {
        &self.upstream.roster
    }

    fn fail(&self, place: usize, times: usize) {
        for _ in 0..times {
            self.roster().note(place, Conduct::Badly, self.now);
        }
    }

    fn serve(&self, place: usize) {
        self.roster().note(place, Conduct::Well, self.now);
    }

    fn after(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn choice(&self) -> Choice<'_> {
        Choice { avoided: &[], headers: &self.headers, now: self.now }
    }

    /// Who is chosen in the next turns.
    fn chosen(&self) -> Vec<usize> {
        let count = self.upstream.endpoints.len() * 3;
        let mut chosen: Vec<_> =
            (0..count).filter_map(|_| self.upstream.pick(&self.choice())).collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_take_an_endpoint_out_for_a_while() {
    let mut stage = Stage::new(2);
    assert_eq!(stage.chosen(), [0, 1]);
    stage.fail(0, 2);
    assert_eq!(stage.chosen(), [0, 1], "one is missing");
    stage.fail(0, 1);
    assert_eq!(stage.chosen(), [1]);
    stage.after(4);
    assert_eq!(stage.chosen(), [1]);
    stage.after(1);
    assert_eq!(stage.chosen(), [0, 1], "its time is over");
}

#[tokio::test(start_paused = true)]
async fn a_success_ends_the_row_and_so_does_time() {
    let mut stage = Stage::new(2);
    for _ in 0..10 {
        stage.fail(0, 2);
        stage.serve(0);
    }
    assert_eq!(stage.chosen(), [0, 1]);
    stage.fail(0, 2);
    stage.after(11);
    stage.fail(0, 2);
    assert_eq!(stage.chosen(), [0, 1], "the first two are too old");
    stage.fail(0, 1);
    assert_eq!(stage.chosen(), [1]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_and_fails_again_is_out_at_once_and_for_longer() {
    let mut stage = Stage::new(2);
    stage.fail(0, 3);
    stage.after(5);
    assert_eq!(stage.chosen(), [0, 1]);
    stage.fail(0, 1);
    assert_eq!(stage.chosen(), [1], "one failure is enough");
    stage.after(9);
    assert_eq!(stage.chosen(), [1]);
    stage.after(1);
    stage.serve(0);
    stage.fail(0, 2);
    assert_eq!(stage.chosen(), [0, 1], "it has shown itself");
}

#[tokio::test(start_paused = true)]
async fn failures_from_before_an_ejection_do_not_count_after_it() {
    let mut stage = Stage::new(2);
    stage.fail(0, 9);
    stage.after(5);
    assert_eq!(stage.chosen(), [0, 1], "out once, and not three times");
}

#[tokio::test(start_paused = true)]
async fn when_all_fail_half_are_asked_still() {
    let stage = Stage::new(4);
    for place in 0..4 {
        stage.fail(place, 3);
    }
    assert_eq!(stage.chosen(), [2, 3]);
    let stage = Stage::new(1);
    stage.fail(0, 30);
    assert_eq!(stage.chosen(), [0]);
}

#[tokio::test(start_paused = true)]
async fn who_is_out_is_better_than_nobody() {
    let stage = Stage::new(2);
    stage.fail(0, 3);
    assert_eq!(stage.chosen(), [1]);
    stage.board.judge(1, false, stage.now);
    assert_eq!(stage.chosen(), [0], "what its probes say is an order");
    stage.board.set_drained(0, true, stage.now);
    assert!(stage.chosen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_gets_its_share_little_by_little() {
    let endpoints = (1..=2).map(|port| plain(([127, 0, 0, 1], port).into()));
    let mut model = settings(endpoints.collect());
    (model.eject, model.slow_start) = (Some(RULE), Duration::from_secs(16));
    let mut stage = Stage::of(&model);
    stage.fail(0, 3);
    stage.after(5);
    let mut share = || {
        let picks = (0..3400).filter_map(|_| stage.upstream.pick(&stage.choice()));
        let share = picks.filter(|place| *place == 0).count();
        stage.after(4);
        share
    };
    // By turns and by weights of 1, 4, 8, 12 and 16 against 16.
    assert_eq!([share(), share(), share(), share(), share()], [200, 680, 1133, 1457, 1700]);
}

#[tokio::test(start_paused = true)]
async fn answers_that_break_off_are_a_row_of_their_own() {
    let mut stage = Stage::new(2);
    for _ in 0..3 {
        stage.serve(0);
        assert_eq!(stage.chosen(), [0, 1]);
        stage.roster().note_break(0, Row::GoesOn, stage.now);
    }
    assert_eq!(stage.chosen(), [1], "good heads do not end it");
    stage.after(5);
    stage.roster().note_break(0, Row::Ended, stage.now);
    stage.roster().note_break(0, Row::GoesOn, stage.now);
    assert_eq!(stage.chosen(), [0, 1], "it has shown itself");
    stage.after(11);
    stage.roster().note_break(0, Row::GoesOn, stage.now);
    assert_eq!(stage.chosen(), [0, 1], "the first two are too old");
}

#[test]
fn a_server_that_goes_away_in_good_order_has_not_failed() {
    let mut error = UpstreamError::unsent(error::Stage::Head, Kind::Reset);
    assert_eq!(Conduct::of_error(&error), Conduct::Unknown, "it says that it has done nothing");
    error.sent = Sent::All;
    assert_eq!(Conduct::of_error(&error), Conduct::Badly);
    let refused = UpstreamError::unsent(error::Stage::Connect, Kind::Refused);
    assert_eq!(Conduct::of_error(&refused), Conduct::Badly);
}

#[test]
fn workers_tell_each_other() {
    run(async {
        let good = Origin::new(&[Read, send("HTTP/1.1 204 No\r\nConnection: close\r\n\r\n")]).await;
        let poor = Origin::new(&[Read, Rst]).await;
        let mut upstream = settings(vec![plain(poor.address), plain(good.address)]);
        upstream.eject = Some(Eject { failures: 2, ..RULE });
        let [first, second] = Rig::pair(upstream);
        // A connection that ends before its first answer is a failure; by turns, every other one.
        while first.board_says_up(EndpointId(0)) {
            let _ = first.get("/").await;
        }
        assert_eq!(poor.requests().len(), 2);
        for _ in 0..6 {
            assert_eq!(second.get("/").await.unwrap().status, 204);
        }
        assert_eq!(poor.requests().len(), 2, "the second worker has not even asked");
    });
}

#[test]
fn what_a_server_says_of_itself_is_a_failure_and_what_a_page_does_is_none() {
    run(async {
        for (status, out) in [(500, false), (404, false), (502, true), (503, true), (504, true)] {
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
            let origin = Origin::new(&[Read, send(&answer)]).await;
            let other = plain(origin.address);
            let mut upstream = settings(vec![plain(origin.address), other]);
            upstream.eject = Some(Eject { failures: 1, ..RULE });
            let [rig, _] = Rig::pair(upstream);
            rig.get("/").await.unwrap();
            assert_eq!(rig.board_says_up(EndpointId(0)), !out, "{status}");
        }
    });
}

#[test]
fn answers_that_say_nothing_but_errors_are_a_row_until_one_says_more() {
    run(async {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        let origin = Origin::new(&[Read, send(answer)]).await;
        for (better_between, out) in [(false, true), (true, false)] {
            let mut upstream = settings(vec![plain(origin.address), plain(origin.address)]);
            upstream.eject = Some(RULE);
            let [rig, _] = Rig::pair(upstream);
            let ask = async || {
                while rig.get("/").await.unwrap().tally.endpoint != Some(EndpointId(0)) {}
            };
            for _ in 0..3 {
                assert!(rig.board_says_up(EndpointId(0)));
                ask().await;
                rig.upstreams.served_nothing(UpstreamId(0), EndpointId(0));
                if better_between {
                    ask().await;
                }
            }
            assert_eq!(rig.board_says_up(EndpointId(0)), !out);
        }
    });
}
