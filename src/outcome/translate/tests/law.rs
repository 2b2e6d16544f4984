//! What holds of every reply, however odd.

use proptest::prelude::*;

use super::*;

/// Bodies from the pieces that the shapes are made of.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let word = || {
        proptest::sample::select(vec![
            "fr.ammyConflict",
            "fr.ammyServerError",
            "OutOfStock",
            "UNAUTHENTICATED",
            "Non.",
            "<b>bold</b>",
            "at 10.0.0.1",
            "query",
            "missing",
            "",
            "\u{1b}x",
        ])
        .prop_map(Value::from)
    };
    let leaf = prop_oneof![word(), Just(Value::Null), any::<i64>().prop_map(Value::from)];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        let name = proptest::sample::select(vec![
            "code",
            "message",
            "status",
            "detail",
            "title",
            "type",
            "errors",
            "extensions",
            "problem",
            "parameters",
            "name",
            "in",
            "reason",
            "retry_after",
            "request_id",
            "locations",
            "line",
            "column",
        ]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::hash_map(name.prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    prop_oneof![
        value.prop_map(|value| value.to_string().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..200),
        "<html>.{0,40}</html>".prop_map(String::into_bytes),
    ]
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let name = proptest::sample::select(vec![
        "content-type",
        "content-encoding",
        "retry-after",
        "grpc-status",
        "grpc-message",
        "error-code",
        "x-request-id",
        "allow",
        "set-cookie",
        "www-authenticate",
    ]);
    let known = proptest::sample::select(vec![
        "gzip",
        "br",
        "zstd",
        "deflate",
        "application/problem+json",
        "text/html",
        "120",
        "5",
        "13",
        "fr.ammyConflict",
        "fr.ammyNone",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "%41%zz%",
    ]);
    let value = prop_oneof![
        known.prop_map(|value| value.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec((name, value), 0..5)
}

proptest! {
    #[test]
    fn every_reply_becomes_a_problem_that_is_fit_for_clients(
        status in prop_oneof![400u16..600, any::<u16>()],
        headers in headers(),
        body in bodies(),
        identifier in proptest::option::of(Just("id")),
    ) {
        let mut reply = Reply::new(status).body(body);
        reply.identifier = identifier;
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                reply.headers.append(name, value);
            }
        }
        let problem = reply.translate();
        let shown = CATALOGUE.status(&problem);
        prop_assert!((400..600).contains(&shown));
        let source = if shown < 500 { Source::Client } else { Source::Upstream };
        prop_assert_eq!(problem.source(), source);
        prop_assert!(problem.violations().len() <= 50);
        prop_assert!(problem.retry_after().is_none_or(|wait| wait.as_secs() <= 86_400));
        if let Some(message) = problem.message() {
            prop_assert!(status < 500 && shown < 500);
            prop_assert!(message.len() <= 1024 && !message.chars().any(char::is_control));
            prop_assert!(!message.contains("<b>") && !message.contains("10.0.0.1"));
        }
    }

    #[test]
    fn nothing_of_html_reaches_a_client(
        status in 400u16..600,
        text in "(?s).{0,60}",
        content_type in "text/html|application/json|application/problem\\+json",
    ) {
        let body = format!("<html><body><p>{text}</p></body></html>");
        let problem = Reply::new(status).header("content-type", &content_type).body(body).translate();
        prop_assert_eq!(problem.message(), None);
        prop_assert!(problem.violations().is_empty());
    }
}
