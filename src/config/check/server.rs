//! `[server]` and `[admin]`.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::Check;
use super::upstream::socket_path;
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Admin, Limits, Server, Shutdown};
use crate::config::read::{Section, Word};
use crate::config::source::Place;
use crate::config::value;

pub(super) fn server(section: Section<'_>) -> Server {
    let limits = section.section("limits");
    let shutdown = section.section("shutdown");
    Server {
        workers: section.integer("workers").unwrap_or_else(defaults::workers),
        languages: languages(section),
        trusted_proxies: section
            .texts("trusted_proxies")
            .iter()
            .filter_map(|word| value::network(word.text).ok())
            .collect(),
        limits: Limits {
            header: limits.length("header").unwrap_or(defaults::LIMITS.header),
            headers: limits.integer("headers").unwrap_or(defaults::LIMITS.headers),
            uri: limits.length("uri").unwrap_or(defaults::LIMITS.uri),
            body: limits.size("body").unwrap_or(defaults::LIMITS.body),
            header_time: limits.duration("header_time").unwrap_or(defaults::LIMITS.header_time),
            body_idle: limits.duration("body_idle").unwrap_or(defaults::LIMITS.body_idle),
            idle: limits.duration("idle").unwrap_or(defaults::LIMITS.idle),
            connections: limits.integer("connections").unwrap_or(defaults::LIMITS.connections),
        },
        handshakes: limits.integer("handshakes").unwrap_or(defaults::HANDSHAKES),
        memory: limits.size("memory"),
        shutdown: Shutdown {
            delay: shutdown.duration("delay").unwrap_or(defaults::SHUTDOWN.delay),
            drain: shutdown.duration("drain").unwrap_or(defaults::SHUTDOWN.drain),
        },
    }
}

/// A language that stands twice counts once.
fn languages(section: Section<'_>) -> Vec<String> {
    let mut languages: Vec<String> = Vec::new();
    for word in section.texts("languages") {
        if !languages.iter().any(|known| known.eq_ignore_ascii_case(word.text)) {
            languages.push(word.text.to_owned());
        }
    }
    if languages.is_empty() {
        languages.extend(defaults::LANGUAGES.iter().map(|tag| (*tag).to_owned()));
    }
    languages
}

pub(super) fn admin(
    section: Section<'_>,
    taken: &mut HashMap<SocketAddr, Place>,
    check: &mut Check<'_>,
) -> Option<Admin> {
    let bind = section.text("bind").and_then(|word| admin_address(word, taken, check));
    let socket = section.text("socket").map(|word| {
        let path = check.sources.resolve(word.place.file, word.text);
        socket_path(&path, word.place, check);
        path
    });
    let token = check.secret(section, "token");
    if let (Some(place), false) = (section.place("token"), section.has("bind")) {
        let message = "`token` has no effect: nothing listens that it could be shown to";
        check.push(
            Diagnostic::at(Id::NoEffect, place, message)
                .help("add `bind`, or take `token` away: the socket needs none"),
        );
    }
    (bind.is_some() || socket.is_some()).then_some(Admin { bind, socket, token })
}

fn admin_address(
    word: Word<'_>,
    taken: &mut HashMap<SocketAddr, Place>,
    check: &mut Check<'_>,
) -> Option<SocketAddr> {
    let bind = value::address(word.text).ok()?;
    take(bind, word.place, taken, check);
    if !bind.ip().is_loopback() {
        let message = "the admin listener can be reached from other machines";
        check.push(
            Diagnostic::at(Id::Exposed, word.place, message)
                .help("bind it to 127.0.0.1, unless a firewall stands before it"),
        );
    }
    Some(bind)
}

/// Notes that an address is listened on. Port 0 is a new port each time.
pub(super) fn take(
    address: SocketAddr,
    place: Place,
    taken: &mut HashMap<SocketAddr, Place>,
    check: &mut Check<'_>,
) {
    if address.port() == 0 {
        return;
    }
    if let Some(first) = taken.get(&address) {
        let made = Diagnostic::at(Id::TakenAddress, place, format!("{address} is bound twice"))
            .label("again here")
            .other(*first, "first bound here")
            .help("give each listener an address or a port of its own");
        check.push(made);
        return;
    }
    taken.insert(address, place);
}
