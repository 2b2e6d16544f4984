//! Which connections carry a second request, and what is repeated when one turns out dead.

use std::time::Duration;

use http::Method;

use super::super::{CallOptions, Kind, Sent};
use super::origin::Step::{Drain, Hang, Read, Rst};
use super::origin::{Origin, Step, send};
use super::rig::{Rig, plain, request, settings};
use super::run;
use crate::config::model::Pool;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn ok() -> Step {
    send(OK)
}

/// Two GETs one after the other: the connections that carried them.
fn carriers(answer: &str, method: Method) -> Vec<usize> {
    run(async {
        let origin = Origin::new(&[Read, send(answer), Read, send(answer), Drain]).await;
        let rig = Rig::to(origin.address);
        for _ in 0..2 {
            let answer = rig.call(request(method.clone(), "/")).await.unwrap();
            assert_eq!(answer.end, Ok(()));
        }
        origin.carriers()
    })
}

#[test]
fn a_clean_end_keeps_the_connection() {
    for answer in [
        OK,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: 1\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
    ] {
        assert_eq!(carriers(answer, Method::GET), [0, 0], "{answer:?}");
    }
}

#[test]
fn a_long_answer_keeps_the_connection_too() {
    let body = "x".repeat(3 << 20);
    let whole = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let chunk = format!("{:x}\r\n{body}\r\n", body.len());
    let chunked =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    for answer in [whole, chunked] {
        assert_eq!(carriers(&answer, Method::GET), [0, 0]);
    }
}

#[test]
fn abandoned_calls_leave_nothing_behind() {
    run(async {
        let half = send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        let origin = Origin::new(&[Read, half, Drain]).await;
        let rig = Rig::to(origin.address);
        for round in 0..40 {
            // Given up while connecting, while waiting, and while reading.
            let mut call = Box::pin(rig.get("/"));
            for _ in 0..round {
                let mut noop = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(call.as_mut().poll(&mut noop).is_pending());
                tokio::task::yield_now().await;
            }
        }
        while rig.gauge() != (0, 0) {
            tokio::task::yield_now().await;
        }
        origin.ended(origin.connections()).await;
    });
}

#[test]
fn whatever_is_ambiguous_or_says_close_does_not() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloEXTRA",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nConnection: keep-alive, Close\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\nhello",
        "HTTP/1.1 204 No Content\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ] {
        assert_eq!(carriers(answer, Method::GET), [0, 1], "{answer:?}");
    }
    assert_eq!(carriers(OK, Method::HEAD), [0, 1], "a body on HEAD");
}

#[test]
fn a_length_beside_chunked_does_not_pass() {
    run(async {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
                      5\r\nhello\r\n0\r\n\r\n";
        let origin = Origin::new(&[Read, send(answer), Drain]).await;
        let answer = Rig::to(origin.address).get("/").await.unwrap();
        assert_eq!(answer.body, "hello");
        assert!(!answer.headers.contains_key("content-length"));
        origin.ended(1).await;
    });
}

#[test]
fn bytes_on_an_idle_connection_end_it() {
    run(async {
        let late = [Read, ok(), Step::Sleep(10), send("EXTRA"), Drain];
        let origin = Origin::scripts(&[&late, &[Read, ok(), Drain]]).await;
        let rig = Rig::to(origin.address);
        rig.get("/").await.unwrap();
        // Nobody looks at an idle connection but the sweep, and whoever would use it.
        while rig.gauge() != (0, 0) {
            rig.upstreams.sweep();
            tokio::task::yield_now().await;
        }
        origin.ended(1).await;
        assert_eq!(rig.get("/").await.unwrap().body, "hello");
        assert_eq!(origin.carriers(), [0, 1]);
    });
}

#[test]
fn bytes_that_nobody_asked_for_are_seen_before_the_next_request() {
    for method in [Method::GET, Method::POST] {
        run(async {
            let late = [Read, ok(), Step::Sleep(10), send(OK), Drain];
            let origin = Origin::scripts(&[&late, &[Read, ok(), Drain]]).await;
            let rig = Rig::to(origin.address);
            rig.call(request(method.clone(), "/")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(30)).await;
            rig.call(request(method, "/")).await.unwrap();
            assert_eq!(origin.carriers(), [0, 1]);
            origin.ended(1).await;
        });
    }
}

#[test]
fn a_connection_that_the_upstream_closed_while_idle_costs_nothing() {
    for method in [Method::GET, Method::POST] {
        run(async {
            let origin = Origin::new(&[Read, ok()]).await;
            let rig = Rig::to(origin.address);
            for _ in 0..5 {
                let answer = rig.call(request(method.clone(), "/")).await.unwrap();
                assert_eq!((answer.body.as_str(), answer.tally.attempts), ("hello", 1));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(origin.carriers(), [0, 1, 2, 3, 4]);
        });
    }
}

#[test]
fn a_get_that_meets_the_close_of_a_kept_connection_is_repeated_once() {
    for end in [&[][..], &[Rst]] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
            run(async {
                let nothing = send("HTTP/1.1 204 No Content\r\n\r\n");
                let race = [&[Read, nothing.clone(), Read], end].concat();
                let origin = Origin::scripts(&[&race, &[Read, nothing, Drain]]).await;
                let rig = Rig::to(origin.address);
                for _ in 0..2 {
                    let mut asked = request(method.clone(), "/a?b=c");
                    asked.headers_mut().insert("x-mark", "1".parse().unwrap());
                    assert_eq!(rig.call(asked).await.unwrap().status, 204);
                }
                assert_eq!(origin.carriers(), [0, 0, 1]);
                let requests = origin.requests();
                assert_eq!(requests[1], requests[2], "the repeat is the same to the byte");
            });
        }
    }
}

#[test]
fn a_repeat_happens_once_and_on_a_fresh_connection() {
    run(async {
        let race = [Read, ok(), Read];
        let origin = Origin::scripts(&[&race, &race, &[Read]]).await;
        let rig = Rig::to(origin.address);
        // Two kept connections, both about to fail.
        let (one, two) = tokio::join!(rig.get("/"), rig.get("/"));
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(rig.gauge(), (2, 0));
        let error = rig.get("/").await.unwrap_err();
        assert_eq!((error.kind, error.sent, error.reused), (Kind::Reset, Sent::All, false));
        assert_eq!(origin.requests().len(), 4, "two good, one lost, one repeat");
        assert_eq!(origin.carriers()[3], 2);
    });
}

#[test]
fn a_post_is_never_sent_twice() {
    run(async {
        let origin = Origin::scripts(&[&[Read, ok(), Read], &[Read, ok(), Drain]]).await;
        let rig = Rig::to(origin.address);
        rig.post("first").await.unwrap();
        let error = rig.post("second").await.unwrap_err();
        assert_eq!((error.kind, error.reused, error.sent), (Kind::Reset, true, Sent::All));
        assert_eq!(error.retryable, Some(false));
        assert_eq!(origin.requests().len(), 2);
        // Nor is one without a body.
        let origin = Origin::scripts(&[&[Read, ok(), Read], &[Read, ok(), Drain]]).await;
        let rig = Rig::to(origin.address);
        rig.call(request(Method::POST, "/")).await.unwrap();
        rig.call(request(Method::POST, "/")).await.unwrap_err();
        assert_eq!(origin.requests().len(), 2);
    });
}

#[test]
fn once_a_byte_of_the_answer_came_nothing_is_repeated() {
    run(async {
        let half = [Read, ok(), Read, send("HTTP/1.1 2")];
        let origin = Origin::scripts(&[&half, &[Read, ok(), Drain]]).await;
        let rig = Rig::to(origin.address);
        rig.get("/").await.unwrap();
        let error = rig.get("/").await.unwrap_err();
        assert_eq!((error.kind, error.reused), (Kind::Reset, true));
        assert_eq!(origin.requests().len(), 2);
    });
}

#[test]
fn the_pool_is_last_in_first_out_and_capped() {
    run(async {
        let origin = Origin::new(&[Read, ok(), Read, ok(), Read, ok(), Drain]).await;
        let mut upstream = settings(vec![plain(origin.address)]);
        upstream.pool = Pool { idle: 2, ..upstream.pool };
        let rig = Rig::new(upstream);
        let calls = (rig.get("/a"), rig.get("/b"), rig.get("/c"));
        let (a, b, c) = tokio::join!(calls.0, calls.1, calls.2);
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert_eq!(rig.gauge(), (2, 0));
        let last = rig.get("/d").await.unwrap();
        assert!(last.tally.reused);
        rig.get("/e").await.unwrap();
        let carriers = origin.carriers();
        assert_eq!(carriers[3], carriers[4]);
    });
}

#[test]
fn an_idle_connection_is_trusted_for_its_time_only() {
    run(async {
        let origin = Origin::new(&[Read, ok(), Drain]).await;
        let mut upstream = settings(vec![plain(origin.address)]);
        upstream.pool.idle_time = Duration::from_millis(30);
        let rig = Rig::new(upstream);
        rig.get("/").await.unwrap();
        rig.upstreams.sweep();
        assert_eq!(rig.gauge(), (1, 0));
        tokio::time::sleep(Duration::from_millis(40)).await;
        assert!(!rig.get("/").await.unwrap().tally.reused, "checked when it is taken");
        origin.ended(1).await;
        tokio::time::sleep(Duration::from_millis(40)).await;
        rig.upstreams.sweep();
        assert_eq!(rig.gauge(), (0, 0));
        origin.ended(2).await;
    });
}

#[test]
fn a_kept_connection_that_went_nowhere_takes_those_of_its_age_along() {
    run(async {
        let old = [Read, ok(), Drain];
        let newer = [Read, Step::Sleep(20), ok(), Read, ok(), Read, ok(), Drain];
        let silent = [Read, Step::Sleep(40), ok(), Read, Drain];
        let origin = Origin::scripts(&[&old, &newer, &silent]).await;
        let rig = Rig::to(origin.address);
        let (one, two, three) = tokio::join!(rig.get("/"), rig.get("/"), rig.get("/"));
        assert!(one.is_ok() && two.is_ok() && three.is_ok());
        assert_eq!(rig.gauge(), (3, 0));

        let options = CallOptions { first_byte: Some(Duration::from_millis(80)), ..rig.options() };
        let meanwhile = async {
            origin.heard(4).await;
            rig.get("/").await
        };
        let (lost, fine) =
            tokio::join!(rig.call_with(request(Method::GET, "/"), options), meanwhile);

        let error = lost.unwrap_err();
        assert_eq!((error.kind, error.reused), (Kind::FirstByteTimeout, true));
        assert!(fine.unwrap().tally.reused);
        assert_eq!(rig.gauge(), (1, 0), "the one that was of use since then");
        origin.ended(2).await;
        assert!(rig.get("/").await.unwrap().tally.reused);
        assert_eq!(origin.carriers()[3..], [2, 1, 1]);
    });
}

#[test]
fn no_pool_keeps_nothing() {
    run(async {
        let origin = Origin::new(&[Read, ok(), Hang]).await;
        let mut upstream = settings(vec![plain(origin.address)]);
        upstream.pool.idle = 0;
        let rig = Rig::new(upstream);
        for _ in 0..3 {
            rig.get("/").await.unwrap();
        }
        assert_eq!((origin.carriers(), rig.gauge()), (vec![0, 1, 2], (0, 0)));
    });
}
