//! Which words of an upstream may reach a client, and in what state.
//!
//! A message of an upstream is shown only where it was written for clients (a 4xx of a known
//! shape), and even then not when it looks as if internals had slipped into it. The check is
//! conservative: a message that is refused for nothing is replaced by the catalogue's, which is
//! always right if less precise; a leak cannot be called back. Refused is what holds
//!
//! - **markup**: `<` before a letter, `/`, `!` or `?`;
//! - **a trace**: later lines that begin with `at `, `Traceback (`, ` at line `, `Exception`,
//!   `Caused by:`, `panicked at`, `goroutine `, `stack trace`, names of source files;
//! - **SQL**: its keywords in capitals beside a quote, the names of databases, `violates` and
//!   `constraint` together, `ORA-`;
//! - **a file path**: `/usr/`, `/var/`, `/home/` and the like, `C:\`, `\\host`;
//! - **an inner address**: private, loopback and link-local addresses, `localhost`, names under
//!   `.internal`, `.local`, `.lan` and `.svc`, credentials in a URL, errors of sockets.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A message as a client may read it: at most 1 KiB, free of control characters and of leaks.
pub fn presentable(text: &str) -> Option<String> {
    if leaks(text) { None } else { message(text) }
}

/// A message that an operator's rule declares fit for clients: only bounded and cleaned.
pub(super) fn message(text: &str) -> Option<String> {
    clean(text, MESSAGE)
}

/// The name of a parameter: bounded and cleaned.
pub(super) fn name(text: &str) -> Option<String> {
    clean(text, NAME)
}

/// The beginning of a body for the log.
pub(super) fn excerpt(body: &[u8]) -> Option<String> {
    let start = body.get(..EXCERPT * 4).unwrap_or(body);
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // A character that is cut at the end is no sign of a binary body.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(start.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    clean(text, EXCERPT)
}

/// Turns control characters and runs of blanks into one space, drops what cannot be seen, and cuts
/// at `limit` bytes. None if nothing is left.
fn clean(text: &str, limit: usize) -> Option<String> {
    let mut out = String::with_capacity(text.len().min(limit));
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let seen = rest.bytes().take(limit).take_while(u8::is_ascii_graphic).count();
        let (piece, later) = rest.split_at(seen.max(first.len_utf8()));
        rest = later;
        let blank = first.is_control() || first.is_whitespace();
        if is_invisible(first) || blank && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        out.push_str(if blank { " " } else { piece });
        if out.len() > limit {
            cut(&mut out, limit);
            break;
        }
    }
    let end = out.trim_end().len();
    out.truncate(end);
    (!out.is_empty()).then_some(out)
}

/// Makes room for an ellipsis within `limit`.
fn cut(out: &mut String, limit: usize) {
    let end = out.floor_char_boundary(limit.saturating_sub('…'.len_utf8()));
    out.truncate(end);
    out.push('…');
}

/// Marks of direction and width that could make a text look like another (Unicode TR 36).
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a text looks as if internals had slipped into it; see the head of this file.
pub(super) fn leaks(text: &str) -> bool {
    let lower = text.to_lowercase();
    has_markup(text)
        || has_trace(text, &lower)
        || has_sql(text, &lower)
        || has_file_path(text)
        || has_inner_address(&lower)
}

fn has_markup(text: &str) -> bool {
    text.split('<').skip(1).any(|tag| {
        tag.starts_with(|first: char| first.is_alphabetic() || matches!(first, '/' | '!' | '?'))
    })
}

fn has_trace(text: &str, lower: &str) -> bool {
    text.lines().skip(1).any(|line| line.trim_start().starts_with("at "))
        || TRACES.iter().any(|trace| text.contains(trace))
        || LOWER_TRACES.iter().any(|trace| lower.contains(trace))
}

fn has_sql(text: &str, lower: &str) -> bool {
    let words = || text.split(|character: char| !character.is_alphanumeric());
    let keywords = || words().any(|word| SQL.contains(&word));
    (text.contains(['\'', '"', '`']) && keywords())
        || DATABASES.iter().any(|name| lower.contains(name))
        || (lower.contains("violates") && lower.contains("constraint"))
        || words().any(|word| word == "ORA") && text.contains("ORA-")
}

fn has_file_path(text: &str) -> bool {
    let unix = ROOTS.iter().any(|root| {
        text.match_indices(root).any(|(at, _)| {
            // Within a longer path or URL it is not the root of a file system.
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            before.is_none_or(|before| !before.is_alphanumeric() && !matches!(before, '-' | '_'))
        })
    });
    let drive =
        |window: &[u8]| matches!(window, [letter, b':', b'\\'] if letter.is_ascii_alphabetic());
    unix || text.contains("\\\\") || text.as_bytes().windows(3).any(drive)
}

fn has_inner_address(lower: &str) -> bool {
    INNER.iter().any(|name| lower.contains(name))
        || lower.split(|c: char| !(c.is_ascii_digit() || c == '.')).any(is_inner_v4)
        || lower.split(|c: char| !(c.is_ascii_hexdigit() || c == ':')).any(is_inner_v6)
        || lower.split("://").skip(1).any(|rest| {
            rest.split(|c: char| c == '/' || c.is_whitespace())
                .next()
                .is_some_and(|authority| authority.contains('@'))
        })
        || lower.split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-')).any(|host| {
            INNER_ZONES.iter().any(|zone| {
                host.trim_end_matches('.').strip_suffix(zone).is_some_and(|name| !name.is_empty())
            })
        })
}

fn is_inner_v4(word: &str) -> bool {
    word.trim_matches('.').parse::<Ipv4Addr>().is_ok_and(|ip| {
        ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified()
    })
}

fn is_inner_v6(word: &str) -> bool {
    word.parse::<Ipv6Addr>()
        .is_ok_and(|ip| ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local())
}

/// Bytes of a message.
const MESSAGE: usize = 1024;
/// Bytes of a parameter's name.
const NAME: usize = 128;
/// Bytes of a body's beginning in the log.
const EXCERPT: usize = 256;

const TRACES: &[&str] = &[
    "\tat ",
    "Traceback (",
    " at line ",
    "Exception",
    "Caused by:",
    "panicked at",
    "goroutine ",
    "node_modules",
    "java.lang",
    ".java:",
    ".js:",
    ".ts:",
    ".py:",
    ".rb:",
    ".rs:",
    ".go:",
    ".cs:",
    ".php",
    ".cpp:",
    "File \"",
];

const LOWER_TRACES: &[&str] = &[
    "stack trace",
    "stacktrace",
    "backtrace",
    "segmentation fault",
    "null pointer",
    "nullpointer",
];

const SQL: &[&str] =
    &["SELECT", "INSERT", "UPDATE", "DELETE", "FROM", "WHERE", "JOIN", "VALUES", "SQL"];

const DATABASES: &[&str] = &[
    "sqlstate",
    "sql syntax",
    "sqlite",
    "mysql",
    "mariadb",
    "postgres",
    "psql",
    "mongodb",
    "duplicate entry",
];

const ROOTS: &[&str] = &[
    "/app/",
    "/bin/",
    "/data/",
    "/etc/",
    "/home/",
    "/lib/",
    "/mnt/",
    "/nix/",
    "/opt/",
    "/proc/",
    "/root/",
    "/run/",
    "/sbin/",
    "/srv/",
    "/sys/",
    "/tmp/",
    "/usr/",
    "/var/",
    "/Users/",
    "/workspace/",
    "file:/",
];

const INNER: &[&str] =
    &["localhost", "econnrefused", "econnreset", "etimedout", "enotfound", "connection refused"];

const INNER_ZONES: &[&str] = &[".internal", ".local", ".lan", ".svc", ".localdomain", ".intranet"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_for_people_pass() {
        for text in [
            "The date must be in the future.",
            "Le paramètre « date » est obligatoire.",
            "Unknown member /items/0/price: expected a number > 0 and < 100",
            "See https://docs.example.fr/errors#limits for help",
            "Please select a date from the list",
            "It's not allowed to update this item",
            "Version 1.2.3 is required; 8.8.8.8 is not reachable",
            "The time is 10:30:00, the ratio 1::2",
            "Locale: fr",
            "email must look like me@example.fr",
        ] {
            assert_eq!(presentable(text).as_deref(), Some(text), "{text}");
        }
    }

    #[test]
    fn what_looks_like_internals_is_refused() {
        for text in [
            "<html><body>502",
            "failed </p>",
            "<!DOCTYPE html>",
            "boom\n\tat com.acme.Users.load(Users.java:42)",
            "boom\n    at Object.<anonymous>",
            "Traceback (most recent call last):",
            "expected value at line 1 column 5",
            "java.lang.NullPointerException",
            "IllegalStateException: oops",
            "thread 'main' panicked at src/main",
            "goroutine 1 [running]:",
            "Here is the Stack Trace",
            "error in handler.js:10",
            "near \"SELECT * FROM users\"",
            "You have an error in your SQL syntax",
            "SQLSTATE[23000]",
            "Duplicate entry 'bob' for key 'email'",
            "duplicate key value violates unique constraint \"users_email_key\"",
            "ORA-00942: table or view does not exist",
            "cannot open /usr/share/app/config.yml",
            "cannot open '/var/lib/x'",
            "cannot open C:\\inetpub\\wwwroot",
            "cannot open \\\\nas\\share",
            "dial tcp 10.2.3.4:5432",
            "upstream http://192.168.1.7/x failed",
            "http://127.0.0.1.",
            "connect to [::1]:80",
            "connect to fd00::1",
            "connect ECONNREFUSED",
            "http://localhost:9000 is down",
            "lookup users.prod.svc.cluster.local",
            "lookup db.internal.",
            "https://bob:secret@example.fr/",
        ] {
            assert_eq!(presentable(text), None, "{text}");
        }
    }

    #[test]
    fn texts_are_cleaned_and_bounded() {
        assert_eq!(message(" a\r\n\t b\u{7}c\u{202e}d\u{200b} ").as_deref(), Some("a b cd"));
        assert_eq!(message("\0\n "), None);
        assert_eq!(message(""), None);
        let long = message(&"é".repeat(1000)).unwrap();
        assert!(long.len() <= MESSAGE && long.ends_with("é…"), "{}", long.len());
        assert_eq!(message(&"a".repeat(MESSAGE)).unwrap().len(), MESSAGE);
        assert!(name(&"a".repeat(200)).unwrap().len() <= NAME);
    }

    #[test]
    fn bodies_have_an_excerpt_unless_they_are_binary() {
        assert_eq!(excerpt(b"<h1>\n Bad\n</h1>").as_deref(), Some("<h1> Bad </h1>"));
        assert_eq!(excerpt(b""), None);
        assert_eq!(excerpt(b"\x1f\x8b\x08\xff"), None);
        let cut = "é".repeat(3 * EXCERPT);
        assert!(excerpt(&cut.as_bytes()[..EXCERPT * 2 + 1]).is_some());
    }

    /// `clean` as its comment tells it, a character at a time.
    fn told(text: &str, limit: usize) -> Option<String> {
        let mut out = String::new();
        for character in text.chars().filter(|character| !is_invisible(*character)) {
            let blank = character.is_control() || character.is_whitespace();
            if blank && (out.is_empty() || out.ends_with(' ')) {
                continue;
            }
            out.push(if blank { ' ' } else { character });
            if out.len() > limit {
                cut(&mut out, limit);
                break;
            }
        }
        Some(out.trim_end().to_owned()).filter(|out| !out.is_empty())
    }

    proptest! {
        #[test]
        fn runs_come_out_as_characters_do(text in "[a-d \n\u{7}\u{202e}\u{a0}é]{0,30}", limit in 3usize..24) {
            prop_assert_eq!(clean(&text, limit), told(&text, limit));
        }

        #[test]
        fn any_text_comes_out_fit(text in "(?s).{0,80}", times in 1usize..40) {
            let text = text.repeat(times);
            let _ = presentable(&text);
            if let Some(shown) = message(&text) {
                prop_assert!(shown.len() <= MESSAGE && !shown.is_empty());
                prop_assert!(!shown.chars().any(char::is_control));
            }
            let _ = excerpt(text.as_bytes());
        }
    }
}
