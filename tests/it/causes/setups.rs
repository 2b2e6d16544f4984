//! Gateways and requests that several causes need, or that take more than a few lines.

use super::{Proof, proof};
use crate::rig::client::{self, Client};
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, answer, nobody};
use crate::rig::tls::{Authority, Identity};

/// Said by the admin listener alone: who still asks the others is still answered.
pub(super) fn draining() -> Proof {
    let gateway = Setup::before(&nobody()).server("shutdown = { delay = \"60s\" }").start();
    gateway.begin_drain();
    let reply = eventually("not ready", || {
        let reply = client::ask(gateway.admin(), "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        (reply.status() != 200).then_some(reply)
    });
    Proof { reply: Some(reply), line: None }
}

/// One name that does not resolve is `dns`; with no other endpoint left, nobody can serve.
pub(super) fn none_healthy() -> Proof {
    let names = "endpoints = [\"http://no-such-name.invalid\", \"http://nor-this-one.invalid\"]";
    let gateway = Setup::new()
        .upstream(names)
        .route("name = \"all\"\nmatch = \"/{*rest}\"\nupstream = \"origin\"")
        .start();
    let reply = client::get(gateway.plain(), "/a");
    proof(&gateway, reply)
}

/// By who shows the token.
pub(super) fn all_drained() -> Proof {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "t0ken").unwrap();
    let endpoint = nobody();
    let gateway = Setup::before(&endpoint)
        .admin(&format!("token = {{ file = \"{}\" }}", token.display()))
        .start();
    let order = format!(
        "PUT /v1/upstreams/origin/{endpoint} HTTP/1.1\r\nHost: 127.0.0.1\r\n\
         Authorization: Bearer t0ken\r\n\r\n"
    );
    assert_eq!(client::ask(gateway.admin(), &order).status(), 200);
    let reply = client::get(gateway.plain(), "/a");
    assert!(reply.header("retry-after").is_some(), "{reply:?}");
    proof(&gateway, reply)
}

/// A flow of one step, whose reply is an object of so many bytes.
pub(super) fn composed(head: &str, tail: &str, length: usize) -> Proof {
    let body = format!("{{{}}}", " ".repeat(length - 2));
    let origin = Origin::scripted([Step::Read, answer(200, "application/json", &body)]);
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .with(&format!("[flow.one]\n{head}\n[[flow.one.step]]\ncall = \"GET origin:/a\"\n{tail}"))
        .route("match = \"/a\"\nflow = \"one\"")
        .start();
    let reply = client::get(gateway.plain(), "/a");
    proof(&gateway, reply)
}

/// A mutation whose errors are data.
pub(super) fn refused_as_data() -> Proof {
    let body = r#"{"data":{"add":{"item":null,"errors":[{"message":"There is none left."}]}}}"#;
    let origin = Origin::scripted([Step::Read, answer(200, "application/json", body)]);
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .with("[flow.one]\n[[flow.one.step]]\ncall = \"POST origin:/graphql\"")
        .with("graphql = { query = \"mutation { add { item { id } errors { message } } }\" }")
        .route("match = \"/a\"\nflow = \"one\"")
        .start();
    let reply = client::get(gateway.plain(), "/a");
    assert_eq!(reply.json()["message"], "There is none left.");
    proof(&gateway, reply)
}

/// The second request of a day that has one.
pub(super) fn over(key: &str) -> Proof {
    let gateway = Setup::new()
        .with(&format!("[limit.one]\n{key}\nrate = \"1/d\""))
        .route("match = \"/a\"\nrespond = { status = 204 }\nlimits = [\"one\"]")
        .start();
    assert_eq!(client::get(gateway.plain(), "/a").status(), 204);
    let reply = client::get(gateway.plain(), "/a");
    assert!(reply.header("retry-after").is_some(), "{reply:?}");
    proof(&gateway, reply)
}

pub(super) fn raw(request: &str) -> Proof {
    limited("", request)
}

pub(super) fn limited(limits: &str, request: &str) -> Proof {
    let origin = Origin::echoing();
    let gateway = Setup::before(&origin.url()).server(&format!("limits = {{ {limits} }}")).start();
    let mut client = Client::plain(gateway.plain());
    client.send(request);
    let reply = client.reply();
    proof(&gateway, reply)
}

pub(super) fn only(pattern: &str) -> Gateway {
    Setup::new()
        .route(&format!("name = \"only\"\nmatch = \"{pattern}\"\nrespond = {{ status = 204 }}"))
        .start()
}

pub(super) fn to_origin(steps: impl IntoIterator<Item = Step>, upstream: &str) -> Proof {
    let origin = Origin::scripted(steps);
    to_endpoint(&origin.url(), upstream)
}

pub(super) fn to_endpoint(url: &str, upstream: &str) -> Proof {
    let gateway = Setup::before(url).upstream(upstream).start();
    let reply = client::get(gateway.plain(), "/a");
    proof(&gateway, reply)
}

pub(super) fn tls_with(identity: impl FnOnce(&Authority) -> Identity) -> Proof {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let origin = Origin::tls(&identity(&authority), [Step::Drain]);
    let ca = authority.file(&folder);
    to_endpoint(&origin.url(), &format!("tls = {{ ca = \"{}\" }}", ca.display()))
}

/// A route with one parameter of the query, and room for no other.
pub(super) fn declared(target: &str) -> Proof {
    let gateway = Setup::new()
        .route(
            "match = \"/a\"\nrespond = { text = \"ok\" }\nstrict = true\n\
             [route.params]\nn = { in = \"query\", type = \"integer\" }",
        )
        .start();
    let reply = client::get(gateway.plain(), target);
    proof(&gateway, reply)
}

/// A route that reads forms.
pub(super) fn formed(rest: &str) -> Proof {
    let gateway = Setup::new()
        .route("match = \"/a\"\nrespond = { text = \"ok\" }\n[route.body.fields]\nn = {}")
        .start();
    let reply =
        client::ask(gateway.plain(), &format!("POST /a HTTP/1.1\r\nHost: gw.test\r\n{rest}"));
    proof(&gateway, reply)
}
