//! Which replies are made smaller: a choice by `Accept-Encoding`, and a look at the head.
//!
//! Nothing is ever refused for want of a coding: what no coding fits goes as it is. The choice is made
//! when the route is known; `Vary` says so on every reply that could have been coded.

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_RANGE, CONTENT_TYPE, COOKIE, ETAG, HeaderMap, HeaderValue, SET_COOKIE,
};
use http::{Response, StatusCode};

use super::headers;
use super::pack::{Coding, Packer};
use super::stream::Watched;
use crate::base::RouteId;
use crate::base::prefer::{Quality, preferences};
use crate::config::model::{Compress, Config};

/// What was chosen for an exchange of a route with `compress`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    route: RouteId,
    /// None where the client takes no coding, or may not have one.
    coding: Option<Coding>,
}

impl Choice {
    /// Looks at a request.
    ///
    /// Where a browser adds credentials by itself, a page of somebody else can make it ask, and learn
    /// secrets from how much smaller the answers are when its own words stand in them (BREACH). Such
    /// answers are never coded. A key or a token that a program sets is no such thing.
    #[inline(never)]
    pub(super) fn make(route: RouteId, compress: &Compress, headers: &HeaderMap) -> Self {
        let by_itself = compress.ambient
            || headers.contains_key(COOKIE)
            || headers.get_all(AUTHORIZATION).iter().any(|line| !is_bearer(line));
        Self { route, coding: if by_itself { None } else { coding(headers) } }
    }

    /// Codes the reply, if it can be.
    #[inline(never)]
    pub(super) fn apply(
        self,
        config: &Config,
        head_only: bool,
        mut response: Response<Watched>,
    ) -> Response<Watched> {
        let Some(compress) = config.route(self.route).compress.as_deref() else { return response };
        if !fits(compress, &response) {
            return response;
        }
        let headers = response.headers_mut();
        headers::vary(headers, "Accept-Encoding");
        let Some(coding) = self.coding else { return response };
        // A reply to HEAD has the head that GET would get, and no body to code.
        let packer = match head_only {
            true => None,
            false => match Packer::new(coding) {
                Ok(packer) => Some(packer),
                Err(_) => return response,
            },
        };
        edit(headers, coding);
        match packer {
            Some(packer) => response.map(|body| body.packed(packer)),
            None => response,
        }
    }
}

fn is_bearer(line: &HeaderValue) -> bool {
    line.as_bytes().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
}

/// The coding that the client likes best. Among equals the cheaper one for what it saves.
fn coding(headers: &HeaderMap) -> Option<Coding> {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let (mut named, mut rest, mut identity) = ([None; 3], None, None);
    for element in preferences(lines) {
        let name = element.value;
        let at = CODINGS.iter().position(|coding| coding.name().eq_ignore_ascii_case(name));
        match at {
            Some(at) => named[at] = Some(element.quality),
            None if name.eq_ignore_ascii_case("x-gzip") => named[2] = Some(element.quality),
            None if name.eq_ignore_ascii_case("identity") => identity = Some(element.quality),
            None if name == "*" => rest = Some(element.quality),
            None => {}
        }
    }
    let mut best: Option<(Quality, Coding)> = None;
    for (quality, coding) in named.into_iter().zip(CODINGS) {
        let quality = quality.or(rest).unwrap_or(Quality::NONE);
        if quality > best.map_or(Quality::NONE, |(known, _)| known) {
            best = Some((quality, coding));
        }
    }
    let (quality, coding) = best?;
    // Whoever names `identity` with more weight wants the body as it is.
    (identity.is_none_or(|identity| identity <= quality)).then_some(coding)
}

/// Whether a reply may be coded, and is worth it.
fn fits(compress: &Compress, response: &Response<Watched>) -> bool {
    let headers = response.headers();
    let status = response.status();
    let bodiless = status.is_informational()
        || matches!(
            status,
            StatusCode::NO_CONTENT
                | StatusCode::RESET_CONTENT
                | StatusCode::PARTIAL_CONTENT
                | StatusCode::NOT_MODIFIED
        );
    let barred = [CONTENT_ENCODING, CONTENT_RANGE, SET_COOKIE];
    if bodiless || barred.iter().any(|name| headers.contains_key(name)) {
        return false;
    }
    let mut cached = headers.get_all(CACHE_CONTROL).iter();
    let kept = cached.any(|line| {
        let mut words = line.to_str().unwrap_or_default().split(',').map(str::trim);
        words.any(|word| word.eq_ignore_ascii_case("no-transform"))
    });
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim();
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    !kept
        && !streams(essence)
        && compress.takes(essence)
        && length.is_none_or(|length: u64| length >= compress.min_size)
}

/// Types whose messages are events: their readers count on each as it is sent.
fn streams(essence: &str) -> bool {
    let begins = |known: &str| {
        essence.get(..known.len()).is_some_and(|front| front.eq_ignore_ascii_case(known))
    };
    begins("text/event-stream") || begins("application/grpc") || begins("multipart/x-mixed-replace")
}

/// The head of a coded reply. It is another representation: not byte for byte what the upstream's
/// strong tag, its ranges and its digests are about.
fn edit(headers: &mut HeaderMap, coding: Coding) {
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    for name in [CONTENT_LENGTH, ACCEPT_RANGES] {
        headers.remove(name);
    }
    for name in ["content-digest", "repr-digest", "digest", "content-md5"] {
        headers.remove(name);
    }
    let strong = headers.get(ETAG).filter(|tag| tag.as_bytes().starts_with(b"\""));
    let weak = strong.map(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()));
    if let Some(Ok(weak)) = weak {
        headers.insert(ETAG, weak);
    }
}

/// In the order of preference among equals.
const CODINGS: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];
