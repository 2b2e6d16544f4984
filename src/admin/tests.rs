//! The admin listener over real loopback sockets.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::LocalOptions;
use tokio::task::JoinHandle;

use super::*;
use crate::base::clock;
use crate::observe::{Names, Registers};
use crate::problem::Catalogue;
use crate::upstream::Boards;

struct Rig {
    address: SocketAddr,
    readiness: Arc<Readiness>,
    catalogue: Arc<Catalogue>,
    serving: JoinHandle<()>,
}

impl Rig {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = state();
        let readiness = Arc::clone(&state.readiness);
        let catalogue = Arc::clone(&(state.config)().errors.catalogue);
        let serving = tokio::task::spawn_local(serve(listener, state));
        Self { address, readiness, catalogue, serving }
    }

    /// Sends bytes and reads until the listener closes.
    async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.unwrap();
        String::from_utf8(reply).unwrap()
    }

    async fn ask(&self, line: &str) -> String {
        self.raw(&format!("{line} HTTP/1.1\r\nhost: {}\r\n\r\n", self.address)).await
    }
}

/// An instance that is starting.
fn state() -> AdminState {
    let catalogue = Arc::new(Catalogue::new("fr.ammy", None, &["en".into()], &[]).unwrap());
    let names = Arc::new(Names { listeners: vec!["public".into()], ..Names::default() });
    let exposition = Exposition {
        concurrency: Default::default(),
        maintenance: Default::default(),
        stores: Default::default(),
        registers: vec![Arc::new(Registers::new(&names))],
        names,
        catalogue,
        config_hash: "c0ffee".into(),
        states: Arc::new(Boards::new(&[], 1)),
        certificates: Arc::default(),
        reloads: Arc::default(),
        lost: None,
    };
    let config = Arc::new(crate::server::tests::plain(&[], 1));
    AdminState {
        readiness: Arc::new(Readiness::new()),
        ledger: Arc::new(Ledger::new(exposition)),
        config: Arc::new(move || Arc::clone(&config)),
        control: None,
    }
}

fn status(reply: &str) -> u16 {
    reply["HTTP/1.1 ".len()..][..3].parse().unwrap()
}

/// Runs a test on a runtime like the control thread's.
fn on_control_thread(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build_local(LocalOptions::default()).unwrap().block_on(test);
}

/// Asserts that a reply is the vocabulary's for `cause`.
fn assert_problem(rig: &Rig, reply: &str, cause: Cause) {
    let expected = rig.catalogue.status(&Problem::new(cause));
    assert_eq!(status(reply), expected, "{reply}");
    assert!(reply.contains("\r\nx-request-id: "), "{reply}");
    assert!(reply.contains("\r\ncache-control: no-store\r\n"), "{reply}");
}

#[test]
fn it_lives_from_the_start_and_is_ready_when_told() {
    on_control_thread(async {
        let rig = Rig::start().await;
        let live = rig.ask("GET /livez").await;
        assert_eq!(status(&live), 200);
        assert!(live.ends_with("\r\n\r\nok\n"), "{live}");
        let starting = rig.ask("GET /readyz").await;
        assert_problem(&rig, &starting, Cause::Draining);
        assert!(starting.contains("\r\nreadiness: starting\r\n"), "{starting}");
        rig.readiness.enter(Stage::Ready);
        assert_eq!(status(&rig.ask("GET /readyz?verbose").await), 200);
        rig.readiness.enter(Stage::Draining);
        let draining = rig.ask("GET /readyz").await;
        assert_problem(&rig, &draining, Cause::Draining);
        assert!(draining.contains("\r\nreadiness: draining\r\n"), "{draining}");
        assert_eq!(status(&rig.ask("GET /livez").await), 200);
    });
}

#[test]
fn metrics_are_prometheus_text() {
    on_control_thread(async {
        let rig = Rig::start().await;
        let page = rig.ask("GET /metrics").await;
        assert_eq!(status(&page), 200);
        let content_type = "\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n";
        assert!(page.contains(content_type), "{page}");
        assert!(page.contains("\nguichet_config_info{hash=\"c0ffee\"} 1\n"), "{page}");
    });
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    on_control_thread(async {
        let rig = Rig::start().await;
        let reply = rig.ask("HEAD /livez").await;
        assert_eq!(status(&reply), 200);
        assert!(reply.contains("\r\ncontent-length: 3\r\n"), "{reply}");
        assert!(reply.ends_with("\r\n\r\n"), "{reply}");
    });
}

#[test]
fn other_paths_and_methods_get_errors_of_the_vocabulary() {
    on_control_thread(async {
        let rig = Rig::start().await;
        assert_problem(&rig, &rig.ask("GET /").await, Cause::NoRoute);
        assert_problem(&rig, &rig.ask("GET /metrics/").await, Cause::NoRoute);
        assert_problem(&rig, &rig.ask("POST /v1/reload").await, Cause::NoRoute);
        let wrong_method = rig.ask("DELETE /metrics").await;
        assert_problem(&rig, &wrong_method, Cause::NoMethod);
        assert_eq!(wrong_method.matches("allow: GET, HEAD\r\n").count(), 1, "{wrong_method}");
    });
}

#[test]
fn a_web_page_cannot_read_it() {
    on_control_thread(async {
        let rig = Rig::start().await;
        let rebound = rig.raw("GET /metrics HTTP/1.1\r\nhost: evil.example\r\n\r\n").await;
        assert_problem(&rig, &rebound, Cause::WrongHost);
        assert!(!rebound.contains("guichet_config_info"), "{rebound}");
        let crossing = format!("host: {}\r\norigin: http://evil.example", rig.address);
        let crossing = rig.raw(&format!("GET /metrics HTTP/1.1\r\n{crossing}\r\n\r\n")).await;
        assert_problem(&rig, &crossing, Cause::WrongHost);
        let nameless = rig.raw("GET /livez HTTP/1.1\r\n\r\n").await;
        assert_problem(&rig, &nameless, Cause::BadHost);
    });
}

#[test]
fn each_connection_carries_one_exchange() {
    on_control_thread(async {
        let rig = Rig::start().await;
        let request = format!("GET /livez HTTP/1.1\r\nhost: {}\r\n\r\n", rig.address);
        let replies = rig.raw(&request.repeat(2)).await;
        assert_eq!(replies.matches("HTTP/1.1 200").count(), 1, "{replies}");
        assert!(replies.contains("\r\nconnection: close\r\n"), "{replies}");
    });
}

#[test]
fn connections_beyond_the_limit_wait_for_their_turn() {
    on_control_thread(async {
        let rig = Rig::start().await;
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut stream = TcpStream::connect(rig.address).await.unwrap();
            stream.write_all(b"GET /").await.unwrap();
            held.push(stream);
        }
        // The system takes it into the backlog; nobody answers before one of the others ends.
        let mut waiting = TcpStream::connect(rig.address).await.unwrap();
        let request = format!("GET /livez HTTP/1.1\r\nhost: {}\r\n\r\n", rig.address);
        waiting.write_all(request.as_bytes()).await.unwrap();
        for _ in 0..2_000 {
            tokio::task::yield_now().await;
        }
        let early = waiting.try_read(&mut [0; 1]).unwrap_err();
        assert_eq!(early.kind(), std::io::ErrorKind::WouldBlock);
        held.pop();
        let mut reply = String::new();
        waiting.read_to_string(&mut reply).await.unwrap();
        assert_eq!(status(&reply), 200);
    });
}

#[tokio::test(start_paused = true)]
async fn who_dawdles_is_left_in_time() {
    // A head that never ends, and an answer that nobody reads.
    let slow = "GET /livez HTTP/1.1\r\nhost: localhost\r\n";
    let deaf = "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for (request, limit) in [(slow, HEAD_TIME), (deaf, TOTAL_TIME)] {
        let (mut client, near) = tokio::io::duplex(64);
        client.write_all(request.as_bytes()).await.unwrap();
        let start = clock::now();
        connection(near, state(), Door::Socket).await;
        assert_eq!(clock::now() - start, limit, "{request}");
    }
}

#[test]
fn dropping_it_closes_the_port() {
    on_control_thread(async {
        let rig = Rig::start().await;
        assert_eq!(status(&rig.ask("GET /livez").await), 200);
        rig.serving.abort();
        assert!(rig.serving.await.unwrap_err().is_cancelled());
        assert!(TcpStream::connect(rig.address).await.is_err());
    });
}
