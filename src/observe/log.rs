//! The operational log: the few lines that people running guichet wait for – started, listening,
//! draining, a problem with the configuration, a panic. Never one line per request.
//!
//! One JSON object a line on standard error: `ts`, `level`, `kind`, `message`. A line that cannot
//! be written is lost; there is nobody left to tell.

use std::fmt::Display;
use std::io::Write as _;

use super::json::{Object, member};
use super::stamp::Stamp;
use crate::base::clock;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Life as it should be.
    Info,
    /// Something that an operator should look at in time.
    Warn,
    /// Something that failed.
    Error,
}

impl Level {
    /// The word of the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Says something expected: `kind` is one snake_case word to filter by.
pub fn info(kind: &'static str, message: impl Display) {
    say(Level::Info, kind, &message);
}

/// Says something that an operator should look at.
pub fn warn(kind: &'static str, message: impl Display) {
    say(Level::Warn, kind, &message);
}

/// Says that something failed.
pub fn error(kind: &'static str, message: impl Display) {
    say(Level::Error, kind, &message);
}

fn say(level: Level, kind: &str, message: &dyn Display) {
    let line = line(clock::unix_millis(), level, kind, message);
    // One write, so that lines of several threads do not mix.
    let _ = std::io::stderr().lock().write_all(&line);
}

fn line(unix_millis: u64, level: Level, kind: &str, message: &dyn Display) -> Vec<u8> {
    let mut out = Vec::with_capacity(160);
    let ts = |out: &mut Vec<u8>| Stamp::new().write(unix_millis, out);
    let mut object = Object::begin(&mut out, member!("ts"), ts);
    object.word(member!("level"), level.as_str());
    object.word(member!("kind"), kind);
    object.text(member!("message"), message.to_string().as_bytes(), MESSAGE);
    object.end();
    out
}

/// Most bytes of a message.
const MESSAGE: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object() {
        let line = line(1_795_425_180_120, Level::Warn, "drain", &"30 s left\nat most");
        let expected = "{\"ts\":\"2026-11-23T09:13:00.120Z\",\"level\":\"warn\",\"kind\":\"drain\",\
                        \"message\":\"30 s left\\nat most\"}\n";
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}
