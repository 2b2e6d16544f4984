//! What strings of the configuration mean: addresses, networks, endpoints, names.
//!
//! Each function is both the check of a format and the reader of its value, so that what passes
//! the check can always be read. Messages are ends of sentences: they follow the quoted value.

mod caller;
mod flow;
mod origin;
mod policy;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};
use ipnet::IpNet;

pub(crate) use self::caller::{
    consumer, credential_header, fetched, field, query_name, realm, scope, spelling,
};
pub(crate) use self::flow::{sent_header, step, type_word};
pub(crate) use self::origin::{media_pattern, method, origin, shared_header};
pub(crate) use self::policy::{
    RetryOn, balance, has_password, limit_key, moment, percent, retry_on, routes, store_url,
};
use super::model::{EndpointAddress, HostPolicy};
use crate::base::parse_duration;

/// A name that the operator chooses for a listener, an upstream or a route. It becomes a label of
/// metrics and a word of the log, so it is kept plain.
pub(crate) fn name(text: &str) -> Result<(), String> {
    let fits = text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        && text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
    if fits {
        return Ok(());
    }
    Err("names have letters, digits, `_`, `-` and `.`, at most 64, and begin with a letter or a \
         digit"
        .into())
}

pub(crate) fn language(text: &str) -> Result<(), String> {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    let fits = (2..=3).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    if fits { Ok(()) } else { Err("expected a tag such as \"fr\", \"en\" or \"pt-BR\"".into()) }
}

pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Some((host, port)) = text.rsplit_once(':')
        && host.parse::<Ipv6Addr>().is_ok()
        && port.parse::<u16>().is_ok()
    {
        return Err(format!("IPv6 addresses stand in brackets: \"[{host}]:{port}\""));
    }
    if text.parse::<IpAddr>().is_ok() {
        return Err(format!("the port is missing: write \"{}\"", with_port(text, "8080")));
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        let port = text.parse::<u16>().map_or_else(|_| "8080".to_owned(), |port| port.to_string());
        return Err(format!("an address and a port are needed, such as \"127.0.0.1:{port}\""));
    };
    if port.parse::<u16>().is_err() {
        return Err(format!("`{port}` is no port: a port is a number from 0 to 65535"));
    }
    Err(match host {
        "" | "*" => {
            format!("write \"0.0.0.0:{port}\" for every IPv4 address, \"[::]:{port}\" for IPv6")
        }
        "localhost" => format!("names are not resolved here: write \"127.0.0.1:{port}\""),
        host if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            format!("`{host}` is no IPv4 address")
        }
        host => format!("`{host}` is not an IP address, and names are not resolved here"),
    })
}

fn with_port(ip: &str, port: &str) -> String {
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    if let Ok(network) = text.parse::<IpNet>() {
        return Ok(network.trunc());
    }
    text.parse::<IpAddr>()
        .map(IpNet::from)
        .map_err(|_| "expected an address or a network, such as \"10.0.0.0/8\" or \"::1\"".into())
}

pub(crate) fn path(text: &str) -> Result<(), String> {
    if text.is_empty() || text.contains('\0') {
        return Err("a path cannot be empty".into());
    }
    Ok(())
}

/// An endpoint's address, whether it speaks TLS, and its authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndpointUrl {
    pub(crate) address: EndpointAddress,
    pub(crate) tls: bool,
    pub(crate) authority: HeaderValue,
}

pub(crate) fn endpoint(text: &str) -> Result<EndpointUrl, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        if !path.starts_with('/') || path.contains('\0') {
            return Err("the path of a unix socket begins with `/`: \"unix:/run/app.sock\"".into());
        }
        let address = EndpointAddress::Unix(PathBuf::from(path));
        return Ok(EndpointUrl {
            address,
            tls: false,
            authority: HeaderValue::from_static("localhost"),
        });
    }
    let (tls, rest) = match text.split_once("://") {
        Some(("http", rest)) => (false, rest),
        Some(("https", rest)) => (true, rest),
        Some((scheme, _)) => {
            return Err(format!("`{scheme}` is not spoken here: use http, https or unix:/path"));
        }
        None => return Err(format!("the scheme is missing: write \"http://{text}\"")),
    };
    let authority = match rest.find(['/', '?', '#']) {
        None => rest,
        Some(at) if rest.get(at..) == Some("/") => rest.get(..at).unwrap_or_default(),
        Some(at) => {
            let extra = rest.get(at..).unwrap_or_default();
            return Err(format!(
                "an endpoint has no path or query: take `{extra}` away, and use `rewrite` in the route"
            ));
        }
    };
    if authority.contains('@') {
        return Err("an endpoint has no user or password".into());
    }
    let (host, port) = host_and_port(authority)?;
    let default = if tls { 443 } else { 80 };
    let port = port.unwrap_or(default);
    if port == 0 {
        return Err("port 0 cannot be connected to".into());
    }
    let shown = if port == default { host.clone() } else { format!("{host}:{port}") };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = match bare.parse::<IpAddr>() {
        Ok(ip) => EndpointAddress::Socket(SocketAddr::new(ip, port)),
        Err(_) => EndpointAddress::Name(host, port),
    };
    let authority = HeaderValue::from_str(&shown).map_err(|_| NOT_A_HOST.to_owned())?;
    Ok(EndpointUrl { address, tls, authority })
}

pub(crate) fn host_policy(text: &str) -> Result<HostPolicy, String> {
    match text {
        "preserve" => Ok(HostPolicy::Preserve),
        "endpoint" => Ok(HostPolicy::Endpoint),
        host => {
            host_and_port(host)?;
            let value = HeaderValue::from_str(host).map_err(|_| NOT_A_HOST.to_owned())?;
            Ok(HostPolicy::Fixed(value))
        }
    }
}

pub(crate) fn server_name(text: &str) -> Result<(), String> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    match host_and_port(text)? {
        (_, None) => Ok(()),
        (_, Some(_)) => Err("a server name has no port".into()),
    }
}

/// Splits `host[:port]`; an IPv6 address stands in brackets and keeps them. The host is lower
/// case.
fn host_and_port(authority: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = if authority.starts_with('[') {
        let end = authority.find(']').ok_or("the `]` of the IPv6 address is missing")?;
        let (host, rest) = authority.split_at(end + 1);
        let inner = host.trim_matches(['[', ']']);
        if inner.parse::<Ipv6Addr>().is_err() {
            return Err(format!("`{inner}` is no IPv6 address"));
        }
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => return Err(NOT_A_HOST.into()),
        }
    } else {
        if authority.parse::<Ipv6Addr>().is_ok() {
            return Err(format!("IPv6 addresses stand in brackets: [{authority}]"));
        }
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        host_name(host)?;
        (host, port)
    };
    let port = match port {
        Some(port) => Some(
            port.parse::<u16>()
                .map_err(|_| format!("`{port}` is no port: a port is a number from 1 to 65535"))?,
        ),
        None => None,
    };
    Ok((host.to_ascii_lowercase(), port))
}

/// A host name as DNS and the resolvers of containers take it: underscores are common there.
fn host_name(host: &str) -> Result<(), String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if host.is_empty() {
        return Err("the host is missing".into());
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if host.len() > 253 || !name.split('.').all(label) {
        return Err(NOT_A_HOST.into());
    }
    let looks_like_ipv4 = name.split('.').all(|label| label.bytes().all(|b| b.is_ascii_digit()));
    if looks_like_ipv4 && host.parse::<std::net::Ipv4Addr>().is_err() {
        return Err(format!("`{host}` is no IPv4 address"));
    }
    Ok(())
}

pub(crate) fn url(text: &str) -> Result<(), String> {
    const EXPECTED: &str = "expected an absolute URL such as \"https://api.example.fr/errors/\"";
    let uri: http::Uri = text.parse().map_err(|_| EXPECTED)?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    if known && uri.host().is_some_and(|host| !host.is_empty()) {
        Ok(())
    } else {
        Err(EXPECTED.into())
    }
}

pub(crate) fn prefix(text: &str) -> Result<(), String> {
    let label = |label: &str| {
        label.starts_with(|first: char| first.is_ascii_alphabetic())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if text.len() <= 64 && text.split('.').all(label) {
        return Ok(());
    }
    Err("expected labels of letters and digits between dots, such as \"fr.ammy\"".into())
}

pub(crate) fn code_name(text: &str) -> Result<(), String> {
    let fits = text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fits {
        return Ok(());
    }
    Err("codes are written like `OutOfStock`: a capital first, then letters and digits".into())
}

/// A header of upstream errors that may be kept: not one that describes the body that is
/// replaced, nor one that belongs to a single connection.
pub(crate) fn kept_header(text: &str) -> Result<HeaderName, String> {
    let header: HeaderName =
        text.parse().map_err(|_| "a header name has letters, digits and `-`".to_owned())?;
    if REPLACED_HEADERS.contains(&header.as_str()) {
        return Err("this header is set by guichet itself on every error".into());
    }
    Ok(header)
}

/// A JSON pointer (RFC 6901, section 3).
pub(crate) fn pointer(text: &str) -> Result<(), String> {
    if !text.is_empty() && !text.starts_with('/') {
        return Err(format!("a JSON pointer begins with `/`: write \"/{text}\""));
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('~') {
        if !after.starts_with(['0', '1']) {
            return Err("in a JSON pointer `~` is written `~0`, and a `/` in a name `~1`".into());
        }
        rest = after;
    }
    Ok(())
}

/// A word of `access_log.always`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Always {
    Error,
    Slower(Duration),
}

pub(crate) fn always(text: &str) -> Result<Always, String> {
    if text == "error" {
        return Ok(Always::Error);
    }
    match text.strip_prefix("slow:").map(parse_duration) {
        Some(Ok(duration)) => Ok(Always::Slower(duration)),
        Some(Err(_)) | None => {
            Err("expected \"error\", or \"slow:\" and a duration as in \"slow:1s\"".into())
        }
    }
}

/// A path, with a query if need be, as it stands in a request.
pub(crate) fn origin_path(text: &str) -> Result<PathAndQuery, String> {
    if !text.starts_with('/') {
        return Err(format!("a path begins with `/`: write \"/{text}\""));
    }
    text.parse()
        .map_err(|_| "a path has no spaces and no fragment: they are percent-encoded".into())
}

pub(crate) fn path_prefix(text: &str) -> Result<(), String> {
    if text.contains(['{', '}']) {
        return Err("it has no captures".into());
    }
    crate::route::Pattern::parse(text.trim_end_matches(char::is_whitespace))
        .map_err(|error| error.message)
        .and_then(|pattern| match pattern.methods.is_empty() && pattern.path == text {
            true => Ok(()),
            false => Err("it is a path alone, without methods and blanks".into()),
        })
}

const NOT_A_HOST: &str = "this is not a host name";

const REPLACED_HEADERS: &[&str] = &[
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-range",
    "content-type",
    "error-code",
    "etag",
    "keep-alive",
    "last-modified",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "x-request-id",
];

#[cfg(test)]
mod tests;
