//! The files of API keys and of users that `[auth.*]` names: TOML of their own, read like the
//! configuration is, with every mistake at once.
//!
//! What they hold is worth guessing at, so a mistake is told by its place and in words, and no line
//! and no value of such a file is ever shown.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::diagnostic::{Diagnostic, Id, Report};
use super::keys::CALLERS;
use super::model::{Entry, Hidden};
use super::parse;
use super::read::{Section, Word};
use super::shape;
use super::source::{Place, Sources};
use super::tree::{Node, Value};
use super::value;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// `[[key]]`: digests of API keys. Several may have one name, so that a key can be replaced.
    Keys,
    /// `[[user]]`: names and hashes of passwords.
    Users,
}

/// Why such a file cannot be used: each mistake with where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCallers(Vec<String>);

/// Reads a file of this name and text.
///
/// # Errors
/// Every mistake in it.
pub fn callers(name: &str, text: &[u8], what: Callers) -> Result<Vec<Entry>, BadCallers> {
    let text = std::str::from_utf8(text)
        .map_err(|_| BadCallers(vec![format!("{name}: this file is not UTF-8")]))?;
    let mut sources = Sources::default();
    let file = sources.add(name.to_owned(), PathBuf::new(), text.to_owned());
    let mut report = Report::default();
    let mut entries = Vec::new();
    if let Some(root) = parse::parse(file, &sources, &mut report) {
        let known = CALLERS.iter().find(|(kind, _)| *kind == what);
        if let Some((_, shape)) = known {
            shape::check_as(&root, shape, &mut sources, &mut report);
        }
        entries = read(Section::of(&root), what, &mut report);
        if entries.is_empty() && !report.has_errors() {
            let message = format!("there is no [[{}]] in this file", what.table());
            report.push(Diagnostic::whole(Id::BadCallers, file, message));
        }
    }
    if report.has_errors() {
        return Err(BadCallers::of(report, &sources));
    }
    Ok(entries)
}

impl Callers {
    fn table(self) -> &'static str {
        match self {
            Self::Keys => "key",
            Self::Users => "user",
        }
    }

    fn secret(self) -> &'static str {
        match self {
            Self::Keys => "sha256",
            Self::Users => "password",
        }
    }
}

impl BadCallers {
    fn of(report: Report, sources: &Sources) -> Self {
        let told = report.into_sorted().into_iter().map(|found| {
            let file = sources.name(found.file);
            let at = found.span.as_ref().map(|span| sources.position(found.file, span.start));
            let place = at
                .map_or_else(|| file.to_owned(), |at| format!("{file}:{}:{}", at.line, at.column));
            // What the other rooms say of values and of syntax may repeat what stands there.
            let said = if matches!(found.id, Id::BadValue | Id::WrongType) {
                "this value is not of the right form".to_owned()
            } else if found.id == Id::Syntax {
                "this is not TOML".to_owned()
            } else {
                found.message
            };
            format!("{place}: {said}")
        });
        Self(told.take(MOST_TOLD).collect())
    }

    /// One sentence each.
    pub fn sentences(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for BadCallers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for BadCallers {}

fn read(root: Section<'_>, what: Callers, report: &mut Report) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut seen: HashMap<Vec<u8>, Place> = HashMap::new();
    for (node, section) in root.tables(what.table()) {
        let word = section.text(what.secret());
        if word.is_none() && section.has(what.secret()) {
            let place = section.place(what.secret()).unwrap_or(node.place);
            let message = format!("`{}` is a string", what.secret());
            report.push(Diagnostic::at(Id::BadCallers, place, message));
        }
        let secret = word.and_then(|word| secret(word, what, report));
        let (Some(name), Some(secret)) = (section.text("name"), secret) else { continue };
        let unique = match what {
            Callers::Keys => secret.clone(),
            Callers::Users => name.text.as_bytes().to_vec(),
        };
        if seen.insert(unique, node.place).is_some() {
            let message = match what {
                Callers::Keys => "this key stands in the file already",
                Callers::Users => "this user stands in the file already",
            };
            report.push(Diagnostic::at(Id::BadCallers, name.place, message));
        }
        let expires = section.node("expires").and_then(datetime);
        let expires = expires.and_then(|text| value::moment(text).ok());
        let expires = expires
            .map(|moment| u64::try_from(moment.timestamp().as_millisecond()).unwrap_or_default());
        entries.push(Entry {
            name: name.text.to_owned(),
            secret: Hidden(secret),
            scopes: section.texts("scopes").iter().map(|word| word.text.to_owned()).collect(),
            expires,
        });
    }
    entries
}

fn datetime(node: &Node) -> Option<&str> {
    let Value::Datetime(text) = &node.value else { return None };
    Some(text)
}

fn secret(word: Word<'_>, what: Callers, report: &mut Report) -> Option<Vec<u8>> {
    let read = match what {
        Callers::Keys => digest(word.text).ok_or("64 hexadecimal digits are expected here"),
        Callers::Users => password(word.text).map(|()| word.text.as_bytes().to_vec()),
    };
    read.map_err(|why| report.push(Diagnostic::at(Id::BadCallers, word.place, why))).ok()
}

fn digest(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|it| u8::try_from(it).ok())).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// A PHC string of argon2id whose price a gateway can pay.
fn password(text: &str) -> Result<(), &'static str> {
    const FORM: &str = "a PHC string is expected here: $argon2id$v=19$m=…,t=…,p=…$SALT$HASH";
    let parts: Vec<&str> = text.split('$').collect();
    let ["", "argon2id", "v=19", costs, salt, hash] = parts.as_slice() else { return Err(FORM) };
    let cost = |name: &str| {
        let found = costs.split(',').find_map(|cost| cost.strip_prefix(name)?.strip_prefix('='));
        found.and_then(|number| number.parse::<u32>().ok())
    };
    let (Some(memory), Some(time), Some(lanes)) = (cost("m"), cost("t"), cost("p")) else {
        return Err(FORM);
    };
    if STANDARD_NO_PAD.decode(salt).is_err() || STANDARD_NO_PAD.decode(hash).is_err() {
        return Err(FORM);
    }
    if memory > MOST_MEMORY || time > MOST_PASSES || !(1..=16).contains(&lanes) {
        return Err("a password may cost at most m=262144 (256 MiB), t=16 and p=16");
    }
    Ok(())
}

/// Sentences about one file.
const MOST_TOLD: usize = 10;
/// KiB.
const MOST_MEMORY: u32 = 256 << 10;
const MOST_PASSES: u32 = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    const HASH: &str =
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$dGhpcyBpcyBhIGhhc2ggb2YgMzIgYnl0ZXMu";

    fn keys(text: &str) -> Result<Vec<Entry>, String> {
        callers("keys.toml", text.as_bytes(), Callers::Keys).map_err(|bad| bad.to_string())
    }

    #[test]
    fn keys_have_names_scopes_and_an_end() {
        let text = format!(
            "[[key]]\nname = \"acme\"\nsha256 = \"{DIGEST}\"\nscopes = [\"a:b\"]\n\
             expires = 2027-01-01T00:00:00Z\n[[key]]\nname = \"acme\"\nsha256 = \"{}\"\n",
            "0".repeat(64)
        );
        let found = keys(&text).unwrap();
        assert_eq!((found.len(), found[0].secret.0[0], found[0].scopes.len()), (2, 0x9f, 1));
        assert_eq!(found[0].expires, Some(1_798_761_600_000));
        assert!(!format!("{found:?}").contains("9f"));
    }

    #[test]
    fn every_mistake_has_its_place_and_no_secret_is_shown() {
        let text = format!(
            "[[key]]\nname = \"a b\"\nsha256 = \"gk_hunter2\"\n[[key]]\nnam = \"x\"\n\
             sha256 = 7\n[[key]]\nname = \"y\"\nsha256 = \"{DIGEST}\"\n[[key]]\nname = \"z\"\n\
             sha256 = \"{DIGEST}\"\n"
        );
        let said = keys(&text).unwrap_err();
        for part in [
            "keys.toml:2:8: ",
            "keys.toml:3:10: 64 hex",
            "keys.toml:5:1: unknown key `nam`",
            "keys.toml:11:8: this key stands",
        ] {
            assert!(said.contains(part), "{part}\n{said}");
        }
        assert!(!said.contains("hunter2") && !said.contains(DIGEST), "{said}");
        assert!(keys("").unwrap_err().contains("there is no [[key]]"));
        assert!(keys("[[key]\nsha256 = \"hunter2").is_err_and(|said| !said.contains("hunter2")));
    }

    #[test]
    fn passwords_are_argon2id_at_a_price_that_can_be_paid() {
        let user = |hash: &str| {
            let text = format!("[[user]]\nname = \"ann\"\npassword = \"{hash}\"\n");
            callers("users.toml", text.as_bytes(), Callers::Users)
        };
        assert!(user(HASH).is_ok(), "{:?}", user(HASH));
        for wrong in [
            "hunter2",
            "$2y$10$abcdefghijklmnopqrstuv",
            &HASH.replace("argon2id", "argon2i"),
            &HASH.replace("m=8", "m=999999999"),
            &HASH.replace("c29tZXNhbHQ", "!"),
        ] {
            let said = user(wrong).unwrap_err().to_string();
            assert!(said.starts_with("users.toml:3:12: ") && !said.contains("hunter2"), "{said}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = callers("k", &bytes, Callers::Keys);
        }

        #[test]
        fn no_value_is_ever_shown(secret in "[a-z]{24}", key in "(sha256|name|scopes|expires|x)") {
            let text = format!("[[key]]\n{key} = \"{secret}{secret} \\\" \"\n");
            let said = keys(&text).unwrap_err();
            prop_assert!(!said.contains(&secret), "{}", said);
        }
    }
}
