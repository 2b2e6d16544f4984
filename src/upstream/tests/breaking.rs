//! A breaker on sockets: what reaches the upstream, and what does not.

use std::time::Duration;

use super::super::Kind;
use super::origin::Step::{Hang, Read, Rst};
use super::origin::{Origin, send};
use super::rig::{Rig, plain, settings};
use super::run;
use crate::config::defaults;
use crate::config::model::{Breaker, Retry, Upstream};

fn breaking(origin: &Origin, open: u64) -> Upstream {
    let mut upstream = settings(vec![plain(origin.address)]);
    let open = Duration::from_millis(open);
    let over = Duration::from_secs(10);
    upstream.breaker = Some(Breaker { failures: 50, over, at_least: 4, open });
    upstream
}

#[test]
fn an_upstream_that_fails_as_a_whole_is_left_alone_and_tried_again() {
    run(async {
        let poor = [Read, Rst];
        let good = [Read, send("HTTP/1.1 204 No\r\nConnection: close\r\n\r\n")];
        let origin = Origin::scripts(&[&poor, &poor, &poor, &poor, &poor, &good]).await;
        let [first, second] = Rig::pair(breaking(&origin, 60));
        for rig in [&first, &second, &first, &second] {
            assert_eq!(rig.get("/").await.unwrap_err().kind, Kind::Reset);
        }
        for rig in [&first, &second] {
            let error = rig.post("nothing is sent").await.unwrap_err();
            assert_eq!((error.kind, error.retryable), (Kind::BreakerOpen, Some(true)));
            assert!(error.wait.is_some_and(|wait| wait <= Duration::from_millis(60)));
        }
        assert_eq!(origin.requests().len(), 4);
        // The first trial fails, the second does not.
        let mut refused = 0;
        let mut reset = 0;
        let answer = loop {
            match first.get("/").await {
                Ok(answer) => break answer,
                Err(error) if error.kind == Kind::BreakerOpen => refused += 1,
                Err(error) => {
                    assert_eq!(error.kind, Kind::Reset);
                    reset += 1;
                }
            }
            tokio::task::yield_now().await;
        };
        assert!(answer.status == 204 && refused > 0 && reset == 1);
        assert_eq!(origin.requests().len(), 6);
        assert_eq!(second.get("/").await.unwrap().status, 204);
    });
}

#[test]
fn what_came_whole_before_a_trial_does_not_speak_for_it() {
    run(async {
        let poor = [Read, Rst];
        let good = [Read, send("HTTP/1.1 204 No\r\nConnection: close\r\n\r\n")];
        let half = [Read, send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")];
        let origin = Origin::scripts(&[&good, &good, &poor, &poor, &half]).await;
        let [rig, _] = Rig::pair(breaking(&origin, 60));
        for served in [true, true, false, false] {
            assert_eq!(rig.get("/").await.is_ok(), served);
        }
        let answer = loop {
            match rig.get("/").await {
                Ok(answer) => break answer,
                Err(error) => assert_eq!(error.kind, Kind::BreakerOpen),
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(answer.end.unwrap_err().kind, Kind::Truncated);
        assert_eq!(rig.get("/").await.unwrap_err().kind, Kind::BreakerOpen);
    });
}

#[test]
fn a_trial_whose_client_leaves_makes_room_for_another() {
    run(async {
        let poor = [Read, Rst];
        let good = [Read, send("HTTP/1.1 204 No\r\nConnection: close\r\n\r\n")];
        let origin = Origin::scripts(&[&poor, &poor, &poor, &poor, &[Read, Hang], &good]).await;
        let [rig, _] = Rig::pair(breaking(&origin, 1));
        for _ in 0..4 {
            let _ = rig.get("/").await;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        {
            let mut trial = Box::pin(rig.get("/"));
            tokio::select! {
                _ = &mut trial => panic!("nobody answers"),
                () = origin.heard(5) => {}
            }
        }
        assert_eq!(rig.get("/").await.unwrap().status, 204);
    });
}

#[test]
fn nothing_is_tried_again_once_the_breaker_is_open() {
    run(async {
        let origin = Origin::new(&[Read, Rst]).await;
        let mut upstream = breaking(&origin, 60_000);
        upstream.breaker.as_mut().unwrap().at_least = 1;
        upstream.retry = Some(Retry { attempts: 5, on: defaults::retry_on(), budget: 100 });
        let [rig, _] = Rig::pair(upstream);
        assert_eq!(rig.get("/").await.unwrap_err().kind, Kind::Reset);
        assert_eq!(origin.requests().len(), 1);
    });
}
