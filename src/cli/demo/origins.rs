//! The demonstration's backends: one thread each, HTTP/1.1, one request a connection, and manners
//! as they are met in the wild.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// How a backend behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Answers well.
    Fine,
    /// Answers 500 with a Java stack trace in HTML.
    StackTrace,
    /// Takes the request and never answers.
    Silent,
    /// Resets the connection.
    Reset,
    /// Answers bytes that are not HTTP.
    Noise,
    /// Promises more of a body than it sends.
    Cut,
    /// Answers 409 as RFC 9457 asks.
    ProblemJson,
    /// Answers 409 with codes of its own.
    SoldOut,
    /// Answers GraphQL errors under 400.
    GraphQl,
    /// Answers 429 in plain French.
    Quota,
}

/// Starts a backend on a port that the system chooses. It lives as long as the process.
///
/// # Errors
/// What the operating system says.
pub(super) fn start(manner: Manner) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let accept = move || {
        for stream in listener.incoming().flatten() {
            // One at a time would let a silent backend block itself, so each has its thread; the
            // gateway's own limits bound how many there are.
            let serve = move || {
                // A backend that fails to misbehave has misbehaved.
                let _ = serve(manner, stream);
            };
            let _ = thread::Builder::new().name("demo-connection".to_owned()).spawn(serve);
        }
    };
    thread::Builder::new().name(format!("demo-{manner:?}")).spawn(accept)?;
    Ok(address)
}

fn serve(manner: Manner, mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    read_request(&mut stream)?;
    match manner {
        Manner::Fine => answer(&mut stream, "200 OK", "application/json", PRODUCTS),
        Manner::StackTrace => {
            answer(&mut stream, "500 Internal Server Error", "text/html", STACK_TRACE)
        }
        Manner::Silent => {
            // Until the gateway has had enough and closes.
            while stream.read(&mut [0; 1024])? > 0 {}
            Ok(())
        }
        Manner::Reset => socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)),
        Manner::Noise => stream.write_all(b"\x15\x03\x03\x00\x02\x02F\xff\x00 not HTTP at all"),
        Manner::Cut => {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 100000\r\n\r\n";
            stream.write_all(head.as_bytes())?;
            stream.write_all(b"day;orders\n2026-01-01;17\n2026-01-02;")
        }
        Manner::ProblemJson => {
            answer(&mut stream, "409 Conflict", "application/problem+json", NEWER)
        }
        Manner::SoldOut => answer(&mut stream, "409 Conflict", "application/json", SOLD_OUT),
        Manner::GraphQl => answer(&mut stream, "400 Bad Request", "application/json", GRAPHQL),
        Manner::Quota => answer(
            &mut stream,
            "429 Too Many Requests\r\nRetry-After: 30",
            "text/plain; charset=utf-8",
            QUOTA,
        ),
    }
}

/// `status` may bring more fields with it.
fn answer(stream: &mut TcpStream, status: &str, kind: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nServer: Demo/0.1 (internal)\r\nContent-Type: {kind}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// Reads a request away, so that closing does not reset the answer. Bounded: this is a
/// demonstration, and what is longer than that is not part of it.
fn read_request(stream: &mut TcpStream) -> io::Result<()> {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(b"\r\n\r\n") && seen.len() < LONGEST_HEAD {
        stream.read_exact(&mut byte)?;
        seen.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&seen).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|value| value.trim().parse().ok()).unwrap_or(0_u64);
    io::copy(&mut stream.take(length.min(LONGEST_BODY)), &mut io::sink())?;
    Ok(())
}

const PATIENCE: Duration = Duration::from_secs(30);
const LONGEST_HEAD: usize = 64 * 1024;
const LONGEST_BODY: u64 = 1024 * 1024;

const PRODUCTS: &str = r#"{"products":[{"id":7,"name":"Lamp","price":"29.90"}]}"#;

const STACK_TRACE: &str = "<html><head><title>HTTP Status 500</title></head><body>\
<h1>HTTP Status 500 - Internal Server Error</h1><pre>\
java.lang.NullPointerException: Cannot invoke \"fr.shop.Basket.total()\" because \"basket\" is null\n\
\tat fr.shop.internal.CheckoutServlet.doGet(CheckoutServlet.java:214)\n\
\tat org.apache.catalina.core.StandardWrapperValve.invoke(StandardWrapperValve.java:167)\n\
</pre><h3>Apache Tomcat/9.0.31 on db-prod-3.internal</h3></body></html>";

const NEWER: &str = r#"{"type":"https://backend.internal/problems/version","title":"Conflict","status":409,"detail":"Somebody has changed this customer since you read it."}"#;

const SOLD_OUT: &str = r#"{"error":{"code":"SOLD_OUT","text":"SKU 4711 stock=0 wh=3"}}"#;

const GRAPHQL: &str = r#"{"errors":[{"message":"Cannot query field \"nam\" on type \"Product\".","locations":[{"line":1,"column":15}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED","stacktrace":["at Object.validate (/srv/app/node_modules/graphql/validation/validate.js:54:14)"]}}]}"#;

const QUOTA: &str = "Trop de requêtes, revenez plus tard (règle quota-7 sur lb-2)";
