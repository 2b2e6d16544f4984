//! An HTTP/2 client that sends exact frames, in the clear, and notes every frame that comes back.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::PATIENCE;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 0x1;
pub const ACK: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;
/// A whole request without a body.
pub const WHOLE: u8 = END_STREAM | END_HEADERS;

pub const PROTOCOL_ERROR: u32 = 1;
pub const STREAM_CLOSED: u32 = 5;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;
pub const ENHANCE_YOUR_CALM: u32 = 11;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame as it came.
#[derive(Clone, Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// The bytes of a frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// SETTINGS_INITIAL_WINDOW_SIZE.
pub fn initial_window(size: u32) -> Vec<u8> {
    [&[0, 4][..], &size.to_be_bytes()].concat()
}

/// A field that is not indexed, its name and value spelled out.
pub fn field(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Vec<u8> {
    let (name, value) = (name.as_ref(), value.as_ref());
    [&[0][..], &length(name.len()), name, &length(value.len()), value].concat()
}

/// As [`field`], and put into the dynamic table, where it is the latest entry (index 62).
pub fn indexed(name: &str, value: &str) -> Vec<u8> {
    let mut field = field(name, value);
    field[0] = 0x40;
    field
}

fn length(length: usize) -> Vec<u8> {
    if length < 127 {
        return vec![u8::try_from(length).unwrap()];
    }
    let (mut bytes, mut rest) = (vec![127], length - 127);
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

/// A block with the pseudo-headers of a request for the tests' host.
pub fn request(method: &str, path: &str) -> Vec<u8> {
    [
        field(":method", method),
        field(":scheme", "http"),
        field(":authority", "localhost"),
        field(":path", path),
    ]
    .concat()
}

/// A connection that sends what it is told.
pub struct FrameClient {
    stream: TcpStream,
    ahead: Vec<u8>,
    /// Every frame so far.
    pub seen: Vec<Frame>,
    over: bool,
}

impl FrameClient {
    /// Connects and says nothing.
    pub fn silent(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the gateway listens");
        stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, ahead: Vec::new(), seen: Vec::new(), over: false }
    }

    /// Connects, sends the preface with these settings, and waits for the gateway's.
    pub fn with_settings(address: SocketAddr, settings: &[u8]) -> Self {
        let mut client = Self::silent(address);
        assert!(client.send(PREFACE) && client.send(frame(SETTINGS, 0, 0, settings)));
        client.wait_for("SETTINGS", |frame| frame.kind == SETTINGS && frame.flags == 0);
        client.send(frame(SETTINGS, ACK, 0, &[]));
        client
    }

    /// Connects with everything as it is by default.
    pub fn open(address: SocketAddr) -> Self {
        Self::with_settings(address, &[])
    }

    /// Sends bytes; false when the gateway does not take them any more.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Sends a whole request without a body.
    pub fn ask(&mut self, stream: u32, block: &[u8]) -> bool {
        self.send(frame(HEADERS, WHOLE, stream, block))
    }

    /// Reads what is there, waiting at most this long for the first of it.
    pub fn read(&mut self, wait: Duration) {
        let mut buffer = [0; 64 * 1024];
        self.stream.set_read_timeout(Some(wait.max(Duration::from_millis(1)))).unwrap();
        match self.stream.read(&mut buffer) {
            Ok(0) => self.over = true,
            Ok(count) => self.ahead.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => self.over = true,
        }
        while self.ahead.len() >= 9 {
            let head = &self.ahead[..9];
            let length =
                usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            if self.ahead.len() < 9 + length {
                return;
            }
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let (kind, flags) = (head[3], head[4]);
            let payload = self.ahead[9..9 + length].to_vec();
            self.ahead.drain(..9 + length);
            self.seen.push(Frame { kind, flags, stream, payload });
        }
    }

    /// Reads until a frame fits, and gives the first that does.
    #[track_caller]
    pub fn wait_for(&mut self, what: &str, fits: impl Fn(&Frame) -> bool) -> Frame {
        let start = Instant::now();
        loop {
            if let Some(frame) = self.seen.iter().find(|frame| fits(frame)) {
                return frame.clone();
            }
            assert!(!self.over, "the connection ended before {what}: {:?}", self.seen);
            assert!(start.elapsed() < PATIENCE, "waited for {what}: {:?}", self.seen);
            self.read(Duration::from_millis(50));
        }
    }

    /// Sends a PING of its own and waits until it comes back, or the connection ends: whatever was
    /// sent before has been read by then. False at the end.
    pub fn settle(&mut self, mark: u64) -> bool {
        let payload = mark.to_be_bytes();
        let start = Instant::now();
        if !self.send(frame(PING, 0, 0, &payload)) {
            self.drain();
            return false;
        }
        loop {
            let answered = |frame: &Frame| frame.kind == PING && frame.payload == payload;
            if self.seen.iter().any(answered) {
                return true;
            }
            if self.over || self.goaway().is_some() {
                return false;
            }
            assert!(start.elapsed() < PATIENCE, "waited for a PING");
            self.read(Duration::from_millis(50));
        }
    }

    fn drain(&mut self) {
        while !self.over {
            self.read(Duration::from_millis(50));
        }
    }

    /// The code of the GOAWAY that came, if one did.
    pub fn goaway(&self) -> Option<u32> {
        let goaway = self.seen.iter().rev().find(|frame| frame.kind == GOAWAY)?;
        Some(u32::from_be_bytes(goaway.payload[4..8].try_into().unwrap()))
    }

    /// The code with which a stream was reset, if it was.
    pub fn reset(&self, stream: u32) -> Option<u32> {
        let fits = |frame: &&Frame| frame.kind == RST_STREAM && frame.stream == stream;
        let reset = self.seen.iter().find(fits)?;
        Some(u32::from_be_bytes(reset.payload[..4].try_into().unwrap()))
    }

    /// Frames of a kind so far.
    pub fn count(&self, kind: u8) -> usize {
        self.seen.iter().filter(|frame| frame.kind == kind).count()
    }

    /// The body that came on a stream.
    pub fn body(&self, stream: u32) -> Vec<u8> {
        let mine = |frame: &&Frame| frame.kind == DATA && frame.stream == stream;
        self.seen.iter().filter(mine).flat_map(|frame| frame.payload.clone()).collect()
    }

    /// Waits until the gateway has ended the connection, and gives GOAWAY's code if there was one.
    #[track_caller]
    pub fn ended(&mut self) -> Option<u32> {
        let start = Instant::now();
        while !self.over {
            assert!(start.elapsed() < PATIENCE, "the connection does not end: {:?}", self.seen);
            self.read(Duration::from_millis(50));
        }
        self.goaway()
    }

    /// Sends floods of 50 until the gateway ends the connection; how many frames it took.
    #[track_caller]
    pub fn flood(&mut self, most: u32, mut attack: impl FnMut(u32) -> Vec<u8>) -> u32 {
        for step in 0..most / 50 {
            let bytes: Vec<u8> = (step * 50..(step + 1) * 50).flat_map(&mut attack).collect();
            if !self.send(bytes) || !self.settle(u64::from(step) << 32 | 0xfeed) {
                return (step + 1) * 50;
            }
        }
        panic!("{most} frames, and the connection lives");
    }
}
