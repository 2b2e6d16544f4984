//! `include`: more files, merged into the tree of the main one.
//!
//! Tables merge by key, `[[tables]]` append, and a key set twice is refused with both places:
//! there is no order in which a later file could silently win. Only the main file includes, so
//! there are no circles.

use std::path::{Component, Path, PathBuf};

use super::diagnostic::{Diagnostic, Id, Report};
use super::keys::{Kind, ROOT, Shape};
use super::source::{Place, Sources};
use super::tree::{Node, Table, Value};
use super::{parse, read_text};

/// Reads and merges everything that the main file includes. False if something is missing, so that
/// nobody wonders where its names are.
pub(crate) fn include(root: &mut Table, sources: &mut Sources, report: &mut Report) -> bool {
    let mut complete = true;
    let patterns: Vec<(String, Place)> = match root.node("include").and_then(Node::as_array) {
        Some(items) => items
            .iter()
            .filter_map(|item| item.as_str().map(|text| (text.to_owned(), item.place)))
            .collect(),
        None => return true,
    };
    let mut read = Vec::new();
    for (pattern, place) in patterns {
        let place_of_it = sources.resolve(place.file, &pattern);
        sources.searched(place.file, folder_of(&place_of_it));
        let paths = match find(&place_of_it) {
            Ok(paths) => paths,
            Err(why) => {
                report.push(Diagnostic::at(Id::Include, place, why));
                complete = false;
                continue;
            }
        };
        match (paths.is_empty(), is_glob(&pattern)) {
            (true, true) => {
                let message = "no file fits this pattern";
                report.push(Diagnostic::at(Id::NothingIncluded, place, message));
            }
            (true, false) => {
                complete = false;
                report.push(
                    Diagnostic::at(Id::Include, place, "there is no such file")
                        .help("paths start from the folder of the main file"),
                );
            }
            (false, _) => {}
        }
        for path in paths {
            if read.contains(&path) {
                continue;
            }
            if read.len() == MOST_FILES || sources.bytes() > MOST_BYTES {
                let message = format!(
                    "too much is included: at most {MOST_FILES} files, and 16 MiB together"
                );
                report.push(Diagnostic::at(Id::Include, place, message));
                return false;
            }
            match one(&path, place, sources, report) {
                Some(table) => merge(root, table, Some(&ROOT), report),
                None => complete = false,
            }
            read.push(path);
        }
    }
    complete
}

fn one(path: &Path, from: Place, sources: &mut Sources, report: &mut Report) -> Option<Table> {
    let file = match read_text(path, sources) {
        Ok(file) => file,
        Err(diagnostic) => {
            report.push((*diagnostic).other(from, "included here"));
            return None;
        }
    };
    let mut table = parse::parse(file, sources, report)?;
    if let Some(at) = table.entries.iter().position(|entry| entry.key == "include") {
        let entry = table.entries.remove(at);
        report.push(
            Diagnostic::at(Id::Include, entry.place, "an included file cannot include others")
                .help("name the files in the main file"),
        );
    }
    Some(table)
}

/// Merges `added` into `into`. `shape` tells which lists are appended to.
fn merge(into: &mut Table, added: Table, shape: Option<&'static Shape>, report: &mut Report) {
    for entry in added.entries {
        let Some(at) = into.entries.iter().position(|known| known.key == entry.key) else {
            into.entries.push(entry);
            continue;
        };
        let kind = shape.and_then(|shape| match (shape.key(&entry.key), &shape.others) {
            (Some(key), _) => Some(&key.kind),
            (None, Some(others)) => Some(&others.kind),
            (None, None) => None,
        });
        let known = &mut into.entries[at];
        match (&mut known.node.value, entry.node.value) {
            (Value::Table(into), Value::Table(added)) => {
                merge(into, added, kind.and_then(Kind::shape), report);
            }
            (Value::Array(into), Value::Array(added)) if matches!(kind, Some(Kind::Tables(_))) => {
                into.extend(added);
            }
            (Value::Broken, _) | (_, Value::Broken) => {}
            (_, _) => report.push(set_twice(known.place, &entry.key, entry.place)),
        }
    }
}

fn set_twice(first: Place, key: &str, again: Place) -> Diagnostic {
    Diagnostic::at(Id::SetTwice, again, format!("`{key}` is set twice"))
        .label("again here")
        .other(first, "first set here")
        .help("keep one of the two: no file wins over another")
}

/// The folder whose content decides what a pattern names, as far as it is known beforehand.
fn folder_of(pattern: &Path) -> PathBuf {
    let plain = |part: &Component<'_>| !part.as_os_str().to_str().is_some_and(is_glob);
    let mut folder: PathBuf = pattern.components().take_while(plain).collect();
    if folder == pattern {
        folder.pop();
    }
    if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder }
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The files that a pattern names, in the order of their paths. `*` and `?` stand for anything but
/// `/` and a dot at the beginning.
fn find(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let part = part.as_os_str();
        let Some(text) = part.to_str().filter(|text| is_glob(text)) else {
            for path in &mut found {
                path.push(part);
            }
            continue;
        };
        if text.contains("**") {
            return Err("`**` is not supported: name each folder".to_owned());
        }
        let mut next = Vec::new();
        for folder in &found {
            matching(folder, text, &mut next)?;
        }
        found = next;
    }
    found.retain(|path| path.is_file());
    found.sort();
    Ok(found)
}

fn matching(folder: &Path, pattern: &str, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = match here.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(format!("{} may not be read: {error}", here.display()));
        }
        // A folder that is not there holds no files: `check` says that nothing fits.
        Err(_) => return Ok(()),
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let fits = name.to_str().is_some_and(|name| {
            (pattern.starts_with('.') || !name.starts_with('.')) && glob(pattern, name)
        });
        if fits {
            found.push(folder.join(name));
        }
        if found.len() > MOST_MATCHES {
            return Err(format!("more than {MOST_MATCHES} files fit this pattern"));
        }
    }
    Ok(())
}

/// Whether `name` fits `pattern`: greedy with one point to come back to, so never exponential.
fn glob(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(expected) if *expected == '?' || *expected == name[n] => {
                p += 1;
                n += 1;
            }
            Some(_) | None => {
                let Some((after, taken)) = star else { return false };
                star = Some((after, taken + 1));
                p = after + 1;
                n = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

const MOST_FILES: usize = 256;
const MOST_BYTES: usize = 16 << 20;
const MOST_MATCHES: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn globs() {
        for (pattern, name, fits) in [
            ("*.toml", "a.toml", true),
            ("*.toml", "a.toml.bak", false),
            ("a?c*", "abc", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("é*", "été", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn files_come_in_order_and_hidden_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.toml", "a.toml", ".hidden.toml", "c.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("d.toml")).unwrap();
        let found = find(&folder.path().join("*.toml")).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["a.toml", "b.toml"]);
        assert!(find(&folder.path().join("none/*.toml")).unwrap().is_empty());
        assert!(find(&folder.path().join("**/x.toml")).is_err());
    }

    proptest! {
        #[test]
        fn a_name_fits_itself(name in "[^*?]{0,12}") {
            prop_assert!(glob(&name, &name));
            prop_assert!(glob("*", &name));
        }

        #[test]
        fn never_panics(pattern in ".{0,12}", name in ".{0,12}") {
            let _ = glob(&pattern, &name);
        }
    }
}
