//! Configuration files and what is said about them. Each file `broken/NAME.toml` is refused in the
//! words of `NAME.stderr`; each file `good/NAME.toml` is taken, with the values of `NAME.show`.
//! `BLESS=1` writes what is said now: read it aloud before committing it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test binary")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use guichet::config::{self, Colour, Id, Severity, Starter};

#[test]
fn every_broken_file_is_refused_in_these_words() {
    let files = files("tests/golden/config/broken");
    assert!(files.len() >= 20, "{}", files.len());
    let mut shown = String::new();
    let mut wrong = Vec::new();
    for file in files {
        let Err(refused) = config::load(&file, &|_| None) else {
            wrong.push(format!("{} is taken", file.display()));
            continue;
        };
        let said = refused.human(Colour::Never);
        wrong.extend(differs(&file.with_extension("stderr"), &said));
        shown.push_str(&said);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // No file of the repository is unreadable or four megabytes long, and no word that this version
    // knows of belongs to a later one.
    let elsewhere = [Id::Unreadable, Id::TooLarge, Id::LaterWord];
    let missing: BTreeSet<_> = Id::ALL
        .iter()
        .filter(|id| id.severity() == Severity::Error && !elsewhere.contains(id))
        .map(|id| id.code())
        .filter(|code| !shown.contains(&format!("[{code}]")))
        .collect();
    assert!(missing.is_empty(), "no golden shows {missing:?}");
}

#[test]
fn every_good_file_is_taken_and_shown() {
    for file in files("tests/golden/config/good") {
        let loaded = taken(&file);
        let shown = loaded.effective.to_toml(&loaded.sources);
        assert_eq!(differs(&file.with_extension("show"), &shown), None);
        // What is shown reads back as the same configuration.
        let again = config::load_text("shown.toml", &shown, &|_| None)
            .unwrap_or_else(|refused| panic!("{shown}\n{}", refused.human(Colour::Never)));
        assert_eq!(again.effective.fingerprint(), loaded.effective.fingerprint());
    }
}

#[test]
fn every_shipped_file_is_taken() {
    for file in files("config") {
        taken(&file);
    }
}

#[test]
fn the_shipped_files_are_those_of_the_code() {
    let full = config::starter(Starter::Full);
    assert_eq!(differs(Path::new("config/guichet.toml"), &full), None);
    assert_eq!(differs(Path::new("config/guichet.schema.json"), &config::schema()), None);
}

/// Taken, and without a warning.
fn taken(file: &Path) -> config::Loaded {
    match config::load(file, &|_| None) {
        Ok(loaded) => {
            assert_eq!(loaded.warnings, [], "{}", file.display());
            loaded
        }
        Err(refused) => panic!("{}", refused.human(Colour::Never)),
    }
}

/// Tests run in the folder of the crate, so these paths are the same on every machine.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

fn differs(file: &Path, text: &str) -> Option<String> {
    if std::env::var_os("BLESS").is_some() {
        fs::write(file, text).unwrap();
    }
    let known = fs::read_to_string(file).unwrap_or_default();
    (known != text)
        .then(|| format!("{} differs; BLESS=1 rewrites it. Now:\n{text}", file.display()))
}
