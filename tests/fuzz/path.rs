//! The rule for paths: idempotent, and what is left holds no dot segment for any origin, not even
//! for one that decodes first, takes `\` for a separator or cuts parameters off.

use std::borrow::Cow;

use guichet::route::{canonical, check_query};

use crate::corpus::Target;

#[test]
fn fuzz_path() {
    let target = Target {
        name: "path",
        words: &[
            b"/", b"//", b"/../", b"/./", b"..", b"%2e", b"%2E", b"%2f", b"%5c", b"%00", b";",
            b"%3b", b"%25", b"%c3%a9", b"%41", b"\\", b"?", b"#",
        ],
        longest: 200,
        inputs: 20_000,
    };
    target.run(|input| {
        let Ok(path) = std::str::from_utf8(input) else { return "no text" };
        if check_query(path).is_ok() {
            assert!(input.iter().all(|byte| (0x21..0x7f).contains(byte)));
        }
        match canonical(path) {
            Ok(form) => {
                holds(path, &form);
                if matches!(form, Cow::Borrowed(_)) { "canonical" } else { "loose" }
            }
            Err(fault) => fault.as_str(),
        }
    });
}

fn holds(path: &str, form: &str) {
    assert!(form.starts_with('/') && !form.contains("//"), "{form}");
    assert!(form.len() <= path.len(), "the form is never longer: {form}");
    assert_eq!(canonical(form), Ok(Cow::Borrowed(form)), "applying the rule twice");
    let once = decoded(form.as_bytes());
    for text in [form.as_bytes(), &once] {
        for segment in text.split(|byte| matches!(byte, b'/' | b'\\')) {
            let bare = segment.split(|byte| *byte == b';').next().unwrap_or_default();
            assert!(!matches!(bare, b"." | b".."), "a dot segment in {form}");
        }
    }
    assert!(!once.contains(&0));
    // Nothing but dots and slashes goes, nothing comes: the letters of the form stand in the path.
    let letters = |text: &[u8]| {
        let mut letters: Vec<u8> = text.iter().copied().filter(u8::is_ascii_alphabetic).collect();
        letters.sort_unstable();
        letters
    };
    if !path.contains('.') && !path.to_ascii_lowercase().contains("%2e") {
        assert_eq!(letters(&once), letters(&decoded(path.as_bytes())), "{form}");
    }
}

/// What an origin makes of it that decodes everything.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        let pair = after.first_chunk::<2>().and_then(|pair| std::str::from_utf8(pair).ok());
        let value =
            pair.filter(|_| *byte == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(value.unwrap_or(*byte));
        rest = if value.is_some() { &after[2..] } else { after };
    }
    out
}
