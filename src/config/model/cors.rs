//! `[[route]] cors`, checked: whose pages may read what the route answers.

use http::{HeaderName, HeaderValue, Method};

/// `cors`. What stands in replies is written once, at load.
#[derive(Debug)]
pub struct Cors {
    /// Whose pages may read replies.
    pub origins: Box<[OriginPattern]>,
    /// What they may send; empty for every method.
    pub methods: Box<[Method]>,
    /// The fields that they may set; none for every one.
    pub headers: Option<Box<[HeaderName]>>,
    /// Whether cookies and the like come with it.
    pub credentials: bool,
    /// `methods`, as a preflight is told.
    pub allow_methods: Option<HeaderValue>,
    /// `headers`, as a preflight is told.
    pub allow_headers: Option<HeaderValue>,
    /// The fields of a reply that they may read.
    pub expose: Option<HeaderValue>,
    /// Seconds for which a browser may keep the answer to a preflight.
    pub max_age: HeaderValue,
}

impl Cors {
    /// Whether every origin is as welcome as any other, so that replies need not name one.
    pub fn takes_all(&self) -> bool {
        self.origins.contains(&OriginPattern::Any)
    }

    /// Whether pages of this origin may read replies.
    pub fn takes(&self, origin: &str) -> bool {
        origin.len() <= LONGEST && self.origins.iter().any(|pattern| pattern.takes(origin))
    }
}

/// One of `cors.origins`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginPattern {
    /// `*`: all of them, pages without an origin too.
    Any,
    /// An origin as browsers write it; `null` for files, sandboxed frames and some redirects.
    Exact(Box<str>),
    /// `https://*.example.fr`: every name below, at any depth, never the name itself.
    Below {
        /// `https://`
        scheme: Box<str>,
        /// `.example.fr`, with the port where there is one.
        suffix: Box<str>,
    },
}

impl OriginPattern {
    /// Browsers write scheme and host in small letters and leave the usual port out, so bytes are
    /// compared. What stands for `*` is labels of a host name and nothing else: no `/`, `:` or `@`.
    pub fn takes(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(known) => **known == *origin,
            Self::Below { scheme, suffix } => origin
                .strip_prefix(&**scheme)
                .and_then(|rest| rest.strip_suffix(&**suffix))
                .is_some_and(|labels| labels.split('.').all(is_label)),
        }
    }
}

fn is_label(label: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=63).contains(&label.len()) && label.bytes().all(fits)
}

/// Bytes of an origin; a host name has at most 253.
const LONGEST: usize = 300;
