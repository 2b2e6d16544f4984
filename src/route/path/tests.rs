use super::*;
use proptest::prelude::*;

#[test]
fn ordinary_paths_are_lent_back() {
    for path in [
        "/",
        "/a",
        "/a/",
        "/v1/users/42",
        "/a.b",
        "/.a",
        "/..a",
        "/...",
        "/a./b..",
        "/a;v=1/b",
        "/x:cancel",
        "/~me/(1)/*",
        "/a%20b",
        "/caf%C3%A9",
        "/g%2Fp",
        "/a%0D%0AX-Inj:%201",
        "/%C0%AE%C0%AE/",
        "/%252e%252e/",
        "/{id}|^\"<>`",
        "/a;..",
        "/;",
        "/...;x",
        "/a..;x",
        "/a%2Fb%2F",
        "/..a%2F",
        "/%2F",
        "/%2F...",
    ] {
        assert!(matches!(canonical(path), Ok(Cow::Borrowed(same)) if same == path), "{path}");
    }
}

#[test]
fn encodings_of_the_same_character_become_one() {
    for (path, form) in [
        ("/%41%7a%2D%5f%7E%2e%39", "/Az-_~.9"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/g%2fp", "/g%2Fp"),
        ("/a%0d%0aX-Inj:%201", "/a%0D%0AX-Inj:%201"),
        ("/%c0%ae%c0%ae/", "/%C0%AE%C0%AE/"),
        ("/a%3b%3B", "/a%3B%3B"),
        ("/%25%34%31", "/%2541"),
    ] {
        assert_eq!(canonical(path).as_deref(), Ok(form), "{path}");
    }
}

#[test]
fn dots_are_resolved_but_never_above_the_root() {
    for (path, form) in [
        ("/.", "/"),
        ("/..", "/"),
        ("/a/.", "/a/"),
        ("/a/..", "/"),
        ("/a/b/..", "/a/"),
        ("/a/./b", "/a/b"),
        ("/a/b/c/./../../g", "/a/g"),
        ("/../../etc/passwd", "/etc/passwd"),
        ("/pub/%2e%2e/admin", "/admin"),
        ("/pub/.%2E/admin", "/admin"),
        ("/pub/%2e/admin", "/pub/admin"),
        ("/a/%2e%2E", "/"),
        ("/a/../%41", "/A"),
    ] {
        assert_eq!(canonical(path).as_deref(), Ok(form), "{path}");
    }
}

#[test]
fn slashes_are_merged_before_dots_look_for_a_parent() {
    for (path, form) in [
        ("//", "/"),
        ("//a", "/a"),
        ("/a//b///c", "/a/b/c"),
        ("/a//", "/a/"),
        ("/a//../b", "/b"),
        ("/a/..//", "/"),
    ] {
        assert_eq!(canonical(path).as_deref(), Ok(form), "{path}");
    }
}

#[test]
fn what_hides_something_is_refused() {
    use PathFault as F;
    for (path, fault) in [
        ("", F::NotAbsolute),
        ("a", F::NotAbsolute),
        ("*", F::NotAbsolute),
        ("http://a/", F::NotAbsolute),
        ("/%", F::BadPercent),
        ("/%4", F::BadPercent),
        ("/%zz", F::BadPercent),
        ("/%4g/", F::BadPercent),
        ("/%%41", F::BadPercent),
        ("/a\0b", F::Nul),
        ("/a%00.png", F::Nul),
        ("/a\tb", F::Control),
        ("/a\x7f", F::Control),
        ("/a\r\nb", F::Control),
        ("/a b", F::Space),
        ("/café", F::NonAscii),
        ("/a\\b", F::Backslash),
        ("/a%5cb", F::Backslash),
        ("/a%5Cb", F::Backslash),
        ("/a#b", F::Fragment),
        ("/a?b", F::Query),
        ("/pub/..;/admin", F::HiddenDots),
        ("/pub/..;x=1/admin", F::HiddenDots),
        ("/pub/.;/admin", F::HiddenDots),
        ("/pub/%2e%2e;/admin", F::HiddenDots),
        ("/pub/.%2e%3b/admin", F::HiddenDots),
        ("/pub/..%2fadmin", F::HiddenDots),
        ("/pub/.%2Fadmin", F::HiddenDots),
        ("/pub%2F..%2Fadmin", F::HiddenDots),
        ("/pub%2f..", F::HiddenDots),
        ("/pub%2f%2e/x", F::HiddenDots),
        ("/pub%2f..;x", F::HiddenDots),
    ] {
        assert_eq!(canonical(path), Err(fault), "{path:?}");
    }
}

#[test]
fn a_fault_behind_a_loose_part_is_still_found() {
    assert_eq!(canonical("/a/../%zz"), Err(PathFault::BadPercent));
    assert_eq!(canonical("//a/%00"), Err(PathFault::Nul));
}

#[test]
fn queries_pass_unless_they_break_the_line() {
    for query in ["", "a=1&b=%zz", "a=%00", "q=../..//", "a?b", "x=\\"] {
        assert_eq!(check_query(query), Ok(()), "{query}");
    }
    assert_eq!(check_query("a b"), Err(PathFault::Space));
    assert_eq!(check_query("a\nb"), Err(PathFault::Control));
    assert_eq!(check_query("a\0"), Err(PathFault::Nul));
    assert_eq!(check_query("é"), Err(PathFault::NonAscii));
    assert_eq!(check_query("a#b"), Err(PathFault::Fragment));
}

/// Paths made of the pieces that the rule is about.
fn nasty() -> impl Strategy<Value = String> {
    let pieces = proptest::sample::select(vec![
        "/", "/", "//", ".", "..", "%2e", "%2E", "%2f", "%2F", ";", "%3b", "%41", "%c3", "%25",
        "2e", "a", "%0d%0a", "B", "~",
    ]);
    proptest::collection::vec(pieces, 0..16).prop_map(|pieces| format!("/{}", pieces.concat()))
}

fn holds_the_law(path: &str) {
    let Ok(form) = canonical(path) else { return };
    assert!(form.starts_with('/'));
    assert!(!form.contains("//"), "{form}");
    assert!(form.split('/').all(|segment| !matches!(segment, "." | "..")), "{form}");
    assert!(!form.to_ascii_lowercase().contains("%2e"), "{form}");
    assert!(matches!(canonical(&form), Ok(Cow::Borrowed(same)) if same == form), "{form}");
    if let Cow::Borrowed(same) = form {
        assert_eq!(same, path);
    }
}

proptest! {
    #[test]
    fn any_text_holds_the_law(path in "/?.*") {
        holds_the_law(&path);
        let _ = check_query(&path);
    }

    #[test]
    fn nasty_paths_hold_the_law(path in nasty()) {
        holds_the_law(&path);
    }
}
