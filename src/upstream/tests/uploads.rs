//! Requests with bodies: streamed, broken, stuck, and answered early.

use std::time::Duration;

use http::Method;
use tokio::io::AsyncWriteExt;

use super::super::{Kind, Sent};
use super::origin::Origin;
use super::origin::Step::{Drain, Hang, Read, ReadHead, Rst, Sleep};
use super::origin::send;
use super::rig::{Rig, plain, settings, upload};
use super::run;
use crate::base::BodyFault;
use crate::config::model::UpstreamTimeouts;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const EARLY: &str =
    "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig";

#[test]
fn a_body_of_known_length_goes_up_with_it() {
    run(async {
        let origin = Origin::new(&[Read, send(OK), Drain]).await;
        let (request, meter, mut client) = upload(Some(5)).await;
        let rig = Rig::to(origin.address);
        let (answer, sent) = tokio::join!(rig.call(request), client.write_all(b"12345"));
        assert!(sent.is_ok() && meter.complete.get() | (meter.bytes.get() == 5));
        assert_eq!(answer.unwrap().body, "hello");
        assert!(origin.requests()[0].ends_with("content-length: 5\r\n\r\n12345"));
        assert_eq!(rig.gauge(), (1, 0), "a connection with a whole upload is kept");
    });
}

#[test]
fn a_body_of_unknown_length_goes_up_in_chunks_whatever_the_method() {
    for method in [Method::POST, Method::GET] {
        run(async {
            let origin = Origin::new(&[Read, send(OK), Drain]).await;
            let (mut request, _meter, mut client) = upload(None).await;
            *request.method_mut() = method.clone();
            let rig = Rig::to(origin.address);
            let (answer, sent) =
                tokio::join!(rig.call(request), client.write_all(b"3\r\nabc\r\n0\r\n\r\n"));
            sent.unwrap();
            assert_eq!(answer.unwrap().body, "hello");
            assert!(origin.requests()[0].ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
            assert_eq!(rig.gauge(), (1, 0));
        });
    }
}

#[test]
fn an_early_answer_arrives_and_ends_the_upload() {
    for end in [&[Sleep(30)][..], &[Sleep(10), Rst], &[Drain]] {
        run(async {
            let script = [&[ReadHead, send(EARLY)], end].concat();
            let origin = Origin::new(&script).await;
            let (request, _meter, mut client) = upload(Some(8 << 20)).await;
            let flood = tokio::task::spawn_local(async move {
                let _ = client.write_all(&vec![b'x'; 8 << 20]).await;
            });
            let rig = Rig::to(origin.address);
            let answer = rig.call(request).await.unwrap();
            assert_eq!((answer.status, answer.body.as_str(), answer.end), (413, "big", Ok(())));
            assert_eq!(rig.gauge(), (0, 0));
            flood.abort();
        });
    }
}

#[test]
fn an_answer_that_waits_in_a_dead_connection_is_found() {
    run(async {
        // The answer and the reset arrive before the body is written.
        let origin = Origin::new(&[ReadHead, send(EARLY), Rst]).await;
        let (request, _meter, mut client) = upload(Some(1 << 20)).await;
        let rig = Rig::to(origin.address);
        let call = async {
            let late = async {
                origin.heard(1).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
                let _ = client.write_all(&vec![b'x'; 1 << 20]).await;
                std::future::pending().await
            };
            tokio::select! {
                answer = rig.call(request) => answer,
                () = late => unreachable!(),
            }
        };
        let answer = call.await;
        match answer {
            Ok(answer) => assert_eq!(answer.status, 413),
            Err(error) => assert_eq!(error.kind, Kind::Reset),
        }
    });
}

#[test]
fn a_client_that_leaves_is_not_the_upstreams_fault() {
    run(async {
        let origin = Origin::new(&[ReadHead, Drain]).await;
        let (request, meter, mut client) = upload(Some(100)).await;
        client.write_all(b"half").await.unwrap();
        let rig = Rig::to(origin.address);
        let leave = async {
            origin.heard(1).await;
            drop(client);
        };
        let (answer, ()) = tokio::join!(rig.call(request), leave);
        let error = answer.unwrap_err();
        assert_eq!((error.kind, error.retryable), (Kind::Upload(BodyFault::Left), None));
        assert_eq!(meter.fault.get(), Some(BodyFault::Left));
        origin.ended(1).await;
    });
}

#[test]
fn a_reset_in_the_middle_of_an_upload_is_told() {
    run(async {
        let origin = Origin::new(&[ReadHead, Sleep(10), Rst]).await;
        let (request, _meter, mut client) = upload(Some(8 << 20)).await;
        let flood = tokio::task::spawn_local(async move {
            let _ = client.write_all(&vec![b'x'; 8 << 20]).await;
        });
        let error = Rig::to(origin.address).call(request).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (Kind::Reset, Sent::Part));
        assert_eq!(error.retryable, Some(false));
        flood.abort();
    });
}

fn short(first_byte: u64, idle: u64) -> impl Fn(std::net::SocketAddr) -> Rig {
    move |address| {
        let mut upstream = settings(vec![plain(address)]);
        let (first_byte, idle) = (Duration::from_millis(first_byte), Duration::from_millis(idle));
        upstream.timeout = UpstreamTimeouts { first_byte, idle, ..upstream.timeout };
        Rig::new(upstream)
    }
}

#[test]
fn an_upload_that_moves_is_not_held_against_the_head() {
    run(async {
        let origin = Origin::new(&[Read, send(OK), Drain]).await;
        let (request, _meter, mut client) = upload(Some(10)).await;
        let drip = async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(30)).await;
                client.write_all(b"x").await.unwrap();
            }
        };
        let rig = short(100, 100)(origin.address);
        let (answer, ()) = tokio::join!(rig.call(request), drip);
        assert_eq!(answer.unwrap().body, "hello");
    });
}

#[test]
fn the_time_for_the_head_begins_when_the_upload_ends() {
    run(async {
        let origin = Origin::new(&[Read, Hang]).await;
        let (request, _meter, mut client) = upload(Some(3)).await;
        client.write_all(b"abc").await.unwrap();
        let error = short(60, 5000)(origin.address).call(request).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (Kind::FirstByteTimeout, Sent::All));
    });
}

#[test]
fn an_upstream_that_does_not_take_a_body_is_given_up() {
    run(async {
        let origin = Origin::new(&[ReadHead, Hang]).await;
        let (request, meter, mut client) = upload(Some(60 << 20)).await;
        let flood = tokio::task::spawn_local(async move {
            let _ = client.write_all(&vec![b'x'; 60 << 20]).await;
        });
        let error = short(50, 100)(origin.address).call(request).await.unwrap_err();
        assert_eq!((error.kind, error.sent), (Kind::IdleTimeout, Sent::Part));
        assert!(meter.bytes.get() < 20 << 20, "backpressure: {} bytes", meter.bytes.get());
        flood.abort();
    });
}
