use serde_json::{Value, json};

use super::*;

fn catalogue() -> Catalogue {
    let languages = ["fr".to_owned(), "en".to_owned()];
    Catalogue::new("fr.ammy", None, &languages, &[]).unwrap()
}

/// What becomes of a reply with this status, and whether it may keep its data.
fn told(body: &str, status: u16, fatal: bool) -> Option<Annotated> {
    let known = [("SOLD_OUT".into(), BuiltIn::Conflict.into())];
    let annotation = Annotation {
        catalogue: &catalogue(),
        codes: &Spellings::new(Box::new(known)),
        language: Language(1),
        request_id: "id-1",
        status,
        fatal,
    };
    annotate(body, &annotation)
}

fn parsed(annotated: &Annotated) -> Value {
    serde_json::from_str(&annotated.body).unwrap()
}

/// The code that an error gets under 200, beside data.
fn named(error: &str) -> String {
    let body = format!("{{\"data\":{{}},\"errors\":[{error}]}}");
    let body = parsed(&told(&body, 200, false).unwrap());
    body["errors"][0]["extensions"]["problem"].as_str().unwrap().replace("fr.ammy", "")
}

#[test]
fn data_stay_byte_for_byte_and_errors_gain_three_members() {
    let data = "{ \"a\" : [ 1.50, \"\\u00e9\" , null ]\n}";
    let error = r#"{"message":"gone","path":["b",0],"locations":[{"line":1,"column":2}],"extensions":{"code":"NOT_FOUND","n":1.0}}"#;
    let body = format!("{{\"extensions\":{{ }},\"data\":{data},\"errors\":[{error}]}}");
    let annotated = told(&body, 200, false).unwrap();
    let expected = format!(
        "{{\"extensions\":{{ }},\"data\":{data},\"errors\":[{{\"message\":\"gone\",\"path\":[\"b\",0],\
         \"locations\":[{{\"line\":1,\"column\":2}}],\"extensions\":{{\"code\":\"not_found\",\
         \"problem\":\"fr.ammyInvalidResource\",\"request_id\":\"id-1\",\"n\":1.0}}}}]}}"
    );
    assert_eq!(annotated.body, expected);
    assert_eq!((annotated.data, annotated.worst.status), (Data::Some, 404));
    assert_eq!(annotated.worst.detail, "\"NOT_FOUND\": gone");
}

#[test]
fn a_code_is_found_in_this_order() {
    let spelled =
        |code: &str| named(&json!({"message": "m", "extensions": {"code": code}}).to_string());
    for (code, name) in [
        ("UNAUTHENTICATED", "Unauthorized"),
        ("unauthenticated", "Unauthorized"),
        ("FORBIDDEN", "Forbidden"),
        ("BAD_USER_INPUT", "BadRequest"),
        ("GRAPHQL_PARSE_FAILED", "GraphqlParseError"),
        ("deprecated_token", "Unauthorized"),
        ("timeout", "GatewayTimeout"),
        ("INVALID_NULL", "InvalidNull"),
        ("sold_out", "Conflict"),
        ("Gone", "Gone"),
        ("fr.ammyGone", "Gone"),
        ("NO_SUCH_CODE", "ServerError"),
    ] {
        assert_eq!(spelled(code), name, "{code}");
    }
    for (error, name) in [
        (r#"{"message":"m","extensions":{"problem":"fr.ammyGone","code":"FORBIDDEN"}}"#, "Gone"),
        (
            r#"{"message":"m","extensions":{"problem":"com.otherGone","code":"FORBIDDEN"}}"#,
            "Forbidden",
        ),
        (r#"{"message":"Cannot return null for non-nullable field A.b."}"#, "InvalidNull"),
        (r#"{"message":"m"}"#, "ServerError"),
        (r#"{"message":"m","extensions":null}"#, "ServerError"),
        (r#"{"message":"m","extensions":{"code":7}}"#, "ServerError"),
        (r#""boom""#, "ServerError"),
        ("null", "ServerError"),
    ] {
        assert_eq!(named(error), name, "{error}");
    }
}

#[test]
fn what_has_no_code_is_told_by_where_it_happened() {
    let worst = |body: &str, status| told(body, status, false).unwrap().worst.code;
    let refused = r#"{"errors":[{"message":"Cannot query field \"a\" on type \"Query\"."}]}"#;
    assert_eq!(worst(refused, 200), BuiltIn::BadRequest.into());
    assert_eq!(worst(refused, 404), BuiltIn::InvalidResource.into());
    assert_eq!(worst(r#"{"errors":[{"message":"m","path":["a"]}]}"#, 200), ERROR);
    assert_eq!(worst(r#"{"data":null,"errors":[{"message":"m"}]}"#, 200), ERROR);
    let timeout = r#"{"errors":[{"message":"m","extensions":{"code":"timeout"}}]}"#;
    assert_eq!(worst(timeout, 408), BuiltIn::RequestTimeout.into());
}

#[test]
fn the_worst_is_the_first_that_is_not_the_client_s_fault() {
    let coded = |codes: &[&str]| {
        let errors: Vec<Value> = codes
            .iter()
            .map(|code| json!({"message": "m", "extensions": {"code": code}}))
            .collect();
        let body = json!({"data": null, "errors": errors}).to_string();
        told(&body, 200, false).unwrap().worst.status
    };
    assert_eq!(coded(&["NOT_FOUND", "FORBIDDEN"]), 404);
    assert_eq!(coded(&["FORBIDDEN", "SERVICE_UNAVAILABLE", "INTERNAL_SERVER_ERROR"]), 503);
}

#[test]
fn what_is_private_is_not_handed_on() {
    let body = r#"{"data":null,"errors":[{"message":"connect ECONNREFUSED 10.0.0.7:5432",
        "debugMessage":"x","extensions":{"stacktrace":["at f (/srv/a.js:1:2)"],"exception":{},"n":1}}]}"#;
    let annotated = told(body, 200, false).unwrap();
    let error = &parsed(&annotated)["errors"][0];
    assert_eq!(
        error["message"],
        "Something unexpected went wrong on our side. Your request is not to blame.",
        "{error}"
    );
    let names: Vec<_> = error.as_object().unwrap().keys().collect();
    assert_eq!(names, ["extensions", "message"]);
    let names: Vec<_> = error["extensions"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["code", "n", "problem", "request_id"]);
    assert!(annotated.worst.detail.contains("ECONNREFUSED"), "the log has it");
}

#[test]
fn an_error_of_our_own_house_stays_as_it_is() {
    let error = r#"{ "message":"m","extensions":{"code":"bad_request","problem":"fr.ammyBadRequest","request_id":"first"}}"#;
    let body = format!("{{\"data\":null,\"errors\":[{error}]}}");
    assert_eq!(told(&body, 200, false).unwrap().body, body);
}

#[test]
fn fatal_leaves_no_data() {
    let body = r#"{"data":{"a":1},"errors":[{"message":"m"}],"extensions":{"t":1}}"#;
    let annotated = told(body, 200, true).unwrap();
    let parsed = parsed(&annotated);
    assert_eq!((&parsed["data"], &parsed["extensions"]), (&json!(null), &json!({"t": 1})));
    assert_eq!(serde_json::from_str::<Value>(&annotated.errors).unwrap(), parsed["errors"]);
}

#[test]
fn each_reply_of_a_batch_is_told_for_itself() {
    let body = r#"[{"data":{"a":1}},{"data":null,"errors":[{"message":"m","extensions":{"code":"FORBIDDEN"}}]},{"errors":[{"message":"m","path":[]}]}]"#;
    let annotated = told(body, 200, false).unwrap();
    assert!(annotated.is_batch);
    assert_eq!((annotated.data, annotated.worst.status), (Data::Null, 500));
    let replies = parsed(&annotated);
    assert_eq!(replies[0], json!({"data": {"a": 1}}));
    assert_eq!(replies[1]["errors"][0]["extensions"]["code"], "unauthorized");
    assert_eq!(replies[2]["errors"][0]["extensions"]["code"], "internal_server_error");
}

#[test]
fn what_has_no_errors_is_left_alone() {
    for body in [
        r#"{"data":{}}"#,
        r#"{"data":{},"errors":[]}"#,
        r#"{"errors":{}}"#,
        "[]",
        "{",
        "1",
        r#"[{"data":1}]"#,
    ] {
        assert_eq!(told(body, 200, false), None, "{body}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}\",:a-z \\\\]{0,60}") {
        let _ = told(&text, 200, false);
        let _ = told(&format!("{{\"errors\":[{text}]}}"), 200, true);
    }
}
