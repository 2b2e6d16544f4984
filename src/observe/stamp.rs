//! The time of a log line: RFC 3339, UTC, milliseconds.
//!
//! The calendar is worked out once a second; in between only three digits change.

use jiff::Timestamp;

/// The last second that was written.
#[derive(Debug)]
pub(super) struct Stamp {
    second: u64,
    text: [u8; SECOND],
}

impl Stamp {
    pub(super) fn new() -> Self {
        let mut stamp = Self { second: 0, text: *b"1970-01-01T00:00:00" };
        stamp.work_out(0);
        stamp
    }

    /// Appends `"2026-11-23T09:13:00.123Z"`, quotes included, for milliseconds since 1970.
    pub(super) fn write(&mut self, unix_millis: u64, out: &mut Vec<u8>) {
        let second = unix_millis / 1_000;
        if second != self.second {
            self.work_out(second);
        }
        out.push(b'"');
        out.extend_from_slice(&self.text);
        out.push(b'.');
        let millis = unix_millis % 1_000;
        for digit in [millis / 100, millis / 10 % 10, millis % 10] {
            out.push(b"0123456789"[usize::try_from(digit).unwrap_or_default()]);
        }
        out.extend_from_slice(b"Z\"");
    }

    fn work_out(&mut self, second: u64) {
        self.second = second;
        // A clock beyond the year 9999 keeps the last good text.
        let Ok(Ok(time)) = i64::try_from(second).map(Timestamp::from_second) else { return };
        let text = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        if let Ok(text) = text.as_bytes().try_into() {
            self.text = text;
        }
    }
}

const SECOND: usize = "1970-01-01T00:00:00".len();

#[cfg(test)]
mod tests {
    use super::*;

    fn written(stamp: &mut Stamp, unix_millis: u64) -> String {
        let mut out = Vec::new();
        stamp.write(unix_millis, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn seconds_roll_over_and_milliseconds_keep_three_digits() {
        let mut stamp = Stamp::new();
        assert_eq!(written(&mut stamp, 7), "\"1970-01-01T00:00:00.007Z\"");
        assert_eq!(written(&mut stamp, 1_795_425_180_120), "\"2026-11-23T09:13:00.120Z\"");
        assert_eq!(written(&mut stamp, 1_795_425_180_999), "\"2026-11-23T09:13:00.999Z\"");
        assert_eq!(written(&mut stamp, 1_795_425_181_000), "\"2026-11-23T09:13:01.000Z\"");
    }

    #[test]
    fn a_clock_gone_mad_does_not_break_the_line() {
        let text = written(&mut Stamp::new(), u64::MAX);
        assert_eq!(text.len(), "\"1970-01-01T00:00:00.000Z\"".len());
    }
}
