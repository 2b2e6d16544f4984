//! `[upstream.NAME]`: endpoints, protocol, limits.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::errors::Codes;
use super::{Check, failing, number, overload, rule};
use crate::base::UpstreamId;
use crate::base::quantity::format_duration;
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{
    Endpoint, EndpointAddress, HostPolicy, Pool, Upstream, UpstreamProtocol, UpstreamTimeouts,
    UpstreamTls,
};
use crate::config::read::{self, Section, Word};
use crate::config::source::Place;
use crate::config::tree::{Entry, Node};
use crate::config::value::{self, EndpointUrl};

/// The upstreams in file order, and their ids by name.
pub(super) fn upstreams<'t>(
    section: Section<'t>,
    codes: &Codes,
    check: &mut Check<'_>,
) -> (Vec<Upstream>, HashMap<&'t str, UpstreamId>) {
    let mut upstreams = Vec::new();
    let mut ids = HashMap::new();
    for entry in section.entries() {
        let id = number(upstreams.len(), "upstreams", &entry.node, check);
        ids.insert(entry.key.as_str(), UpstreamId(id));
        upstreams.push(upstream(entry, codes, check));
    }
    (upstreams, ids)
}

fn upstream(entry: &Entry, codes: &Codes, check: &mut Check<'_>) -> Upstream {
    let section = Section::of_node(&entry.node);
    let protocol = match section.text("protocol").map(|word| word.text) {
        Some("http/1.1") => UpstreamProtocol::Http1,
        Some("h2") => UpstreamProtocol::H2,
        Some("h2c") => UpstreamProtocol::H2c,
        Some(_) | None => UpstreamProtocol::Negotiate,
    };
    let items = section.items("endpoints");
    let endpoints: Vec<Endpoint> =
        items.iter().filter_map(|node| endpoint(node, protocol, section, check)).collect();
    let pool = section.section("pool");
    Upstream {
        name: entry.key.clone(),
        tls: tls(section, &endpoints, check),
        endpoints,
        protocol,
        balance: section
            .text("balance")
            .and_then(|word| value::balance(word.text).ok())
            .unwrap_or(defaults::BALANCE),
        slow_start: section.duration("slow_start").unwrap_or(defaults::SLOW_START),
        timeout: timeouts(section.section("timeout"), check),
        pool: Pool {
            idle: pool.integer("idle").unwrap_or(defaults::POOL.idle),
            idle_time: pool.duration("idle_time").unwrap_or(defaults::POOL.idle_time),
        },
        host: section
            .text("host")
            .and_then(|word| value::host_policy(word.text).ok())
            .unwrap_or(defaults::HOST),
        errors: rule::rules(section, codes, check),
        deadline: section.text("deadline").and_then(|word| value::kept_header(word.text).ok()),
        retry: failing::retry(section, check),
        health: failing::health(section, check),
        eject: failing::eject(section, check),
        breaker: failing::breaker(section),
        in_flight: overload::in_flight(section),
    }
}

fn endpoint(
    node: &Node,
    protocol: UpstreamProtocol,
    upstream: Section<'_>,
    check: &mut Check<'_>,
) -> Option<Endpoint> {
    let table = Section::of_node(node);
    let word = read::word(node).or_else(|| table.text("url"))?;
    let parsed = value::endpoint(word.text).ok()?;
    let clash = match (protocol, parsed.tls) {
        (UpstreamProtocol::H2c, true) => Some("`h2c` is HTTP/2 without TLS, and this is https"),
        (UpstreamProtocol::H2, false) => Some("`h2` is HTTP/2 over TLS, and this is not https"),
        (UpstreamProtocol::H2c | UpstreamProtocol::H2, _)
        | (UpstreamProtocol::Http1 | UpstreamProtocol::Negotiate, _) => None,
    };
    if let Some(message) = clash {
        let right = if parsed.tls { "h2" } else { "h2c" };
        let mut made = Diagnostic::at(Id::Conflict, word.place, message)
            .help(format!("write `protocol = \"{right}\"`, or change the scheme of the endpoint"));
        if let Some(node) = upstream.node("protocol") {
            made = made.other(node.place, "the protocol is set here");
        }
        check.push(made);
    }
    unusual_socket(&parsed.address, word, check);
    Some(Endpoint {
        address: parsed.address,
        tls: parsed.tls,
        authority: parsed.authority,
        weight: table.integer("weight").unwrap_or(defaults::WEIGHT),
        url: word.text.to_owned(),
    })
}

/// An upstream that no table describes: one address, and defaults.
pub(super) fn alone(url: &str, place: EndpointUrl, ca: Option<PathBuf>) -> Upstream {
    let endpoint = Endpoint {
        address: place.address,
        tls: place.tls,
        authority: place.authority,
        weight: defaults::WEIGHT,
        url: url.to_owned(),
    };
    Upstream {
        name: url.to_owned(),
        endpoints: vec![endpoint],
        protocol: UpstreamProtocol::Http1,
        balance: defaults::BALANCE,
        slow_start: defaults::SLOW_START,
        timeout: defaults::TIMEOUTS,
        pool: defaults::POOL,
        tls: UpstreamTls { ca, ..UpstreamTls::default() },
        host: HostPolicy::Endpoint,
        errors: Vec::new(),
        deadline: None,
        retry: None,
        health: None,
        eject: None,
        breaker: None,
        in_flight: None,
    }
}

/// The kernel bounds the path of a unix socket; longer ones can never be connected to.
pub(super) fn socket_path(path: &Path, place: Place, check: &mut Check<'_>) {
    if path.as_os_str().len() > LONGEST_SOCKET_PATH {
        let message = format!("the path of a unix socket has at most {LONGEST_SOCKET_PATH} bytes");
        check.push(Diagnostic::at(Id::OutOfRange, place, message));
    }
}

fn unusual_socket(address: &EndpointAddress, word: Word<'_>, check: &mut Check<'_>) {
    if let EndpointAddress::Unix(path) = address {
        socket_path(path, word.place, check);
    }
}

fn tls(section: Section<'_>, endpoints: &[Endpoint], check: &mut Check<'_>) -> UpstreamTls {
    let inner = section.section("tls");
    if let Some(place) = section.place("tls")
        && !endpoints.is_empty()
        && endpoints.iter().all(|endpoint| !endpoint.tls)
    {
        let message = "`tls` has no effect: no endpoint of this upstream is https";
        check.push(
            Diagnostic::at(Id::NoEffect, place, message).help("write `https://` in the endpoints"),
        );
    }
    for (given, needed) in [("cert", "key"), ("key", "cert")] {
        if let Some(place) = inner.place(given)
            && !inner.has(needed)
        {
            let message =
                format!("`{given}` needs `{needed}`: a certificate and its key go together");
            check.push(Diagnostic::at(Id::Incomplete, place, message));
        }
    }
    UpstreamTls {
        ca: check.path(inner, "ca"),
        cert: check.path(inner, "cert"),
        key: check.secret(inner, "key"),
        server_name: inner.text("server_name").map(|word| word.text.to_owned()),
    }
}

fn timeouts(section: Section<'_>, check: &mut Check<'_>) -> UpstreamTimeouts {
    let timeouts = UpstreamTimeouts {
        connect: section.duration("connect").unwrap_or(defaults::TIMEOUTS.connect),
        first_byte: section.duration("first_byte").unwrap_or(defaults::TIMEOUTS.first_byte),
        idle: section.duration("idle").unwrap_or(defaults::TIMEOUTS.idle),
        total: section.duration("total").unwrap_or(defaults::TIMEOUTS.total),
    };
    for (key, limit) in [("connect", timeouts.connect), ("first_byte", timeouts.first_byte)] {
        // Only what was written is worth a word: a short total alone is a fine way to say it all.
        if let Some(place) = section.node(key).map(|node| node.place)
            && limit > timeouts.total
        {
            let total = format_duration(timeouts.total);
            let message =
                format!("`{key}` is never reached: `total` ends the exchange after {total}");
            let mut made = Diagnostic::at(Id::Overtaken, place, message)
                .help(format!("make `{key}` shorter or `total` longer"));
            if let Some(node) = section.node("total") {
                made = made.other(node.place, "the whole exchange");
            }
            check.push(made);
        }
    }
    timeouts
}

const LONGEST_SOCKET_PATH: usize = 107;
