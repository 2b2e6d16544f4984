//! Judging the error reply of an upstream, by what its body is.

use std::hint::black_box;

use guichet::outcome::{Foreign, translate};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::Part;
use crate::scene::{FIXED, load, quiet};

pub(crate) const PARTS: &[Part] = &[
    Part::new("judging/problem_json", || {
        judged(
            "application/problem+json",
            r#"{"type":"https://example.com/out-of-stock","title":"Out of stock","status":503,
                "detail":"Nothing is left of item 42.","instance":"/orders/7"}"#,
        )
    }),
    Part::new("judging/own_json", || {
        judged("application/json", r#"{"error":{"code":"SOLD_OUT","message":"Nothing is left."}}"#)
    }),
    Part::new("judging/html", || {
        judged("text/html", "<html><head><title>503</title></head><body>down</body></html>")
    }),
    Part::new("judging/empty", || judged("text/plain", "")),
];

fn judged(content_type: &'static str, body: &'static str) -> Box<dyn FnMut()> {
    let config = load(&quiet(FIXED));
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Box::new(move || {
        let foreign = Foreign {
            status: 503,
            headers: &headers,
            body: black_box(body.as_bytes()),
            inspect: config.errors.inspect,
            rules: [&[], &[]],
            identifier: None,
            keep: &config.errors.keep_headers,
        };
        drop(black_box(translate(&foreign, &config.errors.catalogue)));
    })
}
