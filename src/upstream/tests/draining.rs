//! Endpoints that are drained by hand: nothing new comes, what is under way ends.

use http::Method;
use http_body_util::BodyExt as _;

use super::super::{Duty, Kind};
use super::origin::Step::{Drip, Read};
use super::origin::{Origin, send};
use super::rig::{Rig, plain, request, settings};
use super::run;
use crate::base::{EndpointId, UpstreamId};
use crate::observe::{EndpointState, UpstreamStates as _};

const KEPT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";

fn order(rig: &Rig, origin: &Origin, duty: Duty) {
    assert!(rig.boards.order("origin", &origin.address.to_string(), duty));
}

#[test]
fn what_is_under_way_ends_and_nothing_new_comes_on_any_worker() {
    run(async {
        let slow = [Read, send("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"), Drip(20, 2, "ab")];
        let leaving = Origin::new(&slow).await;
        let staying =
            Origin::new(&[Read, send(KEPT), send("s"), Read, send(KEPT), send("s")]).await;
        let [first, second] =
            Rig::pair(settings(vec![plain(leaving.address), plain(staying.address)]));
        let under_way = first.send(request(Method::GET, "/")).await.unwrap();
        first.upstreams.sweep();
        let busy = |place| first.boards.under_way(UpstreamId(0), EndpointId(place));
        assert_eq!((leaving.requests().len(), busy(0), busy(1)), (1, 1, 0));

        order(&first, &leaving, Duty::Drain);
        let state = first.boards.endpoint(UpstreamId(0), EndpointId(0));
        assert_eq!(state, EndpointState::Drained);
        for rig in [&first, &second, &first, &second] {
            assert_eq!(rig.get("/").await.unwrap().body, "s");
        }
        assert_eq!(under_way.into_body().collect().await.unwrap().to_bytes().len(), 40);
        first.upstreams.sweep();
        assert_eq!((leaving.requests().len(), busy(0)), (1, 0));

        order(&first, &leaving, Duty::Serve);
        for _ in 0..2 {
            second.get("/").await.unwrap();
        }
        assert_eq!(leaving.requests().len(), 2, "by turns again");
    });
}

#[test]
fn the_kept_connections_of_a_drained_endpoint_are_closed() {
    run(async {
        let answer = send("HTTP/1.1 204 No\r\n\r\n");
        let origin = Origin::new(&[Read, answer.clone(), Read, answer]).await;
        let rig = Rig::to(origin.address);
        rig.get("/").await.unwrap();
        rig.upstreams.sweep();
        assert_eq!(rig.gauge(), (1, 0));
        order(&rig, &origin, Duty::Drain);
        rig.upstreams.sweep();
        assert_eq!(rig.gauge(), (0, 0));
        origin.ended(1).await;
    });
}

#[test]
fn with_all_of_them_drained_the_order_is_the_cause() {
    run(async {
        let origin =
            Origin::new(&[Read, send("HTTP/1.1 204 No\r\nConnection: close\r\n\r\n")]).await;
        let rig = Rig::to(origin.address);
        order(&rig, &origin, Duty::Drain);
        let error = rig.post("nothing is sent").await.unwrap_err();
        assert_eq!((error.kind, error.retryable), (Kind::AllDrained, Some(true)));
        assert_eq!(origin.connections(), 0);
        order(&rig, &origin, Duty::Serve);
        assert_eq!(rig.get("/").await.unwrap().status, 204);
    });
}

#[test]
fn a_drained_endpoint_is_no_refuge_from_those_that_are_down() {
    run(async {
        let origin = Origin::new(&[Read, send(KEPT), send("x")]).await;
        let down = plain(([127, 0, 0, 1], 1).into());
        let rig = Rig::new(settings(vec![plain(origin.address), down]));
        order(&rig, &origin, Duty::Drain);
        let board = rig.boards.iter().next().unwrap();
        board.judge(1, false, crate::base::clock::now());
        assert_eq!(rig.get("/").await.unwrap_err().kind, Kind::NoneHealthy);
        assert_eq!(origin.connections(), 0);
    });
}
