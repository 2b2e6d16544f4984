//! Rules that hold for every shape; what each shape looks like stands in `tests/golden/problem`.

use std::sync::LazyLock;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, RETRY_AFTER, SET_COOKIE, VARY};
use http::header::{CONNECTION, HeaderName, HeaderValue, UPGRADE, WWW_AUTHENTICATE};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::problem::{BuiltIn, Cause, Place, Reason, Violation};

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::new("fr.ammy", None, &["fr".into(), "en".into()], &[]).unwrap());

fn id(text: &str) -> RequestId {
    RequestId::accept(&HeaderValue::from_str(text).unwrap()).unwrap()
}

fn shown(problem: &Problem, format: Format, method: &Method) -> Rendered {
    let reply = Reply {
        format,
        language: Language(1),
        request_id: &id("01930000-0000-7000-8000-000000000000"),
        method,
        retry_after: Duration::from_millis(4500),
    };
    render(problem, &reply, &CATALOGUE)
}

fn header<'a>(rendered: &'a Rendered, name: &HeaderName) -> Vec<&'a str> {
    rendered.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

fn json(rendered: &Rendered) -> Value {
    serde_json::from_slice(&rendered.body).unwrap()
}

fn get(problem: &Problem) -> Rendered {
    shown(problem, Format::Json, &Method::GET)
}

fn violation(name: &str) -> Violation {
    Violation {
        name: name.into(),
        place: Some(Place::Query),
        code: BuiltIn::InvalidParameter,
        reason: Reason::Invalid,
        expected: vec!["une date".into(), "a date".into()],
    }
}

#[test]
fn the_house_shape_keeps_its_order() {
    let problem = Problem::new(Cause::UpstreamStatus)
        .with_code(BuiltIn::InvalidParameter)
        .with_violation(violation("since"))
        .with_retry_after(Duration::from_secs(30))
        .with_step("lookup");
    let body = get(&problem).body;
    assert_eq!(
        std::str::from_utf8(&body).unwrap(),
        "{\"code\":\"fr.ammyInvalidParameter\",\
         \"message\":\"The parameter “since” is not in the expected format: a date.\",\
         \"status\":400,\"request_id\":\"01930000-0000-7000-8000-000000000000\",\
         \"parameters\":[{\"name\":\"since\",\"in\":\"query\",\
         \"code\":\"fr.ammyInvalidParameter\",\"reason\":\"invalid\",\
         \"message\":\"The parameter “since” is not in the expected format: a date.\"}],\
         \"retryable\":true,\"retry_after\":30,\"step\":\"lookup\"}"
    );
}

#[test]
fn a_given_message_stands_at_the_top_and_at_the_first_parameter() {
    let problem = Problem::new(Cause::UpstreamStatus)
        .with_code(BuiltIn::InvalidParameter)
        .with_message("Sold out.")
        .with_violation(violation("a"))
        .with_violation(violation("b"));
    let body = json(&get(&problem));
    assert_eq!(body["message"], "Sold out.");
    assert_eq!(body["parameters"][0]["message"], "Sold out.");
    assert_ne!(body["parameters"][1]["message"], "Sold out.");
}

#[test]
fn every_reply_has_the_headers_of_every_reply() {
    for format in Format::ALL {
        for method in [Method::GET, Method::HEAD] {
            let rendered = shown(&Problem::new(Cause::NoRoute), *format, &method);
            for name in [
                "content-type",
                "content-length",
                "content-language",
                "vary",
                "cache-control",
                "error-code",
                "x-request-id",
            ] {
                let name = HeaderName::from_static(name);
                assert_eq!(header(&rendered, &name).len(), 1, "{format:?} {name}");
            }
        }
    }
}

#[test]
fn head_has_the_same_headers_and_no_body() {
    for format in Format::ALL {
        let problem = Problem::new(Cause::NoneHealthy);
        let full = shown(&problem, *format, &Method::GET);
        let head = shown(&problem, *format, &Method::HEAD);
        assert_eq!(full.headers, head.headers);
        assert!(head.body.is_empty());
        assert_eq!(header(&full, &CONTENT_LENGTH), [full.body.len().to_string()]);
    }
}

#[test]
fn headers_follow_the_status() {
    let coded = |code| Problem::new(Cause::Configured).with_code(code);
    let basic = HeaderValue::from_static("Basic realm=\"x\"");
    let own = coded(BuiltIn::Unauthorized).with_header(WWW_AUTHENTICATE, basic);
    assert_eq!(header(&get(&coded(BuiltIn::Unauthorized)), &WWW_AUTHENTICATE), ["Bearer"]);
    assert_eq!(header(&get(&own), &WWW_AUTHENTICATE), ["Basic realm=\"x\""]);
    let allow =
        Problem::new(Cause::NoMethod).with_header(ALLOW, HeaderValue::from_static("GET, HEAD"));
    assert_eq!(header(&get(&allow), &ALLOW), ["GET, HEAD"]);
    assert_eq!(
        json(&get(&allow))["message"],
        "This resource does not accept this method. Possible methods: GET, HEAD."
    );
    let plain = get(&Problem::new(Cause::PlainHttp));
    assert_eq!(header(&plain, &UPGRADE), ["TLS/1.2, HTTP/1.1"]);
    assert_eq!(header(&plain, &CONNECTION), ["upgrade"]);
    for cause in [Cause::NoneHealthy, Cause::Draining] {
        assert_eq!(header(&get(&Problem::new(cause)), &RETRY_AFTER), ["5"]);
    }
    let soon = coded(BuiltIn::TooManyRequests).with_retry_after(Duration::from_millis(1));
    assert_eq!(header(&get(&soon), &RETRY_AFTER), ["1"]);
    assert!(header(&get(&coded(BuiltIn::Gone)), &RETRY_AFTER).is_empty());
    let status = coded(BuiltIn::Gone).with_status(503);
    assert_eq!(header(&get(&status), &RETRY_AFTER), ["5"]);
}

#[test]
fn the_problems_headers_are_added_but_cannot_lie_about_the_body() {
    let value = HeaderValue::from_static;
    let problem = Problem::new(Cause::UpstreamStatus)
        .with_header(CACHE_CONTROL, value("private"))
        .with_header(CONTENT_LENGTH, value("9"))
        .with_header(http::header::CONTENT_TYPE, value("text/html"))
        .with_header(HeaderName::from_static("error-code"), value("x"))
        .with_header(SET_COOKIE, value("a=1"))
        .with_header(SET_COOKIE, value("b=2"))
        .with_header(VARY, value("origin"));
    let rendered = get(&problem);
    assert_eq!(header(&rendered, &CACHE_CONTROL), ["private"]);
    assert_eq!(header(&rendered, &CONTENT_LENGTH), [rendered.body.len().to_string()]);
    assert_eq!(header(&rendered, &http::header::CONTENT_TYPE), ["application/json"]);
    assert_eq!(header(&rendered, &SET_COOKIE), ["a=1", "b=2"]);
    assert_eq!(header(&rendered, &VARY), ["accept, accept-language", "origin"]);
    assert_eq!(header(&rendered, &HeaderName::from_static("error-code")), ["fr.ammyServerError"]);
}

#[test]
fn a_kept_retry_after_is_read_and_written_once() {
    let kept = |text: &'static str| {
        let problem = Problem::new(Cause::UpstreamStatus)
            .with_code(BuiltIn::ServiceUnavailable)
            .with_header(RETRY_AFTER, HeaderValue::from_static(text));
        let rendered = get(&problem);
        assert_eq!(header(&rendered, &RETRY_AFTER), [json(&rendered)["retry_after"].to_string()]);
        json(&rendered)["retry_after"].as_u64().unwrap()
    };
    assert_eq!(kept("17"), 17);
    assert_eq!(kept("0"), 1);
    assert_eq!(kept("Wed, 21 Oct 2015 07:28:00 GMT"), 5);
    assert_eq!(kept("-1"), 5);
    assert_eq!(kept("99999999999999"), 5);
}

#[test]
fn what_must_not_be_repeated_names_no_wait() {
    let problem = Problem::new(Cause::TotalTimeout).with_retry_after(Duration::from_secs(3));
    let posted = shown(&problem, Format::Json, &Method::POST);
    assert_eq!(json(&posted)["retryable"], false);
    assert!(json(&posted).get("retry_after").is_none());
    assert!(header(&posted, &RETRY_AFTER).is_empty());
    let judged = Problem::new(Cause::NoneHealthy).with_retryable(false);
    let rendered = get(&judged);
    assert_eq!(header(&rendered, &RETRY_AFTER), ["5"]);
    assert_eq!(json(&rendered)["message"], "The service is temporarily unavailable.");
}

#[test]
fn the_id_of_the_gateway_behind_stands() {
    let problem = Problem::new(Cause::UpstreamStatus).with_request_id(id("behind-1"));
    let rendered = shown(&problem, Format::ProblemJson, &Method::GET);
    assert_eq!(json(&rendered)["request_id"], "behind-1");
    assert!(json(&rendered).get("instance").is_none());
    assert_eq!(header(&rendered, &HeaderName::from_static("x-request-id")), ["behind-1"]);
}

#[test]
fn graphql_answers_200_only_for_its_own_failures_in_the_legacy_type() {
    let parse =
        Problem::new(Cause::Configured).with_code(BuiltIn::GraphqlParseError).with_location(2, 7);
    let legacy = shown(&parse, Format::GraphQlJson, &Method::POST);
    assert_eq!(legacy.status, 200);
    let error = &json(&legacy)["errors"][0];
    assert_eq!(error["locations"][0]["line"], 2);
    assert_eq!(error["locations"][0]["column"], 7);
    assert_eq!(error["extensions"]["status"], 400);
    assert_eq!(shown(&parse, Format::GraphQlResponse, &Method::POST).status, 400);
    let timeout = Problem::new(Cause::TotalTimeout);
    assert_eq!(shown(&timeout, Format::GraphQlJson, &Method::POST).status, 200);
    for cause in [Cause::FirstByteTimeout, Cause::NoneHealthy, Cause::BadChunk] {
        let rendered = shown(&Problem::new(cause), Format::GraphQlJson, &Method::POST);
        assert_eq!(rendered.status, cause.code().row().status);
        assert!(json(&rendered)["errors"][0].get("locations").is_none());
    }
}

#[test]
fn grpc_says_everything_in_its_head() {
    let problem = Problem::new(Cause::NoneHealthy).with_message("é".repeat(4000));
    let rendered = shown(&problem, Format::Grpc, &Method::POST);
    assert_eq!(rendered.status, 200);
    assert!(rendered.body.is_empty());
    assert_eq!(header(&rendered, &HeaderName::from_static("grpc-status")), ["14"]);
    let message = header(&rendered, &HeaderName::from_static("grpc-message"));
    assert_eq!(message[0].len(), 3072);
    assert_eq!(header(&rendered, &RETRY_AFTER), ["5"]);
}

#[test]
fn a_foreign_status_that_is_no_error_is_not_shown() {
    for status in [0, 200, 399, 600, 999] {
        assert_eq!(get(&Problem::new(Cause::NoRoute).with_status(status)).status, 404);
    }
    assert_eq!(get(&Problem::new(Cause::NoRoute).with_status(418)).status, 418);
}

fn any_problem() -> impl Strategy<Value = Problem> {
    let names = proptest::collection::vec(any::<String>(), 0..4);
    let facts = (0..Cause::ALL.len(), proptest::option::of(any::<String>()), names);
    (facts, any::<Option<bool>>(), proptest::option::of(0u64..1 << 40), any::<String>()).prop_map(
        |((cause, message, names), retryable, wait, step)| {
            let mut problem = Problem::new(Cause::ALL[cause]).with_step(step);
            for name in &names {
                problem = problem.with_violation(violation(name));
            }
            if let Some(message) = message {
                problem = problem.with_message(message);
            }
            if let Some(retryable) = retryable {
                problem = problem.with_retryable(retryable);
            }
            match wait {
                Some(wait) => problem.with_retry_after(Duration::from_millis(wait)),
                None => problem,
            }
        },
    )
}

proptest! {
    #[test]
    fn json_always_reads_back(problem in any_problem(), post in any::<bool>()) {
        let method = if post { Method::POST } else { Method::GET };
        for format in [Format::Json, Format::ProblemJson] {
            let rendered = shown(&problem, format, &method);
            let body = json(&rendered);
            let detail = if format == Format::Json { "message" } else { "detail" };
            if let Some(message) = problem.message() {
                prop_assert_eq!(&body[detail], message);
            }
            prop_assert_eq!(&body["step"], problem.step().unwrap());
            let parameters = body["parameters"].as_array().map_or(0, Vec::len);
            prop_assert_eq!(parameters, problem.violations().len());
            prop_assert!(body["retryable"] != false || body.get("retry_after").is_none());
            prop_assert_eq!(body["status"].as_u64(), Some(rendered.status.as_u16().into()));
        }
        let graphql = json(&shown(&problem, Format::GraphQlResponse, &method));
        if let Some(message) = problem.message() {
            prop_assert_eq!(&graphql["errors"][0]["message"], message);
        }
    }

    #[test]
    fn markup_never_comes_from_outside(problem in any_problem()) {
        let text = |problem: &Problem, format| {
            String::from_utf8(shown(problem, format, &Method::GET).body.to_vec()).unwrap()
        };
        for format in [Format::Html, Format::ProblemXml] {
            let calm = problem.clone().with_message("x").with_step("x");
            let tags = |page: &str| (page.matches('<').count(), page.matches('>').count());
            let hostile = problem.clone().with_message("</p><script>alert(1)</script>]]>");
            prop_assert_eq!(tags(&text(&hostile, format)), tags(&text(&calm, format)));
        }
        let lines = text(&problem, Format::Text);
        let others = problem.violations().len().saturating_sub(1);
        prop_assert_eq!(lines.lines().count(), 3 + others);
        prop_assert!(!lines.chars().any(|letter| letter.is_control() && letter != '\n'));
    }

    #[test]
    fn every_value_fits_a_header(problem in any_problem()) {
        let rendered = shown(&problem, Format::Grpc, &Method::POST);
        for (_, value) in &rendered.headers {
            prop_assert!(value.to_str().is_ok());
        }
    }
}
