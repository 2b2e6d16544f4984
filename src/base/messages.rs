//! Follows the messages of a gRPC body as its bytes go by, and sees none of them: each begins with
//! a byte of flags and four of length. A stream of messages may go on for ever, so that the message
//! is what can be bounded.

/// Where the reading stands within a body.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    /// Bytes that a message may have.
    most: u64,
    /// Bytes of this message still to come.
    left: u64,
    /// Bytes of the next one's prefix that have come.
    known: u8,
    length: u32,
}

impl Messages {
    /// At the beginning of a body whose messages have at most so many bytes.
    pub fn new(most: u64) -> Self {
        Self { most, left: 0, known: 0, length: 0 }
    }

    /// Follows the next bytes; false as soon as a message announces more than it may have.
    #[must_use]
    pub fn follow(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((byte, rest)) = bytes.split_first() {
            if self.left > 0 {
                let step = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                self.left -= step as u64;
                bytes = &bytes[step..];
                continue;
            }
            if self.known > 0 {
                self.length = self.length << 8 | u32::from(*byte);
            }
            self.known += 1;
            if self.known == PREFIX {
                self.left = u64::from(std::mem::take(&mut self.length));
                self.known = 0;
                if self.left > self.most {
                    return false;
                }
            }
            bytes = rest;
        }
        true
    }
}

const PREFIX: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
        bytes.resize(5 + length, 0xff);
        bytes
    }

    #[test]
    fn a_message_is_bounded_and_their_number_is_not() {
        let mut messages = Messages::new(1000);
        for _ in 0..10 {
            assert!(messages.follow(&message(1000)));
            assert!(messages.follow(&message(0)));
        }
        assert!(!messages.follow(&message(1001)[..5]), "what it announces is enough");
    }

    proptest! {
        #[test]
        fn pieces_do_not_change_the_verdict(
            lengths in proptest::collection::vec(0usize..300, 0..8),
            cuts in proptest::collection::vec(1usize..40, 1..20),
        ) {
            let whole: Vec<u8> = lengths.iter().flat_map(|length| message(*length)).collect();
            let fits = lengths.iter().all(|length| *length <= 256);
            prop_assert_eq!(Messages::new(256).follow(&whole), fits);
            let (mut messages, mut rest, mut all) = (Messages::new(256), &whole[..], true);
            for cut in cuts.iter().cycle().take(whole.len() + 1) {
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                all &= messages.follow(piece);
                rest = after;
                if !all {
                    break;
                }
            }
            prop_assert_eq!(all, fits);
        }
    }
}
