//! Words of flows: names that expressions can say, types, headers of calls.

use http::HeaderName;

use crate::config::check::OWN_HEADERS;
use crate::config::suggest;

/// A name that stands in expressions.
pub(crate) fn step(text: &str) -> Result<(), String> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.starts_with(|first: char| first.is_ascii_digit());
    if fits {
        return Ok(());
    }
    Err("it stands in expressions: letters, digits and `_`, at most 64, and no digit first".into())
}

/// The type of a declared value; which objects there are is judged later.
pub(crate) fn type_word(text: &str) -> Result<(), String> {
    if TYPES.contains(&text) || text.strip_prefix("object:").is_some_and(|name| !name.is_empty()) {
        return Ok(());
    }
    Err(match suggest::nearest(text, TYPES.iter().copied()) {
        Some(likely) => format!("did you mean \"{likely}\"?"),
        None => format!("known are {}", suggest::one_of(TYPES.iter().copied())),
    })
}

/// A header that a call may carry beside those that every call has.
pub(crate) fn sent_header(text: &str) -> Result<(), String> {
    let name = HeaderName::from_bytes(text.as_bytes());
    let name = name.map_err(|_| "a header name has letters, digits and `-`".to_owned())?;
    match OWN_HEADERS.contains(&name.as_str()) {
        true => Err("guichet sets this header itself".into()),
        false => Ok(()),
    }
}

const TYPES: &[&str] = &[
    "string",
    "integer",
    "number",
    "boolean",
    "date",
    "date-time",
    "uuid",
    "email",
    "siret",
    "siren",
    "iban",
    "any",
    "object",
];
