//! Every built-in code in every language and every shape, as files that a person can read:
//! `tests/golden/problem/<Code>.<language>.txt`. The table of codes stands in
//! `tests/golden/codes.tsv`, the page for client developers in `docs/codes.md`.
//!
//! The vocabulary is public: a line that changes in these files needs a line in CHANGELOG.md.
//! `BLESS=1` rewrites them.

#![allow(
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, and only some codes need facts of their own"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use guichet::base::RequestId;
use guichet::cli::errors::{self, ErrorsFormat};
use guichet::problem::{
    BuiltIn, Catalogue, Cause, Format, Language, Place, Problem, Reason, Rendered, Reply,
    Violation, render,
};
use http::header::{ALLOW, WWW_AUTHENTICATE};
use http::{HeaderValue, Method};

#[test]
fn every_code_in_every_shape_and_language() {
    let catalogue = catalogue(&["fr", "en"], Some("https://api.example.fr/errors/"));
    let mut expected = BTreeSet::new();
    for code in BuiltIn::ALL {
        for (tag, language) in [("fr", Language(0)), ("en", Language(1))] {
            let name = format!("{}.{tag}.txt", code.row().name);
            assert_golden(
                &format!("tests/golden/problem/{name}"),
                &page(*code, language, &catalogue),
            );
            expected.insert(name);
        }
    }
    let found = fs::read_dir(root().join("tests/golden/problem")).expect("the folder exists");
    let found: BTreeSet<_> = found
        .map(|file| file.expect("a file").file_name().into_string().expect("a plain name"))
        .collect();
    assert_eq!(found, expected, "a golden without its code, or a code without its goldens");
}

#[test]
fn the_table_of_codes() {
    let mut table = String::from("name\tstatus\tgraphql\tgrpc\tsource\n");
    for code in BuiltIn::ALL {
        let row = code.row();
        let causes = Cause::ALL.iter().filter(|cause| cause.code() == *code);
        let sources: BTreeSet<_> = causes.map(|cause| cause.source()).collect();
        let sources: Vec<_> = sources.into_iter().map(|source| source.as_str()).collect();
        let sources = if sources.is_empty() { "-".into() } else { sources.join(",") };
        let grpc = row.grpc.as_str();
        let _ = writeln!(table, "{}\t{}\t{}\t{grpc}\t{sources}", row.name, row.status, row.graphql);
    }
    assert_golden("tests/golden/codes.tsv", &table);
}

#[test]
fn the_page_for_client_developers_is_up_to_date() {
    let page = errors::render(&catalogue(&["fr", "en"], None), ErrorsFormat::Markdown);
    assert_golden("docs/codes.md", &page);
}

#[test]
fn the_seven_codes_of_the_original_api_keep_their_names() {
    let catalogue = catalogue(&["fr"], None);
    for name in [
        "InvalidResource",
        "MissingParameter",
        "InvalidParameter",
        "InvalidIdentifier",
        "NonSecureConnection",
        "ServiceUnavailable",
        "ServerError",
    ] {
        let code = catalogue.code_by_full(&format!("fr.ammy{name}")).expect("a known code");
        assert_eq!(catalogue.name(code), name);
    }
}

#[test]
fn every_cause_reads_well_in_every_language() {
    let catalogue = catalogue(&["fr", "en"], None);
    for cause in Cause::ALL {
        for language in [Language(0), Language(1)] {
            let problem = Problem::new(*cause);
            let message = catalogue.message(&problem, language);
            assert!(!message.contains(['{', '}', '…']) && message.ends_with('.'), "{message}");
        }
    }
}

/// A problem with all that is usually known when this code is used.
fn specimen(code: BuiltIn) -> Problem {
    let cause = Cause::ALL.iter().copied().find(|cause| cause.code() == code);
    let bare = Problem::new(cause.unwrap_or(Cause::UpstreamStatus)).with_code(code);
    let value = HeaderValue::from_static;
    match code {
        BuiltIn::InvalidIdentifier => bare.with_violation(violation("id", Place::Path, code)),
        BuiltIn::MissingParameter => bare.with_violation(violation("date", Place::Query, code)),
        BuiltIn::InvalidParameter => bare
            .with_violation(violation("since", Place::Query, code))
            .with_violation(violation("/address/city", Place::Body, BuiltIn::MissingParameter)),
        BuiltIn::Unauthorized => {
            bare.with_header(WWW_AUTHENTICATE, value("Bearer realm=\"api.example.fr\""))
        }
        BuiltIn::MethodNotAllowed => bare.with_header(ALLOW, value("GET, HEAD, OPTIONS")),
        BuiltIn::PayloadTooLarge => bare.with_argument("limit", "2MiB"),
        BuiltIn::UriTooLong => bare.with_argument("limit", "8KiB"),
        BuiltIn::HeadersTooLarge => bare.with_argument("limit", "16KiB"),
        BuiltIn::TooManyRequests => bare.with_retry_after(Duration::from_millis(29_001)),
        BuiltIn::GatewayTimeout => bare.with_step("lookup"),
        BuiltIn::GraphqlParseError => bare.with_location(3, 14),
        _ => bare,
    }
}

fn violation(name: &str, place: Place, code: BuiltIn) -> Violation {
    let invalid = code == BuiltIn::InvalidParameter;
    Violation {
        name: name.into(),
        place: Some(place),
        code,
        reason: if invalid || place == Place::Path { Reason::Invalid } else { Reason::Missing },
        expected: if invalid {
            vec!["une date comme 2026-12-31".into(), "a date such as 2026-12-31".into()]
        } else {
            Vec::new()
        },
    }
}

fn page(code: BuiltIn, language: Language, catalogue: &Catalogue) -> String {
    let mut page = String::new();
    for format in Format::ALL {
        let method = match format {
            Format::GraphQlJson | Format::GraphQlResponse | Format::Grpc => Method::POST,
            _ => Method::GET,
        };
        let _ = writeln!(page, "=== {format:?}, {method} ===");
        write_reply(&mut page, &reply(&specimen(code), *format, &method, language, catalogue));
    }
    let bare = Problem::new(Cause::UpstreamStatus).with_code(code);
    let _ = writeln!(page, "=== Json, POST, when nothing more is known ===");
    write_reply(&mut page, &reply(&bare, Format::Json, &Method::POST, language, catalogue));
    page
}

fn reply(
    problem: &Problem,
    format: Format,
    method: &Method,
    language: Language,
    catalogue: &Catalogue,
) -> Rendered {
    let id = HeaderValue::from_static("01930000-0000-7000-8000-000000000000");
    let request_id = RequestId::accept(&id).expect("a valid id");
    let retry_after = Duration::from_secs(5);
    let reply = Reply { format, language, request_id: &request_id, method, retry_after };
    render(problem, &reply, catalogue)
}

fn write_reply(page: &mut String, rendered: &Rendered) {
    let _ = writeln!(page, "{}", rendered.status);
    for (name, value) in &rendered.headers {
        let _ = writeln!(page, "{name}: {}", value.to_str().expect("readable headers"));
    }
    let body = std::str::from_utf8(&rendered.body).expect("UTF-8");
    let end = if body.is_empty() || body.ends_with('\n') { "" } else { "\n" };
    let _ = write!(page, "\n{body}{end}\n");
}

fn catalogue(languages: &[&str], docs: Option<&str>) -> Catalogue {
    let languages: Vec<_> = languages.iter().map(|tag| (*tag).to_owned()).collect();
    Catalogue::new("fr.ammy", docs, &languages, &[]).expect("guichet's own catalogue is sound")
}

fn assert_golden(path: &str, actual: &str) {
    let path = root().join(path);
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder for goldens");
        fs::write(&path, actual).expect("a golden that can be written");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "{} differs; BLESS=1 rewrites it, and a changed vocabulary needs a line in CHANGELOG.md\n\
         --- expected ---\n{expected}\n--- actual ---\n{actual}",
        path.display()
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}
