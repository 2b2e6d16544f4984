//! A breaker asked directly, with the time that a test names.

use super::*;
use crate::base::clock;
use crate::upstream::tests::rig::{plain, settings};

const RULE: model::Breaker = model::Breaker {
    failures: 50,
    over: Duration::from_secs(10),
    at_least: 20,
    open: Duration::from_secs(5),
};

/// So many workers of one process.
fn workers(count: usize) -> Vec<Breaker> {
    let mut upstream = settings(vec![plain(([127, 0, 0, 1], 1).into())]);
    upstream.breaker = Some(RULE);
    let board = Arc::new(Board::new(&upstream, count));
    (0..count).map(|seat| Breaker::new(&board, seat).unwrap()).collect()
}

fn feed(breaker: &Breaker, good: usize, bad: usize, now: Instant) {
    for _ in 0..good {
        breaker.note(Conduct::Well, now);
    }
    for _ in 0..bad {
        breaker.note(Conduct::Badly, now);
    }
}

fn state(breaker: &Breaker, now: Instant) -> BreakerState {
    breaker.switch.state(breaker.board.millis(now))
}

fn refused_for(breaker: &Breaker, now: Instant) -> Option<Duration> {
    breaker.enter(now).err().map(|error| error.wait.unwrap())
}

#[test]
fn it_opens_at_the_share_and_not_below_nor_with_too_few() {
    let now = clock::now() + Duration::from_secs(1);
    for (good, bad, opens) in [(0, 19, false), (0, 20, true), (11, 10, false), (10, 10, true)] {
        let [breaker] = &workers(1)[..] else { panic!() };
        feed(breaker, good, bad, now);
        assert_eq!(refused_for(breaker, now).is_some(), opens, "{good} good, {bad} bad");
    }
    let [breaker] = &workers(1)[..] else { panic!() };
    for _ in 0..100 {
        breaker.note(Conduct::Unknown, now);
    }
    assert!(breaker.is_closed());
}

#[test]
fn what_is_older_than_the_window_does_not_count() {
    let now = clock::now() + Duration::from_secs(1);
    let [breaker] = &workers(1)[..] else { panic!() };
    feed(breaker, 0, 19, now);
    feed(breaker, 0, 1, now + RULE.over + Duration::from_secs(1));
    assert!(breaker.is_closed());
    feed(breaker, 0, 19, now + RULE.over + Duration::from_secs(2));
    assert!(!breaker.is_closed());
    let [first, second] = &workers(2)[..] else { panic!() };
    feed(first, 0, 19, now);
    feed(second, 0, 1, now + RULE.over + Duration::from_secs(1));
    assert!(first.is_closed(), "nor does what another worker told so long ago");
}

#[test]
fn what_others_counted_before_it_closed_again_is_forgotten() {
    let now = clock::now() + Duration::from_secs(1);
    let [first, second] = &workers(2)[..] else { panic!() };
    feed(first, 0, 20, now);
    // Within the window still.
    let then = now + RULE.open;
    let Ok(Pass::Trial(trial)) = second.enter(then) else { panic!("one may try") };
    trial.end(0, Conduct::Well, then);
    feed(second, 0, 19, then);
    assert!(second.is_closed());
    feed(second, 0, 1, then);
    assert!(!second.is_closed());
}

#[test]
fn workers_count_together() {
    let now = clock::now() + Duration::from_secs(1);
    let [first, second] = &workers(2)[..] else { panic!() };
    feed(first, 0, 10, now);
    feed(second, 0, 9, now);
    assert!(first.is_closed());
    feed(second, 0, 1, now);
    assert!(!first.is_closed() && !second.is_closed());
    let [first, second] = &workers(2)[..] else { panic!() };
    feed(first, 100, 0, now);
    // The sum of the successes is told when a slice has ended.
    feed(first, 1, 0, now + Duration::from_secs(1));
    feed(second, 0, 50, now + Duration::from_secs(2));
    assert!(first.is_closed(), "50 of 151");
    feed(second, 0, 52, now + Duration::from_secs(2));
    assert!(!first.is_closed(), "102 of 203");
}

#[test]
fn open_it_refuses_and_says_for_how_long_then_one_at_a_time_tries() {
    let now = clock::now() + Duration::from_secs(1);
    let [first, second] = &workers(2)[..] else { panic!() };
    feed(first, 0, 20, now);
    assert_eq!(state(second, now), BreakerState::Open);
    let later = now + Duration::from_secs(3);
    assert_eq!(refused_for(second, later), Some(Duration::from_secs(2)));
    let then = now + RULE.open;
    let Ok(Pass::Trial(trial)) = second.enter(then) else { panic!("one may try") };
    assert_eq!(state(first, then), BreakerState::HalfOpen);
    for breaker in [first, second] {
        assert_eq!(refused_for(breaker, then), Some(RULE.open), "and only one");
    }
    trial.end(0, Conduct::Badly, then);
    assert_eq!(state(first, then), BreakerState::Open);
    assert_eq!(refused_for(first, then), Some(RULE.open));
    let then = then + RULE.open;
    let Ok(Pass::Trial(trial)) = first.enter(then) else { panic!("one may try") };
    trial.end(0, Conduct::Well, then);
    assert_eq!(state(first, then), BreakerState::Closed);
    assert!(matches!(second.enter(then), Ok(Pass::Free)));
    feed(first, 0, 19, then);
    assert!(first.is_closed(), "what was counted before it opened is forgotten");
}

#[test]
fn a_trial_that_says_nothing_makes_room_and_one_that_is_lost_does_in_time() {
    let now = clock::now() + Duration::from_secs(1);
    let [breaker] = &workers(1)[..] else { panic!() };
    feed(breaker, 0, 20, now);
    let then = now + RULE.open;
    let Ok(Pass::Trial(trial)) = breaker.enter(then) else { panic!("one may try") };
    trial.end(0, Conduct::Unknown, then);
    let Ok(Pass::Trial(trial)) = breaker.enter(then) else { panic!("another may") };
    drop(trial);
    let Ok(Pass::Trial(trial)) = breaker.enter(then) else { panic!("another may") };
    std::mem::forget(trial);
    assert_eq!(refused_for(breaker, then), Some(RULE.open));
    assert!(matches!(breaker.enter(then + RULE.open), Ok(Pass::Trial(_))));
}

#[test]
fn successes_write_nothing_that_others_see_within_a_slice() {
    let now = clock::now() + Duration::from_secs(1);
    let [breaker] = &workers(1)[..] else { panic!() };
    feed(breaker, 1, 0, now + Duration::from_secs(1));
    let sum = || breaker.switch.seats[0].sum.load(Ordering::Relaxed);
    let before = sum();
    feed(breaker, 1000, 0, now + Duration::from_secs(1));
    assert_eq!(sum(), before);
}

#[test]
fn an_answer_that_breaks_off_is_one_failure_and_no_success() {
    let now = clock::now() + Duration::from_secs(1);
    for (whole, broken, opens) in [(11, 10, false), (10, 10, true), (0, 19, false), (0, 20, true)] {
        let [breaker] = &workers(1)[..] else { panic!() };
        feed(breaker, whole + broken, 0, now);
        for _ in 0..broken {
            breaker.note_break(0, Row::Ended, now);
        }
        assert_eq!(!breaker.is_closed(), opens, "{whole} whole, {broken} broken");
    }
    // What began before the window is counted where it ends.
    let [breaker] = &workers(1)[..] else { panic!() };
    feed(breaker, 20, 0, now);
    let later = now + RULE.over * 2;
    for _ in 0..20 {
        breaker.note_break(0, Row::Ended, later);
    }
    assert!(!breaker.is_closed());
}

#[test]
fn a_trial_whose_answer_fails_after_its_head_has_not_closed_it() {
    let start = clock::now() + Duration::from_secs(1);
    for (place, row, closed) in
        [(0, Row::GoesOn, false), (0, Row::Ended, true), (1, Row::GoesOn, true)]
    {
        let [breaker] = &workers(1)[..] else { panic!() };
        feed(breaker, 0, 20, start);
        let now = start + RULE.open + Duration::from_millis(1);
        let Ok(Pass::Trial(trial)) = breaker.enter(now) else { panic!("no trial") };
        trial.end(0, Conduct::Well, now);
        assert!(breaker.is_closed());
        breaker.note_break(place, row, now);
        assert_eq!(breaker.is_closed(), closed, "{place} {row:?}");
        assert_eq!(refused_for(breaker, now), (!closed).then_some(RULE.open));
        let [breaker] = &workers(1)[..] else { panic!() };
        breaker.note_break(0, Row::GoesOn, now);
        assert!(breaker.is_closed(), "nothing has tried");
    }
}

#[test]
fn a_trial_answers_for_its_own_turn_and_once() {
    let start = clock::now() + Duration::from_secs(1);
    let [first, second] = &workers(2)[..] else { panic!() };
    let closes = |breaker: &Breaker, now: Instant| {
        let Ok(Pass::Trial(trial)) = breaker.enter(now) else { panic!("no trial") };
        trial.end(0, Conduct::Well, now);
        assert!(breaker.is_closed());
    };
    feed(first, 0, 20, start);
    let now = start + RULE.open;
    closes(first, now);
    // Whatever closed it later, that trial is not asked about any more.
    feed(second, 0, 20, now);
    let now = now + RULE.open;
    closes(second, now);
    first.note_break(0, Row::GoesOn, now);
    assert!(first.is_closed(), "another trial has closed it");
    second.note_break(0, Row::Ended, now);
    second.note_break(0, Row::GoesOn, now);
    assert!(second.is_closed(), "an answer that came whole has spoken for it");
}

#[test]
fn a_trial_that_comes_too_late_decides_nothing() {
    let start = clock::now() + Duration::from_secs(1);
    let [first, second] = &workers(2)[..] else { panic!() };
    feed(first, 0, 20, start);
    let now = start + RULE.open;
    let Ok(Pass::Trial(late)) = first.enter(now) else { panic!("no trial") };
    let now = now + RULE.open;
    let Ok(Pass::Trial(trial)) = second.enter(now) else { panic!("no other trial") };
    trial.end(0, Conduct::Badly, now);
    late.end(0, Conduct::Well, now);
    assert_eq!(refused_for(first, now), Some(RULE.open));
    assert_eq!(first.probation.get(), None);
}
