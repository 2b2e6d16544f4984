//! Broken configurations and what `guichet check` says of them. Read the `.stderr` files aloud: each
//! names the place, what is wrong there and what to do. `BLESS=1` rewrites them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs
)]

use std::fs;
use std::path::{Path, PathBuf};

use guichet::config::{self, Colour, Starter};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/config").join(name)
}

fn files(name: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

fn blessing() -> bool {
    std::env::var_os("BLESS").is_some()
}

/// Compares with a file of the tree, or writes it.
#[track_caller]
fn holds(path: &Path, text: &str) {
    if blessing() {
        fs::write(path, text).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(kept, text, "{} is not up to date: BLESS=1 rewrites it", path.display());
}

#[test]
fn every_broken_file_is_told_what_to_do() {
    let files = files("broken");
    assert!(files.len() >= 20);
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let Err(refused) = config::load_text(name, &text, &|_| None) else {
            panic!("{name} is taken");
        };
        holds(&path.with_extension("stderr"), &refused.human(Colour::Never));
    }
}

#[test]
fn the_shipped_files_are_taken_and_up_to_date() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    for (name, which) in [("guichet.toml", Starter::Full), ("minimal.toml", Starter::Minimal)] {
        let text = config::starter(which);
        holds(&shipped.join(name), &text);
        if let Err(refused) = config::load_text(name, &text, &|_| None) {
            panic!("{}", refused.human(Colour::Never));
        }
    }
    holds(&shipped.join("guichet.schema.json"), &config::schema());
}
