//! `Content-Type` of a request, against what the route reads.

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::config::model::BodyRule;
use crate::problem::{Cause, Problem};

/// The media type of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    /// JSON, or a type that is written in it (`+json`).
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data` with this boundary.
    Multipart(String),
}

/// How the route reads what the head announces; none where it passes unread.
///
/// # Errors
/// The route does not take it: 415, with what it does take.
pub fn media(
    rule: &BodyRule,
    headers: &HeaderMap,
    method: &Method,
) -> Result<Option<Media>, Problem> {
    let (line, found) = match announced(headers) {
        Err(_) if rule.others => return Ok(None),
        announced => announced?,
    };
    match found {
        Some(Media::Json) if rule.json.is_some() => Ok(found),
        Some(Media::Form) if rule.urlencoded.is_some() => Ok(found),
        Some(Media::Multipart(_)) if rule.multipart.is_some() => Ok(found),
        _ if rule.others => Ok(None),
        _ => Err(unread(line, method, reads(rule))),
    }
}

/// Whether the head announces JSON, for who reads nothing else.
///
/// # Errors
/// It does not: 415.
pub(in crate::gate) fn json(headers: &HeaderMap, method: &Method) -> Result<(), Problem> {
    match announced(headers)? {
        (_, Some(Media::Json)) => Ok(()),
        (line, _) => Err(unread(line, method, JSON)),
    }
}

/// What the head announces, as written and as it is known.
fn announced(headers: &HeaderMap) -> Result<(Option<&str>, Option<Media>), Problem> {
    let coded = headers.get_all(CONTENT_ENCODING).iter();
    if coded.into_iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::new(Cause::MediaType)
            .with_header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .with_detail("the body has a content coding"));
    }
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let line = match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().ok(),
        (Some(_), Some(_)) | (None, _) => None,
    };
    Ok((line, line.and_then(read)))
}

fn unread(line: Option<&str>, method: &Method, reads: &'static str) -> Problem {
    Problem::new(Cause::MediaType)
        .with_header(accepts(method), HeaderValue::from_static(reads))
        .with_detail(format_args!("Content-Type: {}", line.unwrap_or("(none)")))
}

/// W3C Linked Data Platform, section 7.1; RFC 5789, section 3.1; RFC 9110, section 12.5.1.
fn accepts(method: &Method) -> HeaderName {
    match *method {
        Method::POST => HeaderName::from_static("accept-post"),
        Method::PATCH => HeaderName::from_static("accept-patch"),
        _ => ACCEPT,
    }
}

const JSON: &str = "application/json";

const fn reads(rule: &BodyRule) -> &'static str {
    match (rule.json.is_some(), rule.urlencoded.is_some(), rule.multipart.is_some()) {
        (_, false, false) => JSON,
        (false, true, false) => "application/x-www-form-urlencoded",
        (false, false, true) => "multipart/form-data",
        (false, true, true) => "application/x-www-form-urlencoded, multipart/form-data",
        (true, true, false) => "application/json, application/x-www-form-urlencoded",
        (true, false, true) => "application/json, multipart/form-data",
        (true, true, true) => {
            "application/json, application/x-www-form-urlencoded, multipart/form-data"
        }
    }
}

/// A media type in UTF-8. Another charset is another type to whoever reads bytes.
fn read(line: &str) -> Option<Media> {
    let (essence, rest) = line.split_once(';').unwrap_or((line, ""));
    let essence = essence.trim().to_ascii_lowercase();
    let parameters = parameters(rest)?;
    let value = |name: &str| {
        parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    };
    if value("charset").is_some_and(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
        return None;
    }
    let (kind, subtype) = essence.split_once('/')?;
    match (kind, subtype) {
        ("application", "json") => Some(Media::Json),
        ("application", "x-www-form-urlencoded") => Some(Media::Form),
        ("multipart", "form-data") => {
            let boundary = value("boundary").filter(|text| is_boundary(text))?;
            Some(Media::Multipart(boundary.to_owned()))
        }
        (_, subtype) if subtype.len() > 5 && subtype.ends_with("+json") => Some(Media::Json),
        _ => None,
    }
}

/// RFC 2046, section 5.1.1.
fn is_boundary(text: &str) -> bool {
    (1..=70).contains(&text.len())
        && !text.ends_with(' ')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte))
}

/// `; name=value; name="value"`, names in small letters. None where it is not so, or a name stands
/// twice: two readers would take two different values.
pub(super) fn parameters(mut rest: &str) -> Option<Vec<(String, String)>> {
    let mut found: Vec<(String, String)> = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            return Some(found);
        }
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_end().to_ascii_lowercase();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                let (value, after) = after.split_at(end);
                (value.trim_end().to_owned(), after)
            }
        };
        let between = after.trim_start_matches([' ', '\t']);
        let plain =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        let known = found.iter().any(|(known, _)| *known == name);
        if !plain || known || !(between.is_empty() || between.starts_with(';')) {
            return None;
        }
        found.push((name, value));
        rest = between;
    }
}

fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, text.get(at + 1..)?)),
            // Browsers do not escape backslashes, so that one only counts before these two.
            '\\' if text.get(at + 1..).is_some_and(|rest| rest.starts_with(['"', '\\'])) => {
                value.push(letters.next()?.1);
            }
            letter => value.push(letter),
        }
    }
    None
}
