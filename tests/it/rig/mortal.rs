//! An origin that can be killed in the middle of everything, and come back on its port.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::http::read_head;

/// Answers every request with 200 and an empty body, after a moment.
pub struct Mortal {
    address: SocketAddr,
    life: Option<Life>,
    takes: Duration,
    /// Whether requests wait for each other.
    queues: bool,
    shared: Arc<Mutex<State>>,
}

struct Life {
    listener: TcpListener,
}

#[derive(Default)]
struct State {
    dead: bool,
    open: Vec<TcpStream>,
    answered: usize,
}

impl Mortal {
    /// An origin that takes its time for each answer.
    pub fn slow(takes: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of loopback");
        let address = listener.local_addr().expect("it is bound");
        let mut origin = Self { address, life: None, takes, queues: false, shared: Arc::default() };
        origin.live(listener);
        origin
    }

    /// One that does one thing at a time, each of which takes so long.
    pub fn one_at_a_time(takes: Duration) -> Self {
        let mut origin = Self::slow(takes);
        origin.kill();
        origin.queues = true;
        origin.revive();
        origin
    }

    /// The endpoint as a configuration names it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests it has answered, in all its lives.
    pub fn answered(&self) -> usize {
        self.shared.lock().unwrap().answered
    }

    /// Ends as a process does that is killed: nobody listens, and every connection ends.
    pub fn kill(&mut self) {
        let Some(Life { listener }) = self.life.take() else { return };
        let mut state = self.shared.lock().unwrap();
        state.dead = true;
        for stream in state.open.drain(..) {
            // What was read and not answered is never answered.
            let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(state);
        let _ = socket2::SockRef::from(&listener).shutdown(Shutdown::Both);
    }

    /// Listens again where it was.
    pub fn revive(&mut self) {
        assert!(self.life.is_none(), "it lives");
        self.shared = Arc::new(Mutex::new(State { answered: self.answered(), ..State::default() }));
        let listener = super::eventually("the port", || TcpListener::bind(self.address).ok());
        self.live(listener);
    }

    fn live(&mut self, listener: TcpListener) {
        let (shared, takes, queues) = (Arc::clone(&self.shared), self.takes, self.queues);
        self.life = Some(Life { listener: listener.try_clone().expect("a descriptor") });
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut state = shared.lock().unwrap();
                if state.dead {
                    return;
                }
                state.open.push(stream.try_clone().expect("a descriptor"));
                drop(state);
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, takes, queues, &shared));
            }
        });
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        self.kill();
    }
}

fn serve(mut stream: TcpStream, takes: Duration, queues: bool, shared: &Mutex<State>) {
    while read_head(&mut stream).is_ok() {
        let turn = queues.then(|| shared.lock().unwrap());
        thread::sleep(takes);
        let mut state = turn.unwrap_or_else(|| shared.lock().unwrap());
        if state.dead || stream.write_all(ANSWER).is_err() {
            return;
        }
        state.answered += 1;
    }
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
