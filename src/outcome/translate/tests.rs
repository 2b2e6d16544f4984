use std::io::Write;
use std::sync::LazyLock;
use std::time::Duration;

use http::HeaderValue;
use serde_json::json;

use super::*;
use crate::outcome::{StatusSet, Take, When};
use crate::problem::Override;

mod law;
mod shapes;

/// The catalogue of the specification, with one code of the operator.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let sold_out = Override {
        name: "OutOfStock".into(),
        status: Some(409),
        texts: vec![("fr".into(), "Plus disponible.".into()), ("en".into(), "Sold out.".into())],
    };
    let languages = ["fr".to_owned(), "en".to_owned()];
    Catalogue::new("fr.ammy", Some("https://api.example.fr/errors/"), &languages, &[sold_out])
        .unwrap()
});

/// A reply to translate.
#[derive(Default)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    rules: [Vec<Rule>; 2],
    identifier: Option<&'static str>,
    keep: Vec<HeaderName>,
}

impl Reply {
    fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, HeaderValue::from_str(value).unwrap());
        self
    }

    fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    fn identifier(mut self, name: &'static str) -> Self {
        self.identifier = Some(name);
        self
    }

    fn rule(mut self, rule: Rule) -> Self {
        self.rules[0].push(rule);
        self
    }

    fn translate(&self) -> Problem {
        let foreign = Foreign {
            status: self.status,
            headers: &self.headers,
            body: &self.body,
            inspect: 65_536,
            rules: [&self.rules[0], &self.rules[1]],
            identifier: self.identifier,
            keep: &self.keep,
        };
        translate(&foreign, &CATALOGUE)
    }
}

/// `409 OutOfStock client`: what most tests are about.
fn gist(problem: &Problem) -> String {
    assert_eq!(problem.cause(), Cause::UpstreamStatus);
    let name = CATALOGUE.name(problem.code());
    format!("{} {name} {}", CATALOGUE.status(problem), problem.source().as_str())
}

fn rule(status: u16, raise: &str) -> Rule {
    let status = Some(StatusSet { single: vec![status], classes: Vec::new() });
    Rule {
        when: When { status, json: Vec::new() },
        raise: CATALOGUE.code_by_name(raise).unwrap(),
        take: Take::default(),
    }
}

// Rule 3: by status.

#[test]
fn a_status_alone_gives_the_code_of_the_table() {
    for (status, expected) in [
        (400, "400 BadRequest client"),
        (401, "401 Unauthorized client"),
        (402, "402 BadRequest client"),
        (404, "404 InvalidResource client"),
        (418, "418 BadRequest client"),
        (422, "422 UnprocessableContent client"),
        (429, "429 TooManyRequests client"),
        (499, "400 BadRequest client"),
        (500, "500 ServerError upstream"),
        (502, "502 BadGateway upstream"),
        (503, "503 ServiceUnavailable upstream"),
        (504, "504 GatewayTimeout upstream"),
        (507, "507 ServerError upstream"),
        (599, "500 ServerError upstream"),
        (999, "500 ServerError upstream"),
        (200, "500 ServerError upstream"),
    ] {
        assert_eq!(gist(&Reply::new(status).translate()), expected, "{status}");
    }
}

#[test]
fn a_404_is_said_of_the_identifier_where_there_is_one() {
    let problem = Reply::new(404).identifier("id").translate();
    assert_eq!(gist(&problem), "404 InvalidIdentifier client");
    assert_eq!(problem.argument("parameter"), Some("id"));
    assert_eq!(gist(&Reply::new(410).identifier("id").translate()), "410 Gone client");
}

#[test]
fn html_text_and_unknown_json_are_for_the_log_alone() {
    for (content_type, body) in [
        ("text/html", "<html><h1>Not here</h1></html>"),
        ("text/plain", "Not here"),
        ("application/json", r#"{"error":"Not here"}"#),
        ("application/json", r#"{"message":"Not here"}"#),
        ("application/json", r#"{"code":"NOT_HERE","message":"Not here"}"#),
        ("application/json", r#"{"errors":[{"title":"Not here"}]}"#),
        ("application/json", r#"["Not here"]"#),
        ("application/json", r#"{"code":"fr.ammyGone","message":"Not here""#),
    ] {
        let problem = Reply::new(409).header("content-type", content_type).body(body).translate();
        assert_eq!(gist(&problem), "409 Conflict client", "{body}");
        assert_eq!(problem.message(), None, "{body}");
        assert_eq!(problem.detail().unwrap(), format!("upstream status 409: {body}"));
    }
    assert_eq!(Reply::new(409).translate().detail(), Some("upstream status 409"));
}

// Rule 1: what operators declare.

#[test]
fn the_first_rule_wins_the_routes_before_the_upstreams() {
    let mut reply = Reply::new(402).rule(rule(410, "Gone")).rule(rule(402, "OutOfStock"));
    reply.rules[1] = vec![rule(402, "Forbidden"), rule(404, "Forbidden")];
    assert_eq!(gist(&reply.translate()), "409 OutOfStock client");
    reply.status = 404;
    assert_eq!(gist(&reply.translate()), "403 Forbidden client");
    reply.status = 500;
    assert_eq!(gist(&reply.translate()), "500 ServerError upstream");
    // A rule goes before the shape that would be known, and may change the blame.
    let ours = json!({"code": "fr.ammyGone", "message": "Non."});
    let reply = Reply::new(402).rule(rule(402, "ServiceUnavailable")).json(&ours);
    assert_eq!(gist(&reply.translate()), "503 ServiceUnavailable upstream");
    assert_eq!(reply.translate().message(), None);
}

#[test]
fn rules_ask_and_take_by_pointer() {
    let take = Take {
        parameter: Some("/error/field".into()),
        message: Some("/error/text".into()),
        retry_after: Some("/error/wait".into()),
    };
    let json = vec![("/error/code".to_owned(), json!("SOLD_OUT"))];
    let rule = Rule { when: When { status: None, json }, take, ..rule(0, "OutOfStock") };
    let body = json!({"error": {"code": "SOLD_OUT", "field": "it\nem", "wait": "12",
                                "text": "Line 1\n\tat 10.0.0.1 <b>"}});
    let problem = Reply::new(500).rule(rule.clone()).json(&body).translate();
    assert_eq!(gist(&problem), "409 OutOfStock client");
    assert_eq!(problem.argument("parameter"), Some("it em"));
    // Declared fit for clients: only bounded and cleaned.
    assert_eq!(problem.message(), Some("Line 1 at 10.0.0.1 <b>"));
    assert_eq!(problem.retry_after(), Some(Duration::from_secs(12)));
    let [violation] = problem.violations() else { panic!("{:?}", problem.violations()) };
    assert_eq!((violation.name.as_str(), violation.place), ("it em", None));
    assert_eq!(violation.code, BuiltIn::InvalidParameter);

    let odd = json!({"error": {"code": "SOLD_OUT", "field": 7, "wait": "soon", "text": null}});
    let problem = Reply::new(400).rule(rule.clone()).json(&odd).translate();
    assert_eq!(gist(&problem), "409 OutOfStock client");
    assert_eq!((problem.argument("parameter"), problem.message()), (None, None));
    assert_eq!(problem.retry_after(), None);

    let other = json!({"error": {"code": "OTHER"}});
    assert_eq!(gist(&Reply::new(400).rule(rule).json(&other).translate()), "400 BadRequest client");
}

#[test]
fn a_rule_that_raises_invalid_identifier_names_it() {
    let reply = Reply::new(400).rule(rule(400, "InvalidIdentifier")).identifier("id");
    assert_eq!(reply.translate().argument("parameter"), Some("id"));
}

// The head, and the coding of the body.

#[test]
fn retry_after_is_a_number_and_other_headers_are_kept() {
    let mut reply = Reply::new(503)
        .header("retry-after", "120")
        .header("set-cookie", "a=1")
        .header("set-cookie", "b=2")
        .header("www-authenticate", "Basic")
        .header("access-control-allow-origin", "*")
        .header("server", "Apache")
        .header("x-kept", "yes");
    reply.keep.push(HeaderName::from_static("x-kept"));
    let problem = reply.translate();
    assert_eq!(problem.retry_after(), Some(Duration::from_secs(120)));
    let mut names: Vec<_> = problem.headers().iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let expected =
        ["access-control-allow-origin", "set-cookie", "set-cookie", "www-authenticate", "x-kept"];
    assert_eq!(names, expected);
}

#[test]
fn what_a_405_allows_is_named() {
    let problem = Reply::new(405).header("allow", "GET, HEAD").translate();
    assert_eq!(problem.argument("allow"), Some("GET, HEAD"));
    assert_eq!(problem.headers().len(), 1);
}

#[test]
fn encoded_bodies_are_read() {
    let body = json!({"code": "fr.ammyOutOfStock", "message": "Non."}).to_string();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body.as_bytes()).unwrap();
    let gzip = encoder.finish().unwrap();
    let reply = Reply::new(409).header("content-encoding", "gzip").body(gzip.clone());
    assert_eq!(gist(&reply.translate()), "409 OutOfStock client");
    assert_eq!(reply.translate().message(), Some("Non."));
    for encodings in [&["compress"][..], &["gzip", "gzip"], &["br"]] {
        let reply = Reply::new(409).body(gzip.clone());
        let reply =
            encodings.iter().fold(reply, |reply, one| reply.header("content-encoding", one));
        let problem = reply.translate();
        assert_eq!(gist(&problem), "409 Conflict client", "{encodings:?}");
        assert_eq!(problem.detail(), Some("upstream status 409"), "{encodings:?}");
    }
}

#[test]
fn json_is_known_by_its_first_character() {
    let body = json!({"code": "fr.ammyOutOfStock"}).to_string();
    for body in [format!("\u{feff}{body}"), format!("\r\n {body}\n")] {
        let reply = Reply::new(409).header("content-type", "text/html").body(body);
        assert_eq!(gist(&reply.translate()), "409 OutOfStock client");
    }
    let deep = "[".repeat(60_000);
    assert_eq!(gist(&Reply::new(409).body(deep).translate()), "409 Conflict client");
}
