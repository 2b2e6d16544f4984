//! Callers, as clients and upstreams see them: who gets in, what the upstream is told, what the log
//! and the metrics say, and that nothing of a secret stands anywhere.

use crate::rig::callers;
use crate::rig::client;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::Origin;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn ask(gateway: &Gateway, target: &str, fields: &str) -> client::Reply {
    let request = format!("GET {target} HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n");
    client::ask(gateway.plain(), &request)
}

fn guarded(origin: &Origin, policies: &str, rule: &str) -> Setup {
    let route = format!("match = \"/{{*rest}}\"\nupstream = \"origin\"\nauth = {rule}");
    Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .with(policies)
        .route(&route)
}

fn keyed(keys: &str, more: &str) -> String {
    format!("[auth.keyed]\ntype = \"api_key\"\nkeys = {{ file = \"{keys}\" }}\n{more}")
}

#[test]
fn the_upstream_is_told_who_calls_and_gets_neither_the_key_nor_what_a_client_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let keys = callers::keys(&folder, &[("acme", "s3cret-key", "scopes = [\"a\", \"b\"]")]);
    let origin = Origin::answering(OK);
    let gateway = guarded(&origin, &keyed(&keys, ""), "\"keyed\"").start();
    let forged = "X-Api-Key: s3cret-key\r\nX-Consumer: root\r\nX-Auth-Policy: god\r\n\
                  X_Consumer: root\r\nConnection: x-consumer\r\n";
    let reply = ask(&gateway, "/a", forged);
    assert_eq!(reply.status(), 200);
    let seen = origin.last();
    assert_eq!(seen.header("x-consumer"), Some("acme"));
    assert_eq!(seen.header("x-consumer-scopes"), Some("a b"));
    assert_eq!(seen.header("x-auth-policy"), Some("keyed"));
    for gone in ["x-api-key", "x_consumer"] {
        assert_eq!(seen.header(gone), None);
    }
    let line = gateway.log_line(&reply.request_id());
    assert_eq!(line["consumer"], "acme");
    let passed = "guichet_auth_total{policy=\"keyed\",result=\"passed\"}";
    assert_eq!(gateway.metric(passed), Some(1.0));

    ask(&gateway, "/a", "X-Api-Key: wrong-key\r\n").is_problem(401, "Unauthorized");
    let refused = "guichet_auth_total{policy=\"keyed\",result=\"refused\"}";
    assert_eq!(gateway.metric(refused), Some(1.0));
    let log = String::from_utf8(gateway.log_bytes()).unwrap();
    assert!(!log.contains("s3cret-key") && !log.contains("wrong-key"), "{log}");
}

#[test]
fn a_route_that_asks_nobody_still_tells_the_upstream_nothing_that_a_client_made_up() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    ask(&gateway, "/a", "X-Consumer: root\r\nX-Consumer-Scopes: all\r\nX-Other: 1\r\n");
    let seen = origin.last();
    assert_eq!((seen.header("x-consumer"), seen.header("x-consumer-scopes")), (None, None));
    assert_eq!(seen.header("x-other"), Some("1"));
}

#[test]
fn a_key_in_the_query_is_taken_out_of_it_unless_it_is_to_pass() {
    let folder = tempfile::tempdir().unwrap();
    let keys = callers::keys(&folder, &[("acme", "k1", "")]);
    let origin = Origin::answering(OK);
    for (more, target) in [("", "/a?x=1&y=2"), ("pass = true\n", "/a?x=1&key=k1&y=2")] {
        let policy = keyed(&keys, &format!("query = \"key\"\n{more}"));
        let gateway = guarded(&origin, &policy, "\"keyed\"").start();
        let reply = ask(&gateway, "/a?x=1&key=k1&y=2", "");
        assert_eq!(reply.status(), 200);
        assert_eq!(origin.last().head.target(), target);
        assert_eq!(gateway.log_line(&reply.request_id())["path"], "/a");
    }
}

#[test]
fn limits_count_by_whom_the_key_belongs_to_and_by_address_before_anybody_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let keys =
        callers::keys(&folder, &[("acme", "k1", ""), ("acme", "k2", ""), ("other", "k3", "")]);
    let origin = Origin::answering(OK);
    let limits = "[limit.per-key]\nkey = \"api_key\"\nrate = \"2/d\"\n\
                  [limit.per-ip]\nkey = \"ip\"\nrate = \"5/d\"\n";
    let setup = guarded(
        &origin,
        &(keyed(&keys, "") + limits),
        "\"keyed\"\nlimits = [\"per-key\", \"per-ip\"]",
    );
    let gateway = setup.start();
    let status = |key: &str| ask(&gateway, "/a", &format!("X-Api-Key: {key}\r\n")).status();
    assert_eq!([status("k1"), status("k2"), status("k1")], [200, 200, 429]);
    assert_eq!(status("k3"), 200, "somebody else has a quota of its own");
    assert_eq!(status("guess"), 401, "and a guess counts by its address");
    let limited = ask(&gateway, "/a", "X-Api-Key: guess\r\n");
    assert_eq!(limited.status(), 401, "the refusal of a key's quota gave its place back");
    assert_eq!(ask(&gateway, "/a", "X-Api-Key: guess\r\n").status(), 429);
}

#[test]
fn a_file_of_keys_is_read_again_with_the_configuration_and_a_bad_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let keys = callers::keys(&folder, &[("acme", "k1", "")]);
    let origin = Origin::answering(OK);
    let setup = || guarded(&origin, &keyed(&keys, ""), "\"keyed\"");
    let gateway = setup().start();
    let status = |key: &str| ask(&gateway, "/a", &format!("X-Api-Key: {key}\r\n")).status();
    assert_eq!([status("k1"), status("k2")], [200, 401]);
    callers::keys(&folder, &[("acme", "k2", "")]);
    gateway.reload(&setup());
    assert_eq!([status("k1"), status("k2")], [401, 200]);
    callers::write(&folder, "keys.toml", "[[key]]\nname = \"acme\"\nsha256 = \"hunter2\"\n");
    let error = gateway.try_reload(&setup()).unwrap_err();
    assert!(error.contains("keys.toml:3:10: ") && !error.contains("hunter2"), "{error}");
    assert_eq!([status("k1"), status("k2")], [401, 200]);
}
