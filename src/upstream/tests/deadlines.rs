//! What an upstream is told of the time that is left.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method};

use super::super::call::Call;
use super::super::health::Board;
use super::super::{CallOptions, Kind, Names, Tally, Upstream};
use super::origin::Step::{Drain, Hang, Read, Rst, Sleep};
use super::origin::{Origin, send};
use super::rig::{Rig, plain, request, settings};
use super::{run, run_paused};
use crate::base::{Body, EndpointId, clock, grpc};
use crate::config::defaults;
use crate::config::model::{Eject, EndpointAddress, Retry};

fn told(request: &str, name: &str) -> Option<String> {
    let line = request.lines().find(|line| line.starts_with(&format!("{name}: ")))?;
    line.split_once(": ").map(|(_, value)| value.to_owned())
}

#[test]
fn each_attempt_is_told_what_is_left_of_the_clients_time() {
    run(async {
        let slow = Origin::new(&[Read, Sleep(30), Rst]).await;
        let good = send("HTTP/1.1 204 No\r\n\r\n");
        let good = Origin::new(&[Read, good, Drain]).await;
        let mut upstream = settings(vec![plain(slow.address), plain(good.address)]);
        upstream.retry = Some(Retry { attempts: 2, on: defaults::retry_on(), budget: 20 });
        upstream.deadline = Some(HeaderName::from_static("x-request-timeout"));
        let rig = Rig::new(upstream);
        let mut request = request(Method::GET, "/");
        request.headers_mut().insert("grpc-timeout", "5S".parse().unwrap());
        request.headers_mut().insert("x-request-timeout", "999999".parse().unwrap());
        let end = clock::now() + Duration::from_secs(5);
        let options = CallOptions { deadline: end, client_deadline: Some(end), ..rig.options() };
        assert_eq!(rig.call_with(request, options).await.unwrap().status, 204);
        let left = |origin: &Origin| {
            let request = &origin.requests()[0];
            let millis: u64 = told(request, "x-request-timeout").unwrap().parse().unwrap();
            let grpc = grpc::parse_timeout(told(request, "grpc-timeout").unwrap().as_bytes());
            (grpc.unwrap(), Duration::from_millis(millis))
        };
        let ((first, in_millis), (second, _)) = (left(&slow), left(&good));
        assert!(first <= Duration::from_secs(5) && second + Duration::from_millis(30) <= first);
        assert!(in_millis <= first && in_millis + Duration::from_millis(2) > first, "one time");
    });
}

#[test]
fn what_is_told_is_what_is_left_and_never_more() {
    run_paused(async {
        let mut model = settings(vec![plain(([127, 0, 0, 1], 1).into())]);
        model.deadline = Some(HeaderName::from_static("x-request-timeout"));
        let (names, board) = (Names::scripted().0, Arc::new(Board::new(&model, 1)));
        let rig = Rig::to(([127, 0, 0, 1], 1).into());
        let upstream = Upstream::new(&model, None, &names, &board, 0).unwrap();
        let (mut head, _) = request(Method::GET, "/").into_parts();
        let (now, second) = (clock::now(), Duration::from_secs(1));
        let options = CallOptions {
            deadline: now + 3 * second,
            client_deadline: Some(now + 2 * second),
            ..rig.options()
        };
        let mut tally = Tally::default();
        let mut call = Call::new(&upstream, &mut head, Body::Empty, &options, &mut tally);
        for (passes, ours, clients) in
            [(0, 3000, 2000), (30, 2970, 1970), (1969, 1001, 1), (1, 1000, 0), (60_000, 0, 0)]
        {
            tokio::time::advance(Duration::from_millis(passes)).await;
            assert_eq!(call.tell_deadline().is_ok(), clients > 0, "what is over is not sent");
            let told = |name: &str| call.head.headers.get(name).unwrap().to_str().unwrap();
            assert_eq!(told("x-request-timeout"), format!("{ours}"));
            let left = grpc::parse_timeout(told("grpc-timeout").as_bytes());
            assert_eq!(left, Some(Duration::from_millis(clients)));
        }
    });
}

#[test]
fn a_call_ends_with_its_deadline() {
    run_paused(async {
        // It takes connections, and nobody there ever looks at them.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deaf.sock");
        let _deaf = tokio::net::UnixListener::bind(&path).unwrap();
        let mut endpoint = plain(([127, 0, 0, 1], 1).into());
        endpoint.address = EndpointAddress::Unix(path);
        let rig = Rig::new(settings(vec![endpoint]));
        let start = clock::now();
        let end = start + Duration::from_millis(300);
        let options = CallOptions { deadline: end, client_deadline: Some(end), ..rig.options() };
        let error = rig.call_with(request(Method::GET, "/"), options).await.unwrap_err();
        assert_eq!(error.kind, Kind::TotalTimeout);
        assert_eq!(clock::now(), end);
    });
}

#[test]
fn who_says_nothing_gets_nothing() {
    run(async {
        let origin = Origin::new(&[Read, send("HTTP/1.1 204 No\r\n\r\n"), Drain]).await;
        Rig::to(origin.address).get("/").await.unwrap();
        assert_eq!(told(&origin.requests()[0], "grpc-timeout"), None);
        assert_eq!(told(&origin.requests()[0], "x-request-timeout"), None);
    });
}

#[test]
fn a_client_in_a_hurry_takes_no_endpoint_out() {
    run(async {
        for hurried in [true, false] {
            let origin = Origin::new(&[Read, Hang]).await;
            let mut upstream = settings(vec![plain(origin.address), plain(origin.address)]);
            let over = Duration::from_secs(10);
            upstream.eject = Some(Eject { failures: 1, over, term: over });
            let [rig, _] = Rig::pair(upstream);
            let end = clock::now() + Duration::from_millis(40);
            let client_deadline = hurried.then_some(end);
            let options = CallOptions { deadline: end, client_deadline, ..rig.options() };
            let error = rig.call_with(request(Method::GET, "/"), options).await.unwrap_err();
            assert_eq!(error.kind, Kind::TotalTimeout);
            assert_eq!(rig.board_says_up(EndpointId(0)), hurried);
        }
    });
}
