//! Who is out, for how long, and what outlives a configuration.

use super::*;
use crate::upstream::tests::rig::{plain, settings};

const RULE: Eject =
    Eject { failures: 5, over: Duration::from_secs(10), term: Duration::from_secs(10) };

fn board(endpoints: u16) -> Board {
    let address = |port| ([127, 0, 0, 1], port).into();
    Board::new(&settings((1..=endpoints).map(|port| plain(address(port))).collect()), 1)
}

#[test]
fn at_most_half_are_out_and_never_all() {
    for (endpoints, most) in [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (10, 5)] {
        let (board, now) = (board(endpoints), clock::now());
        let places = 0..usize::from(endpoints);
        let out = places.filter(|place| board.eject(*place, &RULE, now).is_some()).count();
        assert_eq!(out, most, "of {endpoints}");
    }
}

#[test]
fn the_last_one_that_its_probes_find_up_is_not_taken_out() {
    let (board, now) = (board(3), clock::now());
    board.judge(0, false, now);
    board.judge(1, false, now);
    assert_eq!(board.eject(2, &RULE, now), None);
    board.judge(1, true, now);
    assert!(board.eject(2, &RULE, now).is_some());
}

#[test]
fn the_wait_is_until_the_next_probe_of_any_that_is_down() {
    let (board, now) = (board(3), clock::now());
    assert_eq!(board.wait(now), None, "nobody is down");
    for (place, seconds) in [(0, 7), (1, 4), (2, 1)] {
        board.plan_probe(place, now + Duration::from_secs(seconds));
    }
    board.judge(0, false, now);
    board.judge(1, false, now);
    assert_eq!(board.wait(now), Some(Duration::from_secs(4)));
    board.set_drained(1, true, now);
    assert_eq!(
        board.wait(now),
        Some(Duration::from_secs(7)),
        "it stays out, whatever its probe says"
    );
    board.set_drained(1, false, now);
    assert_eq!(board.back_since(1), board.millis(now), "its share grows from here");
    assert_eq!(board.wait(now + Duration::from_secs(9)), Some(Duration::ZERO));
}

#[test]
fn repeated_offenders_are_out_for_longer_within_a_bound() {
    let board = board(2);
    let mut now = clock::now();
    for times in 1..=12 {
        let out = board.eject(0, &RULE, now).unwrap();
        assert_eq!(out, RULE.term * times.min(10));
        assert_eq!(board.eject(0, &RULE, now), None, "it is out");
        now += out;
    }
    now += RULE.term * 4;
    assert_eq!(board.eject(0, &RULE, now), Some(RULE.term * 7), "four are forgotten");
}

#[test]
fn what_probes_say_is_told_before_what_calls_have_met() {
    let board = Arc::new(board(2));
    let boards = Boards([Arc::clone(&board)].into());
    let state = |place| boards.endpoint(UpstreamId(0), EndpointId(place));
    assert_eq!((state(0), state(1)), (EndpointState::Up, EndpointState::Up));
    board.eject(0, &RULE, clock::now()).unwrap();
    assert_eq!((state(0), state(1)), (EndpointState::Ejected, EndpointState::Up));
    board.judge(0, false, clock::now());
    assert_eq!(state(0), EndpointState::Down);
}

#[test]
fn who_comes_back_makes_room_for_another() {
    let (board, now) = (board(2), clock::now());
    assert!(board.eject(0, &RULE, now).is_some() && board.eject(1, &RULE, now).is_none());
    let changes = board.changes();
    assert!(board.eject(1, &RULE, now + RULE.term).is_some());
    assert_ne!(board.changes(), changes);
}

#[test]
fn an_upstream_that_stays_as_it_was_keeps_its_board() {
    let named = |name: &str, eject| {
        let endpoints = [1, 2].map(|port| plain(([127, 0, 0, 1], port).into()));
        let mut upstream = settings(endpoints.into());
        (upstream.name, upstream.eject) = (name.into(), eject);
        upstream
    };
    let old = [named("first", None), named("other", None)];
    let boards = Boards::new(&old, 1);
    boards.0[1].eject(0, &RULE, clock::now()).unwrap();
    let up = |boards: &Boards, id| boards.is_up(UpstreamId(id), EndpointId(0));
    let next = boards.next(&old, &[named("other", None), named("first", None)], 1);
    assert_eq!((up(&next, 0), up(&next, 1)), (false, true), "found by its name");
    let next = boards.next(&old, &[named("other", Some(RULE))], 1);
    assert!(up(&next, 0), "another rule is another board");
}
