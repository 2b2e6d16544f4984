use std::fmt::Write as _;

use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::config::model::Config;
use crate::config::{Colour, load_text};
use crate::problem::Cause;
use crate::route::Lookup;

fn config(lines: &str) -> Config {
    let text = format!(
        "version = 1\n[listen.a]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"\n[[route]]\n\
         match = \"/t/{{id}}/{{*rest}}\"\nrespond = {{ text = \"ok\" }}\n{lines}"
    );
    match load_text("t.toml", &text, &|_| None) {
        Ok(loaded) => loaded.config,
        Err(refused) => panic!("{}", refused.human(Colour::Never)),
    }
}

/// What is wrong, as `name reason` in order, or the query's defaults.
fn judged(config: &Config, path: &str, query: &str, fields: &[(&'static str, &str)]) -> String {
    let Lookup::Found(found) = config.table.lookup("h", path, &http::Method::GET) else {
        panic!("{path}")
    };
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let params = config.routes[0].params.as_ref().unwrap();
    match parameters(params, &found.captures, path, Some(query), &headers) {
        Ok(absent) => {
            absent.and_then(|absent| absent.query().map(str::to_owned)).unwrap_or_default()
        }
        Err(problem) => {
            let mut said = Vec::new();
            for violation in problem.violations() {
                said.push(format!("{} {}", violation.name, violation.reason.as_str()));
            }
            said.join(", ")
        }
    }
}

const MANY: &str = "[route.params]\nid = { type = \"integer\", min = 0 }\n\
    rest = { type = \"string\", max_length = 4 }\nsince = { in = \"query\", type = \"date\" }\n\
    page = { in = \"query\", type = \"integer\", min = 0, default = 0 }\n\
    tag = { in = \"query\", repeated = true, optional = true, one_of = [\"a\", \"b c\"] }\n\
    x-tenant = { in = \"header\", pattern = \"^[a-z]+$\" }\n\
    theme = { in = \"cookie\", one_of = [\"dark\", \"light\"] }";

const FINE: &[(&str, &str)] = &[("x-tenant", "ada"), ("cookie", "a=1; theme=dark")];

#[test]
fn what_is_as_declared_passes_and_defaults_come_back() {
    let config = config(MANY);
    assert_eq!(judged(&config, "/t/0/x", "since=2026-01-31", FINE), "page=0");
    assert_eq!(judged(&config, "/t/0/x", "since=2026-01-31&page=7", FINE), "");
    assert_eq!(judged(&config, "/t/0/x", "&&s%69nce=2026-01-31&page=0&other=%", FINE), "");
    let tags = "since=2026-01-31&page=1&tag=a&tag=b+c&tag=b%20c";
    assert_eq!(judged(&config, "/t/0/%C3%A9", tags, FINE), "");
}

#[test]
fn everything_is_said_at_once_in_the_order_of_the_declaration() {
    let config = config(MANY);
    let all = judged(&config, "/t/-1/abcde", "tag=c&page=x&since", &[("cookie", "theme=blue")]);
    assert_eq!(
        all,
        "id invalid, rest invalid, since empty, page invalid, tag invalid, x-tenant missing, \
         theme invalid"
    );
}

#[test]
fn what_comes_twice_or_cannot_be_read_is_invalid() {
    let config = config(MANY);
    for query in [
        "since=2026-01-31&since=2026-01-31",
        "since=2026-01-31&%73ince=2026-01-31",
        "since=%",
        "since=%zz",
        "since=%ff",
        "since=2026-01-31T",
    ] {
        assert_eq!(judged(&config, "/t/0/x", query, FINE), "since invalid", "{query}");
    }
    assert_eq!(judged(&config, "/t/0/%FF", "since=2026-01-31", FINE), "rest invalid");
    assert_eq!(judged(&config, "/t/0/", "since=2026-01-31", FINE), "rest empty");
    let twice = [("x-tenant", "ada"), ("x-tenant", "ada"), ("cookie", "theme=dark; theme=dark")];
    let said = judged(&config, "/t/0/x", "since=2026-01-31", &twice);
    assert_eq!(said, "x-tenant invalid, theme invalid");
    let latin = [("x-tenant", "ada"), ("cookie", "theme=\"dark\"")];
    assert_eq!(judged(&config, "/t/0/x", "since=2026-01-31", &latin), "page=0");
}

#[test]
fn unknown_parameters_are_refused_only_where_that_was_asked_for() {
    let open = config("[route.params]\na = { in = \"query\", optional = true }");
    assert_eq!(judged(&open, "/t/0/x", "b=1", &[]), "");
    let strict = config("strict = true\n[route.params]\na = { in = \"query\" }");
    let said = judged(&strict, "/t/0/x", "b=1&b=2&%ff=3&a=&c", &[]);
    assert_eq!(said, "a empty, b unknown, %ff=3 unknown, c unknown");
    let none = config("strict = true");
    assert_eq!(judged(&none, "/t/0/x", "a", &[]), "a unknown");
    assert_eq!(judged(&none, "/t/0/x", "", &[]), "");
}

#[test]
fn no_more_than_fifty_are_told_and_long_names_are_cut() {
    let config = config("strict = true");
    let mut query = "é".repeat(300);
    for number in 0..200 {
        let _ = write!(query, "&p{number}=1");
    }
    let said = judged(&config, "/t/0/x", &query, &[]);
    assert_eq!(said.split(", ").count(), 50);
    assert!(said.starts_with(&format!("{} unknown, p0 unknown", "é".repeat(50))));
}

#[test]
fn the_cause_is_that_of_the_first() {
    let config = config("strict = true\n[route.params]\na = { in = \"query\" }");
    let params = config.routes[0].params.as_ref().unwrap();
    for (query, cause) in [
        ("", Cause::MissingParameter),
        ("a=&b", Cause::InvalidParameter),
        ("a=1&b", Cause::UnknownParameter),
    ] {
        let judged = parameters(params, &Captures::default(), "/", Some(query), &HeaderMap::new());
        assert_eq!(judged.unwrap_err().cause(), cause, "{query}");
    }
}

#[test]
fn lists_in_fields_are_taken_apart_only_where_several_may_come() {
    let config = config(
        "[route.params]\nx-ids = { in = \"header\", type = \"integer\", repeated = true }\n\
         x-name = { in = \"header\", optional = true }",
    );
    let several = [("x-ids", "1, 2,3"), ("x-ids", "4"), ("x-name", "Doe, John")];
    assert_eq!(judged(&config, "/t/0/x", "", &several), "");
    assert_eq!(judged(&config, "/t/0/x", "", &[("x-ids", "1,,2")]), "x-ids empty");
}

#[test]
fn defaults_are_added_to_what_is_there() {
    let config = config(
        "[route.params]\nx-a = { in = \"header\", default = \"1\" }\n\
         theme = { in = \"cookie\", default = \"dark\" }\nq = { in = \"query\", default = \"é b\" }",
    );
    let params = config.routes[0].params.as_ref().unwrap();
    let mut headers = HeaderMap::new();
    headers.append("cookie", HeaderValue::from_static("a=1"));
    headers.append("cookie", HeaderValue::from_static("b=2"));
    let absent = parameters(params, &Captures::default(), "/", None, &headers).unwrap().unwrap();
    absent.fill(&mut headers);
    assert_eq!(headers["x-a"], "1");
    assert_eq!(headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2; theme=dark"]);
    assert_eq!(absent.query(), Some("q=%C3%A9%20b"));
}

#[test]
fn a_thousand_parameters_are_found_by_their_names() {
    let mut lines = "strict = true\n[route.params]\n".to_owned();
    for number in 0..1000 {
        let _ = writeln!(
            lines,
            "p{number} = {{ in = \"query\", type = \"integer\", optional = true }}"
        );
    }
    let config = config(&lines);
    let query: Vec<String> = (0..1000).rev().map(|number| format!("p{number}={number}")).collect();
    assert_eq!(judged(&config, "/t/0/x", &query.join("&"), &[]), "");
    assert_eq!(judged(&config, "/t/0/x", "p999=x&p1000=1", &[]), "p999 invalid, p1000 unknown");
}

proptest! {
    #[test]
    fn any_request_is_judged(query in ".{0,60}", cookie in "[ -~]{0,60}", value in "[ -~é]{0,20}") {
        let config = config(MANY);
        let _ = judged(&config, "/t/1/%41", &query, &[("cookie", &cookie), ("x-tenant", &value)]);
    }
}
