//! The guard's rules a second time, by other means: the whole head in hand, cut with the words of
//! the RFCs' grammar (as h11 does with regular expressions), slow and plain. It shares no code with
//! what it judges.

use std::net::Ipv6Addr;

use super::super::{Framing, HeadLimits};

/// What a head says.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) end: usize,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) is_old: bool,
    /// Where the minor version stands, for readers that know no later one.
    pub(super) minor_at: usize,
    /// Names in lower case, values without the blanks around them; lengths without zeros in front.
    pub(super) fields: Vec<(String, Vec<u8>)>,
    pub(super) framing: Framing,
    pub(super) keeps_alive: bool,
    pub(super) expects: bool,
    pub(super) trailers: bool,
}

/// The head that `bytes` begin with; none if it is not whole, or has more than one reading.
pub(super) fn read(bytes: &[u8], over_tls: bool, limits: HeadLimits) -> Option<Reading> {
    let mut start = 0;
    while bytes[start..].starts_with(b"\r\n") {
        start += 2;
    }
    if start > 4 * 2 {
        return None;
    }
    let length = bytes[start..].windows(4).position(|four| four == b"\r\n\r\n")?;
    // Latin-1: one character for each byte.
    let head: String = bytes[start..start + length].iter().copied().map(char::from).collect();
    let mut lines = head.split("\r\n");
    let request = lines.next()?;
    let lines: Vec<&str> = lines.collect();
    let size: usize = lines.iter().map(|line| line.chars().count() + 2).sum();
    if head.split("\r\n").any(|line| line.contains(['\r', '\n', '\0']))
        || lines.len() > limits.headers
        || size > limits.header
    {
        return None;
    }
    let [method, target, version] = request.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let minor = version.strip_prefix("HTTP/1.").filter(|minor| minor.len() == 1)?;
    let is_old = minor.parse::<u8>().ok()? == 0;
    if !is_token(method) || method == "CONNECT" || method.len() > 32 || target.len() > limits.uri {
        return None;
    }
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let value = value.trim_matches([' ', '\t']);
        let plain = |char| char == '\t' || matches!(char, ' '..='~' | '\u{80}'..='\u{ff}');
        if !is_token(name) || !value.chars().all(plain) {
            return None;
        }
        fields.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let all = |name: &str| -> Vec<&str> {
        let same = fields.iter().filter(|(own, _)| own == name);
        same.map(|(_, value)| value.as_str()).collect()
    };
    let host = all("host");
    if !host.iter().all(|host| is_host(host)) || host.len() > 1 || host.is_empty() && !is_old {
        return None;
    }
    if let Some(authority) = authority(method, target, over_tls)?
        && !host.first()?.eq_ignore_ascii_case(authority)
    {
        return None;
    }
    let framing = match (&*all("content-length"), &*all("transfer-encoding")) {
        ([], []) => Framing::Empty,
        ([length], []) => match number(length)? {
            0 => Framing::Empty,
            length => Framing::Length(length),
        },
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") && !is_old => Framing::Chunked,
        _ => return None,
    };
    let expect = all("expect");
    if expect.len() > 1 || !expect.iter().all(|word| word.eq_ignore_ascii_case("100-continue")) {
        return None;
    }
    let lists = |name: &str, word: &str| {
        let mut items = all(name).into_iter().flat_map(|line| line.split(','));
        items.any(|item| item.trim_matches([' ', '\t']).eq_ignore_ascii_case(word))
    };
    let closes = lists("connection", "close");
    Some(Reading {
        end: start + length + 4,
        method: method.to_owned(),
        target: target.to_owned(),
        is_old,
        minor_at: start + request.chars().count() - 1,
        framing,
        keeps_alive: !closes && (!is_old || lists("connection", "keep-alive")),
        expects: !expect.is_empty() && !is_old,
        trailers: lists("te", "trailers"),
        fields: fields.iter().map(|(name, value)| (name.clone(), canonical(name, value))).collect(),
    })
}

/// The authority of an absolute form, none of the other two; `None` outside if it is no target.
fn authority<'t>(method: &str, target: &'t str, over_tls: bool) -> Option<Option<&'t str>> {
    if target == "*" {
        return (method == "OPTIONS").then_some(None);
    }
    if target.starts_with('/') {
        return is_path(target).then_some(None);
    }
    let (scheme, rest) = target.split_once("://")?;
    let known =
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") && over_tls;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    (known && is_path(path)).then_some(Some(authority))
}

fn is_path(text: &str) -> bool {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let plain = |char: char| char.is_ascii_alphanumeric() || "-._~%!$&'()*+,;=:@/[]".contains(char);
    path.chars().all(plain) && query.chars().all(|char| plain(char) || "?{}|".contains(char))
}

fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        Some(_) | None => (text, None),
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let fits = match address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            let plain = |char: char| char.is_ascii_alphanumeric() || "-._".contains(char);
            !name.is_empty() && name.chars().all(plain)
        }
    };
    let is_port = |port: &str| {
        let digits =
            (1..=5).contains(&port.len()) && port.chars().all(|char| char.is_ascii_digit());
        digits && port.parse::<u32>().is_ok_and(|port| port <= 65_535)
    };
    fits && port.is_none_or(is_port)
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.chars().all(|char| char.is_ascii_digit());
    let sum = text.chars().filter(|_| digits).try_fold(0_u64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(u64::from(digit.to_digit(10)?))
    });
    sum.filter(|sum| digits && *sum <= i64::MAX.unsigned_abs())
}

fn canonical(name: &str, value: &str) -> Vec<u8> {
    let value = match number(value) {
        Some(number) if name == "content-length" => number.to_string(),
        Some(_) | None => value.to_owned(),
    };
    value.chars().map(|char| u8::try_from(char).unwrap()).collect()
}

fn is_token(text: &str) -> bool {
    let plain = |char: char| char.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(char);
    !text.is_empty() && text.chars().all(plain)
}
