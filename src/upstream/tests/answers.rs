//! Heads of answers: what passes, what is refused, and how long a head may take.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use http::{HeaderValue, Method};

use super::super::{Kind, Sent, Stage};
use super::origin::Step::{Drain, Drip, Hang, Read, Rst, Sleep};
use super::origin::{Origin, Step, send};
use super::rig::{Rig, plain, request, settings};
use super::run;
use crate::base::clock;
use crate::config::model::{HostPolicy, UpstreamTimeouts};

/// The failure of a GET to an origin that reads the request and goes on as told.
fn failure(steps: &[Step]) -> super::super::UpstreamError {
    run(async {
        let origin = Origin::new(&[&[Read], steps].concat()).await;
        let error = Rig::to(origin.address).get("/").await.unwrap_err();
        assert_eq!(origin.requests().len(), 1, "on a fresh connection nothing is repeated");
        assert_eq!(error.sent, Sent::All);
        assert_eq!(error.stage, Stage::Head);
        error
    })
}

fn head_fails(head: &str, kind: Kind) {
    assert_eq!(failure(&[send(head)]).kind, kind, "{head:?}");
    // The same with an origin that keeps the connection open.
    assert_eq!(failure(&[send(head), Hang]).kind, kind, "{head:?}");
}

#[test]
fn well_formed_answers_pass() {
    for (answer, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("HTTP/1.1 200 OK\r\n\r\nhello", "hello"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        ("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "hello"),
        ("HTTP/1.1 200 OK\r\nX-A: caf\u{e9}\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
    ] {
        run(async {
            let origin = Origin::new(&[Read, send(answer)]).await;
            let answer = Rig::to(origin.address).get("/a?b").await.unwrap();
            assert_eq!((answer.body.as_str(), answer.end), (body, Ok(())));
            assert_eq!(origin.requests(), ["GET /a?b HTTP/1.1\r\nhost: client.test\r\n\r\n"]);
            assert!(answer.headers.get_all("content-length").iter().count() <= 1);
        });
    }
}

#[test]
fn an_answer_that_never_begins_is_a_reset() {
    let error = failure(&[]);
    assert_eq!((error.kind, error.retryable), (Kind::Reset, Some(true)));
    assert_eq!(failure(&[Rst]).kind, Kind::Reset);
    assert_eq!(failure(&[send("HTTP/1.1 2")]).kind, Kind::Reset);
    assert_eq!(failure(&[send("HTTP/1.1 200 OK\r\nContent-Le")]).kind, Kind::Reset);
    assert_eq!(failure(&[send("HTTP/1.1 100 Continue\r\n\r\n")]).kind, Kind::Reset);
}

#[test]
fn what_is_no_http_is_refused() {
    for head in [
        "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 1000 Odd\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        "HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n",
        "\u{15}\u{3}\u{3}\u{0}\u{2}\u{2}F\u{0}",
        "\u{0}\u{0}\u{0}\u{4}\u{0}\u{0}\u{0}\u{0}\u{0}",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nX-A: a\u{0}b\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: s=1\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        head_fails(head, Kind::BadResponse);
    }
}

#[test]
fn a_switch_that_nobody_asked_for_is_refused() {
    head_fails(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        Kind::BadUpgrade,
    );
}

#[test]
fn heads_have_a_size() {
    let field = |length| format!("HTTP/1.1 204 OK\r\nX-A: {}\r\n\r\n", "a".repeat(length));
    head_fails(&field(1 << 20), Kind::HeadLimit);
    head_fails(&field(64 << 10), Kind::HeadLimit);
    let many = |count: usize| format!("HTTP/1.1 204 OK\r\n{}\r\n", "X-A: 1\r\n".repeat(count));
    head_fails(&many(101), Kind::HeadLimit);
    run(async {
        let steps = [Read, send(&field(60 << 10)), Read, send(&many(100)), Drain];
        let origin = Origin::new(&steps).await;
        let rig = Rig::to(origin.address);
        assert_eq!(rig.get("/").await.unwrap().headers["x-a"].len(), 60 << 10);
        assert_eq!(rig.get("/").await.unwrap().headers.len(), 100);
    });
}

fn impatient(first_byte: u64, deadline: u64, steps: &[Step]) -> (Kind, Duration) {
    run(async {
        let origin = Origin::new(&[&[Read], steps].concat()).await;
        let mut upstream = settings(vec![plain(origin.address)]);
        let first_byte = Duration::from_millis(first_byte);
        upstream.timeout = UpstreamTimeouts { first_byte, ..upstream.timeout };
        let mut rig = Rig::new(upstream);
        rig.deadline = Duration::from_millis(deadline);
        let start = clock::now();
        let error = rig.get("/").await.unwrap_err();
        (error.kind, clock::now() - start)
    })
}

#[test]
fn a_silent_upstream_runs_out_of_time() {
    let (kind, took) = impatient(60, 5000, &[Hang]);
    assert_eq!(kind, Kind::FirstByteTimeout);
    assert!(took >= Duration::from_millis(60) && took < Duration::from_secs(2), "{took:?}");
    assert_eq!(impatient(5000, 60, &[Hang]).0, Kind::TotalTimeout);
}

#[test]
fn neither_interim_answers_nor_drops_of_a_head_stretch_the_time() {
    let endless = Drip(2000, 5, "HTTP/1.1 102 Processing\r\n\r\n");
    assert_eq!(impatient(80, 5000, std::slice::from_ref(&endless)).0, Kind::FirstByteTimeout);
    assert_eq!(impatient(5000, 80, &[endless]).0, Kind::TotalTimeout);
    let slow = [send("HTTP/1.1 200 OK\r\n"), Drip(2000, 5, "X: 1\r\n")];
    assert_eq!(impatient(80, 5000, &slow).0, Kind::FirstByteTimeout);
}

#[test]
fn a_call_may_have_its_own_time_for_the_head() {
    run(async {
        let origin = Origin::new(&[Read, Hang]).await;
        let rig = Rig::to(origin.address);
        let mut options = rig.options();
        options.first_byte = Some(Duration::from_millis(40));
        let error = rig.call_with(request(Method::GET, "/"), options).await.unwrap_err();
        assert_eq!(error.kind, Kind::FirstByteTimeout);
    });
}

#[test]
fn interim_answers_are_told_in_order_and_counted() {
    let told = |head: &str| {
        run(async {
            let origin = Origin::new(&[Read, send(head)]).await;
            let rig = Rig::to(origin.address);
            let seen = Rc::new(RefCell::new(Vec::new()));
            let notes = Rc::clone(&seen);
            let mut options = rig.options();
            options.interim = Some(Rc::new(move |status, headers| {
                let link = headers.get("link").cloned();
                notes.borrow_mut().push((status.as_u16(), link));
            }));
            let answer = rig.call_with(request(Method::GET, "/"), options).await;
            let seen = seen.borrow().clone();
            (answer.map(|answer| answer.body).map_err(|error| error.kind), seen)
        })
    };
    let last = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let hints = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
                 HTTP/1.1 102 Processing\r\n\r\n";
    let (answer, seen) = told(&format!("{hints}{last}"));
    assert_eq!(answer.unwrap(), "ok");
    assert_eq!(seen, [(103, Some(HeaderValue::from_static("</a>"))), (102, None)]);
    let many = "HTTP/1.1 102 Processing\r\n\r\n".repeat(16);
    assert_eq!(told(&format!("{many}{last}")).0.unwrap(), "ok");
    let many = "HTTP/1.1 102 Processing\r\n\r\n".repeat(17);
    assert_eq!(told(&format!("{many}{last}")).0, Err(Kind::BadResponse));
    let many = "HTTP/1.1 102 Processing\r\n\r\n".repeat(200);
    assert_eq!(told(&format!("{many}{last}")).0, Err(Kind::BadResponse));
}

#[test]
fn giving_up_closes_the_connection() {
    run(async {
        let origin = Origin::new(&[Read, Drain]).await;
        let rig = Rig::to(origin.address);
        let mut call = Box::pin(rig.get("/"));
        tokio::select! {
            _ = &mut call => panic!("there is no answer"),
            () = origin.heard(1) => {}
        }
        drop(call);
        origin.ended(1).await;
    });
}

#[test]
fn the_host_is_the_clients_the_endpoints_or_a_fixed_one() {
    let host = |policy: Option<HostPolicy>| {
        run(async {
            let origin = Origin::new(&[Read, send("HTTP/1.1 204 OK\r\n\r\n"), Sleep(1)]).await;
            let mut upstream = settings(vec![plain(origin.address)]);
            if let Some(policy) = policy {
                upstream.host = policy;
            }
            Rig::new(upstream).get("/").await.unwrap();
            let head = origin.requests().remove(0);
            let host = head.split("host: ").nth(1).unwrap().split("\r\n").next().unwrap();
            (host.to_owned(), origin.address.to_string())
        })
    };
    assert_eq!(host(None).0, "client.test");
    let (own, address) = host(Some(HostPolicy::Endpoint));
    assert_eq!(own, address);
    assert_eq!(
        host(Some(HostPolicy::Fixed(HeaderValue::from_static("fixed.test")))).0,
        "fixed.test"
    );
}
