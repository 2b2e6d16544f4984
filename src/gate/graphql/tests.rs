use super::*;

const RULE: GraphqlRule = GraphqlRule {
    depth: 3,
    tokens: 40,
    aliases: 2,
    root_fields: 2,
    introspection: false,
    batch: false,
};

/// What comes of a posted body: `fine`, or the cause.
fn posted(rule: &GraphqlRule, body: &str) -> &'static str {
    judge_operations(rule, body.as_bytes()).map_or_else(|it| it.cause().as_str(), |_| "fine")
}

fn document(rule: &GraphqlRule, text: &str) -> &'static str {
    posted(rule, &serde_json::json!({ "query": text }).to_string())
}

#[test]
fn a_document_is_held_to_each_limit_and_to_no_less() {
    for (text, said) in [
        ("{ a { b { c } } }", "fine"),
        ("{ a { b { c { d } } } }", "graphql_depth"),
        ("{ a { ...f } } fragment f on A { b { c { d } } }", "graphql_depth"),
        ("{ ...f } fragment f on A { ...f }", "graphql_depth"),
        ("{ x: a y: b }", "fine"),
        ("{ x: a { y: b z: c } }", "graphql_aliases"),
        ("{ a b }", "fine"),
        ("{ a b c }", "graphql_root_fields"),
        ("{ ...f a b } fragment f on Q { c }", "graphql_root_fields"),
        ("{ __type(name: \"A\") { name } }", "graphql_introspection"),
        ("{ __typename }", "fine"),
        ("{ a(b: [1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1]) }", "fine"),
        (
            "{ a(b: [1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1]) }",
            "graphql_tokens",
        ),
        ("{ a", "graphql_syntax"),
        ("", "graphql_syntax"),
        ("query A { a } query B { b }", "graphql_operation"),
    ] {
        assert_eq!(document(&RULE, text), said, "{text}");
    }
    let open = GraphqlRule { introspection: true, ..RULE };
    assert_eq!(document(&open, "{ __schema { types { name } } }"), "fine");
    let deep = GraphqlRule { tokens: 10_000, depth: 128, ..RULE };
    assert_eq!(document(&deep, &("{a".repeat(200) + &"}".repeat(200))), "graphql_depth");
}

#[test]
fn what_is_posted_is_an_operation_or_nothing() {
    for (body, said) in [
        ("{\"query\":\"{a}\"}", "fine"),
        (
            " {\"\\u0071uery\":\"\\u007ba}\",\"variables\":null,\"extensions\":{},\"more\":[[]]}",
            "fine",
        ),
        (
            "{\"query\":\"query A{a} query B{b}\",\"operationName\":\"B\",\"variables\":{\"c\":[1]}}",
            "fine",
        ),
        ("{\"query\":\"{a}\",\"operationName\":\"\"}", "fine"),
        ("{\"query\":\"{a}\",\"operationName\":\"A\"}", "graphql_operation"),
        ("{\"query\":\"{a}\",\"query\":\"{b}\"}", "bad_body"),
        ("{\"query\":\"{a}\",\"variables\":[]}", "bad_body"),
        ("{\"query\":\"{a}\",\"variables\":\"{}\"}", "bad_body"),
        ("{\"query\":\"{a}\",\"extensions\":7}", "bad_body"),
        ("{\"query\":7}", "bad_body"),
        ("{\"query\":\"{a}\"} x", "bad_body"),
        ("\"{a}\"", "bad_body"),
        ("", "bad_body"),
        ("{}", "missing_parameter"),
        ("{\"query\":null,\"extensions\":{}}", "missing_parameter"),
        ("{\"extensions\":{\"persistedQuery\":{\"version\":1}}}", "fine"),
        ("{\"documentId\":\"1\"}", "fine"),
        ("{\"extensions\":{\"persistedQuery\":{}},\"query\":\"{a b c}\"}", "graphql_root_fields"),
        ("[{\"query\":\"{a}\"}]", "graphql_batch"),
    ] {
        assert_eq!(posted(&RULE, body), said, "{body}");
    }
}

#[test]
fn a_batch_shares_one_allowance() {
    let rule = GraphqlRule { batch: true, ..RULE };
    for (body, said) in [
        ("[{\"query\":\"{a}\"}]", "fine"),
        ("[{\"query\":\"{a}\"},{\"query\":\"mutation{a}\"}]", "fine"),
        ("[{\"query\":\"{a}\"},{\"query\":\"{a}\"},{\"query\":\"{a}\"}]", "graphql_root_fields"),
        ("[{\"query\":\"{a}\"},{\"query\":\"{\"}]", "graphql_syntax"),
        ("[]", "bad_body"),
        ("[[]]", "bad_body"),
        ("[null]", "bad_body"),
    ] {
        assert_eq!(posted(&rule, body), said, "{body}");
    }
}

fn got(query: &str) -> &'static str {
    judge_query(&RULE, Some(query)).map_or_else(|it| it.cause().as_str(), |_| "fine")
}

#[test]
fn a_query_string_reads_and_changes_nothing() {
    for (query, said) in [
        ("query=%7Ba%7D&variables=%7B%7D", "fine"),
        ("query={a+b}", "fine"),
        ("query=subscription{a}", "fine"),
        ("query=mutation{a}", "graphql_method"),
        ("%71uery=mutation{a}", "graphql_method"),
        ("query=query+A{a}+mutation+B{b}&operationName=B", "graphql_method"),
        ("query=query+A{a}+mutation+B{b}&operationName=A", "fine"),
        ("query={a}&query=mutation{a}", "bad_body"),
        ("query={a%}", "bad_body"),
        ("query=", "graphql_syntax"),
    ] {
        assert_eq!(got(query), said, "{query}");
    }
}

#[test]
fn an_operation_is_looked_for_where_a_server_would_look() {
    let carried = |method: Method, content_type: Option<&'static str>, query| {
        let mut headers = HeaderMap::new();
        headers.extend(
            content_type.map(|it| (http::header::CONTENT_TYPE, HeaderValue::from_static(it))),
        );
        carrier(&method, &headers, query).map_err(|problem| problem.cause())
    };
    let json = Some("application/json; charset=utf-8");
    assert_eq!(carried(Method::POST, json, None), Ok(Carrier::Body));
    assert_eq!(carried(Method::POST, json, Some("a=b")), Ok(Carrier::Body));
    assert_eq!(carried(Method::POST, json, Some("query={a}")), Err(Cause::BadBody));
    assert_eq!(carried(Method::GET, None, Some("query={a}")), Ok(Carrier::Query));
    assert_eq!(carried(Method::HEAD, None, Some("a&%71uery")), Ok(Carrier::Query));
    assert_eq!(carried(Method::GET, None, None), Ok(Carrier::Nothing));
    assert_eq!(carried(Method::GET, None, Some("extensions={}")), Ok(Carrier::Elsewhere));
    assert_eq!(carried(Method::GET, None, Some("documentId=1")), Ok(Carrier::Elsewhere));
    assert_eq!(carried(Method::OPTIONS, None, None), Ok(Carrier::Nothing));
    assert_eq!(carried(Method::PUT, json, None), Err(Cause::NoMethod));
    for simple in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=b"),
        Some("application/json; charset=utf-16"),
    ] {
        assert_eq!(carried(Method::POST, simple, None), Err(Cause::MediaType), "{simple:?}");
    }
}
