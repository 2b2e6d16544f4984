//! `[limit.NAME]`, and the limits that a route names.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::{Check, number, store};
use crate::base::{LimitId, Rate, parse_rate};
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Limit, LimitKey, Route};
use crate::config::read::{Section, Word};
use crate::config::source::Place;
use crate::config::tree::Entry;
use crate::config::value;

/// The limits in file order, and their ids by name.
pub(super) fn limits<'t>(
    root: Section<'t>,
    check: &mut Check<'_>,
) -> (Vec<Limit>, HashMap<&'t str, LimitId>) {
    let mut limits = Vec::new();
    let mut ids = HashMap::new();
    let stores = root.section("store");
    for entry in root.section("limit").entries() {
        ids.insert(entry.key.as_str(), LimitId(number(limits.len(), "limits", &entry.node, check)));
        limits.push(limit(entry, stores, check));
    }
    (limits, ids)
}

fn limit(entry: &Entry, stores: Section<'_>, check: &mut Check<'_>) -> Limit {
    let section = Section::of_node(&entry.node);
    let key = section.text("key").and_then(|word| key(word, check)).unwrap_or(LimitKey::Ip);
    let rate = section.text("rate").and_then(|word| parse_rate(word.text).ok());
    // Without a rate the file is refused, so this one never limits anybody.
    let rate = rate.unwrap_or(Rate { count: 1, per: Duration::from_secs(1) });
    let burst = section.integer("burst").unwrap_or(rate.count);
    if rate.per.saturating_mul(burst) / rate.count > LONGEST_REFILL {
        let at = section.node("burst").or_else(|| section.node("rate")).unwrap_or(&entry.node);
        let message = "at this rate the burst takes more than a year to come back";
        let made = Diagnostic::at(Id::OutOfRange, at.place, message);
        check.push(made.help("lower `burst`, or raise `rate`"));
    }
    let usual = if key.is_callers() { 429 } else { 503 };
    let status = section.integer("status").unwrap_or(usual);
    if let Some(node) = section.node("status")
        && (430..503).contains(&status)
    {
        let message = "a limit refuses with 429 or with 503";
        check.push(
            Diagnostic::at(Id::OutOfRange, node.place, message)
                .help("429 says that the caller has used up its quota, 503 that we are full"),
        );
    }
    Limit {
        name: entry.key.clone(),
        key,
        rate,
        burst,
        status,
        keys: section.integer("keys").unwrap_or(defaults::LIMIT_KEYS),
        store: section.text("store").and_then(|word| store::named(word, stores, check)),
    }
}

/// What to count by. Who the caller is can only be known where somebody asks.
fn key(word: Word<'_>, check: &mut Check<'_>) -> Option<LimitKey> {
    let key = value::limit_key(word.text).ok()?;
    let (what, instead) = match &key {
        LimitKey::Ip | LimitKey::Header(_) | LimitKey::Route | LimitKey::Gateway => {
            return Some(key);
        }
        LimitKey::ApiKey => ("API key", "header:x-api-key"),
        LimitKey::Claim(_) => ("token", "ip"),
    };
    let message =
        format!("no `[auth.*]` says who the caller is, so there is no {what} to count by");
    check.push(
        Diagnostic::at(Id::Incomplete, word.place, message)
            .label("arrives with `[auth.*]`, in a later version of guichet")
            .help(format!("until then write `key = \"{instead}\"`")),
    );
    None
}

/// The limits that a route names, each once.
pub(super) fn named(
    section: Section<'_>,
    known: &HashMap<&str, LimitId>,
    check: &mut Check<'_>,
) -> Box<[LimitId]> {
    let mut named: Vec<LimitId> = Vec::new();
    let mut places: HashMap<LimitId, Place> = HashMap::new();
    for word in section.texts("limits") {
        let Some(id) = known.get(word.text) else {
            let mut names: Vec<&str> = known.keys().copied().collect();
            names.sort_unstable();
            check.unknown(Id::UnknownName, word, "limit", names.iter().copied());
            continue;
        };
        match places.get(id) {
            None => {
                places.insert(*id, word.place);
                named.push(*id);
            }
            Some(first) => {
                let message = format!("`{}` stands here twice, and counts once", word.text);
                check.push(
                    Diagnostic::at(Id::NoEffect, word.place, message)
                        .other(*first, "first named here")
                        .help("take one away"),
                );
            }
        }
    }
    named.into()
}

/// Limits that no route names: mostly a slip, or a leftover.
pub(super) fn unused(
    section: Section<'_>,
    routes: &[Route],
    ids: &HashMap<&str, LimitId>,
    check: &mut Check<'_>,
) {
    let used: HashSet<LimitId> =
        routes.iter().flat_map(|route| route.limits.iter().copied()).collect();
    for entry in section.entries() {
        if ids.get(entry.key.as_str()).is_some_and(|id| !used.contains(id)) {
            let message = format!("no route names the limit `{}`, so it limits nothing", entry.key);
            check.push(
                Diagnostic::at(Id::Unused, entry.place, message).help(format!(
                    "add `limits = [\"{}\"]` to the routes that it is for",
                    entry.key
                )),
            );
        }
    }
}

const LONGEST_REFILL: Duration = Duration::from_secs(365 * 86_400);
