//! `[store.NAME]`, and the limits that name it.

use std::time::Duration;

use super::Check;
use crate::base::quantity::format_duration;
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Limit, OnDown, Store, StoreUrl};
use crate::config::read::{Section, Word};
use crate::config::tree::Entry;

/// The stores in file order.
pub(super) fn stores(section: Section<'_>, check: &mut Check<'_>) -> Vec<Store> {
    section.entries().iter().filter_map(|entry| store(entry, check)).collect()
}

fn store(entry: &Entry, check: &mut Check<'_>) -> Option<Store> {
    let section = Section::of_node(&entry.node);
    let timeout = section.duration("timeout").unwrap_or(defaults::STORE_TIMEOUT);
    if let Some(node) = section.node("timeout").filter(|_| timeout > LONGEST_WAIT) {
        let message =
            format!("requests wait for a store, at most {}", format_duration(LONGEST_WAIT));
        let made = Diagnostic::at(Id::OutOfRange, node.place, message);
        check.push(made.help("a store that takes longer is as good as down: see `on_down`"));
    }
    let on_down = match section.text("on_down").map(|word| word.text) {
        Some("allow") => OnDown::Allow,
        Some("refuse") => OnDown::Refuse,
        Some(_) | None => defaults::STORE_ON_DOWN,
    };
    let url = match section.text("url") {
        Some(word) => StoreUrl::Open(word.text.to_owned()),
        None => StoreUrl::Secret(check.secret(section, "url")?),
    };
    Some(Store { name: entry.key.clone(), url, timeout, on_down })
}

/// The store that a limit names.
pub(super) fn named(word: Word<'_>, stores: Section<'_>, check: &mut Check<'_>) -> Option<String> {
    let names = stores.entries().iter().map(|entry| entry.key.as_str());
    if names.clone().any(|name| name == word.text) {
        return Some(word.text.to_owned());
    }
    check.unknown(Id::UnknownName, word, "store", names);
    None
}

/// Stores that no limit names: mostly a slip, or a leftover.
pub(super) fn unused(section: Section<'_>, limits: &[Limit], check: &mut Check<'_>) {
    for entry in section.entries() {
        if !limits.iter().any(|limit| limit.store.as_ref() == Some(&entry.key)) {
            let message =
                format!("no limit names the store `{}`, so nothing is kept there", entry.key);
            let made = Diagnostic::at(Id::Unused, entry.place, message);
            check.push(made.help(format!(
                "add `store = \"{}\"` to the limits that replicas share",
                entry.key
            )));
        }
    }
}

const LONGEST_WAIT: Duration = Duration::from_secs(5);
