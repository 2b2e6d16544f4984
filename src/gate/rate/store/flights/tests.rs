//! Who waits, who is told what, and what is asked, with a store that is played here and a clock that
//! is a number.

use std::time::Duration;

use super::*;
use crate::base::{Rate, clock};
use crate::gate::rate::gcra::Quota;

struct Rig {
    flights: Flights,
    account: Arc<Account>,
    now: Instant,
}

fn rig(burst: u32) -> Rig {
    let now = clock::now();
    let quota = Quota::new(Rate { count: 100, per: Duration::from_secs(1) }, burst);
    Rig { flights: Flights::default(), account: Arc::new(Account::new(quota, 64, now)), now }
}

impl Rig {
    fn ask(&mut self, wish: Wish) {
        let account = Arc::clone(&self.account);
        self.flights.board(Ask { account, caller: 7, key: "k".into(), wish }, self.now);
    }

    fn wait(&mut self) -> oneshot::Receiver<bool> {
        let (tell, told) = oneshot::channel();
        self.ask(Wish::Take(tell));
        told
    }

    fn depart(&mut self) -> Option<Call> {
        self.flights.depart(self.now)
    }

    /// The store gives so many, and so many milliseconds are owed then.
    fn land(&mut self, call: &Call, given: u32, owed: u64) {
        let answer = Answer { given, owed: Duration::from_millis(owed) };
        self.flights.land(call, answer, self.now);
    }

    fn passes_here(&self) -> bool {
        matches!(self.account.take(7, self.now), Verdict::Passes(_))
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }
}

fn told(mut waiting: oneshot::Receiver<bool>) -> Option<bool> {
    waiting.try_recv().ok()
}

#[test]
fn a_burst_for_one_caller_shares_one_question() {
    let mut rig = rig(100);
    let burst: Vec<_> = (0..5).map(|_| rig.wait()).collect();
    let call = rig.depart().unwrap();
    assert_eq!((call.question.want, rig.depart().is_none()), (5, true));
    // Who comes meanwhile waits for it, and the next one asks for them together.
    let later: Vec<_> = (0..3).map(|_| rig.wait()).collect();
    assert!(rig.depart().is_none());
    rig.land(&call, 5, 50);
    assert!(burst.into_iter().all(|waiting| told(waiting) == Some(true)));
    let call = rig.depart().unwrap();
    assert!(call.question.want >= 3, "{:?}", call.question);
    rig.land(&call, call.question.want, 80);
    assert!(later.into_iter().all(|waiting| told(waiting) == Some(true)));
    assert_eq!(rig.flights.waiting, 0);
}

#[test]
fn who_is_beyond_what_was_given_is_refused_without_another_question() {
    let mut rig = rig(100);
    let (one, two) = (rig.wait(), rig.wait());
    let call = rig.depart().unwrap();
    let three = rig.wait();
    rig.land(&call, 1, 1000);
    assert_eq!((told(one), told(two), told(three)), (Some(true), Some(false), Some(false)));
    assert!(rig.depart().is_none());
    assert!(rig.account.refuses(7, rig.now));
}

#[test]
fn the_token_of_who_has_left_is_the_next_ones() {
    let mut rig = rig(100);
    let (one, two) = (rig.wait(), rig.wait());
    let call = rig.depart().unwrap();
    drop(one);
    rig.land(&call, 1, 10);
    assert_eq!(told(two), Some(true));
    // Who left before the question is not asked for.
    let (one, two) = (rig.wait(), rig.wait());
    drop(one);
    rig.pass(200);
    let call = rig.depart().unwrap();
    assert_eq!(call.question.want, 1);
    rig.land(&call, 1, 10);
    assert_eq!((told(two), rig.flights.waiting), (Some(true), 0));
}

#[test]
fn what_lies_in_hand_is_given_back_when_nobody_has_used_it() {
    let mut rig = rig(100);
    for _ in 0..2 {
        let _waiting = rig.wait();
        let call = rig.depart().unwrap();
        rig.land(&call, call.question.want, 30);
    }
    assert!(rig.passes_here(), "the second question has brought two more");
    assert_eq!(rig.flights.due(), Some(rig.now + HELD));
    rig.pass(99);
    assert!(rig.depart().is_none());
    rig.pass(1);
    let call = rig.depart().unwrap();
    assert_eq!((call.question.want, call.question.unused), (0, 1));
    assert!(!rig.passes_here() && rig.depart().is_none());
    rig.land(&call, 0, 0);
}

#[test]
fn a_wish_for_more_is_no_second_question() {
    let mut rig = rig(100);
    rig.ask(Wish::Stock);
    assert_eq!(rig.depart().map(|call| call.question.want), None, "a stranger gets no stock");
    let _one = rig.wait();
    let call = rig.depart().unwrap();
    rig.ask(Wish::Stock);
    assert!(rig.depart().is_none());
    rig.land(&call, 1, 10);
    rig.ask(Wish::GiveBack);
    let back = rig.depart().unwrap();
    assert_eq!((back.question.want, back.question.unused), (0, 1));
}

#[test]
fn everybody_is_told_when_the_connection_goes_and_there_are_not_too_many() {
    let mut rig = rig(100);
    let mut waiting: Vec<_> = (0..=MOST_WAITING).map(|_| rig.wait()).collect();
    let beyond = waiting.pop().unwrap().try_recv();
    assert_eq!(beyond, Err(oneshot::error::TryRecvError::Closed), "told at once");
    drop(rig.flights);
    assert!(waiting.into_iter().all(|mut waiting| waiting.try_recv().is_err()));
}
