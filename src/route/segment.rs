//! One segment of a pattern: what it matches, and how its captures are written.

use super::{Captures, PatternError};

/// What one segment of a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// This text.
    Literal(Box<str>),
    /// Any text that is not empty, within these.
    Capture(Around),
    /// All that is left of the path, also nothing.
    Rest,
}

/// The text around the captures of a segment: mostly none.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Around {
    /// Before the first capture.
    pub(super) prefix: Box<str>,
    /// Between two captures, where there are several; never empty.
    pub(super) between: Box<[Box<str>]>,
    /// After the last capture.
    pub(super) suffix: Box<str>,
}

impl Segment {
    /// Reads a segment of a pattern that was checked.
    pub(super) fn of(text: &str) -> Self {
        let mut pieces = text.split('{');
        let prefix = pieces.next().unwrap_or_default();
        let mut after: Vec<Box<str>> = Vec::new();
        for (name, text) in pieces.filter_map(|piece| piece.split_once('}')) {
            if name.starts_with('*') {
                return Self::Rest;
            }
            after.push(text.into());
        }
        match after.pop() {
            None => Self::Literal(text.into()),
            Some(suffix) => {
                Self::Capture(Around { prefix: prefix.into(), between: after.into(), suffix })
            }
        }
    }
}

impl Around {
    /// Whether the capture is the whole segment.
    pub(super) fn is_nothing(&self) -> bool {
        self.prefix.is_empty() && self.between.is_empty() && self.suffix.is_empty()
    }

    /// The letters that a segment must have.
    pub(super) fn length(&self) -> usize {
        self.prefix.len()
            + self.between.iter().map(|text| text.len()).sum::<usize>()
            + self.suffix.len()
    }

    /// Captures what a segment has within these texts; `at` is where it begins. Whether it fits: where
    /// it does not, some may have been captured. Text between is taken where it stands first, so that
    /// a second reader finds the same captures.
    pub(super) fn capture(&self, segment: &str, at: usize, captures: &mut Captures) -> bool {
        let inner = segment.strip_prefix(&*self.prefix);
        let Some(mut left) = inner.and_then(|inner| inner.strip_suffix(&*self.suffix)) else {
            return false;
        };
        let mut start = at + self.prefix.len();
        for text in &self.between {
            // A capture is never empty, and a path is ASCII.
            let Some(length) = left.get(1..).and_then(|left| left.find(&**text)) else {
                return false;
            };
            let end = start + 1 + length;
            captures.push(start, end);
            left = left.get(1 + length + text.len()..).unwrap_or_default();
            start = end + text.len();
        }
        captures.push(start, start + left.len());
        !left.is_empty()
    }
}

/// A capture as it is written.
#[derive(Debug)]
pub(super) struct Written<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Whether it is `{*name}`.
    pub(super) rest: bool,
}

/// Reads the captures of a segment. `offset` is the place of the segment.
pub(super) fn captures(text: &str, offset: usize) -> Result<Vec<Written<'_>>, PatternError> {
    let whole = offset..offset + text.len();
    let mut found: Vec<Written<'_>> = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find(['{', '}']).map(|open| at + open) {
        let after = &text[open + 1..];
        if text[open..].starts_with('}') {
            let at = offset + open..offset + open + 1;
            return Err(PatternError::new(at, "this `}` closes nothing; a literal one is `%7D`"));
        }
        let Some(length) = after.find('}') else {
            return Err(PatternError::new(
                offset + open..whole.end,
                "this `{` is never closed; a literal one is `%7B`",
            ));
        };
        let inner = &after[..length];
        if inner.contains('{') {
            let message = "braces within braces: a capture is a name, a literal `{` is `%7B`";
            return Err(PatternError::new(whole, message));
        }
        if open == at && !found.is_empty() {
            let message = "nobody can tell where one of these captures ends and the next begins: \
                           put text between them, as in `{a}-{b}`";
            return Err(PatternError::new(whole, message));
        }
        let rest = inner.starts_with('*');
        let name = inner.strip_prefix('*').unwrap_or(inner);
        check_name(name, offset + open + 1 + usize::from(rest))?;
        if rest && length + 2 < text.len() {
            return Err(PatternError::new(
                whole,
                format!("`{{*{name}}}` takes all that is left, so no text stands beside it"),
            ));
        }
        found.push(Written { name, rest });
        at = open + length + 2;
    }
    Ok(found)
}

fn check_name(name: &str, offset: usize) -> Result<(), PatternError> {
    let at = offset..offset + name.len();
    if name.is_empty() {
        // An empty range would point at nothing: take the braces.
        return Err(PatternError::new(offset - 1..offset + 1, "a capture needs a name: `{id}`"));
    }
    if let Some((name, _)) = name.split_once(':') {
        return Err(PatternError::new(
            at,
            format!("a capture is a name alone, `{{{name}}}`: types stand in [route.params]"),
        ));
    }
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.starts_with(|first: char| first.is_ascii_digit()) || !name.bytes().all(fits) {
        let example = snake_case(name);
        return Err(PatternError::new(
            at,
            format!(
                "a name is made of a-z, 0-9 and `_`, and begins with no digit: `{{{example}}}`"
            ),
        ));
    }
    Ok(())
}

/// The nearest name that is allowed: `userId` becomes `user_id`.
fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => out.push(character.to_ascii_lowercase()),
            _ if out.ends_with('_') => {}
            _ => out.push('_'),
        }
    }
    if out.starts_with(|first: char| first.is_ascii_digit()) {
        out.insert(0, '_');
    }
    out
}
