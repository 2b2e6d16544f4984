//! Follows a gRPC-Web reply as its bytes go by: where its messages end, and what its last one says, which
//! holds the trailers (grpc/doc/PROTOCOL-WEB.md). So whoever has to end such a reply knows whether a status
//! of its own can still be written after what has gone by.
//!
//! Nothing of a message is kept but the trailers, and of those `MOST_TRAILERS` bytes at most.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Where the reading stands within a reply.
#[derive(Debug)]
pub struct WebReply {
    /// Characters of the next four, where the reply is in base64.
    text: Option<Quad>,
    prefix: [u8; PREFIX],
    known: usize,
    /// Bytes of this message still to come.
    left: u64,
    trailers: Option<Vec<u8>>,
    state: State,
}

#[derive(Debug, Default)]
struct Quad {
    chars: [u8; 4],
    known: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There may be more messages.
    Open,
    /// The trailers have gone by.
    Over,
    /// What went by is not what it should be.
    Lost,
}

impl WebReply {
    /// At the beginning of a reply, in base64 or not.
    pub fn new(is_text: bool) -> Self {
        Self {
            text: is_text.then(Quad::default),
            prefix: [0; PREFIX],
            known: 0,
            left: 0,
            trailers: None,
            state: State::Open,
        }
    }

    /// Follows the next bytes.
    pub fn follow(&mut self, data: &[u8]) {
        match self.text.take() {
            None => self.read(data),
            Some(mut quad) => {
                self.decode(&mut quad, data);
                self.text = Some(quad);
            }
        }
    }

    /// Whether the trailers have gone by.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Whether another message may follow here.
    pub fn is_between_messages(&self) -> bool {
        let whole = self.text.as_ref().is_none_or(|quad| quad.known == 0);
        self.state == State::Open && whole && self.known == 0 && self.left == 0
    }

    /// What the trailers say, once they have gone by. Those that are compressed say nothing.
    pub fn trailers(&self) -> HeaderMap {
        let mut fields = HeaderMap::new();
        let plain = self.prefix[0] == TRAILERS;
        let block = self.trailers.as_deref().filter(|_| plain && self.is_over());
        for line in block.unwrap_or_default().split(|byte| *byte == b'\n') {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let name = HeaderName::from_bytes(&line[..colon]);
            let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
            if let (Ok(name), Ok(value)) = (name, value) {
                fields.append(name, value);
            }
        }
        fields
    }

    /// The last message of such a reply, with these trailers.
    pub fn last_message(&self, trailers: &HeaderMap) -> Vec<u8> {
        let mut message = vec![TRAILERS, 0, 0, 0, 0];
        for (name, value) in trailers {
            for part in [name.as_str().as_bytes(), b":", value.as_bytes(), b"\r\n"] {
                message.extend_from_slice(part);
            }
        }
        let length = u32::try_from(message.len() - PREFIX).unwrap_or(u32::MAX);
        message[1..PREFIX].copy_from_slice(&length.to_be_bytes());
        match self.text {
            None => message,
            Some(_) => STANDARD.encode(message).into_bytes(),
        }
    }

    /// Reads base64. Whoever writes a message at a time pads each of them, so that padding may stand
    /// between two quads.
    fn decode(&mut self, quad: &mut Quad, mut data: &[u8]) {
        let mut bytes = [0; RUN / 4 * 3];
        while self.state == State::Open && !data.is_empty() {
            let run = &data[..data.len().min(RUN)];
            let plain = memchr::memchr(b'=', run).unwrap_or(run.len()) & !3;
            let (taken, rest) = if quad.known == 0 && plain > 0 {
                let (plain, rest) = data.split_at(plain);
                (STANDARD.decode_slice(plain, &mut bytes), rest)
            } else {
                let (step, rest) = data.split_at((4 - quad.known).min(data.len()));
                quad.chars[quad.known..quad.known + step.len()].copy_from_slice(step);
                quad.known = (quad.known + step.len()) % 4;
                if quad.known > 0 {
                    return;
                }
                (STANDARD.decode_slice(quad.chars, &mut bytes), rest)
            };
            data = rest;
            match taken {
                Ok(length) => self.read(&bytes[..length]),
                Err(_) => self.state = State::Lost,
            }
        }
    }

    fn read(&mut self, mut data: &[u8]) {
        while let Some((byte, rest)) = data.split_first() {
            if self.state != State::Open {
                return;
            }
            if self.left > 0 {
                let step = usize::try_from(self.left).unwrap_or(usize::MAX).min(data.len());
                self.keep(&data[..step]);
                self.left -= step as u64;
                data = &data[step..];
            } else {
                self.prefix[self.known] = *byte;
                self.known = (self.known + 1) % PREFIX;
                data = rest;
                if self.known > 0 {
                    continue;
                }
                let [flags, length @ ..] = self.prefix;
                self.left = u64::from(u32::from_be_bytes(length));
                self.trailers = (flags & TRAILERS != 0).then(Vec::new);
            }
            if self.left == 0 && self.trailers.is_some() {
                self.state = State::Over;
            }
        }
    }

    fn keep(&mut self, data: &[u8]) {
        let Some(trailers) = &mut self.trailers else { return };
        let room = MOST_TRAILERS.saturating_sub(trailers.len());
        trailers.extend_from_slice(&data[..room.min(data.len())]);
    }
}

/// The flag of the message that holds the trailers.
const TRAILERS: u8 = 0x80;
const PREFIX: usize = 5;
const MOST_TRAILERS: usize = 8 << 10;
/// Characters that are decoded in one turn.
const RUN: usize = 1 << 10;

#[cfg(test)]
mod tests;
