//! `multipart/form-data` (RFC 7578) that stands in memory already: parts between delimiters, each with
//! its name. What a file holds is not looked at.
//!
//! A reader of its own, because those that exist read streams: this one borrows every part from the
//! body, waits for nothing, and refuses what two readers could understand differently.

use memchr::memmem::Finder;

use super::judged::Judged;
use super::{media, unreadable};
use crate::base::percent::Unreadable;
use crate::config::model::Form;
use crate::parameter::Tongue;
use crate::problem::Problem;

pub(super) fn judge(
    form: &Form,
    tongues: &[Tongue],
    boundary: &str,
    bytes: &[u8],
) -> Result<(), Problem> {
    let mut judged = Judged::new(form);
    let read = parts(bytes, boundary, &mut |part| {
        if part.is_file {
            judged.file(part.name, part.content);
        } else {
            let text = std::str::from_utf8(part.content).map_err(|_| Unreadable);
            judged.text(Ok(part.name.into()), text.map(Into::into));
        }
    });
    read.map_err(unreadable)?;
    judged.close(false, tongues)
}

/// One part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'b> {
    pub(super) name: String,
    pub(super) is_file: bool,
    pub(super) content: &'b [u8],
}

/// Hands out the parts in their order; one pass over the body.
pub(super) fn parts<'b>(
    body: &'b [u8],
    boundary: &str,
    each: &mut dyn FnMut(Part<'b>),
) -> Result<(), &'static str> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = Finder::new(&delimiter);
    let first = body.strip_prefix(delimiter.as_bytes().get(2..).unwrap_or_default());
    // What stands before the first delimiter is for readers of old (RFC 2046, section 5.1.1).
    let mut rest = match first {
        Some(rest) => rest,
        None => split(body, &finder).ok_or("no part begins")?.1,
    };
    for _ in 0..MOST {
        if rest.starts_with(b"--") {
            return Ok(());
        }
        let line = past_blanks(rest).strip_prefix(b"\r\n");
        let (head, after) = head(line.ok_or("a delimiter does not end its line")?)?;
        let (content, next) = split(after, &finder).ok_or("a part does not end")?;
        each(Part { name: head.0, is_file: head.1, content });
        rest = next;
    }
    Err("more than a thousand parts")
}

fn split<'b>(bytes: &'b [u8], finder: &Finder<'_>) -> Option<(&'b [u8], &'b [u8])> {
    let at = finder.find(bytes)?;
    let (before, from) = bytes.split_at(at);
    Some((before, from.get(finder.needle().len()..)?))
}

/// Name, whether it is a file, and what follows the head of a part.
fn head(bytes: &[u8]) -> Result<((String, bool), &[u8]), &'static str> {
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let parsed = httparse::parse_headers(bytes, &mut fields);
    let Ok(httparse::Status::Complete((length, fields))) = parsed else {
        return Err("the head of a part cannot be read");
    };
    let mut named =
        fields.iter().filter(|field| field.name.eq_ignore_ascii_case("content-disposition"));
    let (Some(field), None) = (named.next(), named.next()) else {
        return Err("a part has not one Content-Disposition");
    };
    let line = std::str::from_utf8(field.value).map_err(|_| "the name of a part is not UTF-8")?;
    let (kind, rest) = line.split_once(';').ok_or("a part has no name")?;
    let parameters = media::parameters(rest).ok_or("Content-Disposition cannot be read")?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err("a part is not form-data");
    }
    let is_file = parameters.iter().any(|(name, _)| name == "filename" || name == "filename*");
    let name = parameters.into_iter().find(|(name, _)| name == "name").map(|(_, name)| name);
    let name = name.filter(|name| !name.contains('\\')).ok_or("a part has no name")?;
    Ok(((name, is_file), bytes.get(length..).unwrap_or_default()))
}

/// Without the blanks that a transport may have added behind a delimiter.
fn past_blanks(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(bytes.len());
    bytes.get(end..).unwrap_or_default()
}

/// Parts of one body.
const MOST: usize = 1000;
