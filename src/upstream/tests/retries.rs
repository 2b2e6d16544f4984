//! What is tried again by rule, where, and what is not.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};

use super::super::{Kind, Sent, Tally};
use super::origin::Step::{Drain, Frame, Hang, Read, Rst, Send};
use super::origin::{Origin, Step, send};
use super::rig::{Answer, Rig, plain, request, settings};
use super::{run, run_paused};
use crate::base::{Body, clock};
use crate::config::defaults;
use crate::config::model::{EndpointAddress, Retry, Upstream, UpstreamProtocol};
use crate::observe::Retried;
use crate::problem::Cause;

fn ok() -> Step {
    send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
}

fn busy() -> Step {
    send("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")
}

/// The default rule, to these endpoints in this order.
fn retrying(origins: &[&Origin]) -> Upstream {
    let mut upstream = settings(origins.iter().map(|origin| plain(origin.address)).collect());
    upstream.retry = Some(Retry { attempts: 2, on: defaults::retry_on(), budget: 20 });
    upstream
}

fn with_body(method: Method, body: impl Into<Bytes>) -> Request<Body> {
    let mut request = request(method, "/");
    *request.body_mut() = Body::Full(Some(body.into()));
    request
}

fn reasons(answer: &Answer) -> Vec<Retried> {
    answer.tally.retried.iter().copied().flatten().collect()
}

#[test]
fn an_answer_that_is_no_good_is_asked_of_another_endpoint() {
    run(async {
        let poor = Origin::new(&[Read, busy(), Read, busy(), Read, busy(), Drain]).await;
        let good = Origin::new(&[Read, ok(), Read, ok(), Read, ok(), Drain]).await;
        let rig = Rig::new(retrying(&[&poor, &good]));
        let answer = rig.get("/").await.unwrap();
        assert_eq!((answer.status, &*answer.body, answer.tally.attempts), (200, "hello", 2));
        assert_eq!(reasons(&answer), [Retried::After(Cause::UpstreamStatus)]);
        // The answer that nobody wanted was read, so its connection serves the next request.
        rig.get("/").await.unwrap();
        rig.get("/").await.unwrap();
        assert!(poor.requests().len() > 1);
        assert_eq!((poor.connections(), good.connections()), (1, 1));
    });
}

#[test]
fn what_may_have_been_acted_on_is_not_sent_again() {
    run(async {
        for script in [&[Read, busy(), Drain][..], &[Read, Rst]] {
            let poor = Origin::new(script).await;
            let good = Origin::new(&[Read, ok(), Drain]).await;
            // Without a body there would be nothing to keep: it is the method that forbids it.
            for order in [with_body(Method::POST, "order"), request(Method::POST, "/")] {
                let rig = Rig::new(retrying(&[&poor, &good]));
                match rig.call(order).await {
                    Ok(answer) => assert_eq!((answer.status, answer.tally.attempts), (503, 1)),
                    Err(error) => {
                        assert_eq!((error.kind, error.retryable), (Kind::Reset, Some(false)));
                    }
                }
                assert_eq!(good.connections(), 0);
            }
        }
    });
}

#[test]
fn a_body_is_sent_again_from_its_beginning() {
    run(async {
        let poor = Origin::new(&[Read, Rst]).await;
        let good = Origin::new(&[Read, ok(), Drain]).await;
        let rig = Rig::new(retrying(&[&poor, &good]));
        let answer = rig.call(with_body(Method::PUT, "the whole of it")).await.unwrap();
        assert_eq!((answer.status, reasons(&answer)), (200, vec![Retried::After(Cause::Reset)]));
        for origin in [&poor, &good] {
            assert!(origin.requests()[0].ends_with("\r\n\r\nthe whole of it"));
        }
    });
}

#[test]
fn a_body_beyond_the_bound_is_sent_once() {
    run(async {
        let poor = Origin::new(&[Read, Rst]).await;
        let good = Origin::new(&[Read, ok(), Drain]).await;
        let rig = Rig::new(retrying(&[&poor, &good]));
        let error = rig.call(with_body(Method::PUT, vec![b'x'; 65_537])).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (Kind::Reset, Sent::All));
        assert_eq!(good.connections(), 0);
    });
}

#[test]
fn attempts_and_budget_are_bounds() {
    run(async {
        let poor = Origin::new(&[Read, busy(), Drain]).await;
        let upstream = retrying(&[&poor, &poor, &poor]);
        let answer = Rig::new(upstream).get("/").await.unwrap();
        assert_eq!((answer.status, answer.tally.attempts, poor.requests().len()), (503, 2, 2));
        let after = Retried::After(Cause::UpstreamStatus);
        assert_eq!(reasons(&answer), [after], "the rule says when to stop, and not the budget");
        let mut upstream = retrying(&[&poor, &poor, &poor]);
        upstream.retry.as_mut().unwrap().budget = 0;
        let answer = Rig::new(upstream).get("/").await.unwrap();
        assert_eq!((answer.status, answer.tally.attempts, poor.requests().len()), (503, 1, 3));
        assert_eq!(reasons(&answer), [Retried::OverBudget]);
    });
}

#[test]
fn a_flapping_upstream_gets_a_fifth_more_and_not_twice_as_many() {
    run(async {
        let poor = Origin::new(&[Read, busy()]).await;
        let rig = Rig::new(retrying(&[&poor, &poor]));
        for _ in 0..200 {
            assert_eq!(rig.get("/").await.unwrap().status, 503);
        }
        let sent = poor.requests().len();
        assert!((240..=251).contains(&sent), "{sent} requests for 200, and ten are free");
    });
}

#[test]
fn an_endpoint_alone_is_asked_again_after_a_pause_unless_it_named_a_time() {
    run(async {
        let poor = Origin::scripts(&[&[Read, Rst], &[Read, ok(), Drain]]).await;
        let started = clock::now();
        let answer = Rig::new(retrying(&[&poor])).get("/").await.unwrap();
        assert_eq!((answer.status, answer.tally.attempts), (200, 2));
        assert!(started.elapsed() >= Duration::from_millis(12), "{:?}", started.elapsed());
        let later = "HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n";
        let poor = Origin::new(&[Read, send(later), Read, ok(), Drain]).await;
        let answer = Rig::new(retrying(&[&poor])).get("/").await.unwrap();
        assert_eq!((answer.status, poor.requests().len()), (503, 1));
    });
}

#[test]
fn pauses_double_and_end_with_the_attempts_or_the_deadline() {
    run_paused(async {
        // The kernel says at once that nobody is there, so all the time that passes is the pauses'.
        let mut nobody = plain(([127, 0, 0, 1], 1).into());
        nobody.address = EndpointAddress::Unix("/nowhere/at/all.sock".into());
        let mut upstream = settings(vec![nobody]);
        upstream.retry = Some(Retry { attempts: 4, on: defaults::retry_on(), budget: 20 });
        let mut rig = Rig::new(upstream);
        // 12.5 to 25, twice as long, and twice as long again; each to the next whole millisecond.
        for (deadline, attempts, least, most) in [(10_000, 4, 87, 178), (30, 2, 12, 26)] {
            rig.deadline = Duration::from_millis(deadline);
            let (started, mut tally) = (clock::now(), Tally::default());
            let request = request(Method::POST, "/");
            let error = rig.send_with(request, rig.options(), &mut tally).await.map(drop);
            let took = started.elapsed().as_millis();
            assert_eq!((error.unwrap_err().sent, tally.attempts), (Sent::Nothing, attempts));
            assert!((least..=most).contains(&took), "{took} ms");
        }
    });
}

#[test]
fn no_pause_goes_beyond_the_deadline() {
    run(async {
        let poor = Origin::new(&[Read, Rst]).await;
        let mut rig = Rig::new(retrying(&[&poor]));
        rig.deadline = Duration::from_millis(12);
        let error = rig.get("/").await.unwrap_err();
        assert!(matches!(error.kind, Kind::Reset | Kind::TotalTimeout), "{error}");
        assert_eq!(poor.connections(), 1);
    });
}

#[test]
fn only_what_is_listed_is_tried_again() {
    run(async {
        let good = Origin::new(&[Read, ok(), Drain]).await;
        let nobody = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let nobody = nobody.unwrap();
        nobody.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let refusing = plain(nobody.local_addr().unwrap().as_socket().unwrap());
        for connect in [true, false] {
            let mut upstream = retrying(&[&good, &good]);
            upstream.endpoints[0] = refusing.clone();
            upstream.retry.as_mut().unwrap().on.connect = connect;
            match Rig::new(upstream).post("order").await {
                Ok(answer) => {
                    assert!(connect && reasons(&answer) == [Retried::After(Cause::ConnectRefused)])
                }
                Err(error) => assert!(!connect && error.kind == Kind::Refused),
            }
        }
        for timeout in [true, false] {
            let silent = Origin::new(&[Read, Hang]).await;
            let mut upstream = retrying(&[&silent, &good]);
            upstream.timeout.first_byte = Duration::from_millis(50);
            upstream.retry.as_mut().unwrap().on.timeout = timeout;
            match Rig::new(upstream).get("/").await {
                Ok(answer) => assert!(
                    timeout && reasons(&answer) == [Retried::After(Cause::FirstByteTimeout)]
                ),
                Err(error) => assert!(!timeout && error.kind == Kind::FirstByteTimeout),
            }
        }
    });
}

#[test]
fn a_stream_that_was_refused_is_sent_again_with_its_body() {
    run(async {
        let hello = || Send(vec![0, 0, 0, 4, 0, 0, 0, 0, 0]);
        let refused = Send(vec![0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 7]);
        let answer = Send(vec![0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88]);
        let first = [hello(), Frame(1), refused, Drain];
        let second = [hello(), Frame(1), Frame(0), answer, Drain];
        let origin = Origin::scripts(&[&first, &second]).await;
        let mut upstream = retrying(&[&origin]);
        upstream.protocol = UpstreamProtocol::H2c;
        let rig = Rig::new(upstream);
        let answer = rig.post("order").await.unwrap();
        assert_eq!((answer.status, reasons(&answer)), (200, vec![Retried::After(Cause::Reset)]));
        assert_eq!(origin.requests().last().unwrap(), "frame 0 on 1");
    });
}
