//! Every test that the documentation gives as a proof is there: a promise whose test was renamed or
//! removed would be a promise without one. And every mechanism that the table of clocks and sockets
//! names has one of each kind.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Pages whose tables have a last column of proofs.
const PAGES: [&str; 3] = ["docs/graphql-rules.md", "docs/limits.md", "docs/reliability.md"];

/// The table that has two.
const MECHANISMS: &str = "| Mechanism | Bound | With a stopped clock | On sockets |";

/// What stands in its place where a mechanism knows no time.
const TIMELESS: &str = "no clock";

/// What a test has to do with that opens sockets.
const SOCKETS: [&str; 5] = ["Origin::", "TcpStream", "UnixStream", "Gateway", "Daemon"];

#[test]
fn every_test_that_the_documentation_names_is_there() {
    let known = tests();
    let mut named = 0;
    let mut missing = Vec::new();
    for page in PAGES {
        for proof in read(page).lines().filter_map(last_cell).flat_map(quoted) {
            named += 1;
            let is_there = if proof.contains('/') {
                root().join(proof).exists()
            } else {
                !is_test(proof) || known.contains_key(proof)
            };
            if !is_there {
                missing.push(format!("{page}: {proof}"));
            }
        }
    }
    assert!(named > 50, "the tables are where this test looks for them");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_mechanism_has_a_test_by_the_clock_and_one_on_sockets() {
    let known = tests();
    let page = read("docs/limits.md");
    let table = page.split(MECHANISMS).nth(1).unwrap();
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 30, "{}", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [mechanism, bound, clock, sockets] = cells[..] else {
            panic!("{row}: four cells");
        };
        let mut check = |cell: &str, fits: &dyn Fn(&str) -> bool, kind: &str| {
            if quoted(cell).next().is_none() {
                wrong.push(format!("{mechanism}: no test {kind}"));
            }
            for proof in quoted(cell).filter(|proof| !fits(proof)) {
                wrong.push(format!("{mechanism}: {proof} is no test {kind}"));
            }
        };
        // Of several that are called alike one has to do.
        let any = |proof: &str, fits: &dyn Fn(&Test) -> bool| {
            known.get(proof).is_some_and(|tests| tests.iter().any(fits))
        };
        if clock != TIMELESS {
            let by_clock = |proof: &str| {
                any(proof, &|test| test.place.starts_with("src/") && !test.waits_for_time)
            };
            check(clock, &by_clock, "with a stopped clock");
        }
        let on_sockets = |proof: &str| {
            proof.contains('/') && root().join(proof).exists()
                || any(proof, &|test| test.opens_sockets)
        };
        check(sockets, &on_sockets, "on sockets");
        if bound.is_empty() {
            wrong.push(format!("{mechanism}: no bound"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A test as it stands in a file.
struct Test {
    place: String,
    /// It lets time pass, and nothing says that the clock is its own.
    waits_for_time: bool,
    opens_sockets: bool,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
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

/// All tests by their names.
fn tests() -> BTreeMap<String, Vec<Test>> {
    let mut known = BTreeMap::new();
    for folder in ["src", "tests"] {
        collect(&root().join(folder), &mut known);
    }
    known
}

fn collect(folder: &Path, known: &mut BTreeMap<String, Vec<Test>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, known);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let place = path.strip_prefix(root()).unwrap().display().to_string();
            let opens_sockets = SOCKETS.iter().any(|word| text.contains(word));
            for (name, attributes, body) in functions(&text) {
                let paused = attributes.contains("start_paused") || body.contains("run_paused(");
                let waits_for_time = body.contains("sleep(") && !paused;
                let test = Test { place: place.clone(), waits_for_time, opens_sockets };
                known.entry(name.to_owned()).or_default().push(test);
            }
        }
    }
}

/// Each function that is a test: its name, its attributes, and its text.
fn functions(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let starts = text.match_indices("test").filter_map(|(at, _)| {
        let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let attribute = text[line..].trim_start();
        (attribute.starts_with("#[test]") || attribute.starts_with("#[tokio::test")).then_some(line)
    });
    starts.filter_map(|line| {
        let (attributes, rest) = text[line..].split_once("fn ")?;
        let body = rest.split("#[test]").next()?.split("#[tokio::test").next()?;
        Some((rest.split(['(', '<']).next()?, attributes, body))
    })
}
