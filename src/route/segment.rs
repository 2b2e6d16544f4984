//! One segment of a pattern: what it matches, and how its capture is written.

use super::PatternError;

/// What one segment of a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// This text.
    Literal(Box<str>),
    /// Any text that is not empty, between these two.
    Capture {
        /// Text before it, mostly empty.
        prefix: Box<str>,
        /// Text after it, mostly empty.
        suffix: Box<str>,
    },
    /// All that is left of the path, also nothing.
    Rest,
}

impl Segment {
    /// Reads a segment of a pattern that was checked.
    pub(super) fn of(text: &str) -> Self {
        match text.split_once('{').zip(text.rsplit_once('}')) {
            Some(((_, inner), _)) if inner.starts_with('*') => Self::Rest,
            Some(((prefix, _), (_, suffix))) => {
                Self::Capture { prefix: prefix.into(), suffix: suffix.into() }
            }
            None => Self::Literal(text.into()),
        }
    }

    /// The length of what `text` leaves for the capture, where it begins; none if it does not fit.
    pub(super) fn strip<'p>(prefix: &str, suffix: &str, text: &'p str) -> Option<&'p str> {
        let inner = text.strip_prefix(prefix)?.strip_suffix(suffix)?;
        (!inner.is_empty()).then_some(inner)
    }
}

/// A capture as it is written.
pub(super) struct Written<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Whether it is `{*name}`.
    pub(super) rest: bool,
}

/// Reads the capture of a segment, if it has one. `offset` is the place of the segment.
pub(super) fn capture(text: &str, offset: usize) -> Result<Option<Written<'_>>, PatternError> {
    let whole = offset..offset + text.len();
    let Some(open) = text.find('{') else {
        let Some(close) = text.find('}') else { return Ok(None) };
        let at = offset + close..offset + close + 1;
        return Err(PatternError::new(at, "this `}` closes nothing; a literal one is `%7D`"));
    };
    let after = &text[open + 1..];
    let Some(length) = after.find('}') else {
        return Err(PatternError::new(
            offset + open..whole.end,
            "this `{` is never closed; a literal one is `%7B`",
        ));
    };
    let (inner, tail) = (&after[..length], &after[length + 1..]);
    if text[..open].contains('}') || tail.contains(['{', '}']) {
        return Err(PatternError::new(whole, "a segment holds one capture at most"));
    }
    let rest = inner.starts_with('*');
    let name = inner.strip_prefix('*').unwrap_or(inner);
    let name_start = offset + open + 1 + usize::from(rest);
    check_name(name, name_start)?;
    if rest && (open > 0 || !tail.is_empty()) {
        return Err(PatternError::new(
            whole,
            format!("`{{*{name}}}` takes all that is left, so no text stands beside it"),
        ));
    }
    Ok(Some(Written { name, rest }))
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
