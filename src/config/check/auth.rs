//! `[auth.NAME]`, and the `auth` of a route: which keys go with which type, and who is meant.

use std::collections::{HashMap, HashSet};

use http::Method;

use super::{Check, number, upstream};
use crate::base::{AuthId, UpstreamId};
use crate::config::callers::{self, Callers};
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::keys::AUTH_KEYS;
use crate::config::model::{
    Auth, AuthKind, AuthRule, CertificateName, Client, ClientAuth, EndpointAddress, Forward, Jwt,
    JwtAlgorithm, KeyPlace, KeySource, Listener, Need, Route, Security,
};
use crate::config::read::{self, Section, Word};
use crate::config::secret::Secret;
use crate::config::source::Place;
use crate::config::tree::Entry;
use crate::config::value;

/// The policies in file order, and their ids by name.
pub(super) fn policies<'t>(
    section: Section<'t>,
    upstreams: &HashMap<&str, UpstreamId>,
    listeners: &[Listener],
    check: &mut Check<'_>,
) -> (Vec<Auth>, HashMap<&'t str, AuthId>) {
    let (mut policies, mut ids) = (Vec::new(), HashMap::new());
    for entry in section.entries() {
        ids.insert(
            entry.key.as_str(),
            AuthId(number(policies.len(), "policies", &entry.node, check)),
        );
        policies.push(policy(entry, upstreams, listeners, check));
    }
    (policies, ids)
}

fn policy(
    entry: &Entry,
    upstreams: &HashMap<&str, UpstreamId>,
    listeners: &[Listener],
    check: &mut Check<'_>,
) -> Auth {
    let section = Section::of_node(&entry.node);
    let kind = section.text("type").map_or("", |word| word.text);
    let of_type = AUTH_KEYS.iter().find(|(name, _)| *name == kind);
    if let Some((_, known)) = of_type {
        belong(section, kind, known, check);
    }
    let pass = section.boolean("pass").unwrap_or(defaults::AUTH_PASS);
    if let Some(place) =
        section.place("pass").filter(|_| pass && matches!(kind, "mtls" | "forward"))
    {
        let message = format!("`pass` has no effect with `type = \"{kind}\"`");
        check.push(Diagnostic::at(Id::NoEffect, place, message).help("take it away"));
    }
    let kind = match kind {
        "basic" => AuthKind::Basic { users: file(section, entry, "users", Callers::Users, check) },
        "jwt" => AuthKind::Jwt(Box::new(jwt(section, entry, check))),
        "mtls" => mtls(section, entry, listeners, check),
        "forward" => forward(section, entry, upstreams, check),
        // A file with another word was refused.
        "api_key" => api_key(section, entry, check),
        _ => AuthKind::Mtls { clients: Vec::new() },
    };
    let realm = section.text("realm").map_or(entry.key.as_str(), |word| word.text).to_owned();
    Auth { name: entry.key.clone(), realm, pass, kind }
}

/// A setting of another type would silently do nothing, which nobody wants of a lock.
fn belong(section: Section<'_>, kind: &str, known: &[&str], check: &mut Check<'_>) {
    for entry in section.entries() {
        let key = entry.key.as_str();
        let owners: Vec<&str> = AUTH_KEYS
            .iter()
            .filter(|(_, keys)| keys.contains(&key))
            .map(|(name, _)| *name)
            .collect();
        if !owners.is_empty() && !known.contains(&key) {
            let message = format!("`{key}` does not belong to `type = \"{kind}\"`");
            let made = Diagnostic::at(Id::Conflict, entry.place, message);
            check.push(made.help(format!("it belongs to {}", owners.join(" and "))));
        }
    }
}

fn needed(section: Section<'_>, entry: &Entry, key: &str, help: &str, check: &mut Check<'_>) {
    if !section.has(key) {
        let message = format!("`[auth.{}]` needs `{key}`", entry.key);
        check.push(Diagnostic::at(Id::Incomplete, entry.place, message).help(help));
    }
}

fn api_key(section: Section<'_>, entry: &Entry, check: &mut Check<'_>) -> AuthKind {
    if let (Some(place), Some(other)) = (section.place("query"), section.place("header")) {
        check.push(
            Diagnostic::at(Id::Conflict, place, "a key stands in the query or in a header")
                .other(other, "the header is named here")
                .help("a header is better: addresses are kept in histories and logs"),
        );
    }
    let header = section.text("header").and_then(|word| value::credential_header(word.text).ok());
    let place = match section.text("query") {
        Some(word) => KeyPlace::Query(word.text.to_owned()),
        None => KeyPlace::Header(header.unwrap_or(defaults::AUTH_HEADER)),
    };
    AuthKind::ApiKey { place, keys: file(section, entry, "keys", Callers::Keys, check) }
}

/// The secret at `key`. What can be read already now is judged already now.
fn file(
    section: Section<'_>,
    entry: &Entry,
    key: &str,
    what: Callers,
    check: &mut Check<'_>,
) -> Secret {
    needed(section, entry, key, &format!("add `{key} = {{ file = \"{key}.toml\" }}`"), check);
    let secret = check.secret(section, key);
    if let (Some(secret), Some(node)) = (&secret, section.node(key))
        && let Ok(text) = secret.read(check.environment)
        && let Err(bad) = callers::callers(&secret.reference(), &text, what)
    {
        let message = format!("`{key}` of `[auth.{}]` cannot be used", entry.key);
        let mut made = Diagnostic::at(Id::BadCallers, node.place, message);
        for sentence in bad.sentences() {
            made = made.help(sentence.clone());
        }
        check.push(made);
    }
    // Without it the file is refused.
    secret.unwrap_or_else(|| Secret::Env(String::new()))
}

fn jwt(section: Section<'_>, entry: &Entry, check: &mut Check<'_>) -> Jwt {
    needed(section, entry, "issuer", "tokens of every issuer would do: name the one", check);
    needed(section, entry, "audience", "a token for somebody else would do: name yourself", check);
    needed(section, entry, "jwks", "add the URL of the issuer's keys", check);
    let text = |key| section.text(key).map(|word| word.text.to_owned());
    let fetched = section.text("jwks").and_then(|word| fetched(word, section, check));
    let keys = match fetched {
        Some(fetched) => fetched,
        None => {
            let secret = section.node("jwks").filter(|node| node.as_table().is_some());
            let secret = secret.and_then(|_| check.secret(section, "jwks"));
            KeySource::File(secret.unwrap_or_else(|| Secret::Env(String::new())))
        }
    };
    if let (KeySource::File(_), Some(place)) = (&keys, section.place("ca")) {
        let message = "`ca` has no effect: the keys are read from a file";
        check.push(Diagnostic::at(Id::NoEffect, place, message).help("take it away"));
    }
    let algorithms = section.texts("algorithms");
    let algorithms = match algorithms.as_slice() {
        [] => defaults::AUTH_ALGORITHMS.to_vec(),
        some => some.iter().filter_map(|word| JwtAlgorithm::by_name(word.text)).collect(),
    };
    Jwt {
        issuer: text("issuer").unwrap_or_default(),
        audience: section.texts("audience").iter().map(|word| word.text.to_owned()).collect(),
        algorithms,
        keys,
        leeway: section.duration("leeway").unwrap_or(defaults::AUTH_LEEWAY),
        consumer: text("consumer").unwrap_or_else(|| defaults::AUTH_CLAIM.to_owned()),
        scopes: text("scopes").unwrap_or_else(|| defaults::AUTH_SCOPES.to_owned()),
    }
}

fn fetched(word: Word<'_>, section: Section<'_>, check: &mut Check<'_>) -> Option<KeySource> {
    let (place, path) = value::fetched(word.text).ok()?;
    let near = match &place.address {
        EndpointAddress::Socket(address) => address.ip().is_loopback(),
        EndpointAddress::Name(name, _) => name == "localhost",
        EndpointAddress::Unix(_) => true,
    };
    if !place.tls && !near {
        let message = "keys that come in the clear can be replaced on their way";
        let made = Diagnostic::at(Id::Exposed, word.place, message);
        check
            .push(made.help("write `https://`: whoever stands in between makes tokens of his own"));
    }
    let from = upstream::alone(word.text, place, check.path(section, "ca"));
    Some(KeySource::Fetched { from: Box::new(from), path })
}

fn mtls(
    section: Section<'_>,
    entry: &Entry,
    listeners: &[Listener],
    check: &mut Check<'_>,
) -> AuthKind {
    let asks = |listener: &Listener| match &listener.security {
        Security::Tls(tls) => tls.client_auth != ClientAuth::None,
        Security::Plain(_) => false,
    };
    if !listeners.iter().any(asks) {
        let message = "no listener asks clients for a certificate, so nobody would have one";
        check.push(
            Diagnostic::at(Id::Incomplete, entry.place, message).help(
                "add `client_ca` and `client_auth = \"optional\"` to the `tls` of a listener",
            ),
        );
    }
    let clients = section.items("clients").iter().filter_map(|node| {
        let section = Section::of_node(node);
        let text = |key| section.text(key).map(|word| word.text.to_owned());
        let certificate = match (text("san"), text("cn")) {
            (Some(name), None) => CertificateName::Alternative(name),
            (None, Some(name)) => CertificateName::Common(name),
            (given, _) => {
                let (id, message) = match given {
                    Some(_) => (Id::Conflict, "a client is known by one name"),
                    None => (Id::Incomplete, "this client has no name to be known by"),
                };
                let made = Diagnostic::at(id, node.place, message);
                check.push(made.help("write either `san = \"…\"` or `cn = \"…\"`"));
                return None;
            }
        };
        let (CertificateName::Alternative(own) | CertificateName::Common(own)) = &certificate;
        let name = text("name").unwrap_or_else(|| own.clone());
        if let Err(why) = value::consumer(&name) {
            let message = "the name of this certificate cannot stand in a header";
            let made = Diagnostic::at(Id::Incomplete, node.place, message);
            check.push(made.help("give the client a `name`").help(why));
        }
        let scopes = section.texts("scopes").iter().map(|word| word.text.to_owned()).collect();
        Some(Client { name, certificate, scopes })
    });
    AuthKind::Mtls { clients: clients.collect() }
}

fn forward(
    section: Section<'_>,
    entry: &Entry,
    upstreams: &HashMap<&str, UpstreamId>,
    check: &mut Check<'_>,
) -> AuthKind {
    needed(section, entry, "upstream", "name the [upstream.*] that is asked", check);
    let upstream = section.text("upstream").and_then(|word| {
        let known = upstreams.get(word.text).copied();
        if known.is_none() {
            let mut names: Vec<&str> = upstreams.keys().copied().collect();
            names.sort_unstable();
            check.unknown(Id::UnknownName, word, "upstream", names.iter().copied());
        }
        known
    });
    let send = section.texts("send");
    let send = send.iter().filter_map(|word| value::credential_header(word.text).ok()).collect();
    let take = section.texts("take");
    let path = section.text("path").and_then(|word| value::origin_path(word.text).ok());
    AuthKind::Forward(Box::new(Forward {
        upstream: upstream.unwrap_or(UpstreamId(0)),
        path: path.unwrap_or_else(|| http::uri::PathAndQuery::from_static("/")),
        method: match section.text("method").map(|word| word.text) {
            Some("HEAD") => Method::HEAD,
            Some("POST") => Method::POST,
            Some(_) | None => Method::GET,
        },
        send: if section.has("send") { send } else { defaults::AUTH_SEND.to_vec() },
        take: take.iter().filter_map(|word| value::kept_header(word.text).ok()).collect(),
        consumer: section.text("consumer").and_then(|word| word.text.parse().ok()),
        timeout: section.duration("timeout").unwrap_or(defaults::AUTH_TIMEOUT),
        cache: section.duration("cache").unwrap_or(defaults::AUTH_CACHE),
    }))
}

/// `auth` of a route.
pub(super) fn rule(
    route: Section<'_>,
    known: &HashMap<&str, AuthId>,
    check: &mut Check<'_>,
) -> Option<AuthRule> {
    let node = route.node("auth")?;
    let section = Section::of_node(node);
    let (need, words) = match (read::word(node), section.has("any"), section.has("all")) {
        (Some(word), _, _) => (Need::Any, vec![word]),
        (None, true, false) => (Need::Any, section.texts("any")),
        (None, false, true) => (Need::All, section.texts("all")),
        (None, true, true) => {
            let place = section.place("all").unwrap_or(node.place);
            let made = Diagnostic::at(Id::Conflict, place, "a route asks for any or for all");
            check.push(made.help("keep one of the two"));
            (Need::Any, section.texts("any"))
        }
        (None, false, false) => {
            if node.as_table().is_some() {
                let message = "this names nobody who would say who the caller is";
                let made = Diagnostic::at(Id::Incomplete, node.place, message);
                check.push(made.help("add `any = [\"…\"]` with names of [auth.*]"));
            }
            (Need::Any, Vec::new())
        }
    };
    let mut policies: Vec<AuthId> = Vec::new();
    let mut places: HashMap<AuthId, Place> = HashMap::new();
    for word in words {
        let Some(id) = known.get(word.text).copied() else {
            let mut names: Vec<&str> = known.keys().copied().collect();
            names.sort_unstable();
            check.unknown(Id::UnknownName, word, "policy", names.iter().copied());
            continue;
        };
        if let Some(first) = places.insert(id, word.place) {
            let message = format!("`{}` stands here twice, and counts once", word.text);
            let made = Diagnostic::at(Id::NoEffect, word.place, message);
            check.push(made.other(first, "first named here").help("take one away"));
        } else {
            policies.push(id);
        }
    }
    let scopes = section.texts("scopes").iter().map(|word| word.text.to_owned()).collect();
    Some(AuthRule { need, policies: policies.into(), scopes })
}

/// Policies that no route names: mostly a slip, and then a route that is open to everybody.
pub(super) fn unused(
    section: Section<'_>,
    routes: &[Route],
    ids: &HashMap<&str, AuthId>,
    check: &mut Check<'_>,
) {
    let rules = routes.iter().filter_map(|route| route.auth.as_ref());
    let used: HashSet<AuthId> = rules.flat_map(|rule| rule.policies.iter().copied()).collect();
    for entry in section.entries() {
        if ids.get(entry.key.as_str()).is_some_and(|id| !used.contains(id)) {
            let message = format!("no route names `[auth.{0}]`, so it guards nothing", entry.key);
            let made = Diagnostic::at(Id::Unused, entry.place, message);
            check.push(
                made.help(format!("add `auth = \"{}\"` to the routes that it is for", entry.key)),
            );
        }
    }
}
