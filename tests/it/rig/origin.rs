//! A scripted origin on loopback: it answers well, badly, late, half, or not at all, and remembers
//! every byte that reached it. Plain threads, so that nothing of guichet's own machinery is between
//! a test and the wire.

mod visit;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use self::visit::{Visit, Wire};
use super::http::Head;
use super::{PATIENCE, tls};

/// One thing that an origin does on a connection.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reads a request with its body.
    Read,
    /// Reads the head of a request only.
    ReadHead,
    /// Reads the body that belongs to the last head.
    ReadBody,
    /// Reads so many bytes.
    Take(usize),
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends the same bytes again and again, with a pause between: enough for every time limit.
    Drip { times: usize, every: Duration, bytes: Vec<u8> },
    /// Lets time pass: an origin is allowed to be slow, a test is not.
    Pause(Duration),
    /// Does nothing until the test lets go or the other side leaves.
    Stall,
    /// Sends back what arrives, byte by byte, until the other side ends: a tunnel's other end.
    EchoBytes,
    /// Answers 200 with the body of the request that was just read.
    EchoBody,
    /// Reads and throws away until the other side ends.
    Drain,
    /// Ends the connection by RST.
    Reset,
    /// Ends the sending side, keeps reading.
    HalfClose,
    /// Ends the connection.
    Close,
    /// From the first step again, on the same connection.
    Again,
}

/// `Send` from text.
pub fn send(text: impl Into<Vec<u8>>) -> Step {
    Step::Send(text.into())
}

/// A 200 with this body and the right length.
pub fn ok(body: &str) -> Step {
    send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// An answer with status, type and body.
pub fn answer(status: u16, content_type: &str, body: &str) -> Step {
    send(format!(
        "HTTP/1.1 {status} Whatever\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// The endpoint of a port where nobody listens. The port stays bound for the life of the process:
/// given back, the system could hand it to the next test's origin.
pub fn nobody() -> String {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    socket.bind(&any.into()).expect("a port of loopback");
    let address = socket.local_addr().ok().and_then(|address| address.as_socket());
    std::mem::forget(socket);
    format!("http://{}", address.expect("it is bound"))
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The connection's number, from 0.
    pub connection: usize,
    /// Request line and fields.
    pub head: Head,
    /// The body, decoded, as far as it was read.
    pub body: Vec<u8>,
    /// Trailers of a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl Seen {
    /// The first value of a field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }
}

#[derive(Default)]
struct State {
    connections: usize,
    closed: usize,
    bytes: u64,
    sent: u64,
    seen: Vec<Seen>,
    released: bool,
    ended: bool,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// A listening origin; it ends when it is dropped.
pub struct Origin {
    place: Place,
    shared: Shared,
}

enum Place {
    Tcp(SocketAddr, Scheme),
    Unix(PathBuf),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

/// What an origin does on each connection.
#[derive(Clone)]
enum Script {
    /// These steps from the first byte on.
    Fixed(Arc<[Step]>),
    /// A head is read first; its path chooses.
    ByPath(Arc<[(&'static str, Vec<Step>)]>),
}

impl Script {
    fn fixed(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::Fixed(steps.into_iter().collect())
    }
}

impl Origin {
    /// Answers every request with these bytes.
    pub fn answering(response: impl Into<Vec<u8>>) -> Self {
        Self::scripted([Step::Read, send(response), Step::Again])
    }

    /// Answers every request with its own body.
    pub fn echoing() -> Self {
        Self::scripted([Step::Read, Step::EchoBody, Step::Again])
    }

    /// Plays these steps on every connection, then closes it.
    pub fn scripted(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::on_tcp(Script::fixed(steps), None)
    }

    /// Reads each head, then plays the steps of the first path that begins the request's; the head
    /// counts as read. Any other path gets an empty 200. Without `Again` at the end of its steps
    /// the connection closes.
    pub fn by_path(paths: impl IntoIterator<Item = (&'static str, Vec<Step>)>) -> Self {
        Self::on_tcp(Script::ByPath(paths.into_iter().collect()), None)
    }

    /// As [`Self::scripted`], behind TLS.
    pub fn tls(identity: &tls::Identity, steps: impl IntoIterator<Item = Step>) -> Self {
        Self::on_tcp(Script::fixed(steps), Some(identity.server_config(&[b"http/1.1"])))
    }

    /// As [`Self::tls`], by a server that has never heard of ALPN.
    pub fn tls_without_alpn(
        identity: &tls::Identity,
        steps: impl IntoIterator<Item = Step>,
    ) -> Self {
        Self::on_tcp(Script::fixed(steps), Some(identity.server_config(&[])))
    }

    /// As [`Self::scripted`], on a unix socket.
    pub fn unix(path: &Path, steps: impl IntoIterator<Item = Step>) -> Self {
        let listener = UnixListener::bind(path).expect("a socket in a fresh folder");
        let shared = Shared::default();
        let (theirs, script) = (Arc::clone(&shared), Script::fixed(steps));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                welcome(&theirs, &script, Wire::Unix(stream));
            }
        });
        Self { place: Place::Unix(path.to_owned()), shared }
    }

    fn on_tcp(script: Script, security: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of loopback");
        let address = listener.local_addr().expect("it is bound");
        let shared = Shared::default();
        let theirs = Arc::clone(&shared);
        let scheme = if security.is_some() { Scheme::Https } else { Scheme::Http };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if theirs.0.lock().unwrap().ended {
                    return;
                }
                let wire = match &security {
                    None => Wire::Tcp(stream),
                    Some(config) => {
                        let Ok(session) = rustls::ServerConnection::new(Arc::clone(config)) else {
                            continue;
                        };
                        Wire::Tls(Box::new(rustls::StreamOwned::new(session, stream)))
                    }
                };
                welcome(&theirs, &script, wire);
            }
        });
        Self { place: Place::Tcp(address, scheme), shared }
    }

    /// The address, of a TCP origin.
    pub fn address(&self) -> SocketAddr {
        match &self.place {
            Place::Tcp(address, _) => *address,
            Place::Unix(_) => panic!("a unix socket has no address"),
        }
    }

    /// The endpoint as a configuration names it.
    pub fn url(&self) -> String {
        match &self.place {
            Place::Tcp(address, Scheme::Http) => format!("http://{address}"),
            Place::Tcp(address, Scheme::Https) => format!("https://localhost:{}", address.port()),
            Place::Unix(path) => format!("unix:{}", path.display()),
        }
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.0.lock().unwrap().seen.clone()
    }

    /// The only request, or the last one.
    pub fn last(&self) -> Seen {
        self.requests().pop().expect("a request reached the origin")
    }

    /// How many connections were opened.
    pub fn connections(&self) -> usize {
        self.shared.0.lock().unwrap().connections
    }

    /// How many connections are open now.
    pub fn open(&self) -> usize {
        let state = self.shared.0.lock().unwrap();
        state.connections - state.closed
    }

    /// How many bytes arrived.
    pub fn bytes(&self) -> u64 {
        self.shared.0.lock().unwrap().bytes
    }

    /// How many bytes the origin has got rid of.
    pub fn sent(&self) -> u64 {
        self.shared.0.lock().unwrap().sent
    }

    /// Nobody came: no connection, no byte.
    pub fn saw_nothing(&self) -> bool {
        self.connections() == 0
    }

    /// Waits until this many requests have come in whole.
    pub fn wait_for_requests(&self, count: usize) {
        self.wait_for("requests", |state| state.seen.len() >= count);
    }

    /// Waits until this many connections have ended.
    pub fn wait_for_closed(&self, count: usize) {
        self.wait_for("closed connections", |state| state.closed >= count);
    }

    /// Lets every stalled connection go on.
    pub fn release(&self) {
        self.shared.0.lock().unwrap().released = true;
        self.shared.1.notify_all();
    }

    fn wait_for(&self, what: &str, condition: impl Fn(&State) -> bool) {
        let state = self.shared.0.lock().unwrap();
        let waiting = self.shared.1.wait_timeout_while(state, PATIENCE, |state| !condition(state));
        let late = waiting.unwrap().1;
        assert!(!late.timed_out(), "waited {PATIENCE:?} for {what}");
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        {
            let mut state = self.shared.0.lock().unwrap();
            state.ended = true;
            state.released = true;
        }
        self.shared.1.notify_all();
        // One last connection wakes the thread that accepts, which then sees that it is over.
        match &self.place {
            Place::Tcp(address, _) => drop(TcpStream::connect(address)),
            Place::Unix(path) => drop(UnixStream::connect(path)),
        }
    }
}

fn welcome(shared: &Shared, script: &Script, wire: Wire) {
    let number = {
        let mut state = shared.0.lock().unwrap();
        if state.ended {
            return;
        }
        state.connections += 1;
        state.connections - 1
    };
    shared.1.notify_all();
    let (shared, script) = (Arc::clone(shared), script.clone());
    thread::spawn(move || {
        let mut visit = Visit { number, shared: Arc::clone(&shared), wire, head: None };
        // What breaks here was broken by the script or by the other side; the test judges it.
        let _ = visit.play(&script);
        drop(visit);
        shared.0.lock().unwrap().closed += 1;
        shared.1.notify_all();
    });
}
