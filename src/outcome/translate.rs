//! Stub with the agreed face.
#![allow(missing_docs)]
use http::{HeaderMap, HeaderName};

use super::Rule;
use crate::problem::{Catalogue, Cause, Problem};

#[derive(Debug)]
pub struct Foreign<'a> {
    pub status: u16,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    pub rules: [&'a [Rule]; 2],
    pub identifier: Option<&'a str>,
    pub keep: &'a [HeaderName],
}

pub fn translate(_: &Foreign<'_>, _: &Catalogue) -> Problem {
    Problem::new(Cause::UpstreamStatus)
}
