//! Bytes on their way to a socket: framing that was written here, between data that is not copied.
//!
//! Whoever fills an outbox asks [`Outbox::len`] first: the bound is the filler's. Its buffers stay
//! for the next message.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf as _, Bytes};

/// A queue of bytes that leave in as few writes as the socket allows.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Framing, all segments of it one after the other.
    framing: Vec<u8>,
    /// How much of the framing has left.
    at: usize,
    segments: VecDeque<Segment>,
    length: usize,
}

/// What nearly every head fits in.
const HEAD: usize = 512;

#[derive(Debug)]
enum Segment {
    /// So many bytes of the framing.
    Framing(usize),
    Data(Bytes),
}

impl Outbox {
    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Appends whatever `write` appends.
    pub fn frame<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        if self.segments.is_empty() {
            self.framing.clear();
            self.at = 0;
            // At once what a head takes: growing into it costs a new connection seven steps.
            if self.framing.capacity() == 0 {
                self.framing.reserve(HEAD);
            }
        }
        let before = self.framing.len();
        let result = write(&mut self.framing);
        let added = self.framing.len().saturating_sub(before);
        match self.segments.back_mut() {
            Some(Segment::Framing(length)) => *length += added,
            Some(Segment::Data(_)) | None if added > 0 => {
                self.segments.push_back(Segment::Framing(added));
            }
            Some(Segment::Data(_)) | None => {}
        }
        self.length += added;
        result
    }

    /// Appends data as it lies.
    pub fn data(&mut self, data: Bytes) {
        if !data.is_empty() {
            self.length += data.len();
            self.segments.push_back(Segment::Data(data));
        }
    }

    /// Forgets what waits.
    pub fn clear(&mut self) {
        self.segments.clear();
        self.framing.clear();
        self.at = 0;
        self.length = 0;
    }

    /// Gives its buffers back, if nothing waits.
    pub fn rest(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Fills `slices` with the first bytes that wait, and says how many slices it took.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut at = self.at;
        let mut count = 0;
        for (slice, segment) in slices.iter_mut().zip(&self.segments) {
            let bytes = match segment {
                Segment::Framing(length) => {
                    at += length;
                    &self.framing[at - length..at]
                }
                Segment::Data(data) => data,
            };
            *slice = IoSlice::new(bytes);
            count += 1;
        }
        count
    }

    /// Takes off what the socket has taken.
    pub fn advance(&mut self, mut count: usize) {
        self.length = self.length.saturating_sub(count);
        while count > 0 {
            let Some(segment) = self.segments.front_mut() else { break };
            let left = match segment {
                Segment::Framing(length) => {
                    let step = count.min(*length);
                    *length -= step;
                    self.at += step;
                    count -= step;
                    *length
                }
                Segment::Data(data) => {
                    let step = count.min(data.len());
                    data.advance(step);
                    count -= step;
                    data.len()
                }
            };
            if left > 0 {
                break;
            }
            self.segments.pop_front();
        }
        if self.segments.is_empty() && self.framing.capacity() > KEPT {
            self.framing = Vec::new();
        }
    }
}

/// Slices for one write: more are hardly ever there.
pub const SLICES: usize = 8;
/// Bytes of buffer that an idle connection may hold for the next message.
const KEPT: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waiting(outbox: &Outbox) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 64];
        let count = outbox.slices(&mut slices);
        slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect()
    }

    proptest! {
        #[test]
        fn bytes_leave_in_their_order_however_they_are_taken(
            parts in proptest::collection::vec((any::<bool>(), 0usize..9), 0..20),
            steps in proptest::collection::vec(1usize..7, 200),
        ) {
            let mut outbox = Outbox::default();
            let mut expected = Vec::new();
            for (index, (framing, length)) in parts.iter().enumerate() {
                let bytes = vec![u8::try_from(index).unwrap(); *length];
                expected.extend_from_slice(&bytes);
                if *framing {
                    outbox.frame(|out| out.extend_from_slice(&bytes));
                } else {
                    outbox.data(Bytes::from(bytes));
                }
            }
            let mut seen = Vec::new();
            for step in steps {
                prop_assert_eq!(outbox.len(), expected.len() - seen.len());
                let waiting = waiting(&outbox);
                let step = step.min(waiting.len());
                seen.extend_from_slice(&waiting[..step]);
                outbox.advance(step);
            }
            prop_assert_eq!(seen, expected);
            prop_assert!(outbox.is_empty());
        }
    }

    #[test]
    fn framing_side_by_side_is_one_slice() {
        let mut outbox = Outbox::default();
        outbox.frame(|out| out.extend_from_slice(b"a"));
        outbox.frame(|out| out.extend_from_slice(b"b"));
        outbox.data(Bytes::from_static(b"c"));
        let mut slices = [IoSlice::new(&[]); SLICES];
        assert_eq!(outbox.slices(&mut slices), 2);
        outbox.clear();
        assert!(outbox.is_empty());
    }
}
