//! Frames of a WebSocket (RFC 6455, section 5), as seen by somebody who only listens: heads are read,
//! payloads are walked over, and nothing is kept of them. What a listener wants to know above all is
//! whether one frame is over and the next one has not begun, because there alone another can stand.
//!
//! Invariants: pieces may end anywhere; what follows a frame that cannot be is never looked at, and no
//! place in it counts as one between frames; a compressed message is walked over unread.

/// One direction of a WebSocket.
#[derive(Debug, Default)]
pub struct Frames {
    head: [u8; LONGEST_HEAD],
    /// Bytes of the head that are there.
    have: usize,
    /// The frame whose payload comes next.
    frame: Option<Frame>,
    message: Message,
    /// Whether anybody still listens to this message.
    is_heard: bool,
    closed: bool,
    lost: bool,
}

/// What is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// More of a text.
    Text(&'a [u8]),
    /// The text is over.
    End,
    /// More of what a close frame says.
    Close(&'a [u8]),
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    /// Whether it is the last one of its message.
    is_last: bool,
    /// Bytes still to come.
    left: u64,
    mask: [u8; 4],
    /// Where in the mask the next byte stands.
    at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Data,
    Close,
    /// Ping or pong.
    Control,
}

/// The message that is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Message {
    #[default]
    None,
    Text,
    /// Binary, or compressed.
    Unread,
}

impl Frames {
    /// The next piece. Whoever hears a text says whether it wants to hear more of it.
    pub fn read(&mut self, mut bytes: &[u8], mut hear: impl FnMut(Heard<'_>) -> bool) {
        while !bytes.is_empty() && !self.lost {
            let taken = match self.frame {
                None => self.take_head(bytes, &mut hear),
                Some(frame) => self.take_payload(frame, bytes, &mut hear),
            };
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    /// Whether a frame could stand here.
    pub fn is_between_frames(&self) -> bool {
        self.have == 0 && self.frame.is_none() && !self.lost
    }

    /// Whether a message could begin here.
    pub fn is_between_messages(&self) -> bool {
        self.is_between_frames() && self.message == Message::None
    }

    /// Whether a close frame has gone by: there is nothing to say after it.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    fn take_head(&mut self, bytes: &[u8], hear: &mut impl FnMut(Heard<'_>) -> bool) -> usize {
        let mut taken = 0;
        while self.have < self.head_length() {
            let Some(byte) = bytes.get(taken) else { return taken };
            self.head[self.have] = *byte;
            self.have += 1;
            taken += 1;
        }
        self.have = 0;
        match self.begin() {
            Some(frame) if frame.left == 0 => self.end(frame, hear),
            Some(frame) => self.frame = Some(frame),
            None => self.lost = true,
        }
        taken
    }

    /// How long the head is, by as much of it as is there.
    fn head_length(&self) -> usize {
        if self.have < 2 {
            return 2;
        }
        let length = match self.head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + if self.head[1] & MASKED == 0 { 0 } else { 4 }
    }

    /// The frame behind a head; none if there is no such frame.
    fn begin(&mut self) -> Option<Frame> {
        let [first, second, ..] = self.head;
        let (is_last, reserved, opcode) = (first & LAST != 0, first & 0x70, first & 0x0f);
        let (left, length) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes([self.head[2], self.head[3]])), 2),
            127 => (u64::from_be_bytes(self.head[2..10].try_into().ok()?), 8),
            few => (u64::from(few), 0),
        };
        let mask = match second & MASKED {
            0 => [0; 4],
            _ => self.head[2 + length..6 + length].try_into().ok()?,
        };
        let kind =
            match opcode {
                CONTINUATION if self.message != Message::None => Kind::Data,
                TEXT | BINARY if self.message == Message::None => {
                    let is_text = opcode == TEXT && reserved == 0;
                    self.message = if is_text { Message::Text } else { Message::Unread };
                    self.is_heard = is_text;
                    Kind::Data
                }
                CLOSE | PING | PONG if is_last && left <= 125 && reserved == 0 => {
                    if opcode == CLOSE { Kind::Close } else { Kind::Control }
                }
                _ => return None,
            };
        (left >> 63 == 0).then_some(Frame { kind, is_last, left, mask, at: 0 })
    }

    fn take_payload(
        &mut self,
        mut frame: Frame,
        bytes: &[u8],
        hear: &mut impl FnMut(Heard<'_>) -> bool,
    ) -> usize {
        let most = usize::try_from(frame.left).unwrap_or(usize::MAX);
        let piece = bytes.get(..most).unwrap_or(bytes);
        match frame.kind {
            Kind::Data if self.is_heard => {
                self.is_heard = frame.unmask(piece, |clear| hear(Heard::Text(clear)));
            }
            Kind::Close => {
                frame.unmask(piece, |clear| {
                    hear(Heard::Close(clear));
                    true
                });
            }
            Kind::Data | Kind::Control => {}
        }
        frame.left -= piece.len() as u64;
        self.frame = Some(frame);
        if frame.left == 0 {
            self.end(frame, hear);
        }
        piece.len()
    }

    fn end(&mut self, frame: Frame, hear: &mut impl FnMut(Heard<'_>) -> bool) {
        self.frame = None;
        self.closed |= frame.kind == Kind::Close;
        if frame.kind == Kind::Data && frame.is_last {
            if self.message == Message::Text {
                hear(Heard::End);
            }
            self.message = Message::None;
        }
    }
}

impl Frame {
    /// Hands on a piece of the payload as it was meant, until that is not wanted any more; whether it is.
    fn unmask(&mut self, piece: &[u8], mut hand_on: impl FnMut(&[u8]) -> bool) -> bool {
        if self.mask == [0; 4] {
            return hand_on(piece);
        }
        let mut clear = [0; CLEARED];
        piece.chunks(CLEARED).all(|masked| {
            for (to, from) in clear.iter_mut().zip(masked) {
                *to = from ^ self.mask[self.at];
                self.at = (self.at + 1) % self.mask.len();
            }
            hand_on(clear.get(..masked.len()).unwrap_or_default())
        })
    }
}

/// Adds a text in one frame, as servers send it.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(LAST | TEXT);
    match text.len() {
        few @ ..126 => out.push(u8::try_from(few).unwrap_or_default()),
        some @ ..0x1_0000 => {
            out.push(126);
            out.extend_from_slice(&u16::try_from(some).unwrap_or_default().to_be_bytes());
        }
        many => {
            out.push(127);
            out.extend_from_slice(&(many as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}

/// Adds a close frame, as servers send it; of the reason, as much as there is room for.
pub fn put_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    let reason = &reason[..reason.floor_char_boundary(LONGEST_REASON)];
    out.extend_from_slice(&[LAST | CLOSE, u8::try_from(2 + reason.len()).unwrap_or(2)]);
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

/// What a close frame has room for beside its code.
pub const LONGEST_REASON: usize = 123;

const LONGEST_HEAD: usize = 14;
const CLEARED: usize = 64;
const LAST: u8 = 0x80;
const MASKED: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard of these bytes, cut into pieces of a size, and whether a frame could follow.
    fn heard(bytes: &[u8], size: usize) -> (Vec<String>, bool, bool) {
        let (mut frames, mut texts, mut text) = (Frames::default(), Vec::new(), Vec::new());
        for piece in bytes.chunks(size) {
            frames.read(piece, |heard| {
                match heard {
                    Heard::Text(more) => text.extend_from_slice(more),
                    Heard::End => texts.push(String::from_utf8(std::mem::take(&mut text)).unwrap()),
                    Heard::Close(more) => texts.push(format!("close {more:?}")),
                }
                true
            });
        }
        (texts, frames.is_between_frames(), frames.is_between_messages())
    }

    fn masked(first: u8, text: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut out = vec![first, 0x80 | 126];
        out.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        out.extend(mask);
        out.extend(text.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
        out
    }

    #[test]
    fn texts_are_heard_wherever_pieces_end() {
        let long = "é".repeat(40_000);
        for text in ["", "{}", &"x".repeat(126), &"y".repeat(65_535), &long] {
            let mut sent = Vec::new();
            put_text(&mut sent, text);
            for size in [1, 2, 3, 7, 4096, 100_000] {
                assert_eq!(heard(&sent, size), (vec![text.to_owned()], true, true));
            }
            let short = &sent[..sent.len() - 1];
            assert!(!heard(short, 5).1, "{}", text.len());
        }
        let said =
            "a message that is longer than what is cleared in one turn, and masked all the way";
        for size in 1..20 {
            assert_eq!(heard(&masked(0x81, said.as_bytes()), size).0, [said]);
        }
    }

    #[test]
    fn a_ping_may_stand_in_a_message_and_a_message_may_not() {
        let parts = [&[0x01, 2, b'a', b'b'][..], &[0x89, 1, b'!'], &[0x80, 1, b'c']];
        assert_eq!(heard(&parts.concat(), 2), (vec!["abc".to_owned()], true, true));
        assert_eq!(heard(&parts[..2].concat(), 2), (vec![], true, false));
        let inner = [parts[0], &[0x81, 0]].concat();
        assert!(!heard(&inner, 1).1, "no frame follows what is none");
    }

    #[test]
    fn what_cannot_be_is_no_place_for_a_frame() {
        for bytes in [
            &[0x83, 0][..],
            &[0x80, 0],
            &[0x09, 0],
            &[&[0x89, 126, 0, 200][..], &[b'x'; 200]].concat(),
            &[0xc9, 0],
            &[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
            b"HTTP/1.1 500",
        ] {
            assert!(!heard(bytes, 1).1, "{bytes:?}");
        }
        // A length of 64 bits is one of 63.
        let mut frames = Frames::default();
        let endless = [0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 1, b'{'];
        frames.read(&endless, |heard| panic!("{heard:?}"));
    }

    #[test]
    fn compressed_and_binary_messages_pass_unread() {
        assert_eq!(heard(&[0xc1, 2, 9, 9, 0x82, 1, 9], 1), (vec![], true, true));
    }

    #[test]
    fn nobody_who_has_heard_enough_hears_more_of_a_message() {
        let mut frames = Frames::default();
        let mut count = 0;
        let mut both = masked(0x81, &[b'x'; 300]);
        both.extend(masked(0x81, b"y"));
        for piece in both.chunks(50) {
            frames.read(piece, |heard| {
                count += usize::from(matches!(heard, Heard::Text(_)));
                false
            });
        }
        assert_eq!(count, 2, "once of each");
    }

    #[test]
    fn a_close_frame_is_short_whatever_the_reason() {
        let mut frames = Frames::default();
        let mut out = Vec::new();
        put_close(&mut out, 1014, &"é".repeat(100));
        let mut said = Vec::new();
        frames.read(&out, |heard| {
            if let Heard::Close(more) = heard {
                said.extend_from_slice(more);
            }
            true
        });
        assert!(frames.is_closed() && frames.is_between_frames());
        assert_eq!((&said[..2], said.len()), (&1014_u16.to_be_bytes()[..], 124));
    }
}
