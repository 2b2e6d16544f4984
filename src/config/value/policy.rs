//! Values that say how load and failure are met: shares, moments, ways of balancing, what is tried
//! again, who is counted together.

use super::name;
use crate::config::model::{Balance, LimitKey};
use crate::config::suggest;

/// A moment on the wall clock, with the offset that it was written in.
pub(crate) fn moment(text: &str) -> Result<jiff::Zoned, String> {
    const EXPECTED: &str = "an offset belongs to it, as in 2026-12-01T02:00:00+01:00 or …Z";
    let text = text.replacen(' ', "T", 1);
    let pieces = jiff::fmt::temporal::Pieces::parse(&text).map_err(|_| EXPECTED)?;
    let (Some(time), Some(offset)) = (pieces.time(), pieces.to_numeric_offset()) else {
        return Err(EXPECTED.into());
    };
    let offset = jiff::tz::TimeZone::fixed(offset);
    let zoned = pieces.date().to_datetime(time).to_zoned(offset);
    zoned.map_err(|_| "there is no such moment".into())
}

/// Names of routes: one, or how several begin.
pub(crate) fn routes(text: &str) -> Result<(), String> {
    match text.strip_suffix('*') {
        Some("") => Ok(()),
        Some(begin) => name(begin),
        None => name(text),
    }
}

/// `limit.NAME.key`.
pub(crate) fn limit_key(text: &str) -> Result<LimitKey, String> {
    match text {
        "ip" => return Ok(LimitKey::Ip),
        "route" => return Ok(LimitKey::Route),
        "gateway" => return Ok(LimitKey::Gateway),
        "api_key" => return Ok(LimitKey::ApiKey),
        _ => {}
    }
    match text.split_once(':') {
        Some(("header", name)) => name.parse().map(LimitKey::Header).map_err(|_| {
            "after `header:` stands the name of a header, as in \"header:x-tenant\"".into()
        }),
        Some(("jwt", claim)) if !claim.is_empty() => Ok(LimitKey::Claim(claim.to_owned())),
        Some(("jwt", _)) => {
            Err("after `jwt:` stands the name of a claim, as in \"jwt:sub\"".into())
        }
        Some(_) | None => {
            let known = ["ip", "header:NAME", "route", "gateway", "api_key", "jwt:CLAIM"];
            let likely = suggest::nearest(text, known);
            Err(match likely {
                Some(likely) => format!("did you mean \"{likely}\"?"),
                None => format!("write {}", suggest::one_of(known.into_iter()).replace('`', "\"")),
            })
        }
    }
}

/// `store.NAME.url`, where it stands in the file: then it has no password.
pub(crate) fn store_url(text: &str) -> Result<(), String> {
    const EXPECTED: &str = "write \"redis://host:6379\", \"rediss://host:6380\" for TLS, or \
                            \"unix:///run/valkey.sock\"";
    let Some((scheme, rest)) = text.split_once(':') else { return Err(EXPECTED.into()) };
    if !["redis", "rediss", "valkey", "valkeys", "unix"].contains(&scheme) || rest.contains('#') {
        return Err(EXPECTED.into());
    }
    if has_password(text) {
        return Err("an address with a password is a secret".into());
    }
    redis::IntoConnectionInfo::into_connection_info(text).map(drop).map_err(|_| EXPECTED.into())
}

/// Whether something in a URL may be a password. One too many is harmless: it is asked for by
/// reference then.
pub(crate) fn has_password(url: &str) -> bool {
    url.contains(['@', '?'])
}

/// Whole hundredths, from 0 to 100.
pub(crate) fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    number
        .and_then(|digits| digits.parse().ok())
        .filter(|percent| *percent <= 100)
        .ok_or_else(|| "expected a whole percentage from \"0%\" to \"100%\"".into())
}

/// A way of balancing.
pub(crate) fn balance(text: &str) -> Result<Balance, String> {
    const KNOWN: &str = "known: \"p2c\", \"round_robin\", \"least\", \"hash:header:NAME\"";
    match text {
        "p2c" => Ok(Balance::P2c),
        "round_robin" => Ok(Balance::RoundRobin),
        "least" => Ok(Balance::Least),
        text => {
            let name = text.strip_prefix("hash:header:").ok_or(KNOWN)?;
            let name = name.parse().map_err(|_| "a header name has letters, digits and `-`")?;
            Ok(Balance::Hash(name))
        }
    }
}

/// A word of `retry.on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryOn {
    Connect,
    Reset,
    Timeout,
    Status(u16),
    Class(u8),
}

pub(crate) fn retry_on(text: &str) -> Result<RetryOn, String> {
    match text {
        "connect" => Ok(RetryOn::Connect),
        "reset" => Ok(RetryOn::Reset),
        "timeout" => Ok(RetryOn::Timeout),
        "4xx" => Ok(RetryOn::Class(4)),
        "5xx" => Ok(RetryOn::Class(5)),
        text => text
            .parse()
            .ok()
            .filter(|status| (400..600).contains(status))
            .map(RetryOn::Status)
            .ok_or_else(|| {
                "known: \"connect\", \"reset\", \"timeout\", \"5xx\", and statuses such as \"503\""
                    .into()
            }),
    }
}
