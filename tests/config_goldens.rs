//! What people read about their mistakes: each file in `golden/config/broken` beside the text that
//! refuses it, and files in `golden/config/good` that are taken. `BLESS=1` writes the texts anew.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use guichet::config::{self, Colour};

#[test]
fn every_broken_file_is_refused_in_these_words() {
    let files = files("broken");
    assert!(files.len() >= 20, "{}", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let Err(refused) = config::load(&file, &|_| None) else {
            wrong.push(format!("{} is taken", file.display()));
            continue;
        };
        let said = refused.human(Colour::Never);
        let expected = file.with_extension("stderr");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, &said).unwrap();
        } else if std::fs::read_to_string(&expected).ok().as_deref() != Some(said.as_str()) {
            wrong.push(format!("{} now says:\n{said}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}\nBLESS=1 rewrites", wrong.join("\n"));
}

#[test]
fn every_good_file_is_taken_without_a_warning() {
    for file in files("good") {
        match config::load(&file, &|_| None) {
            Ok(loaded) => assert_eq!(loaded.warnings, [], "{}", file.display()),
            Err(refused) => panic!("{}", refused.human(Colour::Never)),
        }
    }
}

#[test]
fn every_shipped_file_is_taken() {
    for name in ["config/minimal.toml", "config/guichet.toml"] {
        match config::load(Path::new(name), &|_| None) {
            Ok(loaded) => assert_eq!(loaded.warnings, [], "{name}"),
            Err(refused) => panic!("{}", refused.human(Colour::Never)),
        }
    }
}

#[test]
fn the_shipped_files_are_those_of_the_code() {
    for (name, text) in [
        ("config/guichet.toml", config::starter(config::Starter::Full)),
        ("config/guichet.schema.json", config::schema()),
    ] {
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(name, &text).unwrap();
        }
        let shipped = std::fs::read_to_string(name).unwrap();
        assert!(shipped == text, "{name} is out of date: BLESS=1 writes it anew");
    }
}

/// Tests run in the folder of the crate, so these paths are the same on every machine.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new("tests/golden/config").join(folder);
    let found = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        found.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    found.sort();
    found
}
