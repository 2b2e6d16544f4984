use proptest::prelude::*;

use super::*;
use crate::route::segment::Around;

fn parsed(text: &str) -> (Vec<String>, String, Vec<String>) {
    let pattern = Pattern::parse(text).unwrap();
    let methods = pattern.methods.iter().map(ToString::to_string).collect();
    (methods, pattern.path, pattern.names)
}

#[test]
fn methods_come_before_the_path() {
    for (text, methods) in [
        ("/x", &[][..]),
        ("GET /x", &["GET"]),
        ("GET,POST /x", &["GET", "POST"]),
        ("GET|POST /x", &["GET", "POST"]),
        ("GET, POST /x", &["GET", "POST"]),
        ("GET | POST   /x ", &["GET", "POST"]),
        ("M-SEARCH /x", &["M-SEARCH"]),
        ("  /x", &[]),
    ] {
        let (found, path, names) = parsed(text);
        assert_eq!(found, methods, "{text}");
        assert_eq!((path.as_str(), names.len()), ("/x", 0), "{text}");
    }
}

#[test]
fn captures_have_names_in_their_order() {
    for (text, names) in [
        ("/", &[][..]),
        ("/v1/users/{id}", &["id"]),
        ("/{a}/{b_2}/", &["a", "b_2"]),
        ("/img/pic-{id}.png", &["id"]),
        ("/{*rest}", &["rest"]),
        ("/{_a}/x/{*rest}", &["_a", "rest"]),
        ("/v1/{id}:cancel", &["id"]),
        ("/{from}...{to}/x-{a}.{b}", &["from", "to", "a", "b"]),
    ] {
        let (_, path, found) = parsed(text);
        assert_eq!(path, text);
        assert_eq!(found, names, "{text}");
    }
}

#[test]
fn segments_are_read_back_from_the_path() {
    let text = |text: &str| Segment::Literal(text.into());
    let around = |prefix: &str, between: &[&str], suffix: &str| {
        let between = between.iter().map(|text| (*text).into()).collect();
        Segment::Capture(Around { prefix: prefix.into(), between, suffix: suffix.into() })
    };
    let pattern = Pattern::parse("/v1/{a}/p-{b}.png/{c}...{d}-{e}/{*f}").unwrap();
    let expected = [
        text("v1"),
        around("", &[], ""),
        around("p-", &[], ".png"),
        around("", &["...", "-"], ""),
        Segment::Rest,
    ];
    assert_eq!(pattern.segments(), expected);
    assert_eq!(Pattern::parse("/a/").unwrap().segments(), [text("a"), text("")]);
    assert_eq!(Pattern::parse("/").unwrap().segments(), [text("")]);
}

#[test]
fn mistakes_are_told_with_place_and_remedy() {
    for (text, under, hint) in [
        ("", "", "METHODS PATH"),
        ("   ", "   ", "METHODS PATH"),
        ("GET", "GET", "\"GET /\""),
        ("users/{id}", "users/{id}", "\"/users/{id}\""),
        ("GET users/{id}", "users/{id}", "\"/users/{id}\""),
        ("users", "users", "\"/users\""),
        ("GET https://api.fr/x", "https://api.fr/x", "`hosts`"),
        ("get /x", "get", "GET"),
        ("GET,post /x", "post", "POST"),
        ("GET POST /x", "GET POST", "\"GET,POST\""),
        ("GET,,POST /x", "", "missing"),
        ("GET, /x", "", "missing"),
        ("* /x", "*", "leave the methods out"),
        ("GET,GET /x", "GET", "twice"),
        ("G(T /x", "G(T", "not a method"),
        ("/{id", "{id", "%7B"),
        ("/id}", "}", "%7D"),
        ("/{}", "{}", "needs a name"),
        ("/{*}", "*}", "needs a name"),
        ("/{userId}", "userId", "{user_id}"),
        ("/{1st}", "1st", "{_1st}"),
        ("/{id:int}", "id:int", "[route.params]"),
        ("/x{a}{b}", "x{a}{b}", "text between them"),
        ("/{{a}}", "{{a}}", "braces within braces"),
        ("/{a}-{b", "{b", "%7B"),
        ("/{a}-{*b}", "{a}-{*b}", "no text"),
        ("/{a}/{a}", "{a}", "twice"),
        ("/{a}-{a}", "{a}-{a}", "twice"),
        ("/{*rest}/x", "{*rest}", "at the end"),
        ("/x{*rest}", "x{*rest}", "no text"),
        ("/{*rest}x", "{*rest}x", "no text"),
        ("/users/:id", ":id", "`{id}`"),
        ("/users/*", "*", "`{*name}`"),
        ("/users/**", "**", "`{*name}`"),
        ("/a?b=1", "?", "[route.params]"),
        ("/a#b", "#", "never sent"),
        ("/a b", " ", "%20"),
        ("/café/{id}", "é", "\"/caf%C3%A9/{id}\""),
        ("/caf%c3%a9", "/caf%c3%a9", "\"/caf%C3%A9\""),
        ("GET /a/../{id}", "/a/../{id}", "\"/{id}\""),
        ("/a//b", "/a//b", "\"/a/b\""),
        ("/%7Eme", "/%7Eme", "\"/~me\""),
        ("/%zz", "/%zz", "hexadecimal"),
        ("/a\\b", "/a\\b", "backslash"),
        ("/..;/x", "/..;/x", "hidden dot"),
    ] {
        let error = Pattern::parse(text).unwrap_err();
        assert!(error.message.contains(hint), "{text}: {}", error.message);
        assert_eq!(&text[error.at.clone()], under, "{text}: {}", error.message);
    }
}

#[test]
fn captures_are_counted() {
    let path = |count: usize| (0..count).map(|at| format!("/{{p{at}}}")).collect::<String>();
    assert!(Pattern::parse(&path(Captures::MAX)).is_ok());
    let error = Pattern::parse(&path(Captures::MAX + 1)).unwrap_err();
    assert!(error.message.contains("12"), "{}", error.message);
}

fn pieces() -> impl Strategy<Value = String> {
    let pieces = proptest::sample::select(vec![
        "GET", ",", "|", " ", "/", "/", "{", "}", "{a}", "-{c}", "{*b}", "*", ":", "a", "é", "%",
        "%41", "?", "#", "..", ";", "\\", "://",
    ]);
    proptest::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
}

fn holds_the_law(text: &str) {
    match Pattern::parse(text) {
        Ok(pattern) => {
            assert_eq!(canonical(&pattern.path).as_deref(), Ok(pattern.path.as_str()));
            let captures = |segment: &Segment| match segment {
                Segment::Literal(_) => 0,
                Segment::Capture(around) => 1 + around.between.len(),
                Segment::Rest => 1,
            };
            let segments = pattern.segments();
            assert_eq!(segments.iter().map(captures).sum::<usize>(), pattern.names.len());
            assert_eq!(Pattern::parse(&pattern.path).unwrap().names, pattern.names);
        }
        Err(error) => assert!(text.get(error.at).is_some()),
    }
}

proptest! {
    #[test]
    fn any_text_holds_the_law(text in ".*") {
        holds_the_law(&text);
    }

    #[test]
    fn pieces_hold_the_law(text in pieces()) {
        holds_the_law(&text);
    }
}
