//! PROXY headers (v1 and v2) from a trusted proxy, and from nobody else.

use crate::rig::client::{Client, Expects};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::Origin;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const ASK: &str = "GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n";

#[test]
fn version_1_names_the_client() {
    let origin = Origin::answering(OK);
    let gateway = behind_a_proxy(&origin, "[\"127.0.0.1/32\"]");
    let mut client = Client::plain(gateway.plain());

    let reply = client.ask(&format!("PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n{ASK}"));

    assert_eq!(reply.status(), 200);
    assert_eq!(gateway.log_line(&reply.request_id())["client_ip"], "192.0.2.7");
    assert!(origin.last().header("x-forwarded-for").unwrap().contains("192.0.2.7"));
}

#[test]
fn version_2_names_the_client() {
    let origin = Origin::answering(OK);
    let gateway = behind_a_proxy(&origin, "[\"127.0.0.1/32\"]");
    let mut client = Client::plain(gateway.plain());

    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
    bytes.extend([192, 0, 2, 9, 192, 0, 2, 1, 0xdc, 0x04, 0x01, 0xbb]);
    bytes.extend(ASK.as_bytes());
    client.send(bytes);
    let reply = client.reply();

    assert_eq!(gateway.log_line(&reply.request_id())["client_ip"], "192.0.2.9");
}

#[test]
fn a_local_connection_of_the_proxy_keeps_its_own_address() {
    let origin = Origin::answering(OK);
    let gateway = behind_a_proxy(&origin, "[\"127.0.0.1/32\"]");
    let mut client = Client::plain(gateway.plain());

    let reply = client.ask(&format!("PROXY UNKNOWN\r\n{ASK}"));

    assert_eq!(reply.status(), 200);
    assert_eq!(gateway.log_line(&reply.request_id())["client_ip"], "127.0.0.1");
}

#[test]
fn a_stranger_is_not_served() {
    let origin = Origin::answering(OK);
    let gateway = behind_a_proxy(&origin, "[\"192.0.2.0/24\"]");
    let mut client = Client::plain(gateway.plain());

    let _ = client.try_send(format!("PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n{ASK}"));

    assert!(client.try_reply(Expects::Body).is_err());
    assert!(origin.saw_nothing());
}

#[test]
fn what_is_no_header_is_not_served() {
    for opening in ["", "PROXY TCP4 nonsense\r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 1 99999\r\n"] {
        let origin = Origin::answering(OK);
        let gateway = behind_a_proxy(&origin, "[\"127.0.0.1/32\"]");
        let mut client = Client::plain(gateway.plain());

        let _ = client.try_send(format!("{opening}{ASK}"));

        assert!(client.try_reply(Expects::Body).is_err(), "{opening:?}");
        assert!(origin.saw_nothing());
    }
}

fn behind_a_proxy(origin: &Origin, trusted: &str) -> Gateway {
    Setup::before(&origin.url())
        .server(&format!("trusted_proxies = {trusted}"))
        .plain("plain = \"allow\"\nproxy_protocol = true")
        .start()
}
