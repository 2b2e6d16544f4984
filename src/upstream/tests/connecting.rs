//! Ways not to reach an upstream, and other endpoints that save the day.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderValue, Method};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::spawn_local;

use super::super::names::{Answer, Question};
use super::super::{Kind, Names, Sent, Stage, Tally, UpstreamError};
use super::origin::Step::{Drain, Hang, Read};
use super::origin::{Origin, Step, send};
use super::rig::{Rig, plain, request, settings};
use super::run;
use crate::base::{EndpointId, clock};
use crate::config::model::{Balance, Endpoint, EndpointAddress, UpstreamProtocol};

fn ok() -> Step {
    send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
}

/// An address where nobody listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

fn unix(path: PathBuf) -> Endpoint {
    let address = EndpointAddress::Unix(path);
    let authority = HeaderValue::from_static("localhost");
    Endpoint { address, tls: false, authority, weight: 1, url: "unix:".into() }
}

fn named(name: &str, port: u16) -> Endpoint {
    let address = EndpointAddress::Name(name.into(), port);
    let authority = HeaderValue::from_str(name).unwrap();
    Endpoint { address, tls: false, authority, weight: 1, url: name.into() }
}

/// Answers every question about a name with the same addresses, or with none.
fn answer_names(mut questions: mpsc::Receiver<Question>, known: &'static [(&str, &[&str])]) {
    spawn_local(async move {
        while let Some(question) = questions.recv().await {
            let found = known.iter().find(|(name, _)| **name == *question.name);
            let answer = found.map(|(_, addresses)| Answer {
                addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
                ttl: Duration::from_secs(60),
            });
            let _ = question.reply.send(answer.ok_or_else(|| String::from("no such name")));
        }
    });
}

fn assert_unsent(error: &UpstreamError, stage: Stage, kind: Kind) {
    assert_eq!((error.stage, error.kind), (stage, kind), "{error}");
    assert_eq!((error.sent, error.retryable), (Sent::Nothing, Some(true)));
    assert!(error.detail.is_some() && error.endpoint.is_some());
}

#[test]
fn nobody_listens() {
    run(async {
        let error = Rig::to(nobody().await).post("x").await.unwrap_err();
        assert_unsent(&error, Stage::Connect, Kind::Refused);
    });
}

#[test]
fn there_is_no_way() {
    run(async {
        let error = Rig::to(([255, 255, 255, 255], 9).into()).get("/").await.unwrap_err();
        assert_unsent(&error, Stage::Connect, Kind::Unreachable);
    });
}

#[test]
fn a_unix_socket_works_and_its_absence_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("origin.sock");
    run(async {
        let rig = Rig::new(settings(vec![unix(path.clone())]));
        let error = rig.get("/").await.unwrap_err();
        assert_unsent(&error, Stage::Connect, Kind::Unreachable);
        let origin = Origin::unix(&path, &[Read, ok(), Read, ok(), Drain]);
        for _ in 0..2 {
            assert_eq!(rig.get("/").await.unwrap().body, "hello");
        }
        assert_eq!(origin.carriers(), [0, 0]);
    });
}

#[test]
fn an_unknown_name_is_an_error_of_its_endpoint() {
    run(async {
        let (names, questions) = Names::scripted();
        answer_names(questions, &[]);
        let rig = Rig::with_names(settings(vec![named("nowhere.test", 80)]), names);
        let error = rig.get("/").await.unwrap_err();
        assert_unsent(&error, Stage::Resolve, Kind::Dns);
        assert_eq!(error.detail.as_deref(), Some("no such name"));
    });
}

#[test]
fn with_no_name_known_no_endpoint_is_healthy() {
    run(async {
        let (names, questions) = Names::scripted();
        answer_names(questions, &[]);
        let endpoints = vec![named("a.test", 80), named("b.test", 80)];
        let error = Rig::with_names(settings(endpoints), names).get("/").await.unwrap_err();
        assert_unsent(&error, Stage::Resolve, Kind::NoneHealthy);
    });
}

#[test]
fn all_addresses_of_a_name_are_tried() {
    run(async {
        let origin = Origin::new(&[Read, ok()]).await;
        let (names, questions) = Names::scripted();
        // Nobody listens on the first.
        answer_names(questions, &[("api.test", &["127.0.0.77", "127.0.0.1"])]);
        let endpoint = named("api.test", origin.address.port());
        let rig = Rig::with_names(settings(vec![endpoint]), names);
        for _ in 0..4 {
            assert_eq!(rig.get("/").await.unwrap().body, "hello");
        }
        assert!(origin.requests()[0].contains("host: client.test"));
    });
}

#[test]
fn a_name_that_moves_takes_its_shared_connections_along() {
    run(async {
        // SETTINGS, then for each request an answer of nothing but `:status: 200`.
        let settings_frame = Step::Send(vec![0, 0, 0, 4, 0, 0, 0, 0, 0]);
        let answer = |stream| Step::Send(vec![0, 0, 1, 1, 5, 0, 0, 0, stream, 0x88]);
        let steps = [settings_frame, Step::Frame(1), answer(1), Step::Frame(1), answer(3), Drain];
        let old = Origin::new(&steps).await;
        let moved = SocketAddr::from(([127, 0, 0, 2], old.address.port()));
        let new = Origin::at(moved, &[&steps]).await;
        let (names, mut questions) = Names::scripted();
        let mut upstream = settings(vec![named("api.test", old.address.port())]);
        upstream.protocol = UpstreamProtocol::H2c;
        let rig = Rig::with_names(upstream, names);
        spawn_local(async move {
            for address in ["127.0.0.1", "127.0.0.2"] {
                let question = questions.recv().await.unwrap();
                let (addresses, ttl) = (vec![address.parse().unwrap()], Duration::from_secs(1));
                question.reply.send(Ok(Answer { addresses, ttl })).unwrap();
            }
            std::future::pending::<()>().await
        });
        rig.get("/").await.unwrap();
        rig.upstreams.sweep();
        rig.get("/").await.unwrap();
        assert_eq!((old.connections(), new.connections()), (1, 0));
        // The sweep asks again, and a later one acts on the answer.
        let later = clock::now() + Duration::from_secs(2);
        while rig.gauge() != (0, 0) {
            rig.upstreams.sweep_at(later);
            tokio::task::yield_now().await;
        }
        rig.get("/").await.unwrap();
        assert_eq!((old.connections(), new.connections()), (1, 1));
        old.ended(1).await;
    });
}

#[test]
fn a_name_that_takes_too_long_is_a_connect_timeout() {
    run(async {
        let (names, _questions) = Names::scripted();
        let mut upstream = settings(vec![named("slow.test", 80)]);
        upstream.timeout.connect = Duration::from_millis(40);
        let error = Rig::with_names(upstream, names).get("/").await.unwrap_err();
        assert_unsent(&error, Stage::Connect, Kind::ConnectTimeout);
    });
}

#[test]
fn a_handshake_that_takes_too_long_is_a_connect_timeout_or_the_end_of_all_time() {
    run(async {
        let origin = Origin::new(&[Hang]).await;
        let mut upstream = settings(vec![plain(origin.address)]);
        upstream.protocol = UpstreamProtocol::H2c;
        upstream.timeout.connect = Duration::from_millis(40);
        let mut rig = Rig::new(upstream);
        let error = rig.get("/").await.unwrap_err();
        assert_unsent(&error, Stage::Connect, Kind::ConnectTimeout);
        rig.deadline = Duration::from_millis(10);
        let error = rig.get("/").await.unwrap_err();
        assert_unsent(&error, Stage::Connect, Kind::TotalTimeout);
    });
}

#[test]
fn another_endpoint_takes_over_where_one_refuses() {
    for balance in [Balance::RoundRobin, Balance::P2c] {
        run(async {
            let origin = Origin::new(&[Read, ok(), Read, ok(), Read, ok(), Drain]).await;
            let endpoints = vec![plain(nobody().await), plain(origin.address)];
            let mut upstream = settings(endpoints);
            upstream.balance = balance;
            let rig = Rig::new(upstream);
            for _ in 0..3 {
                let mut tally = Tally::default();
                let request = request(Method::POST, "/");
                let call = rig.send_with(request, rig.options(), &mut tally);
                assert_eq!(call.await.unwrap().status(), 200);
                assert_eq!(tally.endpoint, Some(EndpointId(1)));
                assert!((1..=2).contains(&tally.attempts));
            }
            assert!(origin.requests().len() == 3);
        });
    }
}

#[test]
fn three_endpoints_are_enough_to_try() {
    run(async {
        let mut endpoints = Vec::new();
        for _ in 0..5 {
            endpoints.push(plain(nobody().await));
        }
        let rig = Rig::new(settings(endpoints));
        let mut tally = Tally::default();
        let request = request(Method::GET, "/");
        let call = rig.send_with(request, rig.options(), &mut tally);
        let error = call.await.unwrap_err();
        assert_unsent(&error, Stage::Connect, Kind::Refused);
        assert_eq!(tally.attempts, 3);
    });
}

#[test]
fn nothing_that_was_sent_goes_to_another_endpoint() {
    run(async {
        let dead = Origin::new(&[Read]).await;
        let alive = Origin::new(&[Read, ok(), Drain]).await;
        let rig = Rig::new(settings(vec![plain(dead.address), plain(alive.address)]));
        let error = rig.get("/").await.unwrap_err();
        assert_eq!((error.kind, error.endpoint), (Kind::Reset, Some(EndpointId(0))));
        assert!(alive.requests().is_empty());
    });
}

#[test]
fn round_robin_goes_round() {
    run(async {
        let one = Origin::new(&[Read, ok(), Read, ok(), Drain]).await;
        let two = Origin::new(&[Read, ok(), Read, ok(), Drain]).await;
        let rig = Rig::new(settings(vec![plain(one.address), plain(two.address)]));
        for _ in 0..4 {
            rig.get("/").await.unwrap();
        }
        assert_eq!((one.requests().len(), two.requests().len()), (2, 2));
        assert_eq!((one.connections(), two.connections()), (1, 1));
    });
}
