//! Follows the frames of one direction (RFC 9113, section 4.1) as bytes pass, in whatever pieces
//! they come. Nine bytes of each frame are kept; its payload is shown where it lies.

/// A frame's head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Frame {
    /// Whether a flag is set.
    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The nine bytes of a frame's head.
    pub(super) fn bytes(self) -> [u8; HEAD] {
        let [_, a, b, c] = self.length.to_be_bytes();
        let [d, e, f, g] = self.stream.to_be_bytes();
        [a, b, c, self.kind, self.flags, d, e, f, g]
    }
}

/// What the next bytes are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// A frame begins; its head is complete.
    Begin(Frame),
    /// Some of the frame's payload.
    Payload(&'a [u8]),
    /// The frame is over.
    End,
}

/// Where one direction stands.
#[derive(Debug, Default)]
pub(super) struct Follower {
    head: [u8; HEAD],
    /// How many bytes of the head are there.
    have: usize,
    /// Payload still to come.
    left: u32,
    inside: bool,
}

impl Follower {
    /// Whether the last byte that passed was the last of a frame.
    pub(super) fn at_boundary(&self) -> bool {
        self.have == 0 && !self.inside
    }

    /// Whether a frame's payload is under way.
    pub(super) fn in_payload(&self) -> bool {
        self.inside
    }

    /// Takes what belongs together off the front of `bytes`; none when more must come first.
    pub(super) fn step<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Step<'a>> {
        if !self.inside {
            if bytes.is_empty() {
                return None;
            }
            let count = (HEAD - self.have).min(bytes.len());
            let (taken, rest) = bytes.split_at(count);
            self.head[self.have..self.have + count].copy_from_slice(taken);
            *bytes = rest;
            self.have += count;
            if self.have < HEAD {
                return None;
            }
            let [a, b, c, kind, flags, d, e, f, g] = self.head;
            let length = u32::from_be_bytes([0, a, b, c]);
            let stream = u32::from_be_bytes([d & 0x7f, e, f, g]);
            (self.have, self.left, self.inside) = (0, length, true);
            return Some(Step::Begin(Frame { length, kind, flags, stream }));
        }
        if self.left == 0 {
            self.inside = false;
            return Some(Step::End);
        }
        if bytes.is_empty() {
            return None;
        }
        let count = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let (taken, rest) = bytes.split_at(count);
        *bytes = rest;
        self.left -= u32::try_from(count).unwrap_or(self.left);
        Some(Step::Payload(taken))
    }
}

/// Length of a frame's head.
pub(super) const HEAD: usize = 9;

/// Types of frames (RFC 9113, section 6).
pub(super) mod kind {
    pub(in super::super) const DATA: u8 = 0;
    pub(in super::super) const HEADERS: u8 = 1;
    pub(in super::super) const PRIORITY: u8 = 2;
    pub(in super::super) const RST_STREAM: u8 = 3;
    pub(in super::super) const SETTINGS: u8 = 4;
    pub(in super::super) const PUSH_PROMISE: u8 = 5;
    pub(in super::super) const PING: u8 = 6;
    pub(in super::super) const GOAWAY: u8 = 7;
    pub(in super::super) const WINDOW_UPDATE: u8 = 8;
    pub(in super::super) const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub(super) mod flag {
    pub(in super::super) const ACK: u8 = 0x1;
    pub(in super::super) const END_STREAM: u8 = 0x1;
    pub(in super::super) const END_HEADERS: u8 = 0x4;
    pub(in super::super) const PADDED: u8 = 0x8;
    pub(in super::super) const PRIORITY: u8 = 0x20;
}

/// Error codes (RFC 9113, section 7).
pub(super) mod code {
    pub(in super::super) const PROTOCOL_ERROR: u32 = 1;
    pub(in super::super) const FLOW_CONTROL_ERROR: u32 = 3;
    pub(in super::super) const STREAM_CLOSED: u32 = 5;
    pub(in super::super) const FRAME_SIZE_ERROR: u32 = 6;
    pub(in super::super) const COMPRESSION_ERROR: u32 = 9;
    pub(in super::super) const ENHANCE_YOUR_CALM: u32 = 11;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps(pieces: &[&[u8]]) -> (Vec<(Frame, Vec<u8>)>, Follower) {
        let mut follower = Follower::default();
        let (mut found, mut ended) = (Vec::new(), 0);
        for piece in pieces {
            let mut bytes = *piece;
            while let Some(step) = follower.step(&mut bytes) {
                match step {
                    Step::Begin(frame) => found.push((frame, Vec::new())),
                    Step::Payload(bytes) => found.last_mut().unwrap().1.extend_from_slice(bytes),
                    Step::End => ended += 1,
                }
            }
        }
        assert!(found.len() - ended <= 1);
        (found, follower)
    }

    proptest! {
        #[test]
        fn frames_are_found_however_they_are_cut(
            frames in prop::collection::vec(
                (any::<u8>(), any::<u8>(), 0..1u32 << 31, prop::collection::vec(any::<u8>(), 0..40)),
                0..6,
            ),
            cut in 1..20usize,
        ) {
            let mut bytes = Vec::new();
            let mut expected = Vec::new();
            for (kind, flags, stream, payload) in frames {
                let length = u32::try_from(payload.len()).unwrap();
                let frame = Frame { length, kind, flags, stream };
                bytes.extend_from_slice(&frame.bytes());
                bytes.extend_from_slice(&payload);
                expected.push((frame, payload));
            }
            let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
            let (found, follower) = steps(&pieces);
            prop_assert_eq!(found, expected);
            prop_assert!(follower.at_boundary());
        }
    }
}
