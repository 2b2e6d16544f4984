use super::*;
use crate::base::clock;
use crate::upstream::tests::rig::{plain, settings};

fn made(balance: Balance, weights: &[u32]) -> Balancer {
    let endpoint = |(port, weight): (u16, &u32)| {
        let mut endpoint = plain(([127, 0, 0, 1], port).into());
        endpoint.weight = *weight;
        endpoint
    };
    let mut upstream = settings((1..).zip(weights).map(endpoint).collect());
    upstream.balance = balance;
    Balancer::new(&upstream)
}

fn pick(balancer: &Balancer, avoided: &[u16], busy: impl Fn(usize) -> u32) -> Option<usize> {
    let headers = HeaderMap::new();
    balancer.pick(&Choice { avoided, headers: &headers, now: clock::now() }, busy)
}

#[test]
fn turns_follow_the_weights_smoothly() {
    let balancer = made(Balance::RoundRobin, &[5, 1, 1]);
    let turns: Vec<_> = (0..7).map(|_| pick(&balancer, &[], |_| 0).unwrap()).collect();
    assert_eq!(turns, [0, 0, 1, 0, 2, 0, 0]);
}

#[test]
fn equal_weights_take_strict_turns() {
    let balancer = made(Balance::RoundRobin, &[1, 1, 1]);
    let turns: Vec<_> = (0..6).map(|_| pick(&balancer, &[], |_| 9).unwrap()).collect();
    assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
}

#[test]
fn what_was_tried_is_not_tried_again() {
    for kind in [Balance::RoundRobin, Balance::P2c, Balance::Least] {
        let balancer = made(kind.clone(), &[1, 7, 1]);
        assert_eq!(pick(&balancer, &[0, 1], |_| 0), Some(2));
        assert_eq!(pick(&balancer, &[0, 1, 2], |_| 0), None);
        let alone = made(kind, &[3]);
        assert_eq!(pick(&alone, &[], |_| 0), Some(0));
        assert_eq!(pick(&alone, &[0], |_| 0), None);
    }
}

#[test]
fn of_two_the_less_busy_is_taken() {
    let balancer = made(Balance::P2c, &[1, 1]);
    let busy = |place| if place == 0 { 5 } else { 4 };
    assert!((0..100).all(|_| pick(&balancer, &[], busy) == Some(1)));
    let balancer = made(Balance::P2c, &[2, 1]);
    assert!((0..100).all(|_| pick(&balancer, &[], busy) == Some(0)), "5/2 is less than 4/1");
}

#[test]
fn weights_hold_where_nobody_is_busy() {
    let balancer = made(Balance::P2c, &[3, 1]);
    let first = (0..4000).filter(|_| pick(&balancer, &[], |_| 0) == Some(0)).count();
    assert!((2700..3300).contains(&first), "{first} of 4000 for a weight of 3 in 4");
}

#[test]
fn who_has_no_weight_is_never_chosen() {
    for kind in [Balance::RoundRobin, Balance::P2c, Balance::Least] {
        let balancer = made(kind.clone(), &[1, 7, 1]);
        balancer.weigh(|place| if place == 1 { 0 } else { WHOLE });
        let mut seen = [0; 3];
        for _ in 0..1000 {
            seen[pick(&balancer, &[], |_| 0).unwrap()] += 1;
        }
        assert!(seen[1] == 0 && seen[0].min(seen[2]) > 300, "{seen:?}");
        assert_eq!(pick(&balancer, &[0, 2], |_| 0), None);
        balancer.weigh(|_| 0);
        assert_eq!(pick(&balancer, &[], |_| 0), None);
        let alone = made(kind, &[3]);
        alone.weigh(|_| 0);
        assert_eq!(pick(&alone, &[], |_| 0), None);
    }
}

#[test]
fn all_endpoints_get_something() {
    let balancer = made(Balance::P2c, &[1; 8]);
    let mut seen = [false; 8];
    for _ in 0..1000 {
        seen[pick(&balancer, &[], |_| 0).unwrap()] = true;
    }
    assert_eq!(seen, [true; 8]);
}

#[test]
fn of_two_the_faster_is_taken_until_it_is_the_busier() {
    let balancer = made(Balance::P2c, &[1, 1]);
    let now = clock::now();
    balancer.learn(0, Duration::from_millis(10), now);
    balancer.learn(1, Duration::from_millis(50), now);
    let chosen = |busy: u32| {
        let headers = HeaderMap::new();
        let choice = Choice { avoided: &[], headers: &headers, now };
        balancer.pick(&choice, |place| if place == 0 { busy } else { 0 })
    };
    assert!((0..100).all(|_| chosen(0) == Some(0) && chosen(3) == Some(0)));
    assert!((0..100).all(|_| chosen(5) == Some(1)), "six times 10 ms is more than 50");
    balancer.learn_failure(0, now);
    assert!((0..100).all(|_| chosen(0) == Some(1)), "a refusal is not fast");
}

#[test]
fn a_slow_answer_is_forgotten_and_the_unknown_gets_one_request_at_a_time() {
    let balancer = made(Balance::P2c, &[1, 1]);
    let now = clock::now();
    balancer.learn(0, Duration::from_secs(30), now);
    let chosen = |after: u64, busy: [u32; 2]| {
        let headers = HeaderMap::new();
        let now = now + Duration::from_secs(after);
        balancer.pick(&Choice { avoided: &[], headers: &headers, now }, |place| busy[place])
    };
    balancer.learn(1, Duration::from_millis(1), now + Duration::from_secs(9));
    assert!((0..100).all(|_| chosen(9, [0, 0]) == Some(1)));
    assert!((0..100).all(|_| chosen(11, [0, 1]) == Some(0)), "to see whether it is slow still");
    assert!((0..100).all(|_| chosen(11, [1, 9]) == Some(1)), "but not with two");
}

#[test]
fn the_least_busy_is_taken_and_equals_take_turns() {
    let balancer = made(Balance::Least, &[1, 1, 2]);
    assert_eq!(pick(&balancer, &[], |place| [3, 2, 3][place]), Some(2), "3/2 is the least");
    assert_eq!(pick(&balancer, &[2], |place| [3, 2, 3][place]), Some(1));
    let mut seen = [0; 3];
    for _ in 0..30 {
        seen[pick(&balancer, &[], |_| 0).unwrap()] += 1;
    }
    assert_eq!(seen, [10, 10, 10]);
}

#[test]
fn who_was_out_begins_anew() {
    let balancer = made(Balance::P2c, &[1, 1]);
    let now = clock::now();
    balancer.learn(0, Duration::from_secs(30), now);
    balancer.learn(1, Duration::from_millis(1), now);
    assert!((0..100).all(|_| pick(&balancer, &[], |_| 0) == Some(1)));
    balancer.weigh(|place| if place == 0 { 0 } else { WHOLE });
    balancer.weigh(|_| WHOLE);
    assert!(
        (0..100).all(|_| pick(&balancer, &[], |_| 0) == Some(0)),
        "it is asked how it does now"
    );
}
