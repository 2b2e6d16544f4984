//! Whole exchanges. In memory: all that guichet does, and nothing of the kernel, where the gateway
//! answers by itself. Forwarded: the same with a real socket to an origin in the same thread, so that
//! both sides' system calls are in it.

use std::fmt::Write as _;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::spawn_local;

use crate::Part;
use crate::scene::{BROWSER, FIXED, SMALL, Scene, logging, quiet};

pub(crate) const PARTS: &[Part] = &[
    Part::new("exchange/in_memory/quiet", || in_memory(&quiet(FIXED), SMALL)),
    Part::new("exchange/in_memory/logged", || in_memory(&logging(FIXED), SMALL)),
    Part::new("exchange/in_memory/browser", || in_memory(&logging(FIXED), BROWSER)),
    Part::new("exchange/in_memory/404", || in_memory(&logging(""), SMALL)),
    Part::new("exchange/forwarded", || forwarded(SMALL)),
];

fn in_memory(config: &str, request: &'static str) -> Box<dyn FnMut()> {
    let scene = Scene::new(config);
    let mut client = scene.runtime.block_on(async {
        let (near, far) = tokio::io::duplex(64 * 1024);
        spawn_local(scene.stage.serve_http1(far));
        near
    });
    Box::new(move || scene.runtime.block_on(ask(&mut client, request)))
}

fn forwarded(request: &'static str) -> Box<dyn FnMut()> {
    let runtime = guichet::server::stage::runtime().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let mut config = String::from("[upstream.app]\n");
    let port = listener.local_addr().unwrap().port();
    writeln!(config, "endpoints = [\"http://127.0.0.1:{port}\"]\npool = {{ idle_time = \"1h\" }}")
        .unwrap();
    config.push_str("[[route]]\nmatch = \"GET /v1/users/{id}\"\nupstream = \"app\"\n");
    let scene = Scene::on(runtime, &logging(&config));
    let mut client = scene.runtime.block_on(async {
        spawn_local(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4096];
            while socket.read(&mut bytes).await.unwrap() > 0 {
                socket.write_all(ANSWER).await.unwrap();
            }
        });
        let (near, far) = tokio::io::duplex(64 * 1024);
        spawn_local(scene.stage.serve_http1(far));
        near
    });
    Box::new(move || scene.runtime.block_on(ask(&mut client, request)))
}

/// Asks, and reads one answer, which is in one piece.
async fn ask(client: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) {
    client.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = [0; 4096];
    assert!(client.read(&mut bytes).await.unwrap() > 0, "an answer");
}

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nserver: origin\r\ndate: Thu, 26 Nov 2026 00:00:00 GMT\r\n\
    content-type: application/json\r\ncontent-length: 21\r\n\r\n{\"note\":\"an answer\"} \n";
