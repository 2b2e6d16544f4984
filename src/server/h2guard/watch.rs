//! What the frames of one connection add up to, and when it is too much. No I/O in here.

use super::Ending;
use super::block::Skim;
use super::budget::{Budget, Spent};
use super::form::{Finished, check_length};
use super::frame::{Follower, Frame, Step, code, flag, kind};
use super::windows::Windows;
use crate::config::model::Limits;
use crate::server::timer::Wait;

/// The account of one connection.
#[derive(Debug)]
pub(super) struct Watch {
    /// Bytes of the preface still to come.
    preface: usize,
    inbound: Follower,
    /// The frame that `inbound` is in.
    frame: Frame,
    small: Small,
    /// Whether the client's first SETTINGS has come (RFC 9113, section 3.4).
    settled: bool,
    /// The highest stream that the client has opened.
    highest: u32,
    finished: Finished,
    section: Section,
    skim: Skim,
    most_fields: usize,
    most_bytes: usize,
    /// Frames that ask for work and bring none.
    control: Budget,
    /// Streams that were reset, by the client or for a fault of the client's.
    resets: Budget,
    pub(super) windows: Windows,
    /// Units that have ended: a frame, or a header block with its CONTINUATIONs.
    units: u64,
    outbound: Follower,
    sent: Frame,
    sent_small: Small,
    /// What the frames that went out have led to.
    pub(super) verdict: Option<Ending>,
}

/// The header block that is under way.
#[derive(Debug, Default)]
struct Section {
    /// More of it follows in CONTINUATION.
    unfinished: bool,
    /// It is on a stream that was open before.
    trailers: bool,
    /// The next byte is the length of the padding.
    padded: bool,
    /// Bytes before the fragment: the priority.
    skip: u32,
    /// Bytes of the fragment in this frame, and once the padding is known, without it.
    fragment: u32,
}

/// The last few bytes of a small payload, most significant first.
#[derive(Debug, Default)]
struct Small {
    value: u64,
    length: u32,
}

impl Watch {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            preface: PREFACE,
            inbound: Follower::default(),
            frame: Frame::default(),
            small: Small::default(),
            settled: false,
            highest: 0,
            finished: Finished::default(),
            section: Section::default(),
            skim: Skim::default(),
            most_fields: limits.headers.saturating_mul(2).saturating_add(PSEUDO_HEADERS),
            most_bytes: limits.header.saturating_mul(2).max(LEAST_BLOCK),
            control: Budget::new(CONTROL_BRIM, CONTROL_PER_SECOND),
            resets: Budget::new(RESET_BRIM, RESETS_PER_SECOND),
            windows: Windows::default(),
            units: 0,
            outbound: Follower::default(),
            sent: Frame::default(),
            sent_small: Small::default(),
            verdict: None,
        }
    }

    /// The highest stream that the client has opened.
    pub(super) fn highest(&self) -> u32 {
        self.highest
    }

    /// Grows by one with every unit that the client ends.
    pub(super) fn units(&self) -> u64 {
        self.units
    }

    /// Whether a frame could stand between what has come and what comes.
    pub(super) fn between_frames(&self) -> bool {
        self.settled && self.inbound.at_boundary() && !self.section.unfinished
    }

    /// Whether a frame could stand after what has gone out.
    pub(super) fn between_own_frames(&self) -> bool {
        self.outbound.at_boundary()
    }

    /// What the client owes; none between frames.
    pub(super) fn owes(&self) -> Option<Wait> {
        if !self.settled || self.section.unfinished {
            return Some(Wait::Head);
        }
        if self.inbound.at_boundary() {
            return None;
        }
        let in_data = self.inbound.in_payload() && self.frame.kind == kind::DATA;
        Some(if in_data { Wait::Body } else { Wait::Head })
    }

    /// Follows bytes from the client.
    ///
    /// # Errors
    /// They go over a bound; nothing of them may be passed on.
    pub(super) fn incoming(&mut self, mut bytes: &[u8]) -> Result<(), Ending> {
        if self.preface > 0 {
            let count = self.preface.min(bytes.len());
            self.preface -= count;
            bytes = &bytes[count..];
        }
        while let Some(step) = self.inbound.step(&mut bytes) {
            match step {
                Step::Begin(frame) => self.begin(frame)?,
                Step::Payload(payload) => self.payload(payload)?,
                Step::End => self.end()?,
            }
        }
        Ok(())
    }

    fn begin(&mut self, frame: Frame) -> Result<(), Ending> {
        self.frame = frame;
        self.small = Small::default();
        // Nothing may come between the frames of a header block (RFC 9113, section 6.10).
        if self.section.unfinished && frame.kind != kind::CONTINUATION {
            return Err(Ending::Malformed(code::PROTOCOL_ERROR));
        }
        check_length(frame)?;
        self.finished.follow(frame)?;
        let control = &mut self.control;
        match frame.kind {
            kind::SETTINGS if frame.has(flag::ACK) => control.spend(1)?,
            kind::SETTINGS => control.spend(SETTINGS_COST)?,
            // Whatever else comes first, it is not HTTP/2.
            _ if !self.settled => return Err(Ending::Malformed(code::PROTOCOL_ERROR)),
            kind::DATA if frame.length == 0 && !frame.has(flag::END_STREAM) => {
                control.spend(EMPTY_DATA_COST)?;
            }
            kind::DATA if frame.length >= USEFUL_DATA => control.earn(1),
            kind::DATA => {}
            kind::HEADERS => {
                let trailers = frame.stream <= self.highest;
                if !trailers {
                    self.highest = frame.stream;
                    self.windows.open(frame.stream);
                    control.earn(WORTH);
                }
                self.skim.begin();
                let padded = frame.has(flag::PADDED);
                let skip = if frame.has(flag::PRIORITY) { PRIORITY_FIELDS } else { 0 };
                let fragment = frame.length.saturating_sub(skip + u32::from(padded));
                self.section = Section { unfinished: false, trailers, padded, skip, fragment };
            }
            kind::CONTINUATION => {
                control.spend(1)?;
                (self.section.padded, self.section.skip) = (false, 0);
                self.section.fragment = frame.length;
            }
            kind::RST_STREAM => {
                self.windows.end(frame.stream);
                self.resets.spend(1)?;
            }
            // Only servers promise.
            kind::PUSH_PROMISE => return Err(Ending::Malformed(code::PROTOCOL_ERROR)),
            // PING, PRIORITY, WINDOW_UPDATE, GOAWAY, and whatever is unknown.
            _ => control.spend(1)?,
        }
        Ok(())
    }

    fn payload(&mut self, mut bytes: &[u8]) -> Result<(), Ending> {
        match self.frame.kind {
            kind::HEADERS | kind::CONTINUATION => {
                let section = &mut self.section;
                if section.padded
                    && let Some((&padding, rest)) = bytes.split_first()
                {
                    section.padded = false;
                    section.fragment = section.fragment.saturating_sub(padding.into());
                    bytes = rest;
                }
                take(&mut section.skip, &mut bytes);
                let fragment = take(&mut section.fragment, &mut bytes);
                self.skim.read(fragment);
                if self.skim.fields() > self.most_fields || self.skim.bytes() > self.most_bytes {
                    return Err(Ending::Flood);
                }
                // The decoder would drop them in silence (RFC 9113, section 8.1).
                if section.trailers && self.skim.has_pseudo() {
                    return Err(Ending::Malformed(code::PROTOCOL_ERROR));
                }
            }
            kind::WINDOW_UPDATE => bytes.iter().for_each(|byte| self.small.push(*byte)),
            kind::SETTINGS if !self.frame.has(flag::ACK) => {
                for byte in bytes {
                    self.small.push(*byte);
                    if self.small.length == SETTING {
                        let setting = std::mem::take(&mut self.small).value;
                        if setting >> 32 == INITIAL_WINDOW_SIZE {
                            let size = low_word(setting);
                            if size > LARGEST_WINDOW {
                                return Err(Ending::Malformed(code::FLOW_CONTROL_ERROR));
                            }
                            self.windows.set_initial(size);
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Ending> {
        match self.frame.kind {
            kind::HEADERS | kind::CONTINUATION => {
                self.section.unfinished = !self.frame.has(flag::END_HEADERS);
                if !self.section.unfinished && !self.skim.between_fields() {
                    return Err(Ending::Malformed(code::COMPRESSION_ERROR));
                }
            }
            kind::SETTINGS => self.settled = true,
            kind::WINDOW_UPDATE => {
                self.windows.grant(self.frame.stream, low_word(self.small.value) & 0x7fff_ffff);
            }
            _ => {}
        }
        if !self.section.unfinished {
            self.units += 1;
        }
        Ok(())
    }

    /// Follows bytes that have gone out.
    pub(super) fn outgoing(&mut self, mut bytes: &[u8]) {
        while let Some(step) = self.outbound.step(&mut bytes) {
            match step {
                Step::Begin(frame) => {
                    self.sent = frame;
                    self.sent_small = Small::default();
                    self.sends(frame);
                }
                Step::Payload(bytes) if self.sent.kind == kind::RST_STREAM => {
                    bytes.iter().for_each(|byte| self.sent_small.push(*byte));
                }
                Step::End if self.sent.kind == kind::RST_STREAM => {
                    let code = low_word(self.sent_small.value);
                    // A client can make a server reset as well (CVE-2025-8671).
                    if BLAMES_THE_CLIENT.contains(&code) && self.resets.spend(1).is_err() {
                        self.verdict = Some(Ending::Flood);
                    }
                }
                Step::Payload(_) | Step::End => {}
            }
        }
    }

    fn sends(&mut self, frame: Frame) {
        match frame.kind {
            kind::DATA if frame.length > 0 => {
                self.windows.sent(frame.stream, frame.length);
                self.control.earn(WORTH);
            }
            kind::HEADERS => self.windows.reply(frame.stream),
            kind::RST_STREAM => self.windows.end(frame.stream),
            _ => return,
        }
        if frame.has(flag::END_STREAM) && frame.kind != kind::RST_STREAM {
            self.windows.end(frame.stream);
            self.resets.earn(1);
        }
    }
}

impl From<Spent> for Ending {
    fn from(_: Spent) -> Self {
        Self::Flood
    }
}

impl Small {
    fn push(&mut self, byte: u8) {
        self.value = self.value << 8 | u64::from(byte);
        self.length += 1;
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the low word is what is asked for")]
fn low_word(value: u64) -> u32 {
    value as u32
}

/// Takes at most `left` bytes off the front.
fn take<'a>(left: &mut u32, bytes: &mut &'a [u8]) -> &'a [u8] {
    let count = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    *left -= u32::try_from(count).unwrap_or(*left);
    taken
}

/// Length of the connection preface.
const PREFACE: usize = 24;
/// A priority within HEADERS.
const PRIORITY_FIELDS: u32 = 5;
/// An entry of SETTINGS.
const SETTING: u32 = 6;
const INITIAL_WINDOW_SIZE: u64 = 4;
/// RFC 9113, section 6.5.2.
const LARGEST_WINDOW: u32 = (1 << 31) - 1;
/// They stand in every request, and in no limit of the configuration.
const PSEUDO_HEADERS: usize = 6;
/// A block may be as long as a list is allowed to be, whatever the configuration says.
const LEAST_BLOCK: usize = 64 * 1024;
/// Control frames at once: clients that measure the path send many PINGs.
const CONTROL_BRIM: u32 = 1000;
const CONTROL_PER_SECOND: u32 = 100;
/// Each makes the server walk over its streams; honest clients send one, or two.
const SETTINGS_COST: u32 = 20;
const EMPTY_DATA_COST: u32 = 10;
/// What a request, and each piece of a reply, pays for: two WINDOW_UPDATEs, a PRIORITY, a PING.
const WORTH: u32 = 4;
/// Data below this size costs more to frame than it carries.
const USEFUL_DATA: u32 = 256;
/// Streams reset in excess of those that were served.
const RESET_BRIM: u32 = 200;
const RESETS_PER_SECOND: u32 = 20;
const BLAMES_THE_CLIENT: [u32; 3] =
    [code::PROTOCOL_ERROR, code::FLOW_CONTROL_ERROR, code::STREAM_CLOSED];
