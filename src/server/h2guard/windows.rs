//! Replies under way, and the room that the client gives them.
//!
//! A client that keeps a window shut holds memory of the gateway and a connection of an upstream
//! for as long as it likes. Only frames tell a shut window from an upstream that has nothing to say,
//! so they are counted here: what was granted, and what was sent.

/// The flow-control windows of the replies of one connection (RFC 9113, section 5.2).
#[derive(Debug)]
pub(super) struct Windows {
    connection: i64,
    /// The connection's was used up since the last look.
    used_up: bool,
    /// What a new stream begins with.
    initial: i64,
    streams: Vec<Stream>,
}

#[derive(Debug)]
struct Stream {
    id: u32,
    window: i64,
    /// The head of the reply is out and its body is not over.
    sending: bool,
    /// Bytes that went out since the last look.
    sent: u32,
    /// The window was used up since then.
    used_up: bool,
    /// Looks in a row at which it could not go on.
    stuck: u8,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            connection: DEFAULT_WINDOW,
            used_up: false,
            initial: DEFAULT_WINDOW,
            streams: Vec::new(),
        }
    }
}

impl Windows {
    /// Whether any stream is open.
    pub(super) fn any(&self) -> bool {
        !self.streams.is_empty()
    }

    /// The client opens a stream. Those beyond the bound will be refused and need no watching.
    pub(super) fn open(&mut self, id: u32) {
        if self.streams.len() < MOST_STREAMS {
            let window = self.initial;
            let fresh = Stream { id, window, sending: false, sent: 0, used_up: false, stuck: 0 };
            self.streams.push(fresh);
        }
    }

    /// The head of a reply has gone out, and a body follows.
    pub(super) fn reply(&mut self, id: u32) {
        if let Some(stream) = self.find(id) {
            stream.sending = true;
        }
    }

    /// Some of a reply's body has gone out.
    pub(super) fn sent(&mut self, id: u32, length: u32) {
        self.connection -= i64::from(length);
        self.used_up |= self.connection <= 0;
        if let Some(stream) = self.find(id) {
            stream.window -= i64::from(length);
            stream.used_up |= stream.window <= 0;
            stream.sent = stream.sent.saturating_add(length);
        }
    }

    /// A stream is over.
    pub(super) fn end(&mut self, id: u32) {
        if let Some(at) = self.streams.iter().position(|stream| stream.id == id) {
            self.streams.swap_remove(at);
        }
    }

    /// WINDOW_UPDATE; stream 0 is the connection.
    pub(super) fn grant(&mut self, id: u32, increment: u32) {
        let window = match id {
            0 => Some(&mut self.connection),
            _ => self.find(id).map(|stream| &mut stream.window),
        };
        if let Some(window) = window {
            *window = window.saturating_add(i64::from(increment));
        }
    }

    /// SETTINGS_INITIAL_WINDOW_SIZE moves the windows of open streams too (section 6.9.2).
    pub(super) fn set_initial(&mut self, size: u32) {
        let moved = i64::from(size) - self.initial;
        self.initial = size.into();
        self.streams.iter_mut().for_each(|stream| stream.window += moved);
    }

    /// A regular look: the streams that have been stuck for [`LOOKS`] of them are given up.
    pub(super) fn look(&mut self, given_up: &mut Vec<u32>) {
        let shut = std::mem::take(&mut self.used_up) || self.connection <= 0;
        self.streams.retain_mut(|stream| {
            let used_up = std::mem::take(&mut stream.used_up);
            let shut = shut || used_up || stream.window <= 0;
            // A byte now and then is no progress.
            let stuck = stream.sending && shut && stream.sent < LEAST_PROGRESS;
            stream.stuck = if stuck { stream.stuck + 1 } else { 0 };
            stream.sent = 0;
            if stream.stuck <= LOOKS {
                return true;
            }
            given_up.push(stream.id);
            false
        });
    }

    fn find(&mut self, id: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.id == id)
    }
}

/// So many looks make up the longest silence of a client that does not read.
pub(super) const LOOKS: u8 = 4;
/// What a client has to take between two looks in order to count as reading.
const LEAST_PROGRESS: u32 = 1024;
/// RFC 9113, section 6.9.2.
const DEFAULT_WINDOW: i64 = 65_535;
/// More than are served at once; a burst beyond them is refused before it can be replied to.
const MOST_STREAMS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn looks_until_given_up(windows: &mut Windows, each: impl Fn(&mut Windows)) -> Option<usize> {
        let mut given_up = Vec::new();
        (1..20).find(|_| {
            each(windows);
            windows.look(&mut given_up);
            !given_up.is_empty()
        })
    }

    #[test]
    fn a_shut_window_is_given_up_and_only_that() {
        let mut windows = Windows::default();
        for id in [1, 3, 5] {
            windows.open(id);
        }
        windows.reply(1);
        windows.reply(3);
        windows.grant(0, 1 << 20);
        windows.sent(1, 65_535);
        let mut given_up = Vec::new();
        // The first look sees what was sent.
        (0..=LOOKS).for_each(|_| windows.look(&mut given_up));
        assert!(given_up.is_empty());
        windows.look(&mut given_up);
        assert_eq!(given_up, [1], "3 has room, 5 has no reply");
        windows.set_initial(0);
        windows.sent(3, 1);
        windows.look(&mut given_up);
        windows.end(3);
        windows.end(5);
        assert!(!windows.any());
    }

    #[test]
    fn a_shut_connection_stops_every_stream() {
        let mut windows = Windows::default();
        windows.open(1);
        windows.grant(1, 1 << 20);
        windows.reply(1);
        windows.sent(1, 65_535);
        assert_eq!(looks_until_given_up(&mut windows, |_| ()), Some(usize::from(LOOKS) + 2));
    }

    #[test]
    fn a_byte_now_and_then_is_no_progress() {
        let trickle = |bytes: u32| {
            let mut windows = Windows::default();
            windows.set_initial(bytes);
            windows.open(1);
            windows.reply(1);
            // The look comes between a grant and its use.
            looks_until_given_up(&mut windows, |windows| {
                windows.sent(1, bytes);
                windows.grant(1, bytes);
            })
        };
        assert!(trickle(1).is_some());
        assert!(trickle(4096).is_none());
    }
}
