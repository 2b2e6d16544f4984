//! Every test that the documentation gives as a proof is there: a promise whose test was renamed or
//! removed would be a promise without one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Pages whose tables have a last column of proofs.
const PAGES: [&str; 2] = ["docs/limits.md", "docs/reliability.md"];

#[test]
fn every_test_that_the_documentation_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = BTreeSet::new();
    for folder in ["src", "tests"] {
        collect(&root.join(folder), &mut known);
    }
    let mut named = 0;
    let mut missing = Vec::new();
    for page in PAGES {
        let text = fs::read_to_string(root.join(page)).unwrap();
        for proof in text.lines().filter_map(last_cell).flat_map(quoted) {
            named += 1;
            if proof.contains('/') {
                if !root.join(proof).exists() {
                    missing.push(format!("{page}: {proof}"));
                }
            } else if is_test(proof) && !known.contains(proof) {
                missing.push(format!("{page}: {proof}"));
            }
        }
    }
    assert!(named > 50, "the tables are where this test looks for them");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

fn last_cell(line: &str) -> Option<&str> {
    line.strip_prefix('|')?.trim_end().strip_suffix('|')?.rsplit('|').next()
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Names of tests are sentences.
fn is_test(word: &str) -> bool {
    word.matches('_').count() > 1
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The names of all functions below a folder.
fn collect(folder: &Path, known: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, known);
        } else if path.extension().is_some_and(|end| end == "rs") {
            for piece in fs::read_to_string(path).unwrap().split("fn ").skip(1) {
                known.insert(piece.split(['(', '<']).next().unwrap_or_default().to_owned());
            }
        }
    }
}
