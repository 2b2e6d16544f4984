//! `guichet explain`: what each diagnostic means, why it matters, and how it is put right; and what
//! each key does.

mod table;

use std::fmt::Write as _;

use super::diagnostic::{Id, Severity};
use super::keys::{self, Default, Found, Key, Kind, Status};

/// What is said about one kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The mistake in one phrase.
    pub title: &'static str,
    /// Why it is refused, or worth a look.
    pub why: &'static str,
    /// An example of the right way.
    pub example: &'static str,
}

impl Id {
    /// What is said about this kind of mistake.
    pub const fn explanation(self) -> Explanation {
        table::explanation(self)
    }
}

/// The text about a diagnostic's code, such as `G0203`, in any case.
pub fn explain(code: &str) -> Option<String> {
    let id = Id::by_code(code.trim())?;
    let Explanation { title, why, example } = id.explanation();
    let severity = match id.severity() {
        Severity::Error => "error: the file is refused",
        Severity::Warning => "warning: the file is taken",
        Severity::Note => "note: the file is taken, under --strict as well",
    };
    let mut text = format!("{} ({severity})\n{title}\n\n{why}\n", id.code());
    if !example.is_empty() {
        text.push_str("\nFor example:\n\n");
        for line in example.lines() {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "    {line}");
        }
    }
    Some(text)
}

/// The text about a key by its path, such as `upstream.users.timeout.connect`. A name without dots
/// finds the keys of that name wherever they stand.
pub fn explain_key(path: &str) -> Option<String> {
    let path = path.trim().trim_matches(['[', ']']);
    if let Some(found) = keys::find(path) {
        return Some(match found {
            Found::Key(key) => about(path, key),
            Found::Others(others) => {
                let mut text = format!("{path}\n{}\n", others.doc);
                inside(&mut text, &others.kind);
                text
            }
        });
    }
    let mut found = Vec::new();
    keys::walk(&keys::ROOT, "", &mut |full, key| {
        if full.ends_with(&format!(".{path}")) {
            found.push(about(full, key));
        }
    });
    (!found.is_empty()).then(|| found.join("\n"))
}

/// The path of every key of this version, such as `upstream.NAME.pool`.
pub fn key_paths() -> Vec<String> {
    let mut all = Vec::new();
    keys::walk(&keys::ROOT, "", &mut |path, _| all.push(path.to_owned()));
    all
}

fn about(path: &str, key: &'static Key) -> String {
    if let Status::Later(feature) = key.status {
        return format!("{path}\narrives with a later version of guichet: {feature}\n");
    }
    let mut text = format!("{path}\n{}\n\n", key.doc);
    // Writing into a String cannot fail.
    let _ = writeln!(text, "    kind      {}", key.kind.described());
    if let Kind::Text(format) = &key.kind {
        let _ = writeln!(text, "    such as   \"{}\"", format.example);
    }
    let default = match key.default {
        Default::Value(text) => text,
        Default::Table => "each key inside has its own",
        Default::None(words) => words,
        Default::Required => "none: the key is needed",
    };
    let _ = writeln!(text, "    default   {default}");
    if let Some(example) = key.example {
        let _ = writeln!(text, "    example   {} = {example}", key.name);
    }
    inside(&mut text, &key.kind);
    text
}

fn inside(text: &mut String, kind: &'static Kind) {
    let Some(shape) = kind.shape() else { return };
    let now: Vec<_> = shape.keys.iter().filter(|key| key.is_now()).collect();
    if !now.is_empty() {
        text.push_str("\nKeys inside:\n");
    }
    for key in now {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "    {:<16} {}", key.name, key.doc);
    }
    if let Some(others) = &shape.others {
        let _ = writeln!(text, "\nEach {} inside: {}", others.placeholder, others.doc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_explained() {
        for id in Id::ALL {
            let text = explain(id.code()).unwrap();
            let Explanation { title, why, .. } = id.explanation();
            assert!(text.contains(title) && text.contains(why));
            assert!(!title.ends_with('.') && why.ends_with('.'), "{}", id.code());
        }
        assert_eq!(explain("G9999"), None);
    }

    #[test]
    fn keys_are_explained_by_path_or_by_name() {
        let text = explain_key("upstream.users.timeout.connect").unwrap();
        assert!(text.contains("\"500ms\"") && text.contains("name, TCP and TLS together"));
        assert!(explain_key("retry_after").unwrap().contains("errors.retry_after"));
        assert!(explain_key("[[route]]").unwrap().contains("rewrite"));
        assert!(explain_key("fault").unwrap().contains("later version"));
        assert_eq!(explain_key("nonsense"), None);
    }
}
