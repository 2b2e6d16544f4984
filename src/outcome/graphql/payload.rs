//! Where the payload of a mutation says how it went, and how to see at a glance that a reply says
//! nothing of the kind.

use std::collections::BTreeSet;
use std::fmt;

use memchr::memmem::Finder;

/// The names of members of a payload that tell how a mutation went.
#[derive(Clone)]
pub struct Payload {
    errors: Box<[Box<str>]>,
    warnings: Box<[Box<str>]>,
    /// What no reply can do without that has errors or warnings: such a name, or an escape that stands
    /// for a letter of one.
    needles: Box<[Finder<'static>]>,
    escape: Finder<'static>,
    escapes: Box<[Finder<'static>]>,
}

impl Payload {
    /// Lists of errors, such as `errors` or `userErrors`, and lists of warnings. Names are letters,
    /// digits and `_`, as GraphQL has them.
    pub fn new(errors: Box<[Box<str>]>, warnings: Box<[Box<str>]>) -> Self {
        let mut names: Vec<&str> = vec!["errors"];
        for name in errors.iter().chain(&warnings) {
            if !names.contains(&&**name) {
                names.push(name);
            }
        }
        let needles = names.iter().map(|name| finder(&format!("{name}\""))).collect();
        // The letters of a row of the table have the first of their two digits in common.
        let rows: BTreeSet<u8> =
            names.iter().flat_map(|name| name.bytes()).map(|b| b >> 4).collect();
        let escapes = rows.iter().map(|row| finder(&format!("{ESCAPE}{row:x}"))).collect();
        Self { errors, warnings, needles, escape: finder(ESCAPE), escapes }
    }

    /// The names of lists of errors.
    pub fn errors(&self) -> &[Box<str>] {
        &self.errors
    }

    /// The names of lists of warnings.
    pub fn warnings(&self) -> &[Box<str>] {
        &self.warnings
    }

    /// Whether a reply that comes in these pieces has data, and surely neither errors nor warnings.
    /// No more is looked at than its two ends and whether certain texts occur in it, which is many
    /// times faster than to read it; so whether it is JSON in between is not known.
    pub fn is_clean<'p>(&self, pieces: impl Iterator<Item = &'p [u8]>) -> bool {
        let (mut first, mut last) = (true, b' ');
        let mut seam = Seam::default();
        for piece in pieces.filter(|piece| !piece.is_empty()) {
            if std::mem::take(&mut first) && !begins_with_data(piece) {
                return false;
            }
            if self.has_needle(seam.with(piece)) || self.has_needle(piece) {
                return false;
            }
            seam.keep(piece);
            last = piece.iter().rfind(|byte| !byte.is_ascii_whitespace()).copied().unwrap_or(last);
        }
        last == b'}'
    }

    fn has_needle(&self, text: &[u8]) -> bool {
        let finds = |needles: &[Finder<'_>], text: &[u8]| {
            needles.iter().any(|needle| needle.find(text).is_some())
        };
        // Some texts are full of `\u00e9` and its like, which stand for no letter of a name: to stop at
        // each of them takes longer than to look once for each kind of escape that matters.
        finds(&self.needles, text)
            || self.escape.find(text).is_some_and(|at| finds(&self.escapes, &text[at..]))
    }
}

fn finder(text: &str) -> Finder<'static> {
    Finder::new(text).into_owned()
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("errors", &self.errors)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// Whether the first member of the reply is `data`, with an object for its value. That it stands in
/// the first piece whole is what servers do; who does not is read.
fn begins_with_data(piece: &[u8]) -> bool {
    let mut rest = piece;
    ["{", "\"data\"", ":", "{"].into_iter().all(|token| {
        rest = rest.trim_ascii_start();
        let after = rest.strip_prefix(token.as_bytes());
        rest = after.unwrap_or_default();
        after.is_some()
    })
}

/// The end of one piece and the beginning of the next.
struct Seam {
    bytes: [u8; 2 * OVERLAP],
    kept: usize,
}

impl Default for Seam {
    fn default() -> Self {
        Self { bytes: [0; 2 * OVERLAP], kept: 0 }
    }
}

impl Seam {
    /// What was kept, followed by the beginning of `piece`; nothing where nothing was kept.
    fn with(&mut self, piece: &[u8]) -> &[u8] {
        if self.kept == 0 {
            return &[];
        }
        let taken = piece.len().min(OVERLAP);
        self.bytes[self.kept..self.kept + taken].copy_from_slice(&piece[..taken]);
        &self.bytes[..self.kept + taken]
    }

    /// Keeps the end of what has come so far.
    fn keep(&mut self, piece: &[u8]) {
        if piece.len() >= OVERLAP {
            self.bytes[..OVERLAP].copy_from_slice(&piece[piece.len() - OVERLAP..]);
            self.kept = OVERLAP;
            return;
        }
        // A short piece: it stands behind what was kept already, if `with` was asked for.
        let all = self.kept + piece.len();
        self.bytes[self.kept..all].copy_from_slice(piece);
        let surplus = all.saturating_sub(OVERLAP);
        self.bytes.copy_within(surplus..all, 0);
        self.kept = all - surplus;
    }
}

/// How an escape of a letter begins.
const ESCAPE: &str = "\\u00";

/// No needle is longer, and an escape has a digit behind it.
const OVERLAP: usize = 66;

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Payload {
        Payload::new(Box::new(["userErrors".into()]), Box::new(["warnings".into()]))
    }

    #[test]
    fn what_could_hide_a_name_is_not_clean() {
        for (text, clean) in [
            (r#"{"data":{"a":1}}"#, true),
            (" {\n \"data\" : { } } \n", true),
            (r#"{"data":{"a":"caf\u00e9 \n errors: 0"}}"#, true),
            (r#"{"data":{"a":"\u0065rrors"}}"#, false),
            (r#"{"data":{"caf\u00e9":1,"e\u0072rors":[]}}"#, false),
            (r#"{"data":{"a":{"user\u0045rrors":[]}}}"#, false),
            (r#"{"data":{"a":"\u0022 \u003c \u00e4"}}"#, true),
            (r#"{"data":{"a":{"userErrors":[]}}}"#, false),
            (r#"{"data":{"a":1},"errors":[{}]}"#, false),
            (r#"{"data":{"a":{"warnings":[1]}}}"#, false),
            (r#"{"data":null}"#, false),
            (r#"{"extensions":{},"data":{}}"#, false),
            (r#"{"data":{"a":1}"#, true),
            (r#"{"data":{"a":1"#, false),
            ("", false),
            ("<html>", false),
        ] {
            assert_eq!(payload().is_clean([text.as_bytes()].into_iter()), clean, "{text}");
        }
    }

    #[test]
    fn a_name_is_seen_wherever_it_is_cut() {
        let text = format!("{{\"data\":{{\"a\":{{\"userErrors\":[{}]}}}}}}", "1,".repeat(90));
        for size in 13..text.len() {
            let pieces = text.as_bytes().chunks(size);
            assert!(!payload().is_clean(pieces), "{size}");
        }
        let (head, rest) = text.as_bytes().split_at(12);
        for size in 1..20 {
            assert!(!payload().is_clean([head].into_iter().chain(rest.chunks(size))), "{size}");
        }
    }
}
