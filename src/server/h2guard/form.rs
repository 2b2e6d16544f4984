//! Faults of form that h2 refuses too, but by the wrong name: clients look at the error code to know
//! what they did (RFC 9113, section 7), and h2 calls all of these PROTOCOL_ERROR.

use super::Ending;
use super::frame::{Frame, code, flag, kind};

/// Kinds with one length only.
///
/// # Errors
/// The length is another.
pub(super) fn check_length(frame: Frame) -> Result<(), Ending> {
    let right = match frame.kind {
        kind::PING => frame.length == 8,
        kind::PRIORITY => frame.length == 5,
        kind::RST_STREAM | kind::WINDOW_UPDATE => frame.length == 4,
        kind::SETTINGS if frame.has(flag::ACK) => frame.length == 0,
        kind::SETTINGS => frame.length.is_multiple_of(6),
        _ => true,
    };
    if right { Ok(()) } else { Err(Ending::Malformed(code::FRAME_SIZE_ERROR)) }
}

/// The latest streams that the client itself has ended, by END_STREAM or RST_STREAM: it cannot have
/// misunderstood that (RFC 9113, section 5.1). What comes on a stream that the server has reset may
/// have been on its way and is nobody's fault. Of older streams h2 decides.
#[derive(Debug, Default)]
pub(super) struct Finished {
    streams: [u32; REMEMBERED],
    next: usize,
}

impl Finished {
    /// Follows a frame from the client.
    ///
    /// # Errors
    /// It goes on with what it has ended.
    pub(super) fn follow(&mut self, frame: Frame) -> Result<(), Ending> {
        let goes_on = matches!(frame.kind, kind::DATA | kind::HEADERS);
        if goes_on && frame.stream != 0 && self.streams.contains(&frame.stream) {
            return Err(Ending::Malformed(code::STREAM_CLOSED));
        }
        let ends = frame.kind == kind::RST_STREAM || goes_on && frame.has(flag::END_STREAM);
        if ends && let Some(place) = self.streams.get_mut(self.next) {
            *place = frame.stream;
            self.next = (self.next + 1) % REMEMBERED;
        }
        Ok(())
    }
}

/// A cache line of them: frames pass here by the million.
const REMEMBERED: usize = 16;
