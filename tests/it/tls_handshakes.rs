//! Handshakes that are old, odd, slow, or too many.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::rig::client::{self, Client};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::Origin;
use crate::rig::{PATIENCE, each, eventually, tls};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn versions_before_1_2_are_refused_by_an_alert() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();
    each(
        &[("SSL 3.0", 0), ("TLS 1.0", 1), ("TLS 1.1", 2)],
        |(name, _)| (*name).to_owned(),
        |&(_, minor)| {
            let mut socket = socket(gateway.tls());
            socket.write_all(&old_hello(minor)).unwrap();
            // They name no signature algorithms either, which is noticed first.
            assert_eq!(alert(socket), HANDSHAKE_FAILURE);
        },
    );
}

#[test]
fn profiles_decide_about_1_2() {
    let origin = Origin::answering(OK);
    for (lines, allowed) in [
        ("", true),
        ("profile = \"intermediate\"", true),
        ("min = \"1.2\"", true),
        ("min = \"1.3\"", false),
        ("profile = \"modern\"", false),
    ] {
        let comma = if lines.is_empty() { "" } else { "," };
        let gateway = Setup::before(&origin.url())
            .tls(&format!("tls = {{ self_signed = [\"localhost\"]{comma} {lines} }}"))
            .start();
        let connect = |version| Client::tls_as(gateway.tls(), "localhost", tls::client_of(version));

        assert_eq!(connect(&TLS12).is_ok(), allowed, "{lines}");
        assert_eq!(connect(&TLS13).unwrap().get("/a").status(), 200, "{lines}");
    }
}

#[test]
fn a_hello_may_come_in_as_many_pieces_as_it_likes() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();
    each(
        &[1, 2, 61, 700],
        |size| format!("records of {size}"),
        |&size| {
            let (session, hello) = hello(tls::trusting_client(&["http/1.1"]));
            let mut socket = socket(gateway.tls());
            for record in fragmented(&hello, size) {
                // Each in a segment of its own, as far as this side can tell.
                socket.write_all(&record).unwrap();
            }
            assert_eq!(finish(session, socket), "HTTP/1.1 200 OK");
        },
    );
    let (session, hello) = hello(tls::trusting_client(&["http/1.1"]));
    assert!(hello.len() > 1200, "a hybrid key share makes it longer than a segment");
    let mut socket = socket(gateway.tls());
    for byte in &hello {
        socket.write_all(&[*byte]).unwrap();
    }
    assert_eq!(finish(session, socket), "HTTP/1.1 200 OK");
}

#[test]
fn a_name_that_is_none_harms_nobody() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();
    for name in [b"loc\nlhost", b"loc\0lhost", b"\x1b[31mred!", b"\xff\xfe\xfd......"] {
        let (_, mut hello) = hello(tls::trusting_client(&["http/1.1"]));
        let at = hello.windows(9).position(|bytes| bytes == b"localhost").unwrap();
        hello[at..at + 9].copy_from_slice(name);
        let mut socket = socket(gateway.tls());
        socket.write_all(&hello).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let _ = socket.read_to_end(&mut Vec::new());
    }

    assert_eq!(Client::tls(gateway.tls()).get("/a").status(), 200);
    // Whatever was written is JSON, which reading it asserts.
    gateway.log_lines();
}

#[test]
fn a_handshake_that_stands_still_ends_in_time() {
    let origin = Origin::answering(OK);
    let gateway =
        Setup::before(&origin.url()).server("limits = { header_time = \"200ms\" }").start();
    let (_, hello) = hello(tls::trusting_client(&["http/1.1"]));

    for said in [&[][..], &hello[..1], &hello[..hello.len() / 2], &hello] {
        let mut socket = socket(gateway.tls());
        socket.write_all(said).unwrap();
        match socket.read_to_end(&mut Vec::new()) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }

    eventually("all are counted", || (failures(&gateway, "handshake_timeout") == 4).then_some(()));
    assert!(origin.saw_nothing());
}

#[test]
fn a_handshake_whose_client_leaves_ends_at_once() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();
    let (_, hello) = hello(tls::trusting_client(&["http/1.1"]));

    for said in [&hello[..7], &hello] {
        let mut socket = socket(gateway.tls());
        socket.write_all(said).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let _ = socket.read_to_end(&mut Vec::new());
    }

    eventually("both are counted", || {
        (failures(&gateway, "client_tls_handshake") == 2).then_some(())
    });
}

#[test]
fn half_open_handshakes_lock_nobody_out() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).server("limits = { handshakes = 20 }").start();
    let mut established = Client::tls(gateway.tls());
    assert_eq!(established.get("/a").status(), 200);
    let (_, hello) = hello(tls::trusting_client(&["http/1.1"]));

    // Every other one made the gateway compute its part, and none goes on.
    let half_open: Vec<TcpStream> = (0..300)
        .map(|number| {
            let mut socket = socket(gateway.tls());
            let said = if number % 2 == 0 { &hello[..] } else { &hello[..9] };
            socket.write_all(said).unwrap();
            socket
        })
        .collect();

    assert_eq!(established.get("/a").status(), 200);
    assert_eq!(Client::tls(gateway.tls()).get("/a").status(), 200);
    eventually("the excess was closed", || {
        (failures(&gateway, "handshake_limit") >= 280).then_some(())
    });
    assert_eq!(Client::tls(gateway.tls()).get("/a").status(), 200);
    assert_eq!(established.get("/a").status(), 200);
    drop(half_open);
}

fn socket(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

/// A client that has said nothing but this hello, one record.
fn hello(config: Arc<ClientConfig>) -> (ClientConnection, Vec<u8>) {
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = ClientConnection::new(config, name).unwrap();
    let mut record = Vec::new();
    session.write_tls(&mut record).unwrap();
    assert!(!session.wants_write());
    (session, record)
}

/// The same handshake message in records of at most this much.
fn fragmented(record: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (header, message) = record.split_at(5);
    let one = |piece: &[u8]| {
        let length = u16::try_from(piece.len()).unwrap().to_be_bytes();
        [&header[..3], &length, piece].concat()
    };
    message.chunks(size).map(one).collect()
}

/// Shakes hands to the end and asks; the status line.
fn finish(session: ClientConnection, socket: TcpStream) -> String {
    let mut stream = StreamOwned::new(session, socket);
    stream.write_all(b"GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

/// A hello of SSL 3.0 (minor version 0), TLS 1.0 (1) or TLS 1.1 (2), as their clients sent it.
fn old_hello(minor: u8) -> Vec<u8> {
    let mut body = vec![3, minor];
    body.extend([7; 32]);
    body.push(0);
    // ECDHE and RSA with AES-CBC, and no compression.
    body.extend([0, 6, 0xc0, 0x13, 0xc0, 0x09, 0, 0x2f, 1, 0]);
    // The groups P-256 and P-384.
    body.extend([0, 10, 0, 10, 0, 6, 0, 4, 0, 23, 0, 24]);
    let length = u8::try_from(body.len()).unwrap();
    let mut record = vec![22, 3, minor.min(1), 0, length + 4, 1, 0, 0, length];
    record.extend(body);
    record
}

/// The description of the fatal alert that is all the gateway says.
fn alert(mut socket: TcpStream) -> u8 {
    let mut said = Vec::new();
    socket.read_to_end(&mut said).unwrap();
    let [21, 3, _, 0, 2, 2, description] = said[..] else { panic!("{said:?}") };
    description
}

fn failures(gateway: &Gateway, reason: &str) -> u64 {
    let request = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let page = client::ask(gateway.admin(), request).text();
    let series =
        format!("guichet_connection_failures_total{{listener=\"tls\",reason=\"{reason}\"}} ");
    let value = page.lines().find_map(|line| line.strip_prefix(&series));
    value.map_or(0, |value| value.parse().unwrap())
}

const HANDSHAKE_FAILURE: u8 = 40;
