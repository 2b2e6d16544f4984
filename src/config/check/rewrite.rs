//! `rewrite`: a path template, literal text and captures by turns.

use std::ops::Range;

use super::Check;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Rewrite, RewritePart};
use crate::config::read::Word;
use crate::config::suggest;
use crate::route::Pattern;

/// Reads a template. `pattern` is the route's, if it could be read: without it nothing can be said
/// about captures.
pub(super) fn rewrite(
    word: Word<'_>,
    pattern: Option<&Pattern>,
    check: &mut Check<'_>,
) -> Option<Rewrite> {
    let pieces = match split(word.text) {
        Ok(pieces) => pieces,
        Err((at, message, help)) => {
            let place = check.within(word, &at);
            check.push(Diagnostic::at(Id::BadRewrite, place, message).help(help));
            return None;
        }
    };
    let mut parts = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => parts.push(RewritePart::Literal(text.to_owned())),
            Piece::Capture(name, at) => {
                let pattern = pattern?;
                match pattern.names.iter().position(|known| known == name) {
                    Some(index) => parts.push(RewritePart::Capture(index)),
                    None => check.push(unknown(name, check.within(word, &at), pattern)),
                }
            }
        }
    }
    Some(Rewrite(parts))
}

fn unknown(name: &str, place: crate::config::source::Place, pattern: &Pattern) -> Diagnostic {
    let names = || pattern.names.iter().map(String::as_str);
    let help = match suggest::nearest(name, names()) {
        Some(likely) => format!("did you mean `{{{likely}}}`?"),
        None if pattern.names.is_empty() => "`match` captures nothing".to_owned(),
        None => format!("`match` captures {}", suggest::one_of(names()).replace(" or ", " and ")),
    };
    Diagnostic::at(Id::UnknownCapture, place, format!("`match` has no `{{{name}}}`")).help(help)
}

enum Piece<'t> {
    Literal(&'t str),
    Capture(&'t str, Range<usize>),
}

type Refusal = (Range<usize>, &'static str, &'static str);

fn split(text: &str) -> Result<Vec<Piece<'_>>, Refusal> {
    if !text.starts_with('/') {
        let end = text.chars().next().map_or(0, char::len_utf8);
        return Err((0..end, "a path begins with `/`", "write `rewrite = \"/…\"`"));
    }
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        if let Some(inside) = rest.strip_prefix('{') {
            let Some(length) = inside.find('}') else {
                return Err((at..text.len(), "this `{` has no closing `}`", "write `{name}`"));
            };
            let end = at + length + 2;
            let name = inside.get(..length).unwrap_or_default();
            // `{*rest}` is how the capture was declared; both spellings mean the same here.
            pieces.push(Piece::Capture(name.trim_start_matches('*'), at..end));
            at = end;
        } else {
            let end = rest.find('{').map_or(text.len(), |found| at + found);
            let literal = text.get(at..end).unwrap_or_default();
            refuse_characters(literal, at)?;
            pieces.push(Piece::Literal(literal));
            at = end;
        }
    }
    Ok(pieces)
}

/// RFC 3986, section 3.3: what may stand in a path unencoded.
fn refuse_characters(literal: &str, offset: usize) -> Result<(), Refusal> {
    for (at, found) in literal.char_indices() {
        let at = offset + at..offset + at + found.len_utf8();
        match found {
            '?' | '#' => {
                return Err((
                    at,
                    "a rewritten path has no query or fragment",
                    "the client's query is kept as it is",
                ));
            }
            '}' => return Err((at, "this `}` closes nothing", "write `{name}`")),
            _ if found.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@%".contains(found) => {}
            _ => {
                return Err((
                    at,
                    "this character cannot stand in a path",
                    "write it percent-encoded, as in `%20`",
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn templates() {
        let pieces = split("/a/{id}-{*rest}").unwrap_or_default();
        let shown: Vec<_> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => format!("={text}"),
                Piece::Capture(name, at) => format!("{name}@{at:?}"),
            })
            .collect();
        assert_eq!(shown, ["=/a/", "id@3..7", "=-", "rest@8..15"]);
        for bad in ["", "a", "/{id", "/a}", "/a?b", "/a b", "/é"] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = split(&text);
            let _ = split(&format!("/{text}"));
        }
    }
}
