//! Probes on sockets: what is asked, what is believed, and what requests get meanwhile.

use std::future::Future;
use std::time::Duration;

use super::super::{Kind, Names, Probes};
use super::origin::Step::{Drain, Frame, Hang, Read, Send};
use super::origin::{Origin, Step, send};
use super::rig::{Rig, plain, settings};
use super::run;
use crate::base::{EndpointId, UpstreamId};
use crate::config::model::{Health, Upstream, UpstreamProtocol};
use crate::observe::UpstreamStates as _;

fn answer(status: u16) -> Step {
    send(&format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"))
}

fn probed(origin: &Origin) -> Upstream {
    let mut upstream = settings(vec![plain(origin.address)]);
    upstream.health = Some(Health {
        path: "/health?all".parse().unwrap(),
        every: Duration::from_millis(20),
        timeout: Duration::from_millis(500),
        down_after: 2,
        up_after: 2,
    });
    upstream
}

/// Runs a test while the endpoints are probed.
fn while_probed<F: Future>(
    upstream: impl AsyncFnOnce() -> (Origin, Upstream),
    test: impl FnOnce(Rig, Origin) -> F,
) {
    run(async {
        let (origin, upstream) = upstream().await;
        let all = [upstream];
        let (rig, credentials) = Rig::with_credentials(&all);
        let (boards, names) = (rig.boards.clone(), Names::scripted().0);
        let mut probes = Probes::default();
        probes.follow(&all, &credentials, &names, &boards);
        test(rig, origin).await;
    });
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn an_endpoint_goes_down_by_its_probes_and_comes_back() {
    let bad = [Read, answer(500)];
    let good = [Read, answer(200)];
    let scripts = [&good[..], &bad, &bad, &bad, &good];
    let upstream = async || {
        let origin = Origin::scripts(&scripts).await;
        let mut upstream = probed(&origin);
        upstream.health.as_mut().unwrap().every = Duration::from_millis(50);
        (origin, upstream)
    };
    while_probed(upstream, |rig, origin| async move {
        let up = || rig.board_says_up(EndpointId(0));
        until(|| !up()).await;
        assert_eq!(origin.requests().len(), 3, "one good, two bad");
        let error = rig.post("nothing was sent").await.unwrap_err();
        assert_eq!((error.kind, error.retryable), (Kind::NoneHealthy, Some(true)));
        assert!(error.wait.is_some_and(|wait| wait <= Duration::from_millis(55)), "{error:?}");
        until(up).await;
        assert_eq!(origin.requests().len(), 6, "one bad, two good; no request among them");
        assert_eq!(rig.get("/").await.unwrap().status, 200);
        let probe = &origin.requests()[0];
        assert!(probe.starts_with("GET /health?all HTTP/1.1\r\n"), "{probe}");
        assert!(probe.contains(&format!("\r\nhost: {}\r\n", origin.address)), "{probe}");
        assert!(probe.contains("\r\nuser-agent: guichet-health/"), "{probe}");
        assert!(probe.contains("\r\nconnection: close\r\n"), "{probe}");
    });
}

#[test]
fn silence_garbage_and_errors_are_no_health() {
    for script in [&[Read, Hang][..], &[Read, send("garbage\r\n\r\n")], &[Read, answer(404)], &[]] {
        let upstream = async || {
            let origin = Origin::new(script).await;
            let mut upstream = probed(&origin);
            upstream.health.as_mut().unwrap().timeout = Duration::from_millis(30);
            (origin, upstream)
        };
        while_probed(upstream, |rig, _| async move {
            until(|| !rig.board_says_up(EndpointId(0))).await;
        });
    }
}

#[test]
fn probes_speak_the_protocol_of_the_upstream() {
    // SETTINGS, then an answer of nothing but a status: 204 by its index, or 404 by its own.
    for (status, up) in [(0x89, true), (0x8d, false)] {
        let hello = Send(vec![0, 0, 0, 4, 0, 0, 0, 0, 0]);
        let answer = Send(vec![0, 0, 1, 1, 5, 0, 0, 0, 1, status]);
        let upstream = async || {
            let origin = Origin::new(&[hello, Frame(1), answer, Drain]).await;
            let mut upstream = probed(&origin);
            upstream.protocol = UpstreamProtocol::H2c;
            (origin, upstream)
        };
        while_probed(upstream, |rig, origin| async move {
            origin.ended(4).await;
            assert_eq!(rig.board_says_up(EndpointId(0)), up);
        });
    }
}

#[test]
fn one_of_two_that_is_down_is_not_chosen() {
    let upstream = async || {
        let origin = Origin::new(&[Read, answer(200)]).await;
        let gone = Origin::new(&[]).await.address;
        let mut upstream = probed(&origin);
        upstream.endpoints.insert(0, plain(gone));
        (origin, upstream)
    };
    while_probed(upstream, |rig, _| async move {
        until(|| !rig.board_says_up(EndpointId(0))).await;
        for _ in 0..6 {
            let answer = rig.post("order").await.unwrap();
            assert_eq!((answer.status, answer.tally.attempts), (200, 1));
        }
    });
}

#[test]
fn a_configuration_that_follows_goes_on_with_the_probes_of_what_has_not_changed() {
    for (changes, probes_until_down) in [(false, 3), (true, 5)] {
        run(async {
            let origin = Origin::new(&[Read, answer(500)]).await;
            let [before, mut after] = [(); 2].map(|()| {
                let mut upstream = probed(&origin);
                upstream.health.as_mut().unwrap().down_after = 3;
                [upstream]
            });
            let (rig, credentials) = Rig::with_credentials(&before);
            let names = Names::scripted().0;
            let mut probes = Probes::default();
            probes.follow(&before, &credentials, &names, &rig.boards);
            origin.heard(2).await;
            // The second answer has been judged once the next probe is planned.
            if changes {
                after[0].slow_start = Duration::from_secs(7);
            }
            let boards = rig.boards.next(&before, &after, 1);
            tokio::time::sleep(Duration::from_millis(1)).await;
            probes.follow(&after, &credentials, &names, &boards);
            until(|| !boards.is_up(UpstreamId(0), EndpointId(0))).await;
            assert_eq!(origin.requests().len(), probes_until_down, "changed: {changes}");
            drop(probes);
        });
    }
}

#[test]
fn what_is_no_longer_named_is_no_longer_probed() {
    run(async {
        let origin = Origin::new(&[Read, answer(200)]).await;
        let all = [probed(&origin)];
        let (rig, credentials) = Rig::with_credentials(&all);
        let (mut probes, names) = (Probes::default(), Names::scripted().0);
        probes.follow(&all, &credentials, &names, &rig.boards);
        assert_eq!(std::sync::Arc::strong_count(rig.boards.iter().next().unwrap()), 4);
        origin.heard(1).await;
        let none = Rig::with_credentials(&[]).1;
        probes.follow(&[], &none, &names, &rig.boards.next(&all, &[], 1));
        // The tasks end when the runtime has its turn.
        until(|| std::sync::Arc::strong_count(rig.boards.iter().next().unwrap()) == 2).await;
    });
}
