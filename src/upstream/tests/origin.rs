//! An origin that reads, sends, waits, closes and resets as told, and remembers what it saw.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::Notify;
use tokio::task::spawn_local;

/// One step of a script.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Read one request with its body.
    Read,
    /// Read only the head of a request.
    ReadHead,
    /// Read to the end of the connection, and note that it came.
    Drain,
    /// Send these bytes.
    Send(Vec<u8>),
    /// Send this so many times, with a pause of so many milliseconds.
    Drip(usize, u64, &'static str),
    /// Wait so many milliseconds.
    Sleep(u64),
    /// Read HTTP/2 frames up to one of this type, and note its stream.
    Frame(u8),
    /// Send back whatever comes.
    Echo,
    /// Reset.
    Rst,
    /// Never do anything again.
    Hang,
}

/// Sends text.
pub(super) fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

/// A running origin.
pub(super) struct Origin {
    pub(super) address: SocketAddr,
    log: Rc<Log>,
}

#[derive(Default)]
struct Log {
    connections: RefCell<usize>,
    requests: RefCell<Vec<(usize, String)>>,
    ended: RefCell<usize>,
    news: Notify,
}

impl Origin {
    /// Every connection follows the same script, and is closed at its end.
    pub(super) async fn new(script: &[Step]) -> Self {
        Self::scripts(&[script]).await
    }

    /// The first connection follows the first script, and so on; the last one serves all others.
    pub(super) async fn scripts(scripts: &[&[Step]]) -> Self {
        Self::at(([127, 0, 0, 1], 0).into(), scripts).await
    }

    /// The same at a given address.
    pub(super) async fn at(address: SocketAddr, scripts: &[&[Step]]) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Rc::new(Log::default());
        let scripts: Vec<Vec<Step>> = scripts.iter().map(|script| script.to_vec()).collect();
        let seen = Rc::clone(&log);
        spawn_local(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (number, script) = seen.next(&scripts);
                spawn_local(play_tcp(socket, script, number, Rc::clone(&seen)));
            }
        });
        Self { address, log }
    }

    /// The same on a unix socket.
    pub(super) fn unix(path: &Path, script: &[Step]) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let log = Rc::new(Log::default());
        let scripts = vec![script.to_vec()];
        let seen = Rc::clone(&log);
        spawn_local(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let (number, script) = seen.next(&scripts);
                let seen = Rc::clone(&seen);
                spawn_local(async move { play(&mut socket, &script, number, &seen).await });
            }
        });
        Self { address: ([127, 0, 0, 1], 1).into(), log }
    }

    /// How many connections came.
    pub(super) fn connections(&self) -> usize {
        *self.log.connections.borrow()
    }

    /// Heads and bodies of all requests.
    pub(super) fn requests(&self) -> Vec<String> {
        self.log.requests.borrow().iter().map(|(_, text)| text.clone()).collect()
    }

    /// The connection that each request came on.
    pub(super) fn carriers(&self) -> Vec<usize> {
        self.log.requests.borrow().iter().map(|(number, _)| *number).collect()
    }

    /// Waits until so many requests were read.
    pub(super) async fn heard(&self, count: usize) {
        while self.log.requests.borrow().len() < count {
            self.log.news.notified().await;
        }
    }

    /// Waits until the end of so many connections was seen, while draining or reading.
    pub(super) async fn ended(&self, count: usize) {
        while *self.log.ended.borrow() < count {
            self.log.news.notified().await;
        }
    }
}

impl Log {
    fn end(&self) {
        *self.ended.borrow_mut() += 1;
        self.news.notify_waiters();
    }

    fn next(&self, scripts: &[Vec<Step>]) -> (usize, Vec<Step>) {
        let number = *self.connections.borrow();
        *self.connections.borrow_mut() += 1;
        (number, scripts[number.min(scripts.len() - 1)].clone())
    }
}

async fn play_tcp(mut socket: TcpStream, script: Vec<Step>, number: usize, log: Rc<Log>) {
    play(&mut socket, &script, number, &log).await;
    if matches!(script.last(), Some(Step::Rst)) {
        socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

pub(super) async fn play_alone<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut S, script: &[Step]) {
    play(socket, script, 0, &Log::default()).await;
}

async fn play<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut S,
    script: &[Step],
    number: usize,
    log: &Log,
) {
    let mut rest = Vec::new();
    for step in script {
        match step {
            Step::Read | Step::ReadHead => {
                let with_body = matches!(step, Step::Read);
                let Some(text) = read_request(socket, &mut rest, with_body).await else {
                    return log.end();
                };
                log.requests.borrow_mut().push((number, text));
                log.news.notify_waiters();
            }
            Step::Drain => {
                let _ = socket.read_to_end(&mut rest).await;
                log.end();
            }
            Step::Send(bytes) => {
                if socket.write_all(bytes).await.is_err() {
                    return;
                }
                let _ = socket.flush().await;
            }
            Step::Drip(count, millis, text) => {
                for _ in 0..*count {
                    if socket.write_all(text.as_bytes()).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(*millis)).await;
                }
            }
            Step::Frame(kind) => {
                let Some(stream) = read_frame(socket, &mut rest, *kind).await else { return };
                log.requests.borrow_mut().push((number, format!("frame {kind} on {stream}")));
                log.news.notify_waiters();
            }
            Step::Sleep(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
            Step::Echo => {
                let mut buffer = vec![0; 4096];
                while let Ok(count @ 1..) = socket.read(&mut buffer).await {
                    socket.write_all(&buffer[..count]).await.unwrap();
                    socket.flush().await.unwrap();
                }
            }
            Step::Rst => return,
            Step::Hang => std::future::pending().await,
        }
    }
}

/// Reads frames up to one of this type; its stream.
async fn read_frame<S: AsyncRead + Unpin>(
    socket: &mut S,
    rest: &mut Vec<u8>,
    kind: u8,
) -> Option<u32> {
    loop {
        if rest.starts_with(b"PRI *") && rest.len() >= 24 {
            rest.drain(..24);
        }
        while !rest.starts_with(b"PRI") && rest.len() >= 9 {
            let length = u32::from_be_bytes([0, rest[0], rest[1], rest[2]]) as usize;
            if rest.len() < 9 + length {
                break;
            }
            let frame: Vec<u8> = rest.drain(..9 + length).collect();
            if frame[3] == kind {
                return Some(u32::from_be_bytes([frame[5], frame[6], frame[7], frame[8]]));
            }
        }
        let mut buffer = vec![0; 4096];
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => rest.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Reads one request; chunked bodies end at their last chunk, and are kept as they came.
async fn read_request<S: AsyncRead + Unpin>(
    socket: &mut S,
    rest: &mut Vec<u8>,
    with_body: bool,
) -> Option<String> {
    let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|w| w == what);
    loop {
        if let Some(at) = find(rest, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&rest[..at]).to_lowercase();
            let length = head
                .split("content-length: ")
                .nth(1)
                .map_or(0, |tail| tail.split("\r\n").next().unwrap().parse::<usize>().unwrap());
            let end = if !with_body {
                Some(at + 4)
            } else if head.contains("transfer-encoding: chunked") {
                find(&rest[at..], b"\r\n0\r\n\r\n").map(|end| at + end + 7)
            } else {
                Some(at + 4 + length).filter(|end| *end <= rest.len())
            };
            if let Some(end) = end {
                let request: Vec<u8> = rest.drain(..end).collect();
                return Some(String::from_utf8_lossy(&request).into_owned());
            }
        }
        let mut buffer = vec![0; 16384];
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => rest.extend_from_slice(&buffer[..count]),
        }
    }
}
