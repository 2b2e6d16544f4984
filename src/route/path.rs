//! The one rule that brings a path to the form that is matched **and** forwarded, so that no
//! upstream ever reads another path than the one that the routes were asked about.
//!
//! | In the request | What becomes of it | Source |
//! |---|---|---|
//! | no `/` at the start, `?` or `#` within | refused | RFC 9112, section 3.2.1 |
//! | a control character, a space, a raw non-ASCII byte | refused | RFC 3986, section 2 |
//! | NUL, raw or `%00` | refused | RFC 3986, section 7.3 |
//! | `\`, raw or `%5C` | refused | a separator to some origins |
//! | `%` without two hexadecimal digits | refused | RFC 3986, section 2.1 |
//! | `/.;x`, `/..;x` (dots or `;` encoded or not) | refused | a dot segment to servlet origins |
//! | `..%2F`, `%2F..` and the like | refused | a dot segment to origins that decode first |
//! | `%41`, `%2D`, `%7e`: an encoded unreserved character | decoded | RFC 3986, section 6.2.2.2 |
//! | `%c3%a9`: lower-case digits of any other | upper case, stays encoded | section 6.2.2.1 |
//! | `%2F`, `%3B`, `%0D%0A`, `%25`, … | stays encoded: never a separator, never a line end | – |
//! | `//` | one `/` | as nginx does |
//! | `.` and `..`, encoded or not | resolved, never above the root | RFC 3986, section 5.2.4 |
//!
//! Two orders matter and are fixed: characters are decoded before dots are resolved, because
//! encoded dots are the same dots; and `//` is merged before `..` looks for its parent.
//!
//! Nothing else changes. A trailing `/` stays and is part of the path: `/a` and `/a/` differ.
//! Applying the rule twice gives what applying it once gave.

use std::borrow::Cow;
use std::fmt;

/// Why a path, or a query, is refused. The words of `Display` are for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathFault {
    /// A `%` is not followed by two hexadecimal digits.
    BadPercent,
    /// A raw control character other than NUL.
    Control,
    /// A `#`: fragments are never sent (RFC 9112, section 3.2).
    Fragment,
    /// A dot segment hides before a `;` or beside a `%2F`.
    HiddenDots,
    /// A backslash, raw or encoded.
    Backslash,
    /// A raw byte beyond ASCII.
    NonAscii,
    /// The path does not begin with `/`.
    NotAbsolute,
    /// A NUL, raw or encoded.
    Nul,
    /// A `?` where only a path may stand.
    Query,
    /// A raw space.
    Space,
}

impl PathFault {
    /// The fault in words, for the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadPercent => "broken percent-encoding in the target",
            Self::Control => "control character in the target",
            Self::Fragment => "fragment in the target",
            Self::HiddenDots => "hidden dot segment in the path",
            Self::Backslash => "backslash in the path",
            Self::NonAscii => "raw non-ASCII byte in the target",
            Self::NotAbsolute => "path does not begin with a slash",
            Self::Nul => "NUL in the target",
            Self::Query => "question mark in the path",
            Self::Space => "space in the target",
        }
    }
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for PathFault {}

/// Brings the path of a request, without its query, to its one form. A path that is in that form
/// already, as nearly all are, is scanned once and lent back.
///
/// # Errors
/// The first thing that the rule refuses.
pub fn canonical(path: &str) -> Result<Cow<'_, str>, PathFault> {
    if !path.starts_with('/') {
        return Err(PathFault::NotAbsolute);
    }
    match survey(path.as_bytes())? {
        Form::Canonical => Ok(Cow::Borrowed(path)),
        Form::Loose => Ok(Cow::Owned(rewrite(path))),
    }
}

/// Checks a query, which is otherwise forwarded untouched. Broken percent-encoding passes: it is
/// common in the wild, and no route is chosen by it.
///
/// # Errors
/// A control character, a space, a byte beyond ASCII or a `#`.
pub fn check_query(query: &str) -> Result<(), PathFault> {
    for byte in query.bytes() {
        match byte {
            0 => return Err(PathFault::Nul),
            1..=0x1f | 0x7f => return Err(PathFault::Control),
            b' ' => return Err(PathFault::Space),
            b'#' => return Err(PathFault::Fragment),
            0x80.. => return Err(PathFault::NonAscii),
            _ => {}
        }
    }
    Ok(())
}

/// What a scan found in a path that is not refused.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Canonical,
    Loose,
}

/// Looks at every byte once, refuses what the rule refuses, and says whether anything must change.
fn survey(bytes: &[u8]) -> Result<Form, PathFault> {
    let mut form = Form::Canonical;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match CLASSES[usize::from(byte)] {
            Class::Plain => {}
            Class::Slash => {
                if bytes.get(at) == Some(&b'/') || dot_segment(bytes, at)? {
                    form = Form::Loose;
                }
            }
            Class::Percent => {
                let (high, low) = (hex(bytes.get(at)), hex(bytes.get(at + 1)));
                let (Some(high), Some(low)) = (high, low) else {
                    return Err(PathFault::BadPercent);
                };
                let digits = [bytes[at], bytes[at + 1]];
                at += 2;
                match high << 4 | low {
                    0 => return Err(PathFault::Nul),
                    b'\\' => return Err(PathFault::Backslash),
                    // To an origin that decodes first, this begins a segment.
                    b'/' if dot_segment(bytes, at)? => return Err(PathFault::HiddenDots),
                    decoded if is_unreserved(decoded) => form = Form::Loose,
                    _ if digits.iter().any(u8::is_ascii_lowercase) => form = Form::Loose,
                    _ => {}
                }
            }
            Class::Refused => return Err(refusal(byte)),
        }
    }
    Ok(form)
}

/// Whether the segment that begins at `at` is `.` or `..`, encoded or not. One that hides its dots
/// behind a `;` or a `%2F` is refused.
fn dot_segment(bytes: &[u8], at: usize) -> Result<bool, PathFault> {
    let mut end = at;
    let mut dots = 0;
    loop {
        match bytes.get(end..).unwrap_or_default() {
            [b'.', ..] => end += 1,
            [b'%', b'2', b'e' | b'E', ..] => end += 3,
            _ => break,
        }
        dots += 1;
    }
    if !(1..=2).contains(&dots) {
        return Ok(false);
    }
    match bytes.get(end..).unwrap_or_default() {
        [] | [b'/', ..] => Ok(true),
        [b';', ..] | [b'%', b'3', b'b' | b'B', ..] | [b'%', b'2', b'f' | b'F', ..] => {
            Err(PathFault::HiddenDots)
        }
        _ => Ok(false),
    }
}

/// Applies the rule to a path that [`survey`] has accepted, and that begins with `/`.
fn rewrite(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    // A path that ends in an empty or a dot segment names a folder, and keeps its last slash.
    let mut folder = false;
    for segment in path.split('/').skip(1) {
        let start = out.len();
        out.push('/');
        push_decoded(&mut out, segment);
        folder = match out.get(start + 1..) {
            Some("" | ".") => {
                out.truncate(start);
                true
            }
            Some("..") => {
                out.truncate(start);
                out.truncate(out.rfind('/').unwrap_or(0));
                true
            }
            Some(_) | None => false,
        };
    }
    if folder {
        out.push('/');
    }
    out
}

/// Decodes what is unreserved, and writes the digits of the rest in upper case.
fn push_decoded(out: &mut String, segment: &str) {
    let mut pieces = segment.split('%');
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        // The survey has seen to it that two digits follow every percent sign.
        let (digits, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        match u8::from_str_radix(digits, 16) {
            Ok(byte) if is_unreserved(byte) => out.push(char::from(byte)),
            Ok(_) | Err(_) => {
                out.push('%');
                out.extend(digits.chars().map(|digit| digit.to_ascii_uppercase()));
            }
        }
        out.push_str(rest);
    }
}

fn refusal(byte: u8) -> PathFault {
    match byte {
        0 => PathFault::Nul,
        b' ' => PathFault::Space,
        b'#' => PathFault::Fragment,
        b'?' => PathFault::Query,
        b'\\' => PathFault::Backslash,
        0x80.. => PathFault::NonAscii,
        _ => PathFault::Control,
    }
}

fn hex(digit: Option<&u8>) -> Option<u8> {
    match *digit? {
        digit @ b'0'..=b'9' => Some(digit - b'0'),
        digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
        digit @ b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// RFC 3986, section 2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What the scan does at a byte.
#[derive(Clone, Copy)]
enum Class {
    Plain,
    Slash,
    Percent,
    Refused,
}

/// One look-up for each byte, because nearly every byte of nearly every path is plain.
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Plain; 256];
    let mut byte = 0;
    while byte < classes.len() {
        classes[byte] = match byte {
            0..=0x20 | 0x23 | 0x3f | 0x5c | 0x7f.. => Class::Refused,
            0x25 => Class::Percent,
            0x2f => Class::Slash,
            _ => Class::Plain,
        };
        byte += 1;
    }
    classes
};

#[cfg(test)]
mod tests;
