//! Switching protocols.

use http::{Method, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::{CallOptions, Kind, Stream, Tally, Upgrade, UpstreamError};
use super::origin::Step::{Drain, Echo, Read, Rst};
use super::origin::{Origin, Step, send};
use super::rig::{Rig, request};
use super::run;
use crate::base::Body;

/// The key of RFC 6455, section 1.3, and what it must be answered with.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                      Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

fn websocket() -> Request<Body> {
    let mut request = request(Method::GET, "/chat");
    for (name, value) in
        [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-key", KEY)]
    {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}

async fn ask(rig: &Rig) -> Result<http::Response<Stream>, UpstreamError> {
    let options = CallOptions { upgrade: Upgrade::Requested("websocket"), ..rig.options() };
    rig.send_with(websocket(), options, &mut Tally::default()).await
}

fn refused(answer: &str) -> Kind {
    run(async {
        let origin = Origin::new(&[Read, send(answer), Drain]).await;
        let kind = ask(&Rig::to(origin.address)).await.unwrap_err().kind;
        origin.ended(1).await;
        kind
    })
}

#[test]
fn a_confirmed_switch_is_a_tunnel_with_its_early_bytes_first() {
    run(async {
        let answer = send(&format!("{SWITCH}early"));
        let origin = Origin::new(&[Read, answer, Echo, Drain]).await;
        let rig = Rig::to(origin.address);
        let response = ask(&rig).await.unwrap();
        assert_eq!(response.status(), 101);
        assert_eq!(response.headers()["upgrade"], "websocket");
        let mut tunnel = response.into_body().into_tunnel().unwrap();
        assert_eq!(rig.gauge(), (0, 1));
        let mut buffer = [0; 5];
        tunnel.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"early");
        for _ in 0..3 {
            tunnel.write_all(b"hello").await.unwrap();
            tunnel.read_exact(&mut buffer).await.unwrap();
            assert_eq!(&buffer, b"hello");
        }
        tunnel.shutdown().await.unwrap();
        origin.ended(1).await;
        assert_eq!(tunnel.read(&mut buffer).await.unwrap(), 0);
        drop(tunnel);
        assert_eq!(rig.gauge(), (0, 0));
        assert!(origin.requests()[0].to_lowercase().contains("connection: upgrade\r\n"));
    });
}

#[test]
fn a_kept_connection_can_switch() {
    run(async {
        let ok = send("HTTP/1.1 204 OK\r\n\r\n");
        let origin = Origin::new(&[Read, ok, Read, send(SWITCH), Echo]).await;
        let rig = Rig::to(origin.address);
        rig.get("/").await.unwrap();
        let mut tunnel = ask(&rig).await.unwrap().into_body().into_tunnel().unwrap();
        tunnel.write_all(b"x").await.unwrap();
        assert_eq!(tunnel.read_u8().await.unwrap(), b'x');
        assert_eq!(origin.carriers(), [0, 0]);
    });
}

#[test]
fn a_switch_that_proves_nothing_is_refused() {
    assert_eq!(refused(&SWITCH.replace("xOo=", "xOp=")), Kind::BadUpgrade);
    assert_eq!(refused(&SWITCH.replace("Sec-WebSocket-Accept", "X-Accept")), Kind::BadUpgrade);
    assert_eq!(refused(&SWITCH.replace("Upgrade: websocket", "Upgrade: h2c")), Kind::BadUpgrade);
    assert_eq!(refused(&SWITCH.replace("Connection: Upgrade", "Connection: x")), Kind::BadUpgrade);
}

#[test]
fn an_upstream_may_decline() {
    run(async {
        let answer = send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        let origin = Origin::new(&[Read, answer, Drain]).await;
        let response = ask(&Rig::to(origin.address)).await.unwrap();
        assert_eq!(response.status(), 403);
        assert!(response.into_body().into_tunnel().is_none());
    });
}

#[test]
fn a_tunnel_ends_with_its_connection() {
    run(async {
        let origin = Origin::new(&[Read, send(SWITCH), Read, Rst]).await;
        let stream = ask(&Rig::to(origin.address)).await.unwrap().into_body();
        assert!(http_body::Body::is_end_stream(&stream));
        let mut tunnel = stream.into_tunnel().unwrap();
        tunnel.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let end = tunnel.read(&mut [0; 8]).await;
        assert!(end.is_err() || end.is_ok_and(|count| count == 0));
        while tunnel.write_all(b"x").await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn dropping_the_answer_to_an_upgrade_closes_the_connection() {
    run(async {
        let steps: [Step; 3] = [Read, send(SWITCH), Drain];
        let origin = Origin::new(&steps).await;
        let rig = Rig::to(origin.address);
        drop(ask(&rig).await.unwrap());
        origin.ended(1).await;
        assert_eq!(rig.gauge(), (0, 0));
    });
}
