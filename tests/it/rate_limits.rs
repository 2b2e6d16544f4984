//! Rates as a client sees them: who is refused, with what, and that the fields of every reply agree
//! with the decision.

use crate::rig::client::{self, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::Origin;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn get(gateway: &Gateway, fields: &str) -> Reply {
    let request = format!("GET /a HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n");
    client::ask(gateway.plain(), &request)
}

fn before(origin: &Origin, limits: &str, named: &str) -> Setup {
    Setup::new().upstream(&format!("endpoints = [\"{}\"]", origin.url())).with(limits).route(
        &format!("name = \"all\"\nmatch = \"/{{*rest}}\"\nupstream = \"origin\"\nlimits = {named}"),
    )
}

fn metric(gateway: &Gateway, line: &str) -> bool {
    let page = client::ask(gateway.admin(), "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    String::from_utf8_lossy(&page.body).lines().any(|known| known == line)
}

#[test]
fn every_reply_tells_what_is_left_and_a_refusal_when_to_come_back() {
    let origin = Origin::answering(OK);
    let limit = "[limit.per-client]\nkey = \"ip\"\nrate = \"2/h\"";
    let gateway = before(&origin, limit, "[\"per-client\"]").start();

    for left in ["\"per-client\";r=1;t=1800", "\"per-client\";r=0;t=1800"] {
        let reply = get(&gateway, "");
        assert_eq!(reply.status(), 200);
        assert_eq!(reply.header("ratelimit-policy"), Some("\"per-client\";q=2;w=3600"));
        assert_eq!(reply.header("ratelimit"), Some(left));
    }
    let refused = get(&gateway, "");
    refused.is_problem(429, "TooManyRequests");
    assert_eq!(refused.header("retry-after"), Some("1800"));
    assert_eq!(refused.header("ratelimit"), Some("\"per-client\";r=0;t=1800"));
    assert_eq!(refused.json()["retry_after"], 1800);
    assert_eq!(refused.json()["retryable"], true);

    let line = gateway.log_line(&refused.request_id());
    assert_eq!((&line["cause"], &line["limit"]), (&"rate_limit".into(), &"per-client".into()));
    let decided = |decision, count| {
        let labels = format!("limit=\"per-client\",decision=\"{decision}\"");
        metric(&gateway, &format!("guichet_limit_decisions_total{{{labels}}} {count}"))
    };
    assert!(decided("allow", 2) && decided("refuse", 1));
    assert_eq!(origin.requests().len(), 2);
}

#[test]
fn the_address_is_the_clients_as_a_trusted_proxy_says_it() {
    let origin = Origin::answering(OK);
    let limit = "[limit.per-client]\nkey = \"ip\"\nrate = \"1/d\"";
    let setup = before(&origin, limit, "[\"per-client\"]");
    let gateway = setup.server("trusted_proxies = [\"127.0.0.1\"]").start();
    for (client, status) in [("192.0.2.1", 200), ("192.0.2.2", 200), ("192.0.2.1", 429)] {
        let reply = get(&gateway, &format!("X-Forwarded-For: {client}\r\n"));
        assert_eq!(reply.status(), status, "{client}");
    }

    let alone = before(&origin, limit, "[\"per-client\"]").start();
    for status in [200, 429] {
        let reply = get(&alone, &format!("X-Forwarded-For: 192.0.2.{status}\r\n"));
        assert_eq!(reply.status(), status, "nobody is trusted, so nobody is believed");
    }
}

#[test]
fn errors_tell_what_is_left_too_and_an_upstreams_own_fields_stay() {
    let origin = Origin::answering(
        "HTTP/1.1 404 No\r\nRateLimit: \"theirs\";r=5;t=1\r\nContent-Length: 2\r\n\r\nno",
    );
    let limit = "[limit.per-client]\nkey = \"ip\"\nrate = \"9/d\"";
    let gateway = before(&origin, limit, "[\"per-client\"]").start();
    let reply = get(&gateway, "");
    assert_eq!(reply.status(), 404);
    assert_eq!(reply.header("ratelimit"), Some("\"per-client\";r=8;t=9600"));
}

#[test]
fn a_reload_that_leaves_a_limit_alone_goes_on_counting() {
    let setup = |rate: &str, status: u16| {
        let limit = format!("[limit.per-client]\nkey = \"ip\"\nrate = \"{rate}\"");
        Setup::new().with(&limit).route(&format!(
            "match = \"/a\"\nrespond = {{ status = {status} }}\nlimits = [\"per-client\"]"
        ))
    };
    let gateway = setup("1/d", 204).start();
    assert_eq!(get(&gateway, "").status(), 204);
    gateway.reload(&setup("1/d", 200));
    assert_eq!(get(&gateway, "").status(), 429);
    gateway.reload(&setup("2/d", 200));
    assert_eq!(get(&gateway, "").status(), 200);
}

#[test]
fn requests_that_are_refused_anyway_take_nothing() {
    let limit = "[limit.per-client]\nkey = \"ip\"\nrate = \"1/d\"";
    let gateway = Setup::new()
        .with(limit)
        .server("limits = { body = \"1KiB\" }")
        .route("match = \"/a\"\nrespond = { status = 204 }\nlimits = [\"per-client\"]")
        .start();
    let large = "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5000\r\n\r\n";
    let refused = client::ask(gateway.plain(), large);
    refused.is_problem(413, "PayloadTooLarge");
    assert_eq!(refused.header("ratelimit"), None);
    assert_eq!(get(&gateway, "").status(), 204);
    assert_eq!(get(&gateway, "").status(), 429);
}
