//! What is particular to HTTP/2 clients: many streams, streams that are given up, one connection
//! that outlives its errors.

use crate::rig::client::Ending;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::h2::{Frames, H2Client, request};
use crate::rig::origin::{Origin, Step};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn many_streams_are_served_side_by_side() {
    let origin = Origin::echoing();
    let gateway = Gateway::before(&origin.url());
    let client = H2Client::tls(gateway.tls());

    let bodies: Vec<String> = (0..80).map(|number| format!("body {number}")).collect();
    let requests = bodies.iter().map(|body| (request("POST", "/a"), Frames::data(body.clone())));
    let replies = client.ask_all(requests.collect());

    for (reply, body) in replies.into_iter().map(Option::unwrap).zip(bodies) {
        assert_eq!((reply.status(), reply.text(), reply.ending), (200, body, Ending::Complete));
    }
}

#[test]
fn a_stream_that_is_given_up_is_given_up_upstream() {
    let origin = Origin::scripted([Step::Read, Step::Drain]);
    let gateway = Gateway::before(&origin.url());
    let client = H2Client::tls(gateway.tls());

    client.ask_and_leave(request("GET", "/left"));

    origin.wait_for_closed(1);
    let line = gateway.log_line_where(|line| line["path"] == "/left");
    assert_eq!((&line["origin"], &line["outcome"]), (&"client".into(), &"aborted".into()));
}

#[test]
fn an_error_does_not_end_the_connection() {
    let origin = Origin::answering(OK);
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route("name = \"a\"\nmatch = \"GET /a\"\nupstream = \"origin\"")
        .start();
    let client = H2Client::tls(gateway.tls());

    client.get("/nowhere").is_problem(404, "InvalidResource");
    client.ask(request("PUT", "/a"), Frames::default()).is_problem(405, "MethodNotAllowed");

    assert_eq!(client.get("/a").status(), 200);
}

#[test]
fn cookies_in_crumbs_reach_an_http1_origin_in_one_line() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let asked = request("GET", "/a").header("cookie", "a=1").header("cookie", "b=2");

    H2Client::tls(gateway.tls()).ask(asked, Frames::default());

    assert_eq!(origin.last().head.all("cookie").collect::<Vec<_>>(), ["a=1; b=2"]);
}

#[test]
fn host_and_authority_that_disagree_are_refused() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let asked = request("GET", "/a").header("host", "other.test");

    let reply = H2Client::tls(gateway.tls()).ask(asked, Frames::default());

    reply.is_problem(400, "BadRequest");
    assert!(origin.saw_nothing());
}
