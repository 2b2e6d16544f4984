//! Rule 2: replies whose shape is known.

use super::*;
use crate::problem::{Place, Reason};

#[test]
fn house_json_keeps_what_it_says() {
    let body = json!({
        "code": "fr.ammyInvalidParameter", "message": "Le paramètre « date » est invalide.",
        "status": 400, "request_id": "0193-behind", "retry_after": 7,
        "parameters": [
            {"name": "date", "in": "query", "code": "fr.ammyInvalidParameter", "reason": "invalid"},
            {"name": "/a", "in": "body", "code": "fr.ammyMissingParameter", "reason": "missing"},
            {"name": "x", "in": "cookie", "reason": "unknown"},
            {"name": "y", "in": "header", "reason": "missing", "code": "fr.ammyOutOfStock"},
            {"name": "nowhere", "in": "moon"}, {"in": "path"}, 7,
        ],
    });
    let problem = Reply::new(400).json(&body).translate();
    assert_eq!(gist(&problem), "400 InvalidParameter client");
    assert_eq!(problem.message(), Some("Le paramètre « date » est invalide."));
    assert_eq!(problem.request_id().unwrap().as_str(), "0193-behind");
    assert_eq!(problem.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(problem.argument("parameter"), Some("date"));
    let violations: Vec<_> = problem
        .violations()
        .iter()
        .map(|found| (found.name.as_str(), found.place, found.reason, found.code))
        .collect();
    assert_eq!(
        violations,
        [
            ("date", Some(Place::Query), Reason::Invalid, BuiltIn::InvalidParameter),
            ("/a", Some(Place::Body), Reason::Missing, BuiltIn::MissingParameter),
            ("x", Some(Place::Cookie), Reason::Unknown, BuiltIn::InvalidParameter),
            ("y", Some(Place::Header), Reason::Missing, BuiltIn::MissingParameter),
        ]
    );
}

#[test]
fn codes_are_known_with_and_without_prefix_and_by_the_prefix_alone() {
    for (code, status, expected, id) in [
        ("fr.ammyOutOfStock", 409, "409 OutOfStock client", true),
        ("OutOfStock", 409, "409 OutOfStock client", false),
        ("fr.ammyOutOfStock", 410, "410 OutOfStock client", true),
        ("fr.ammyOutOfStock", 499, "409 OutOfStock client", true),
        ("fr.ammyOfAnotherGateway", 409, "409 Conflict client", true),
        ("fr.ammyBadRequest", 418, "418 BadRequest client", true),
    ] {
        let body = json!({"code": code, "message": "Non.", "request_id": "r-1"});
        let problem = Reply::new(status).json(&body).translate();
        assert_eq!(gist(&problem), expected, "{code}");
        assert_eq!(problem.message(), Some("Non."), "{code}");
        assert_eq!(problem.request_id().map(|id| id.as_str()), id.then_some("r-1"), "{code}");
    }
    for code in ["fr.ammy", "fr.ammyoddly", "fr.ammyO dd", "fr.ammy.Odd", "de.OutOfStock"] {
        let body = json!({"code": code, "message": "Non."});
        assert_eq!(Reply::new(409).json(&body).translate().message(), None, "{code}");
    }
}

#[test]
fn of_a_5xx_only_the_code_is_kept() {
    let body = json!({
        "code": "fr.ammyLoopDetected", "message": "Bob broke it.", "retry_after": 9,
        "request_id": "r-1", "parameters": [{"name": "a", "in": "query"}],
    });
    let problem = Reply::new(508).json(&body).translate();
    assert_eq!(gist(&problem), "508 LoopDetected upstream");
    assert_eq!((problem.message(), problem.retry_after()), (None, None));
    assert!(problem.violations().is_empty());
    assert_eq!(problem.request_id().unwrap().as_str(), "r-1");
}

#[test]
fn a_code_of_another_class_than_the_status_is_not_believed() {
    let body = json!({"code": "fr.ammyServerError", "message": "Non."});
    assert_eq!(gist(&Reply::new(404).json(&body).translate()), "404 InvalidResource client");
    let body = json!({"code": "fr.ammyConflict", "message": "Non."});
    let problem = Reply::new(500).json(&body).translate();
    assert_eq!(gist(&problem), "500 ServerError upstream");
    assert_eq!(problem.message(), None);
}

#[test]
fn rfc_9457_is_known_by_type_or_members() {
    let problem_json = "application/problem+json; charset=utf-8";
    for (content_type, status, body, expected, message) in [
        (problem_json, 403, json!({"detail": "Non."}), "403 Forbidden client", Some("Non.")),
        (problem_json, 409, json!({}), "409 Conflict client", None),
        (
            "application/json",
            409,
            json!({"title": "Sold", "status": 409, "detail": "Non."}),
            "409 Conflict client",
            Some("Non."),
        ),
        (
            problem_json,
            409,
            json!({"type": "https://api.example.fr/errors/OutOfStock", "detail": "Non."}),
            "409 OutOfStock client",
            Some("Non."),
        ),
        (
            problem_json,
            422,
            json!({"type": "about:blank", "code": "fr.ammyInvalidParameter", "detail": "Non."}),
            "422 InvalidParameter client",
            Some("Non."),
        ),
        (
            problem_json,
            409,
            json!({"type": "urn:problem:sold-out", "code": 7, "detail": "Non."}),
            "409 Conflict client",
            Some("Non."),
        ),
        (problem_json, 503, json!({"detail": "db down"}), "503 ServiceUnavailable upstream", None),
        ("application/json", 409, json!({"title": "Non."}), "409 Conflict client", None),
    ] {
        let reply = Reply::new(status).header("content-type", content_type);
        let problem = reply.body(body.to_string()).translate();
        assert_eq!(gist(&problem), expected, "{body}");
        assert_eq!(problem.message(), message, "{body}");
    }
    let reply = Reply::new(404).identifier("id").json(&json!({"type": "x", "detail": "Non."}));
    assert_eq!(gist(&reply.translate()), "404 InvalidIdentifier client");
    assert_eq!(reply.translate().message(), Some("Non."));
}

#[test]
fn graphql_errors_bring_their_own_code_whatever_http_says() {
    let errors =
        |code: &str| json!({"errors": [{"message": "Non.", "extensions": {"code": code}}]});
    for (status, code, expected, message) in [
        (400, "UNAUTHENTICATED", "401 Unauthorized client", Some("Non.")),
        (500, "UNAUTHENTICATED", "401 Unauthorized client", None),
        (400, "bad_user_input", "400 BadRequest client", Some("Non.")),
        (400, "GRAPHQL_PARSE_FAILED", "400 GraphqlParseError client", Some("Non.")),
        (400, "INTERNAL_SERVER_ERROR", "500 ServerError upstream", None),
        (500, "timeout", "504 GatewayTimeout upstream", None),
        (408, "timeout", "408 RequestTimeout client", Some("Non.")),
        (422, "SOLD_OUT", "422 UnprocessableContent client", Some("Non.")),
        (404, "not_found", "404 InvalidIdentifier client", Some("Non.")),
    ] {
        let problem = Reply::new(status).identifier("id").json(&errors(code)).translate();
        assert_eq!(gist(&problem), expected, "{status} {code}");
        assert_eq!(problem.message(), message, "{status} {code}");
    }
    let bare = json!({"data": null, "errors": [{"message": "Non."}]});
    assert_eq!(gist(&Reply::new(400).json(&bare).translate()), "400 BadRequest client");
}

#[test]
fn graphql_of_a_gateway_behind_keeps_its_problem_and_its_places() {
    let body = json!({"errors": [{
        "message": "Non.",
        "locations": [{"line": 2, "column": 7}, {"line": -1, "column": 7}],
        "extensions": {"code": "bad_request", "problem": "fr.ammyOutOfStock", "request_id": "r-1",
                       "retry_after": 3},
    }]});
    let problem = Reply::new(409).json(&body).translate();
    assert_eq!(gist(&problem), "409 OutOfStock client");
    assert_eq!(problem.locations(), [(2, 7)]);
    assert_eq!(problem.request_id().unwrap().as_str(), "r-1");
    assert_eq!(problem.retry_after(), Some(Duration::from_secs(3)));
}

#[test]
fn a_grpc_status_in_the_head_outweighs_the_body() {
    for (status, grpc, expected, message) in [
        (403, "7", "403 Forbidden client", Some("Non.")),
        (400, "16", "401 Unauthorized client", Some("Non.")),
        (500, "16", "401 Unauthorized client", None),
        (503, "14", "503 ServiceUnavailable upstream", None),
        (400, "13", "500 ServerError upstream", None),
        (404, "5", "404 InvalidIdentifier client", Some("Non.")),
        (409, "0", "409 Conflict client", Some("Non.")),
    ] {
        let reply = Reply::new(status).identifier("id").json(&json!({"code": "fr.ammyGone"}));
        let reply = reply.header("grpc-status", grpc).header("grpc-message", "Non%2E");
        assert_eq!(gist(&reply.translate()), expected, "{status} {grpc}");
        assert_eq!(reply.translate().message(), message, "{status} {grpc}");
    }
    let ours =
        Reply::new(409).header("grpc-status", "10").header("error-code", "fr.ammyOutOfStock");
    assert_eq!(gist(&ours.translate()), "409 OutOfStock client");
    // An unknown status says nothing, so the body is asked.
    let reply = Reply::new(410).header("grpc-status", "99");
    let reply = reply.json(&json!({"code": "fr.ammyOutOfStock", "message": "Non."}));
    assert_eq!(gist(&reply.translate()), "410 OutOfStock client");
}

#[test]
fn ours_in_another_dress_is_known_by_its_head() {
    let reply = Reply::new(409).header("error-code", "fr.ammyOutOfStock");
    let reply = reply.header("x-request-id", "r-1").body("<html>Plus disponible</html>");
    let problem = reply.translate();
    assert_eq!(gist(&problem), "409 OutOfStock client");
    assert_eq!(problem.message(), None);
    assert_eq!(problem.request_id().unwrap().as_str(), "r-1");
    let foreign = Reply::new(409).header("error-code", "E42").header("x-request-id", "r-1");
    assert_eq!(gist(&foreign.translate()), "409 Conflict client");
    assert!(foreign.translate().request_id().is_none());
}

#[test]
fn messages_that_leak_are_replaced_and_long_ones_cut() {
    let shown = |message: &str| {
        let body = json!({"code": "fr.ammyInvalidParameter", "message": message,
                          "parameters": [{"name": "d\u{0}ate", "in": "query"}]});
        let problem = Reply::new(400).json(&body).translate();
        assert_eq!(problem.argument("parameter"), Some("d ate"));
        problem.message().map(str::to_owned)
    };
    assert_eq!(shown("connect to 10.0.0.3:5432 failed"), None);
    assert_eq!(shown("<b>no</b>"), None);
    assert_eq!(shown("a\n\u{1b}[31mb").as_deref(), Some("a [31mb"));
    assert!(shown(&"é".repeat(2000)).unwrap().len() <= 1024);
}
