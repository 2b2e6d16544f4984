//! `Accept` and `Accept-Language`: any text chooses one of the offers or none, and the choice obeys
//! the laws that hold however lists are read.

use guichet::base::prefer::{MAX_ELEMENTS, Quality, language, media_type, preferences};

use crate::corpus::Target;

#[test]
fn fuzz_accept() {
    const OFFERS: [&str; 4] =
        ["application/json", "application/problem+json", "text/html", "text/plain"];
    let target = Target {
        name: "accept",
        words: &[
            b"application/json",
            b"application/*",
            b"text/html",
            b"text/*",
            b"*/*",
            b"*",
            b",",
            b";",
            b";q=0",
            b";q=0.5",
            b";q=1",
            b"q=",
            b"\"",
            b"\\",
            b".",
            b" ",
            b"\t",
            b"=",
        ],
        longest: 400,
        inputs: 6_000,
    };
    target.run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return None };
        well_read(text);
        let chosen = media_type([text], &OFFERS);
        let alone = OFFERS.map(|offer| media_type([text], &[offer]).is_some());
        assert_eq!(chosen.is_some(), alone.contains(&true), "an offer does not hinder the others");
        if let Some(at) = chosen {
            assert!(alone[at], "what is chosen is acceptable by itself");
        }
        assert_eq!(media_type([text.to_ascii_uppercase().as_str()], &OFFERS), chosen, "case");
        assert_eq!(media_type([text, ""], &OFFERS), chosen, "an empty line adds nothing");
        Some((chosen, alone))
    });
}

#[test]
fn fuzz_language() {
    const OFFERS: [&str; 4] = ["fr", "en", "pt-BR", "de"];
    let target = Target {
        name: "language",
        words: &[
            b"fr", b"en", b"pt", b"pt-BR", b"fr-CA", b"de", b"-", b"-*", b"*", b",", b";q=0",
            b";q=0.3", b";q=1", b"q=", b"\"", b" ", b"\t",
        ],
        longest: 400,
        inputs: 6_000,
    };
    target.run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return None };
        well_read(text);
        let chosen = language(&[text], &OFFERS);
        let alone = OFFERS.map(|offer| language(&[text], &[offer]).is_some());
        assert_eq!(chosen.is_some(), alone.contains(&true), "an offer does not hinder the others");
        if let Some(at) = chosen {
            assert!(alone[at], "what is chosen is acceptable by itself");
        }
        assert_eq!(language(&[text.to_ascii_uppercase().as_str()], &OFFERS), chosen, "case");
        Some((chosen, alone))
    });
}

fn well_read(text: &str) {
    let mut count = 0;
    for preference in preferences([text]) {
        count += 1;
        assert!(preference.quality <= Quality::FULL);
        let bare = preference.value.trim_matches([' ', '\t']);
        assert!(!bare.is_empty() && bare == preference.value && text.contains(bare));
    }
    assert!(count <= MAX_ELEMENTS);
}
