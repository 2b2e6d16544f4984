//! Weighted preference lists: `Accept` and `Accept-Language` (RFC 9110, sections 12.4.2, 12.5.1
//! and 12.5.4; RFC 4647, section 3.4 for languages).
//!
//! Reading is lenient, because a preference that cannot be read must never cost a client its
//! answer: an element with an unreadable weight is passed over, and nothing here allocates or
//! fails. At most [`MAX_ELEMENTS`] elements are read.

/// A weight in thousandths: 0 means "not acceptable", 1000 is the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quality(u16);

impl Quality {
    /// Not acceptable.
    pub const NONE: Self = Self(0);
    /// The weight of an element that names none.
    pub const FULL: Self = Self(1000);

    /// Reads a `qvalue`. Beyond the grammar, `.5` is read, digits past the third are dropped, and
    /// what is over 1 counts as 1.
    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
            return None;
        }
        if whole.bytes().any(|byte| byte != b'0') {
            return Some(Self::FULL);
        }
        let thousandths = fraction.bytes().chain(*b"000").take(3);
        Some(Self(thousandths.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'))))
    }
}

/// One element of a preference list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preference<'a> {
    /// What is preferred, such as `text/html` or `fr-CA`.
    pub value: &'a str,
    /// Its weight.
    pub quality: Quality,
    /// Whether parameters other than the weight follow the value.
    pub narrowed: bool,
}

/// Reads the elements of a field, which may stand on several lines.
pub fn preferences<'a>(
    lines: impl IntoIterator<Item = &'a str>,
) -> impl Iterator<Item = Preference<'a>> {
    lines
        .into_iter()
        .flat_map(|line| Pieces { rest: line, separator: b',' })
        .take(MAX_ELEMENTS)
        .filter_map(preference)
}

/// The offer that fits `Accept` best, by its place in `offers`; none if nothing offered is
/// acceptable, or the field says nothing.
///
/// Each offer has the weight of the most specific range that covers it (`type/subtype`, then
/// `type/*`, then `*/*`). Among equal weights the more specific range wins, then the earlier offer:
/// a client that writes `application/json, */*` has named what it wants. Parameters of a range are
/// not compared, but a range without parameters weighs before one with them.
pub fn media_type<'a, const N: usize>(
    lines: impl IntoIterator<Item = &'a str>,
    offers: &[&str; N],
) -> Option<usize> {
    let mut best: [Option<(u8, Quality)>; N] = [None; N];
    for preference in preferences(lines) {
        for (offer, known) in offers.iter().zip(&mut best) {
            let Some(depth) = depth(preference, offer) else { continue };
            *known = Some((depth, preference.quality)).max(*known);
        }
    }
    let mut chosen: Option<(Quality, u8, usize)> = None;
    for (at, known) in best.into_iter().enumerate() {
        let Some((depth, quality)) = known.filter(|(_, quality)| *quality > Quality::NONE) else {
            continue;
        };
        if chosen.is_none_or(|(most, deepest, _)| (quality, depth) > (most, deepest)) {
            chosen = Some((quality, depth, at));
        }
    }
    chosen.map(|(_, _, at)| at)
}

/// The language that fits `Accept-Language` best, by its place in `offers`; none if nothing offered
/// is acceptable, or the field says nothing.
///
/// A range covers a language that is the same, that begins with it (`fr` covers `fr-CH`), or that
/// it begins with (`fr-CA` and `fr-*` reach `fr`, as a look-up would). `*` covers what no other
/// range names. Equal weights are decided by the client's order, then by the order of the offers.
pub fn language<S: AsRef<str>>(lines: &[&str], offers: &[S]) -> Option<usize> {
    let mut chosen: Option<(Quality, usize, usize)> = None;
    for (at, offer) in offers.iter().enumerate() {
        let Some((quality, place)) = language_quality(lines, offer.as_ref()) else {
            continue;
        };
        if chosen.is_none_or(|(most, first, _)| quality > most || quality == most && place < first)
        {
            chosen = Some((quality, place, at));
        }
    }
    chosen.map(|(_, _, at)| at)
}

/// Elements that are read of one field; the rest is not worth a proxy's time.
pub const MAX_ELEMENTS: usize = 32;

/// The weight of one language and the place in the list that gave it; none if unacceptable.
fn language_quality(lines: &[&str], offer: &str) -> Option<(Quality, usize)> {
    let mut named: Option<(Quality, usize)> = None;
    let mut any: Option<(Quality, usize)> = None;
    for (place, Preference { value, quality, .. }) in preferences(lines.iter().copied()).enumerate()
    {
        if value == "*" {
            any = any.or(Some((quality, place)));
            continue;
        }
        let range = value.strip_suffix("-*").unwrap_or(value);
        let covers = begins_with(offer, range);
        if covers && quality == Quality::NONE {
            return None;
        }
        // `fr-CA;q=0` refuses Canadian French, not French.
        if !covers && (!begins_with(range, offer) || quality == Quality::NONE) {
            continue;
        }
        if named.is_none_or(|(most, _)| quality > most) {
            named = Some((quality, place));
        }
    }
    named.or(any).filter(|(quality, _)| *quality > Quality::NONE)
}

/// Whether `tag` is `prefix`, or goes on after it with a hyphen.
fn begins_with(tag: &str, prefix: &str) -> bool {
    let (tag, prefix) = (tag.as_bytes(), prefix.as_bytes());
    tag.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
        && tag.get(prefix.len()).is_none_or(|next| *next == b'-')
        && !prefix.is_empty()
}

/// How specifically a range covers an offer; none if it does not.
fn depth(range: Preference<'_>, offer: &str) -> Option<u8> {
    if range.value.eq_ignore_ascii_case(offer) {
        return Some(if range.narrowed { 2 } else { 3 });
    }
    // Some old clients write `*` for `*/*`.
    if range.value == "*/*" || range.value == "*" {
        return Some(0);
    }
    let kind = range.value.strip_suffix("/*")?;
    let (offered, _) = offer.split_once('/')?;
    offered.eq_ignore_ascii_case(kind).then_some(1)
}

fn preference(element: &str) -> Option<Preference<'_>> {
    let mut parts = Pieces { rest: element, separator: b';' };
    let value = parts.next()?.trim_matches(BLANK);
    let (mut quality, mut narrowed) = (Quality::FULL, false);
    for part in parts {
        let (name, text) = part.split_once('=').unwrap_or((part, ""));
        let name = name.trim_matches(BLANK);
        if name.eq_ignore_ascii_case("q") {
            quality = Quality::parse(text.trim_matches(BLANK))?;
        } else if !name.is_empty() {
            narrowed = true;
        }
    }
    (!value.is_empty()).then_some(Preference { value, quality, narrowed })
}

/// Cuts a text at a separator, but not within a quoted string (RFC 9110, section 5.6.4).
struct Pieces<'a> {
    rest: &'a str,
    separator: u8,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let (mut quoted, mut escaped) = (false, false);
        for (at, byte) in self.rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if byte == self.separator && !quoted => {
                    // Both separators are ASCII, so the cut falls between characters.
                    let (piece, rest) = self.rest.split_at(at);
                    self.rest = rest.get(1..).unwrap_or_default();
                    return Some(piece);
                }
                _ => {}
            }
        }
        Some(std::mem::take(&mut self.rest))
    }
}

const BLANK: [char; 2] = [' ', '\t'];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OFFERS: [&str; 4] =
        ["application/json", "application/problem+json", "text/html", "text/plain"];

    fn best(accept: &str) -> Option<&'static str> {
        media_type([accept], &OFFERS).map(|at| OFFERS[at])
    }

    fn spoken(accept: &str) -> Option<&'static str> {
        let offers = ["fr", "en", "pt-BR"];
        language(&[accept], &offers).map(|at| offers[at])
    }

    #[test]
    fn weights_are_read_leniently() {
        let read = |text| Quality::parse(text).map(|quality| quality.0);
        for (text, expected) in [("1", 1000), ("0", 0), ("0.5", 500), ("0.005", 5), (".2", 200)] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for (text, expected) in [("1.", 1000), ("0.", 0), ("0.1239", 123), ("7", 1000)] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for text in ["", ".", "-1", "0,5", "high", "0.5x", "1e3"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn media_types_follow_weight_then_specificity_then_offer() {
        for (accept, expected) in [
            ("*/*", Some("application/json")),
            ("*", Some("application/json")),
            ("text/*", Some("text/html")),
            ("TEXT/PLAIN", Some("text/plain")),
            ("application/json, text/plain, */*", Some("application/json")),
            ("text/plain, */*", Some("text/plain")),
            ("text/html;q=0.4, text/plain;q=0.5", Some("text/plain")),
            ("application/json;q=0, */*", Some("application/problem+json")),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some("text/html")),
            ("text/html, image/gif, *; q=.2, */*; q=.2", Some("text/html")),
            ("application/json;charset=utf-8", Some("application/json")),
            ("application/json;p=\"a,b;q=0\", text/html;q=0.9", Some("application/json")),
            ("text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed", Some("text/plain")),
            ("text/html;q=what, text/plain;q=0.1", Some("text/plain")),
            ("image/png", None),
            ("*/*;q=0", None),
            ("", None),
            (",,;,", None),
        ] {
            assert_eq!(best(accept), expected, "{accept}");
        }
    }

    #[test]
    fn a_specific_range_outweighs_a_wide_one_even_downwards() {
        assert_eq!(best("application/*, application/json;q=0.1"), Some("application/problem+json"));
    }

    #[test]
    fn several_lines_are_one_list() {
        assert_eq!(media_type(["text/html;q=0.2", "text/plain"], &OFFERS), Some(3));
    }

    #[test]
    fn languages_match_by_prefix_both_ways() {
        for (accept, expected) in [
            ("fr-CA", Some("fr")),
            ("EN-gb", Some("en")),
            ("en-*", Some("en")),
            ("pt", Some("pt-BR")),
            ("pt-PT", None),
            ("fra", None),
            ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", Some("fr")),
            ("en-US, fr;q=0.95, en;q=0.9", Some("en")),
            ("de, en;q=0.3, fr;q=0.2", Some("en")),
            ("de", None),
            ("*", Some("fr")),
            ("de, *;q=0.1", Some("fr")),
            ("fr;q=0, *", Some("en")),
            ("fr-CA;q=0, fr;q=0.2", Some("fr")),
            ("fr-CA, fr;q=0, en;q=0.1", Some("en")),
            ("en, fr", Some("en")),
            ("en, *", Some("en")),
            ("*;q=0", None),
            ("", None),
        ] {
            assert_eq!(spoken(accept), expected, "{accept}");
        }
    }

    #[test]
    fn only_the_first_elements_count() {
        let long = format!("{}text/html", "image/png,".repeat(MAX_ELEMENTS));
        assert_eq!(best(&long), None);
        assert_eq!(best(&long["image/png,".len()..]), Some("text/html"));
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*", other in "[a-z*/;=q0-9., \"\\\\-]*") {
            for line in [text.as_str(), other.as_str()] {
                let _ = media_type([line], &OFFERS);
                let _ = language(&[line], &["fr", "en"]);
            }
        }

        #[test]
        fn the_heavier_of_two_wins(first in 1u16..=1000, second in 1u16..=1000) {
            let accept = format!(
                "text/html;q={}.{:03}, text/plain;q={}.{:03}",
                first / 1000, first % 1000, second / 1000, second % 1000,
            );
            let expected = if second > first { "text/plain" } else { "text/html" };
            prop_assert_eq!(best(&accept), Some(expected));
        }

        #[test]
        fn what_is_refused_is_never_chosen(at in 0usize..4) {
            let accept = format!("*/*, {};q=0", OFFERS[at]);
            prop_assert_ne!(media_type([accept.as_str()], &OFFERS), Some(at));
        }
    }
}
