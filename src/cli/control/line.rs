//! One question to the admin socket, and its answer: HTTP/1.1, one exchange for each connection.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// The way to a process.
pub(super) enum Line {
    /// Its unix socket.
    Socket(PathBuf),
    /// Its address, with the token.
    Tcp(SocketAddr, Option<Vec<u8>>),
}

/// What was answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Line {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// Nobody is there, or what is there does not answer in time, or not in HTTP.
    pub(super) fn ask(&self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        match self {
            Self::Socket(socket) => {
                let stream = UnixStream::connect(socket)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                exchange(stream, method, path, body, None)
            }
            Self::Tcp(address, token) => {
                let stream = TcpStream::connect_timeout(address, PATIENCE)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                exchange(stream, method, path, body, token.as_deref())
            }
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(socket) => socket.display().fmt(f),
            Self::Tcp(address, _) => address.fmt(f),
        }
    }
}

fn exchange(
    mut stream: impl Read + Write,
    method: &str,
    path: &str,
    body: &[u8],
    token: Option<&[u8]>,
) -> io::Result<Answer> {
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\
         Accept-Language: en\r\nContent-Length: {}\r\n",
        body.len()
    )
    .into_bytes();
    if let Some(token) = token {
        request.extend_from_slice(b"Authorization: Bearer ");
        request.extend_from_slice(token);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    stream.write_all(&request)?;
    let mut bytes = Vec::new();
    stream.take(LONGEST).read_to_end(&mut bytes)?;
    read(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "this is not HTTP"))
}

/// The admin listener frames by length and closes, so what follows the head is the body.
fn read(bytes: &[u8]) -> Option<Answer> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(end) = head.parse(bytes).ok()? else { return None };
    Some(Answer { status: head.code?, body: bytes[end..].to_vec() })
}

/// A reload reads files and waits for every worker.
const PATIENCE: Duration = Duration::from_secs(20);
const LONGEST: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_tcp_the_token_is_shown() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = vec![0; 4096];
            let count = stream.read(&mut asked).unwrap();
            stream.write_all(b"HTTP/1.1 401 Unauthorized\r\n\r\nno").unwrap();
            String::from_utf8(asked[..count].to_vec()).unwrap()
        });
        let line = Line::Tcp(address, Some(b"t0ken".to_vec()));
        let answer = line.ask("POST", "/v1/reload", b"").unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (401, &b"no"[..]));
        let asked = server.join().unwrap();
        assert!(asked.starts_with("POST /v1/reload HTTP/1.1\r\nHost: localhost\r\n"), "{asked}");
        assert!(asked.contains("\r\nAuthorization: Bearer t0ken\r\n"), "{asked}");
        assert!(!line.to_string().contains("t0ken"));
    }

    #[test]
    fn an_answer_is_a_status_and_what_follows_the_head() {
        let answer = read(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{}"[..]));
        for broken in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"220 mail.example ESMTP\r\n"] {
            assert!(read(broken).is_none());
        }
    }
}
