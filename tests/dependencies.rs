//! What is locked stands above the floors of `deny.toml`: below each of them is a hole that somebody
//! has found. `cargo deny` says the same where it runs; this holds on every machine, and keeps the
//! list from naming what is no longer here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test binary")]

use std::fs;
use std::path::Path;

use toml::{Table, Value};

/// What no list of floors may leave out: the crates that touch bytes from strangers.
const FLOORED: &[&str] =
    &["aws-lc-sys", "bytes", "h2", "http", "hyper", "rustls", "rustls-webpki", "tokio"];

#[test]
fn what_is_locked_stands_above_the_floors() {
    let locked = locked();
    let floors = floors();
    for name in FLOORED {
        assert!(floors.iter().any(|floor| floor.name == *name), "no floor for {name}");
    }
    let mut wrong = Vec::new();
    for floor in &floors {
        let mut found = locked.iter().filter(|(name, _)| *name == floor.name).peekable();
        if found.peek().is_none() {
            wrong.push(format!("{}: a floor under nothing", floor.name));
        }
        for (name, version) in found.filter(|(_, version)| floor.bans(version)) {
            wrong.push(format!("{name} {version}: {}", floor.reason));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn floors_are_read_as_cargo_deny_reads_them() {
    let floor = |below: &str| Floor::parse(&format!("h2@{below}"), "").unwrap();
    for (below, version, banned) in [
        ("<=0.4.19", "0.4.19", true),
        ("<=0.4.19", "0.4.20", false),
        ("<=0.4.19", "0.3.99", true),
        ("<=1.11", "1.11.5", true),
        ("<=1.11", "1.12.0", false),
        ("<1.11.1", "1.11.0", true),
        ("<1.11.1", "1.11.1+meta", false),
        ("<0.103.13", "0.103.9", true),
    ] {
        assert_eq!(floor(below).bans(version), banned, "{below} {version}");
    }
    assert!(Floor::parse("openssl", "").is_none(), "banned altogether, which needs the graph");
}

/// Versions of a crate that are banned, from the lowest up.
struct Floor {
    name: String,
    /// As many numbers as were written.
    below: Vec<u64>,
    /// Whether the last of them is banned too.
    inclusive: bool,
    reason: String,
}

impl Floor {
    fn parse(spec: &str, reason: &str) -> Option<Self> {
        let (name, range) = spec.split_once('@')?;
        let range = range.strip_prefix('<').expect("a range from the lowest version up");
        let (inclusive, below) =
            range.strip_prefix('=').map_or((false, range), |below| (true, below));
        let (name, reason) = (name.to_owned(), reason.to_owned());
        Some(Self { name, below: numbers(below), inclusive, reason })
    }

    /// `<=1.11` means every 1.11, as Cargo reads it.
    fn bans(&self, version: &str) -> bool {
        let version = numbers(version);
        let version = &version[..version.len().min(self.below.len())];
        if self.inclusive { version <= &self.below[..] } else { version < &self.below[..] }
    }
}

fn numbers(version: &str) -> Vec<u64> {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    plain.split('.').map(|number| number.parse().unwrap()).collect()
}

fn floors() -> Vec<Floor> {
    let deny = table("deny.toml");
    let text = |entry: &Value, key: &str| entry.get(key).unwrap().as_str().unwrap().to_owned();
    let entries = deny["bans"]["deny"].as_array().unwrap();
    entries
        .iter()
        .filter_map(|entry| Floor::parse(&text(entry, "crate"), &text(entry, "reason")))
        .collect()
}

/// Name and version of every package in `Cargo.lock`.
fn locked() -> Vec<(String, String)> {
    let lock = table("Cargo.lock");
    let text = |package: &Value, key: &str| package.get(key).unwrap().as_str().unwrap().to_owned();
    let packages = lock["package"].as_array().unwrap();
    packages.iter().map(|package| (text(package, "name"), text(package, "version"))).collect()
}

fn table(file: &str) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(path).unwrap().parse().unwrap()
}
