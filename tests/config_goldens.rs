//! Configuration files and what is said about them. A golden is a file `broken/NAME.toml` and, beside
//! it, `NAME.stderr`; a file `good/NAME.toml` and, beside it, `NAME.show`. `BLESS=1` writes what is
//! said now: read it aloud before committing it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test binary")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use guichet::cli::check::{Format, check_within};
use guichet::cli::config_verb::show_within;
use guichet::config::{self, Colour, Id, Starter};

#[test]
fn broken_files_are_explained() {
    let files = files("tests/golden/config/broken");
    assert!(files.len() >= 20, "{}", files.len());
    for file in files {
        let (text, exit) = check_within(&file, false, Format::Human(Colour::Never), &|_| None);
        assert_eq!(exit, 3, "{}", file.display());
        golden(&file.with_extension("stderr"), &text);
    }
}

/// Nearly every kind of mistake is shown by a file; the others are named here with the reason.
#[test]
fn every_error_has_a_golden() {
    let shown: String = files("tests/golden/config/broken")
        .iter()
        .map(|file| fs::read_to_string(file.with_extension("stderr")).unwrap())
        .collect();
    let elsewhere = [
        // No file of the repository is unreadable or four megabytes long.
        Id::Unreadable,
        Id::TooLarge,
    ];
    let missing: BTreeSet<_> = Id::ALL
        .iter()
        .filter(|id| id.severity() == config::Severity::Error && !elsewhere.contains(id))
        .map(|id| id.code())
        .filter(|code| !shown.contains(&format!("[{code}]")))
        .collect();
    assert!(missing.is_empty(), "no golden shows {missing:?}");
}

#[test]
fn good_files_are_taken_and_shown() {
    for file in files("tests/golden/config/good") {
        let (text, exit) = check_within(&file, true, Format::Human(Colour::Never), &|_| None);
        assert_eq!(exit, 0, "{}\n{text}", file.display());
        let shown = show_within(&file, &|_| None).unwrap_or_else(|_| panic!("{}", file.display()));
        golden(&file.with_extension("show"), &shown);
        // What is shown reads back as the same configuration.
        let again = config::load_text("shown.toml", &shown, &|_| None)
            .unwrap_or_else(|refused| panic!("{shown}\n{}", refused.human(Colour::Never)));
        let first = config::load(&file, &|_| None).unwrap();
        assert_eq!(again.effective.fingerprint(), first.effective.fingerprint());
    }
}

#[test]
fn shipped_files_are_taken_without_a_warning() {
    for file in files("config") {
        let (text, exit) = check_within(&file, true, Format::Human(Colour::Never), &|_| None);
        assert_eq!(exit, 0, "{}\n{text}", file.display());
    }
}

#[test]
fn the_full_starter_is_the_shipped_one() {
    golden(Path::new("config/guichet.toml"), &config::starter(Starter::Full));
}

#[test]
fn the_schema_is_the_shipped_one() {
    golden(Path::new("config/guichet.schema.json"), &config::schema());
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

fn golden(file: &Path, text: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(file, text).unwrap();
        return;
    }
    let known = fs::read_to_string(file).unwrap_or_default();
    assert!(known == text, "{} differs; BLESS=1 rewrites it. Now:\n{text}", file.display());
}
