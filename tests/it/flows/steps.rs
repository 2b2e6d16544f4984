//! What a step does: its call, its deadline, its place in a group, and what its failure says.

use serde_json::{Value, json};

use super::{always, model, upstream};
use crate::rig::client;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, answer, nobody};

/// Three lines are a flow.
fn one_step(url: &str, step: &str, route: &str) -> Gateway {
    Setup::new()
        .with(&upstream("app", url))
        .with(&format!("[flow.one]\n{step}"))
        .route(&format!("{route}\nflow = \"one\""))
        .start()
}

#[test]
fn a_flow_of_one_step_answers_its_reply_as_it_is() {
    let origin = always(answer(203, "image/png", "\u{1}\u{2}"));
    let step = "[[flow.one.step]]\ncall = \"GET app:/logo\"";
    let gateway = one_step(&origin.url(), step, "match = \"/logo\"");
    let reply = client::get(gateway.plain(), "/logo");
    assert_eq!((reply.status(), &*reply.body), (203, &b"\x01\x02"[..]));
    assert_eq!(reply.header("content-type"), Some("image/png"));
    let head = client::Client::plain(gateway.plain())
        .send("HEAD /logo HTTP/1.1\r\nHost: gw.test\r\n\r\n")
        .reply_to_head();
    assert_eq!((head.status(), head.header("content-length")), (203, Some("2")));
}

#[test]
fn values_never_change_the_shape_of_a_url() {
    let origin = always(answer(200, "application/json", "{}"));
    let step = "input = { name = { type = \"string\", min_length = 0 } }\n\
                [[flow.one.step]]\ncall = \"GET app:/a/${input.name}/b?q=${input.name}\"";
    let gateway = one_step(&origin.url(), step, "match = \"/x\"");
    for (sent, seen) in [
        ("a%2Fb", "GET /a/a%2Fb/b?q=a%2Fb HTTP/1.1"),
        ("a%26c%3Dd", "GET /a/a%26c%3Dd/b?q=a%26c%3Dd HTTP/1.1"),
        ("%3F%23%25", "GET /a/%3F%23%25/b?q=%3F%23%25 HTTP/1.1"),
        ("a%20%0D%0Ax%3A1", "GET /a/a%20%0D%0Ax%3A1/b?q=a%20%0D%0Ax%3A1 HTTP/1.1"),
        ("%C3%A9", "GET /a/%C3%A9/b?q=%C3%A9 HTTP/1.1"),
        ("...", "GET /a/.../b?q=... HTTP/1.1"),
    ] {
        let reply = client::get(gateway.plain(), &format!("/x?name={sent}"));
        assert_eq!(reply.status(), 200, "{sent}: {}", reply.text());
        assert_eq!(origin.last().head.line, seen);
    }
    let before = origin.requests().len();
    for sent in ["", ".", ".."] {
        let reply = client::get(gateway.plain(), &format!("/x?name={sent}"));
        let body = reply.is_problem(400, "InvalidParameter");
        assert_eq!(body["parameters"][0]["name"], "name", "{body}");
    }
    assert_eq!(origin.requests().len(), before);
}

#[test]
fn a_value_never_ends_a_header() {
    let origin = always(answer(200, "application/json", "{}"));
    let step = "input = { tenant = \"string\" }\n\
                [[flow.one.step]]\ncall = \"GET app:/a\"\nheaders = { x-tenant = \"t ${input.tenant}\" }";
    let gateway = one_step(&origin.url(), step, "match = \"/x\"");
    client::get(gateway.plain(), "/x?tenant=caf%C3%A9");
    assert_eq!(origin.last().header("x-tenant"), Some("t caf\u{c3}\u{a9}"));
    let before = origin.requests().len();
    for sent in ["a%0D%0Ab", "a%0Ab", "a%00b"] {
        let reply = client::get(gateway.plain(), &format!("/x?tenant={sent}"));
        reply.is_problem(400, "InvalidParameter");
    }
    assert_eq!(origin.requests().len(), before);
}

#[test]
fn a_member_that_is_missing_names_step_and_expression() {
    let origin = always(answer(200, "application/json", r#"{"a":{"b":1}}"#));
    let step = "[[flow.one.step]]\nname = \"lookup\"\ncall = \"GET app:/a\"\n\
                [[flow.one.step]]\nname = \"more\"\ncall = \"GET app:/${lookup.body.a.c}\"";
    let gateway = one_step(&origin.url(), step, "match = \"/x\"");
    let reply = client::get(gateway.plain(), "/x");
    let body = reply.is_problem(500, "ServerError");
    assert_eq!(body["step"], "more");
    let line = gateway.log_line(&reply.request_id());
    assert_eq!(line["cause"], "flow_value");
    let detail = line["detail"].as_str().unwrap();
    assert_eq!(detail, "one.more: ${lookup.body.a.c}: `lookup.body.a` has no member `c`");
}

#[test]
fn a_group_takes_as_long_as_its_slowest_step() {
    // Nobody answers before all ten have asked: one after the other they never would.
    let body = answer(200, "application/json", "{\"n\":1}");
    let origin = Origin::scripted([Step::Read, Step::Stall, body, Step::Close]);
    let mut steps = String::new();
    for at in 0..10 {
        steps.push_str(&format!(
            "[[flow.one.step]]\nname = \"s{at}\"\ngroup = \"all\"\ncall = \"GET app:/{at}\"\n"
        ));
    }
    let sum: Vec<String> = (0..10).map(|at| format!("s{at}.body.n")).collect();
    steps.push_str(&format!(
        "[[flow.one.result]]\nname = \"done\"\ndata = {{ sum = \"${{{}}}\" }}",
        sum.join(" + ")
    ));
    let gateway = one_step(&origin.url(), &steps, "match = \"/x\"");
    let mut client = client::Client::plain(gateway.plain());
    client.send("GET /x HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    origin.wait_for_requests(10);
    origin.release();
    assert_eq!(client.reply().json(), json!({ "sum": 10 }));
}

#[test]
fn a_member_of_a_group_that_fails_gives_up_the_others() {
    let origin = Origin::by_path([
        ("/slow", vec![Step::Drain]),
        ("/bad", vec![answer(409, "text/plain", "no"), Step::Close]),
    ]);
    let steps = "[[flow.one.step]]\nname = \"slow\"\ngroup = \"all\"\ncall = \"GET app:/slow\"\n\
                 [[flow.one.step]]\nname = \"bad\"\ngroup = \"all\"\ncall = \"GET app:/bad\"";
    let gateway = one_step(&origin.url(), steps, "match = \"/x\"");
    let reply = client::get(gateway.plain(), "/x");
    assert_eq!(reply.is_problem(409, "Conflict")["step"], "bad");
    origin.wait_for_closed(2);
}

#[test]
fn a_client_that_leaves_takes_its_calls_with_it() {
    let origin = Origin::scripted([Step::Read, Step::Drain]);
    let step = "[[flow.one.step]]\ncall = \"GET app:/slow\"";
    let gateway = one_step(&origin.url(), step, "match = \"/x\"");
    let mut client = client::Client::plain(gateway.plain());
    client.send("GET /x HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    origin.wait_for_requests(1);
    client.leave();
    origin.wait_for_closed(1);
    let line = gateway.log_line_where(|line| line["path"] == "/x");
    assert_eq!(line["outcome"], "aborted", "{line}");
    let runs = "guichet_flow_runs_total{flow=\"one\",result=\"given-up\"}";
    assert_eq!(gateway.metric(runs), Some(1.0));
}

#[test]
fn one_deadline_holds_for_the_whole_flow() {
    let origin = Origin::by_path([
        ("/fast", vec![answer(200, "application/json", "{}"), Step::Again]),
        ("/slow", vec![Step::Drain]),
    ]);
    let steps = "timeout = \"300ms\"\n[[flow.one.step]]\ncall = \"GET app:/fast\"\n\
                 [[flow.one.step]]\nname = \"slow\"\ncall = \"GET app:/slow\"";
    let gateway = one_step(&origin.url(), steps, "match = \"/x\"");
    let body = client::get(gateway.plain(), "/x").is_problem(504, "GatewayTimeout");
    assert_eq!(body["step"], "slow");
}

#[test]
fn retries_of_the_upstream_hold_for_steps() {
    let origin = Origin::scripted([
        Step::Read,
        answer(503, "text/plain", "no"),
        Step::Read,
        answer(200, "application/json", "{}"),
        Step::Again,
    ]);
    let app = format!(
        "{}retry = {{ attempts = 2, on = [\"503\"], budget = \"100%\" }}\n",
        upstream("app", &origin.url())
    );
    let gateway = Setup::new()
        .with(&app)
        .with("[flow.one]\n[[flow.one.step]]\ncall = \"GET app:/a\"")
        .route("match = \"/x\"\nflow = \"one\"")
        .start();
    assert_eq!(client::get(gateway.plain(), "/x").status(), 200);
    assert_eq!(origin.requests().len(), 2);
}

#[test]
fn a_reply_beyond_the_limit_is_not_read() {
    let long = "x".repeat(3000);
    let origin = always(answer(200, "text/plain", &long));
    let step = "limit = \"2KiB\"\n[[flow.one.step]]\ncall = \"GET app:/a\"";
    let gateway = one_step(&origin.url(), step, "match = \"/x\"");
    let reply = client::get(gateway.plain(), "/x");
    reply.is_problem(502, "BadGateway");
    assert_eq!(gateway.log_line(&reply.request_id())["cause"], "reply_limit");
}

#[test]
fn a_flow_that_no_route_names_cannot_be_called() {
    let origin = always(answer(200, "application/json", "{}"));
    let gateway = model(&origin.url(), &origin.url());
    client::get(gateway.plain(), "/register").is_problem(404, "InvalidResource");
}

#[test]
fn the_admin_listener_tells_of_flows() {
    let gateway = model(&nobody(), &nobody());
    let request = "GET /v1/flows HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let told = client::ask(gateway.admin(), request).json();
    assert_eq!(told[0]["name"], "create_person", "{told}");
    assert_eq!(told[0]["steps"][1], json!({ "name": "register", "call": "flow:register" }));
    assert_eq!((&told[0]["ways"], &told[0]["ways_without_result"]), (&json!(3), &json!(0)));
}

#[test]
fn what_is_skipped_is_not_called() {
    let origin = always(answer(200, "application/json", r#"{"n":2}"#));
    let steps = "input = { more = \"boolean\" }\n\
                 [[flow.one.step]]\nname = \"first\"\ncall = \"GET app:/first\"\n\
                 [[flow.one.step]]\nname = \"extra\"\nwhen = \"input.more\"\ncall = \"GET app:/extra\"\n\
                 [[flow.one.result]]\nname = \"done\"\n\
                 data = { first = \"${first.body.n}\", extra = \"${extra.ok ? extra.body.n : 0}\" }";
    let gateway = one_step(&origin.url(), steps, "match = \"/x/{more}\"");
    let reply = client::get(gateway.plain(), "/x/true");
    assert_eq!(reply.json(), json!({ "first": 2, "extra": 2 }));
    let reply = client::get(gateway.plain(), "/x/false");
    assert_eq!(reply.json(), json!({ "first": 2, "extra": 0 }));
    assert_eq!(origin.requests().len(), 3);
}

#[test]
fn errors_of_a_graphql_mutation_that_are_data_are_a_failure() {
    let steps = "input = { item = \"string\" }\n\
        [[flow.one.step]]\nname = \"place\"\ncall = \"POST app:/graphql\"\non_error = \"refused\"\n\
        graphql = { query = \"mutation($i: ID!) { order(item: $i) { id errors { message } } }\", \
        variables = { i = \"${input.item}\" } }\n\
        [[flow.one.result]]\nname = \"placed\"\nstatus = 201\n\
        data = { id = \"${place.body.data.order.id}\", warned = \"${place.warnings}\" }\n\
        [[flow.one.result]]\nname = \"refused\"\nerror = \"${place.error}\"\n";
    let json = "application/json";
    let placed = always(answer(200, json, r#"{"data":{"order":{"id":7,"warnings":["late"]}}}"#));
    let gateway = one_step(&placed.url(), steps, "match = \"POST /orders/{item}\"");
    let order = |gateway: &Gateway, accept: &str| {
        let request = format!(
            "POST /orders/a HTTP/1.1\r\nHost: gw.test\r\n{accept}Content-Length: 0\r\n\r\n"
        );
        client::ask(gateway.plain(), &request)
    };
    let reply = order(&gateway, "");
    assert_eq!((reply.status(), reply.json()), (201, json!({ "id": 7, "warned": ["late"] })));
    let sent: Value = serde_json::from_slice(&placed.last().body).unwrap();
    assert_eq!(sent["variables"], json!({ "i": "a" }));
    assert!(sent["query"].as_str().unwrap().starts_with("mutation($i: ID!)"));

    let body = r#"{"data":{"order":{"id":null,"errors":[{"message":"None left."}]}}}"#;
    let refusing = always(answer(200, json, body));
    let gateway = one_step(&refusing.url(), steps, "match = \"POST /orders/{item}\"");
    let body = order(&gateway, "").is_problem(422, "UnprocessableContent");
    assert_eq!((&body["message"], &body["step"]), (&json!("None left."), &json!("place")));
    let formal = order(&gateway, "Accept: application/problem+json\r\n").json();
    assert_eq!((&formal["detail"], &formal["status"]), (&json!("None left."), &json!(422)));

    let body = r#"{"data":null,"errors":[{"message":"secret","extensions":{"code":"FORBIDDEN"}}]}"#;
    let failing = always(answer(200, json, body));
    let gateway = one_step(&failing.url(), steps, "match = \"POST /orders/{item}\"");
    order(&gateway, "").is_problem(403, "Forbidden");
}

#[test]
fn what_an_upstream_says_beside_its_error_stays_inside() {
    let head = "HTTP/1.1 401 No\r\nSet-Cookie: secret=1\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
                X-Secret: 1\r\nContent-Length: 0\r\n\r\n";
    let origin = Origin::answering(head);
    let step = "[[flow.one.step]]\ncall = \"GET app:/a\"";
    let gateway = one_step(&origin.url(), step, "match = \"/x\"");
    let reply = client::get(gateway.plain(), "/x");
    reply.is_problem(401, "Unauthorized");
    assert!(reply.header("set-cookie").is_none() && reply.header("x-secret").is_none());
    assert!(reply.header("www-authenticate").is_some());
    let good = "HTTP/1.1 200 OK\r\nSet-Cookie: secret=1\r\nServer: secret\r\nETag: \"a\"\r\n\
                Content-Length: 2\r\n\r\nok";
    let origin = Origin::answering(good);
    let gateway = one_step(&origin.url(), step, "match = \"/x\"");
    let reply = client::get(gateway.plain(), "/x");
    assert_eq!((reply.status(), reply.header("etag")), (200, Some("\"a\"")));
    assert!(reply.header("set-cookie").is_none() && reply.header("server").is_none());
}

#[test]
fn a_failure_after_something_was_done_is_not_to_be_repeated() {
    let origin = Origin::by_path([
        ("/made", vec![answer(201, "application/json", "{}"), Step::Again]),
        ("/gone", vec![answer(503, "text/plain", "no"), Step::Again]),
    ]);
    let made = "[[flow.one.step]]\ncall = \"POST app:/made\"\n";
    let gone = "[[flow.one.step]]\ncall = \"GET app:/gone\"\n";
    let both = one_step(&origin.url(), &format!("{made}{gone}"), "match = \"/x\"");
    assert_eq!(client::get(both.plain(), "/x").json()["retryable"], false);
    let only = one_step(&origin.url(), gone, "match = \"/x\"");
    assert_eq!(client::get(only.plain(), "/x").json()["retryable"], true);
}

#[test]
fn a_step_says_where_the_request_came_from() {
    let origin = always(answer(200, "application/json", "{}"));
    let gateway = Setup::new()
        .server("trusted_proxies = [\"127.0.0.1/32\"]")
        .with(&upstream("app", &origin.url()))
        .with("[flow.one]\n[[flow.one.step]]\ncall = \"GET app:/a\"")
        .route("match = \"/x\"\nflow = \"one\"")
        .start();
    let request = "GET /x HTTP/1.1\r\nHost: gw.test\r\nVia: 1.1 other\r\nX-Forwarded-For: 192.0.2.7\r\n\
                   Authorization: Basic secret\r\nAccept-Language: fr\r\n\r\n";
    assert_eq!(client::ask(gateway.plain(), request).status(), 200);
    let seen = origin.last();
    assert_eq!(seen.header("x-forwarded-for"), Some("192.0.2.7, 127.0.0.1"));
    assert!(seen.header("via").unwrap().starts_with("1.1 other"), "{:?}", seen.header("via"));
    assert_eq!(seen.header("accept-language"), Some("fr"));
    assert_eq!(seen.header("authorization"), None);
}
