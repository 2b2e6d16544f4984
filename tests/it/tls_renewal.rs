//! Certificates that are replaced on disk while guichet runs.

use std::path::PathBuf;

use crate::rig::client::{self, Client};
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::Origin;
use crate::rig::tls::{self, Authority, Validity};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn a_new_certificate_is_shown_to_the_next_handshake_and_nobody_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let old = authority.sign(&["one.test"], Validity::Now);
    let new = authority.sign(&["two.test"], Validity::Now);
    let paths = old.files(&folder);
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).tls(&pair(&paths)).start();
    let mut early = connect(&gateway, "tls", "one.test");
    assert_eq!(early.get_as("one.test", "/a").status(), 200);
    assert_eq!(shown(&gateway, "tls"), old.der());
    assert!(metrics(&gateway).contains("{name=\"one.test\"}"));

    new.replace(&paths);

    eventually("the new certificate", || (shown(&gateway, "tls") == new.der()).then_some(()));
    assert_eq!(connect(&gateway, "tls", "two.test").get_as("two.test", "/a").status(), 200);
    // What was agreed on before holds as long as the connection does.
    assert_eq!(early.get_as("one.test", "/a").status(), 200);
    early.get_as("two.test", "/a").is_problem(421, "MisdirectedRequest");
    let page = metrics(&gateway);
    assert!(page.contains("{name=\"two.test\"}") && !page.contains("one.test"), "{page}");
}

#[test]
fn a_link_that_points_elsewhere_is_a_new_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let old = authority.sign(&["one.test"], Validity::Now);
    let new = authority.sign(&["one.test"], Validity::Now);
    let (old_paths, new_paths) = (old.files(&folder), new.files(&folder));
    let live = (folder.path().join("live.pem"), folder.path().join("live.key"));
    let point = |(cert, key): &(PathBuf, PathBuf)| {
        for (target, link) in [(cert, &live.0), (key, &live.1)] {
            let fresh = link.with_extension("new");
            std::os::unix::fs::symlink(target, &fresh).unwrap();
            std::fs::rename(fresh, link).unwrap();
        }
    };
    point(&old_paths);
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).tls(&pair(&live)).start();
    assert_eq!(shown(&gateway, "tls"), old.der());

    point(&new_paths);

    eventually("the new certificate", || (shown(&gateway, "tls") == new.der()).then_some(()));
}

#[test]
fn a_certificate_that_cannot_be_used_leaves_the_old_one_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let old = authority.sign(&["one.test"], Validity::Now);
    let stranger = authority.sign(&["one.test"], Validity::Now).files(&folder);
    let marker = authority.sign(&["marker.test"], Validity::Now);
    let (paths, marked) = (old.files(&folder), marker.files(&folder));
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url())
        .tls(&pair(&paths))
        .with(&format!("[listen.marker]\nbind = [\"127.0.0.1:0\"]\n{}", pair(&marked)))
        .start();
    // Listeners are looked at together: once the marker has changed, so would have the other.
    let looked_at = || {
        let next = authority.sign(&["marker.test"], Validity::Now);
        next.replace(&marked);
        eventually("a look", || (shown(&gateway, "marker") == next.der()).then_some(()));
    };

    std::fs::write(&paths.0, "garbage").unwrap();
    looked_at();
    assert_eq!(shown(&gateway, "tls"), old.der(), "no PEM");

    std::fs::copy(&stranger.0, &paths.0).unwrap();
    looked_at();
    assert_eq!(shown(&gateway, "tls"), old.der(), "of another key");

    std::fs::remove_file(&paths.1).unwrap();
    looked_at();
    assert_eq!(shown(&gateway, "tls"), old.der(), "without its key");

    let new = authority.sign(&["one.test"], Validity::Now);
    new.replace(&paths);
    eventually("a good one again", || (shown(&gateway, "tls") == new.der()).then_some(()));
}

fn pair((cert, key): &(PathBuf, PathBuf)) -> String {
    format!("tls = {{ cert = \"{}\", key = {{ file = \"{}\" }} }}", cert.display(), key.display())
}

fn connect(gateway: &Gateway, listener: &str, name: &str) -> Client {
    let config = tls::trusting_client(&["http/1.1"]);
    Client::tls_as(gateway.address(listener), name, config).unwrap()
}

fn shown(gateway: &Gateway, listener: &str) -> Vec<u8> {
    let client = connect(gateway, listener, "one.test");
    client.session().peer_certificates().unwrap()[0].to_vec()
}

fn metrics(gateway: &Gateway) -> String {
    client::ask(gateway.admin(), "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").text()
}
