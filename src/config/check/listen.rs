//! `[listen.NAME]`: addresses, protocols, TLS or plain.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::Check;
use super::server::take;
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{
    CertificateSource, ClientAuth, Listener, Plain, Protocols, Security, Server, Tls,
};
use crate::config::read::{Section, Word};
use crate::config::source::{FileId, Place};
use crate::config::tree::{Entry, Node};
use crate::config::value;

pub(super) fn listeners(
    root: Section<'_>,
    server: &Server,
    taken: &mut HashMap<SocketAddr, Place>,
    check: &mut Check<'_>,
) -> Vec<Listener> {
    let entries = root.section("listen").entries();
    // A listener that is not even a table was reported; only a file without any is new.
    let malformed = root.node("listen").is_some_and(|node| node.as_table().is_none());
    if entries.is_empty() && !malformed {
        check.push(
            Diagnostic::whole(
                Id::NoListener,
                FileId::MAIN,
                "nothing listens: no client can connect",
            )
            .help("add a listener: `[listen.public]` with `bind = [\"127.0.0.1:8080\"]`"),
        );
    }
    let listeners: Vec<Listener> =
        entries.iter().map(|entry| listener(entry, server, taken, check)).collect();
    served(entries, server, &listeners, check);
    listeners
}

fn listener(
    entry: &Entry,
    server: &Server,
    taken: &mut HashMap<SocketAddr, Place>,
    check: &mut Check<'_>,
) -> Listener {
    let section = Section::of_node(&entry.node);
    let mut bind = Vec::new();
    for word in section.texts("bind") {
        if let Ok(address) = value::address(word.text) {
            take(address, word.place, taken, check);
            bind.push(address);
        }
    }
    let proxy_protocol = section.boolean("proxy_protocol").unwrap_or(defaults::PROXY_PROTOCOL);
    if let (true, true, Some(place)) =
        (proxy_protocol, server.trusted_proxies.is_empty(), section.place("proxy_protocol"))
    {
        let message = "`proxy_protocol` without a trusted proxy: nobody could connect";
        check.push(
            Diagnostic::at(Id::Incomplete, place, message)
                .help("name the proxies: `trusted_proxies = [\"10.0.0.0/8\"]` in `[server]`"),
        );
    }
    let security = security(section, check);
    Listener {
        name: entry.key.clone(),
        bind,
        protocols: protocols(section, &security),
        security,
        proxy_protocol,
    }
}

fn protocols(section: Section<'_>, security: &Security) -> Protocols {
    let words = section.texts("protocols");
    if words.is_empty() {
        return match security {
            Security::Tls(_) => defaults::TLS_PROTOCOLS,
            Security::Plain(_) => defaults::PLAIN_PROTOCOLS,
        };
    }
    let has = |protocol| words.iter().any(|word| word.text == protocol);
    Protocols { http1: has("http/1.1"), http2: has("h2") }
}

fn security(section: Section<'_>, check: &mut Check<'_>) -> Security {
    if let (Some(tls), Some(plain)) = (section.place("tls"), section.place("plain")) {
        let message = "a listener is either TLS or plain, not both";
        check.push(
            Diagnostic::at(Id::Conflict, plain, message)
                .other(tls, "TLS is set here")
                .help("take `plain` away, or make a second listener for it"),
        );
    }
    if let Some(node) = section.node("tls") {
        return Security::Tls(tls(node, check));
    }
    let plain = section.text("plain").map(|word| word.text);
    Security::Plain(match plain {
        Some("redirect") => Plain::Redirect,
        Some("allow") => Plain::Allow,
        Some("refuse") => Plain::Refuse,
        Some(_) | None => defaults::PLAIN,
    })
}

/// One certificate, or a list of them. What holds for the listener as a whole stands in the first.
fn tls(node: &Node, check: &mut Check<'_>) -> Tls {
    let one = [node];
    let nodes: Vec<&Node> = match node.as_array() {
        Some(items) => items.iter().collect(),
        None => one.to_vec(),
    };
    for (section, key) in nodes.iter().skip(1).flat_map(|node| {
        let section = Section::of_node(node);
        OF_THE_LISTENER.iter().map(move |key| (section, *key))
    }) {
        if let Some(place) = section.place(key) {
            let message = format!("`{key}` holds for the whole listener");
            check.push(
                Diagnostic::at(Id::Conflict, place, message)
                    .help("write it in the first table of the list"),
            );
        }
    }
    let first = nodes.first().map_or_else(Section::default, |node| Section::of_node(node));
    let client_auth = match first.text("client_auth").map(|word| word.text) {
        Some("optional") => ClientAuth::Optional,
        Some("required") => ClientAuth::Required,
        Some("none") => ClientAuth::None,
        Some(_) | None => defaults::CLIENT_AUTH,
    };
    let client_ca = check.path(first, "client_ca");
    client_certificates(first, client_auth, client_ca.as_ref(), check);
    let certificates = nodes.iter().filter_map(|node| certificate(node, check)).collect();
    Tls {
        certificates,
        allow_tls12: allows_tls12(first, check),
        client_ca,
        client_auth,
        hsts: first.duration("hsts"),
    }
}

/// Profiles differ in their versions alone: the suites and groups of both are the same few, so
/// what is left of a profile is whether TLS 1.2 may be spoken.
fn allows_tls12(first: Section<'_>, check: &mut Check<'_>) -> bool {
    let modern = first.text("profile").filter(|word| word.text == "modern");
    let min = first.text("min");
    if let (Some(modern), Some(min)) = (modern, min.filter(|word| word.text == "1.2")) {
        let message = "`min = \"1.2\"` contradicts `profile = \"modern\"`";
        check.push(
            Diagnostic::at(Id::Conflict, min.place, message)
                .other(modern.place, "modern is TLS 1.3 alone")
                .help("take `min` away, or set `profile = \"intermediate\"`"),
        );
    }
    match (modern, min.map(|word| word.text)) {
        (Some(_), _) | (None, Some("1.3")) => false,
        (None, Some("1.2")) => true,
        (None, Some(_) | None) => defaults::ALLOW_TLS12,
    }
}

fn client_certificates(
    first: Section<'_>,
    auth: ClientAuth,
    ca: Option<&PathBuf>,
    check: &mut Check<'_>,
) {
    match auth {
        ClientAuth::Optional | ClientAuth::Required if ca.is_none() && !first.has("client_ca") => {
            let Some(place) = first.place("client_auth") else { return };
            let message = "`client_auth` needs to know who signs client certificates";
            check.push(
                Diagnostic::at(Id::Incomplete, place, message)
                    .help("add `client_ca = \"clients.pem\"`"),
            );
        }
        ClientAuth::None => {
            let Some(place) = first.place("client_ca") else { return };
            let message = "`client_ca` has no effect: clients are not asked for a certificate";
            check.push(
                Diagnostic::at(Id::NoEffect, place, message)
                    .help("add `client_auth = \"required\"`, or take `client_ca` away"),
            );
        }
        ClientAuth::Optional | ClientAuth::Required => {}
    }
}

fn certificate(node: &Node, check: &mut Check<'_>) -> Option<CertificateSource> {
    let section = Section::of_node(node);
    node.as_table()?;
    if let Some(place) = section.place("self_signed") {
        if let Some(other) = section.place("cert").or_else(|| section.place("key")) {
            let message = "a certificate is either read from files or made at start";
            check.push(
                Diagnostic::at(Id::Conflict, place, message)
                    .other(other, "read from files here")
                    .help("take one of the two away"),
            );
        }
        let names = section.texts("self_signed");
        return Some(CertificateSource::SelfSigned(
            names.iter().map(|word| word.text.to_owned()).collect(),
        ));
    }
    let (cert, key) = ("cert = \"tls/api.pem\"", "key = { file = \"tls/api.key\" }");
    let missing = match (section.has("cert"), section.has("key")) {
        (true, true) => None,
        (false, true) => Some(("TLS needs a certificate beside its key", format!("add `{cert}`"))),
        (true, false) => Some(("a certificate needs its key", format!("add `{key}`"))),
        (false, false) => Some((
            "TLS needs a certificate and its key",
            format!(
                "add `{cert}` and `{key}`; or, for development, `self_signed = [\"localhost\"]`"
            ),
        )),
    };
    if let Some((message, help)) = missing {
        check.push(Diagnostic::at(Id::Incomplete, node.place, message).help(help));
    }
    let cert = check.path(section, "cert");
    let key = check.secret(section, "key");
    Some(CertificateSource::Files { cert: cert?, key: key? })
}

/// Warns where every listener only refuses or redirects: such a gateway never serves anybody.
fn served(entries: &[Entry], server: &Server, listeners: &[Listener], check: &mut Check<'_>) {
    let idle = listeners.iter().all(|listener| match listener.security {
        Security::Plain(Plain::Refuse | Plain::Redirect) => true,
        Security::Plain(Plain::Allow) | Security::Tls(_) => false,
    });
    // What a listener with a malformed `plain` was meant to do is unknown.
    let told = |entry: &Entry| {
        let section = Section::of_node(&entry.node);
        let known = |word: Word<'_>| matches!(word.text, "refuse" | "redirect" | "allow");
        !section.has("plain") || section.text("plain").is_some_and(known)
    };
    let idle = idle && entries.iter().all(told);
    let Some(first) = entries.first() else { return };
    // Behind a trusted proxy a plain listener serves what came to the proxy over TLS.
    if !idle || !server.trusted_proxies.is_empty() || first.node.as_table().is_none() {
        return;
    }
    let message = "no listener serves requests: plain HTTP is refused or redirected";
    check.push(
        Diagnostic::at(Id::NothingServed, first.place, message)
            .help("set `tls`, or `plain = \"allow\"` where plain HTTP is meant")
            .help("behind a proxy that ends TLS, set `trusted_proxies` in `[server]`"),
    );
}

const OF_THE_LISTENER: &[&str] = &["profile", "min", "client_ca", "client_auth", "hsts"];
