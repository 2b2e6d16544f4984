//! An HTTP/2 origin that sends exact frames, in the clear.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::frames::{DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, SETTINGS, frame};

/// One thing that the origin does on a connection.
#[derive(Clone, Debug)]
pub enum Play {
    /// Sends these frames.
    Send(Vec<u8>),
    /// Reads until so many requests have begun, in all.
    Heads(usize),
    /// Answers `hello` to the first so many requests, and to every later one as it comes.
    AnswerFrom(usize),
    /// Answers `hello` to one of the requests so far.
    Answer(usize),
    /// Reads until the other side ends.
    Drain,
}

/// A listening origin. What it plays ends with its connections.
pub struct FrameOrigin {
    address: SocketAddr,
    connections: Arc<Mutex<Vec<usize>>>,
}

impl FrameOrigin {
    /// Begins each connection with these settings and plays the steps of its number, or the last.
    pub fn new(settings: &[u8], plays: &[&[Play]]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of loopback");
        let address = listener.local_addr().expect("it is bound");
        let connections = Arc::new(Mutex::new(Vec::new()));
        let theirs = Arc::clone(&connections);
        let plays: Vec<Vec<Play>> = plays.iter().map(|play| play.to_vec()).collect();
        let settings = frame(SETTINGS, 0, 0, settings);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                theirs.lock().unwrap().push(0);
                let play = plays[number.min(plays.len() - 1)].clone();
                let (settings, theirs) = (settings.clone(), Arc::clone(&theirs));
                thread::spawn(move || {
                    let mut visit = Visit { stream, heads: Vec::new(), number, counts: theirs };
                    // What breaks here was broken by the script or by the other side.
                    let _ = visit.play(&settings, &play);
                });
            }
        });
        Self { address, connections }
    }

    /// The endpoint as a configuration names it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests each connection was asked.
    pub fn requests(&self) -> Vec<usize> {
        self.connections.lock().unwrap().clone()
    }
}

struct Visit {
    stream: TcpStream,
    /// Streams of the requests so far.
    heads: Vec<u32>,
    number: usize,
    counts: Arc<Mutex<Vec<usize>>>,
}

impl Visit {
    fn play(&mut self, settings: &[u8], plays: &[Play]) -> io::Result<()> {
        self.stream.read_exact(&mut [0; PREFACE.len()])?;
        self.stream.write_all(settings)?;
        for play in plays {
            match play {
                Play::Send(bytes) => self.stream.write_all(bytes)?,
                Play::Heads(count) => {
                    while self.heads.len() < *count {
                        self.read_frame()?;
                    }
                }
                Play::Answer(place) => self.answer(self.heads[*place])?,
                Play::AnswerFrom(first) => {
                    let mut next = *first;
                    loop {
                        while let Some(&stream) = self.heads.get(next) {
                            self.answer(stream)?;
                            next += 1;
                        }
                        self.read_frame()?;
                    }
                }
                Play::Drain => loop {
                    self.read_frame()?;
                },
            }
        }
        Ok(())
    }

    fn answer(&mut self, stream: u32) -> io::Result<()> {
        // `:status: 200` in HPACK's static table.
        let head = frame(HEADERS, END_HEADERS, stream, &[0x88]);
        self.stream.write_all(&[head, frame(DATA, END_STREAM, stream, b"hello")].concat())
    }

    fn read_frame(&mut self) -> io::Result<()> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload)?;
        match head[3] {
            HEADERS => {
                self.heads.push(stream);
                self.counts.lock().unwrap()[self.number] += 1;
            }
            SETTINGS | PING if head[4] & 1 == 0 => {
                let payload = if head[3] == PING { &payload[..] } else { &[] };
                self.stream.write_all(&frame(head[3], 1, 0, payload))?;
            }
            _ => {}
        }
        Ok(())
    }
}
