//! Clients: one that sends exact bytes and reads what comes, and the vocabulary's own assertions.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::Value;

use super::http::{Head, read_chunked_body, read_head};
use super::{PATIENCE, tls};

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By its framing: the client knows that it has everything.
    Complete,
    /// The connection closed where the framing promised more: the client knows that it was cut.
    Cut,
    /// The connection closed, and nothing but that says that it was all.
    AtClose,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status line and fields.
    pub head: Head,
    /// The body, decoded.
    pub body: Vec<u8>,
    /// Trailers of a chunked body.
    pub trailers: Vec<(String, String)>,
    /// How it ended.
    pub ending: Ending,
    /// Heads of the interim answers before it.
    pub interim: Vec<Head>,
}

impl Reply {
    /// The status.
    pub fn status(&self) -> u16 {
        self.head.status()
    }

    /// The first value of a field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// The request id that this answer carries.
    pub fn request_id(&self) -> String {
        self.header("x-request-id").expect("x-request-id is on every reply").to_owned()
    }

    /// Asserts that this is the house JSON of a code, with every header that the contract asks
    /// for, and gives the body back.
    #[track_caller]
    pub fn is_problem(&self, status: u16, name: &str) -> Value {
        let shown = || format!("{}\n{}", self.head.line, self.text());
        assert_eq!(self.status(), status, "{}", shown());
        assert_eq!(self.header("error-code"), Some(&*format!("fr.ammy{name}")), "{}", shown());
        assert_eq!(self.header("content-type"), Some("application/json"), "{}", shown());
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let vary = self.header("vary").unwrap_or_default().to_ascii_lowercase();
        assert_eq!(vary, "accept, accept-language");
        assert!(matches!(self.header("content-language"), Some("fr" | "en")));
        assert_eq!(self.head.content_length(), Some(self.body.len() as u64));
        assert_eq!(self.ending, Ending::Complete);
        let body = self.json();
        assert_eq!(body["code"], format!("fr.ammy{name}"));
        assert_eq!(body["status"], status);
        assert_eq!(body["request_id"], self.request_id());
        assert!(body["message"].as_str().is_some_and(|text| text.len() > 5), "{}", shown());
        match status {
            405 => assert!(self.header("allow").is_some()),
            426 if self.head.line.starts_with("HTTP/2") => {
                // RFC 9113, section 8.2.2: HTTP/2 knows neither field.
                assert!(self.header("upgrade").is_none() && self.header("connection").is_none());
            }
            426 => {
                assert_eq!(self.header("upgrade"), Some("TLS/1.2, HTTP/1.1"));
                let connection = self.header("connection").unwrap_or_default();
                assert!(connection.to_ascii_lowercase().contains("upgrade"), "{connection}");
            }
            429 | 503 => {
                let wait = self.header("retry-after").and_then(|value| value.parse::<u32>().ok());
                assert!(wait.is_some_and(|seconds| seconds >= 1), "{}", shown());
            }
            _ => {}
        }
        body
    }
}

enum Stream {
    Tcp(TcpStream),
    Tls(Box<rustls::StreamOwned<rustls::ClientConnection, TcpStream>>),
}

/// A connection that sends what it is told.
pub struct Client {
    stream: Stream,
    /// What was read ahead of what was asked for.
    ahead: Vec<u8>,
}

impl Client {
    /// Connects in the clear.
    pub fn plain(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the gateway listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: Stream::Tcp(stream), ahead: Vec::new() }
    }

    /// Connects by TLS, asks for `localhost` and HTTP/1.1, and believes the certificate.
    pub fn tls(address: SocketAddr) -> Self {
        Self::tls_as(address, "localhost", tls::trusting_client(&["http/1.1"])).unwrap()
    }

    /// Connects by TLS; the handshake is finished before this returns.
    pub fn tls_as(address: SocketAddr, name: &str, config: Arc<ClientConfig>) -> io::Result<Self> {
        let Self { stream: Stream::Tcp(stream), ahead } = Self::plain(address) else {
            unreachable!("a plain client");
        };
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let session = rustls::ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut stream = rustls::StreamOwned::new(session, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self { stream: Stream::Tls(Box::new(stream)), ahead })
    }

    /// The session's facts, of a TLS client.
    pub fn session(&self) -> &rustls::ClientConnection {
        match &self.stream {
            Stream::Tls(stream) => &stream.conn,
            Stream::Tcp(_) => panic!("a plain client has no session"),
        }
    }

    /// The client's own address, as the gateway sees it.
    pub fn local(&self) -> SocketAddr {
        self.socket().local_addr().unwrap()
    }

    /// Sends these bytes.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.try_send(bytes).expect("the gateway takes what the client sends");
        self
    }

    /// Sends these bytes, or says why not: a gateway that has refused may have closed by now.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let stream: &mut dyn Write = match &mut self.stream {
            Stream::Tcp(stream) => stream,
            Stream::Tls(stream) => stream,
        };
        stream.write_all(bytes.as_ref())?;
        stream.flush()
    }

    /// Sends as much as the gateway takes while nobody reads it on the other side; the count.
    pub fn send_until_stuck(&mut self, silence: Duration) -> u64 {
        self.socket().set_write_timeout(Some(silence)).unwrap();
        let mut sent = 0;
        let block = [b'x'; 64 * 1024];
        loop {
            let stream: &mut dyn Write = match &mut self.stream {
                Stream::Tcp(stream) => stream,
                Stream::Tls(stream) => stream,
            };
            match stream.write(&block) {
                Ok(count) => sent += count as u64,
                Err(_) => break,
            }
        }
        self.socket().set_write_timeout(Some(PATIENCE)).unwrap();
        sent
    }

    /// A GET of this path as one more request of the connection. Behind TLS the host is one that
    /// the self-signed certificate serves.
    pub fn get(&mut self, path: &str) -> Reply {
        let host = match &self.stream {
            Stream::Tcp(_) => "gw.test",
            Stream::Tls(_) => "localhost",
        };
        self.get_as(host, path)
    }

    /// A GET for this host: behind TLS it has to be one that the certificate serves.
    pub fn get_as(&mut self, host: &str, path: &str) -> Reply {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
    }

    /// Sends one request and reads its answer.
    pub fn ask(&mut self, request: &str) -> Reply {
        let to_head = request.starts_with("HEAD ");
        self.send(request);
        if to_head { self.reply_to_head() } else { self.reply() }
    }

    /// Reads the next final answer.
    #[track_caller]
    pub fn reply(&mut self) -> Reply {
        self.try_reply(Expects::Body).expect("an answer")
    }

    /// Reads the answer to a HEAD: the length speaks of a body that does not come.
    #[track_caller]
    pub fn reply_to_head(&mut self) -> Reply {
        self.try_reply(Expects::NoBody).expect("an answer")
    }

    /// Reads the next final answer, or says why there was none.
    pub fn try_reply(&mut self, expects: Expects) -> io::Result<Reply> {
        let mut interim = Vec::new();
        let head = loop {
            let head = read_head(self)?;
            if head.status() >= 200 || head.status() == 101 {
                break head;
            }
            interim.push(head);
        };
        let (mut body, mut trailers) = (Vec::new(), Vec::new());
        let ending = if expects == Expects::NoBody || matches!(head.status(), 101 | 204 | 304) {
            Ending::Complete
        } else if head.is_chunked() {
            match read_chunked_body(self, &mut body, &mut trailers) {
                Ok(()) => Ending::Complete,
                Err(error) if is_timeout(&error) => return Err(error),
                Err(_) => Ending::Cut,
            }
        } else if let Some(length) = head.content_length() {
            match io::copy(&mut Read::take(&mut *self, length), &mut body) {
                Ok(count) if count == length => Ending::Complete,
                Err(error) if is_timeout(&error) => return Err(error),
                Ok(_) | Err(_) => Ending::Cut,
            }
        } else {
            match self.read_to_end(&mut body) {
                Ok(_) => Ending::AtClose,
                Err(error) if is_timeout(&error) => return Err(error),
                Err(_) => Ending::Cut,
            }
        };
        Ok(Reply { head, body, trailers, ending, interim })
    }

    /// Reads exactly this many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.read_exact(&mut bytes).expect("more bytes");
        bytes
    }

    /// Asserts that the gateway ends the connection in good order, without another byte: over TLS
    /// it has said so (close_notify), and in the clear nothing was reset.
    #[track_caller]
    pub fn ends_in_order(&mut self) {
        let mut rest = Vec::new();
        self.read_to_end(&mut rest).expect("an orderly end");
        assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    }

    /// Asserts that the gateway ends the connection without another byte.
    #[track_caller]
    pub fn is_closed(&mut self) {
        let mut rest = Vec::new();
        match self.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert!(!is_timeout(&error), "the connection stays open"),
        }
        assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    }

    /// Asserts that the connection still carries requests.
    #[track_caller]
    pub fn is_open(&mut self) {
        assert!(self.get("/still-open").status() > 0);
    }

    /// Ends the sending side.
    pub fn half_close(&mut self) -> &mut Self {
        if let Stream::Tls(stream) = &mut self.stream {
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
        self.socket().shutdown(Shutdown::Write).unwrap();
        self
    }

    /// Ends the sending side without the word that TLS has for it: whoever stands between the two
    /// can do that.
    pub fn truncate(&mut self) -> &mut Self {
        self.socket().shutdown(Shutdown::Write).unwrap();
        self
    }

    /// Leaves by RST.
    pub fn leave(self) {
        socket2::SockRef::from(self.socket()).set_linger(Some(Duration::ZERO)).unwrap();
    }

    fn socket(&self) -> &TcpStream {
        match &self.stream {
            Stream::Tcp(stream) => stream,
            Stream::Tls(stream) => &stream.sock,
        }
    }
}

/// Whether an answer brings the body that its head speaks of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    Body,
    NoBody,
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

impl Read for Client {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            let mut block = [0; 16 * 1024];
            let count = match &mut self.stream {
                Stream::Tcp(stream) => stream.read(&mut block),
                Stream::Tls(stream) => stream.read(&mut block),
            }?;
            self.ahead.extend_from_slice(&block[..count]);
        }
        let count = self.ahead.len().min(into.len());
        into[..count].copy_from_slice(&self.ahead[..count]);
        self.ahead.drain(..count);
        Ok(count)
    }
}

/// One request on its own plain connection.
pub fn ask(address: SocketAddr, request: &str) -> Reply {
    Client::plain(address).ask(request)
}

/// A GET on its own plain connection.
pub fn get(address: SocketAddr, path: &str) -> Reply {
    Client::plain(address).get(path)
}
