//! Endpoints that are drained by hand, and taken back: by commands, over reloads.

use crate::control::{ask, guichet};
use crate::daemon::Daemon;
use crate::measure::turn;
use crate::rig::client;
use crate::rig::eventually;
use crate::rig::origin::{Origin, Step, ok};

fn serves(endpoints: &[&str], more: &str) -> String {
    format!(
        "version = 1\n[server]\nworkers = 2\n\
         [listen.plain]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"\n\
         [admin]\nbind = \"127.0.0.1:0\"\nsocket = \"admin.sock\"\n\
         [observe]\naccess_log = false\n\
         [upstream.app]\nendpoints = {endpoints:?}\nbalance = \"round_robin\"\n{more}\n\
         [[route]]\nmatch = \"/app\"\nupstream = \"app\"\n"
    )
}

fn says(word: &str) -> Origin {
    Origin::scripted([Step::Read, ok(word), Step::Again])
}

#[test]
fn an_endpoint_is_drained_over_reloads_until_it_is_taken_back() {
    let _turn = turn();
    let (one, two) = (says("one"), says("two"));
    let (first, second) = (one.url(), two.url());
    let daemon = Daemon::start(&serves(&[&first, &second], ""), &[]);
    let answers = || {
        let mut words: Vec<_> =
            (0..8).map(|_| client::get(daemon.address("plain"), "/app").text()).collect();
        words.sort();
        words.dedup();
        words
    };
    assert_eq!(answers(), ["one", "two"]);

    let (code, out, err) = guichet(&daemon, &["upstream", "drain", "app", &first]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with(&format!("app: {first} is drained: it gets no new request")), "{out}");
    assert_eq!(answers(), ["two"]);
    let (_, out, _) = guichet(&daemon, &["upstream", "list"]);
    assert!(out.contains(&format!("  drained  weight 1  {first}\n")), "{out}");
    let up = format!("guichet_upstream_endpoint_up{{upstream=\"app\",endpoint=\"{first}\"}}");
    assert_eq!(daemon.metric(&up), Some(0.0));

    // As it was, and with another rule and another place in the list.
    for text in [serves(&[&first, &second], ""), serves(&[&second, &first], "retry = {}")] {
        daemon.write(&text);
        assert_eq!(guichet(&daemon, &["reload"]).0, 0);
        assert_eq!(answers(), ["two"]);
    }

    let short = first.strip_prefix("http://").unwrap();
    let (code, out, _) = guichet(&daemon, &["upstream", "ready", "app", short]);
    assert_eq!((code, out), (0, format!("app: {first} is ready\n")));
    eventually("both answer", || (answers() == ["one", "two"]).then_some(()));
    assert_eq!(daemon.said("is drained by hand"), 1);
    assert_eq!(daemon.said("is no longer drained"), 1);
}

#[test]
fn with_all_of_them_drained_clients_are_told_when_to_come_back() {
    let _turn = turn();
    let one = says("one");
    let daemon = Daemon::start(&serves(&[&one.url()], ""), &[]);
    let encoded = one.url().replace(':', "%3A").replace('/', "%2F");
    assert_eq!(ask(&daemon, &format!("PUT /v1/upstreams/app/{encoded}")).0, 200);
    let reply = client::get(daemon.address("plain"), "/app");
    reply.is_problem(503, "ServiceUnavailable");
    assert!(reply.header("retry-after").is_some());
    let ready = daemon.admin("/readyz");
    assert_eq!(ready.status(), 200, "the gateway itself is");
    assert_eq!(ask(&daemon, &format!("DELETE /v1/upstreams/app/{encoded}")).0, 200);
    assert_eq!(client::get(daemon.address("plain"), "/app").text(), "one");
}

#[test]
fn what_nobody_knows_cannot_be_drained() {
    let _turn = turn();
    let daemon = Daemon::start(&serves(&["http://127.0.0.1:9"], ""), &[]);
    for (upstream, endpoint) in [("app", "http://127.0.0.1:10"), ("other", "http://127.0.0.1:9")] {
        let (code, out, err) = guichet(&daemon, &["upstream", "drain", upstream, endpoint]);
        assert_eq!((code, out.as_str()), (1, ""));
        let said = format!("guichet: no upstream {upstream} has an endpoint {endpoint}, ");
        assert!(err.starts_with(&said), "{err}");
    }
    assert_eq!(guichet(&daemon, &["upstream", "drain", "app", "a b"]).0, 2);
    for (line, status) in [
        ("PUT /v1/upstreams/app", 404),
        ("PUT /v1/upstreams/app/", 404),
        ("GET /v1/upstreams/app/http://127.0.0.1:9", 405),
        ("PUT /v1/upstreams", 405),
    ] {
        assert_eq!(ask(&daemon, line).0, status, "{line}");
    }
    let reply = client::ask(
        daemon.address("admin"),
        "PUT /v1/upstreams/app/127.0.0.1:9 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    );
    reply.is_problem(405, "MethodNotAllowed");
}
