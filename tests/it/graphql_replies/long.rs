//! Replies of GraphQL upstreams that are too long to be held: they are judged in passing.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::{LEGACY, answer, before, post, replied, spared};
use crate::rig::client::Client;
use crate::rig::gateway::Setup;
use crate::rig::origin::{Origin, Step, send};

#[test]
fn a_long_reply_streams_through_and_is_judged_all_the_same() {
    for (end, outcome) in [
        ("}}", "success"),
        (",\"buy\":{\"errors\":[1],\"order\":null}}}", "refused"),
        ("},\"errors\":[{\"message\":\"m\"}]}", "failed"),
        ("", "failed"),
    ] {
        let body = format!("{{\"data\":{{\"a\":\"{}\"{end}", "x".repeat(9000));
        // The head and the beginning are with the client while the end is not even there.
        let (first, last) = body.split_at(7000);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let origin = Origin::scripted([Step::Read, send(head + first), Step::Stall, send(last)]);
        let gateway = before(&origin, "inspect = \"4KiB\"");
        let mut client = Client::plain(gateway.plain());
        let query = "{\"query\":\"{a}\"}";
        client.send(format!(
            "POST /graphql HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{query}",
            query.len()
        ));
        let mut begun = client.bytes(6000);
        origin.release();
        let head = begun.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        begun.extend(client.bytes(head + body.len() - begun.len()));
        assert!(begun.ends_with(body.as_bytes()));
        let line = gateway.log_line_where(|line| line["route"] == "graph");
        assert_eq!((&line["outcome"], &line["status"]), (&json!(outcome), &json!(200)), "{line}");
    }
}

/// Long, and hard to make smaller.
fn noise(length: u32) -> String {
    let mut seed = 7_u32;
    let mut letter = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + u8::try_from(seed >> 28).unwrap())
    };
    (0..length).map(|_| letter()).collect()
}

fn coded(coding: &str, text: &str) -> Vec<u8> {
    let (text, mut out) = (text.as_bytes(), Vec::new());
    match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text).unwrap();
            return encoder.finish().unwrap();
        }
        "br" => std::io::copy(&mut brotli::CompressorReader::new(text, 4096, 4, 20), &mut out),
        "zstd" => std::io::copy(&mut &*zstd::encode_all(text, 3).unwrap(), &mut out),
        _ => std::io::copy(&mut &*text, &mut out),
    }
    .unwrap();
    out
}

#[test]
fn a_long_reply_tells_its_code_coded_or_not() {
    let error = r#"{"message":"m","extensions":{"code":"SERVICE_UNAVAILABLE"}}"#;
    for coding in ["", "gzip", "br", "zstd"] {
        for (body, outcome, code, cause) in [
            (format!("{{\"data\":{{\"a\":\"{}\"}}}}", noise(40_000)), "success", None, None),
            (
                format!(
                    "{{\"errors\":[{{\"message\":\"n\",\"extensions\":{{\"code\":\"FORBIDDEN\"}}}}],\"data\":{{\"a\":\"{}\"}}}}",
                    noise(40_000)
                ),
                "refused",
                Some("fr.ammyForbidden"),
                Some("graphql_errors"),
            ),
            (
                format!("{{\"data\":{{\"a\":\"{}\"}},\"errors\":[{error},\"o\"]}}", noise(40_000)),
                "failed",
                Some("fr.ammyServiceUnavailable"),
                Some("graphql_errors"),
            ),
            (
                format!("{{\"data\":{{\"a\":\"{}\"}}", noise(40_000)),
                "failed",
                Some("fr.ammyBadGateway"),
                Some("graphql_reply"),
            ),
        ] {
            let bytes = coded(coding, &body);
            let field = match coding {
                "" => String::new(),
                coding => format!("Content-Encoding: {coding}\r\n"),
            };
            let fields = format!("Content-Type: application/json\r\n{field}");
            let answer = answer("200 OK", &fields, &bytes);
            let (gateway, reply) = replied(answer, "inspect = \"4KiB\"", LEGACY);
            assert!(reply.status() == 200 && reply.body == bytes, "{coding}: as it came");
            let line = gateway.log_line(&reply.request_id());
            assert_eq!(
                (&line["outcome"], &line["status"]),
                (&json!(outcome), &json!(200)),
                "{line}"
            );
            assert_eq!(line.get("code"), code.map(|code| json!(code)).as_ref(), "{line}");
            assert_eq!(line.get("cause"), cause.map(|cause| json!(cause)).as_ref(), "{line}");
            if let Some(code) = code {
                let origin = if outcome == "failed" { "upstream" } else { "client" };
                let series = format!(
                    "guichet_errors_total{{route=\"graph\",code=\"{code}\",origin=\"{origin}\"}}"
                );
                assert_eq!(gateway.metric(&series), Some(1.0), "{coding}");
            }
        }
    }
}

#[test]
fn a_long_reply_that_nobody_can_read_says_so_in_the_log() {
    let body = format!("{{\"errors\":[{{\"message\":\"{}\"}}]}}", noise(9000));
    for (codings, bytes, why) in [
        ("gzip, gzip", coded("gzip", &body), "coded in a way that is not known here"),
        ("compress", body.clone().into_bytes(), "coded in a way that is not known here"),
        ("gzip\r\nContent-Encoding: br", coded("gzip", &body), "coded more than once"),
        ("gzip", body.clone().into_bytes(), "not decoded: damaged, or beyond what is made of it"),
        (
            "zstd",
            coded("zstd", &(body.clone() + &" ".repeat(20 << 20))),
            "not decoded: damaged, or beyond what is made of it",
        ),
    ] {
        let fields = format!("Content-Type: application/json\r\nContent-Encoding: {codings}\r\n");
        let (gateway, reply) =
            replied(answer("200 OK", &fields, &bytes), "inspect = \"4KiB\"", LEGACY);
        assert!(reply.status() == 200 && reply.body == bytes, "{codings}: as it came");
        let line = gateway.log_line(&reply.request_id());
        assert_eq!(line["outcome"], "success", "{line}");
        assert_eq!(line["detail"], format!("the reply went on unread: {why}"), "{line}");
    }
}

#[test]
fn a_long_reply_that_is_nothing_but_errors_is_seen_to_fail() {
    let message = noise(40_000);
    let body =
        format!("{{\"errors\":[{{\"message\":\"{message}\",\"path\":[\"a\"]}}],\"data\":null}}");
    let fields = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
    let origin = Origin::answering(answer("200 OK", fields, &coded("gzip", &body)));
    let gateway = spared(&origin, "1m", "inspect = \"4KiB\"");
    for _ in 0..3 {
        let reply = post(&gateway, LEGACY, "{ a }");
        assert_eq!(reply.status(), 200);
        gateway.log_line(&reply.request_id());
    }
    assert_eq!(post(&gateway, LEGACY, "{ a }").status(), 503);
}

#[test]
fn what_is_the_client_s_fault_or_has_data_is_no_failure_of_its_upstream() {
    let noise = noise(9000);
    for body in [
        r#"{"errors":[{"message":"MANY","extensions":{"code":"FORBIDDEN"}}],"data":null}"#,
        r#"{"data":{"a":1},"errors":[{"message":"MANY","extensions":{"code":"TIMEOUT"}}]}"#,
    ] {
        for inspect in ["4KiB", "1MiB"] {
            let origin = Origin::answering(super::ok(&body.replace("MANY", &noise)));
            let gateway = spared(&origin, "1m", &format!("inspect = \"{inspect}\""));
            for _ in 0..4 {
                let reply = post(&gateway, LEGACY, "{ a }");
                assert_eq!(reply.status(), 200, "{inspect}: {body}");
                gateway.log_line(&reply.request_id());
            }
        }
    }
}

#[test]
fn a_long_reply_that_is_observed_tells_what_would_have_changed() {
    for (code, outcome, problem) in
        [("FORBIDDEN", "refused", "Forbidden"), ("TIMEOUT", "failed", "GatewayTimeout")]
    {
        let body = format!(
            "{{\"errors\":[{{\"message\":\"{}\",\"extensions\":{{\"code\":\"{code}\"}}}}],\"data\":{{}}}}",
            noise(9000)
        );
        let origin = Origin::answering(super::ok(&body));
        let gateway = Setup::new()
            .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
            .route(
                "match = \"/graphql\"\nupstream = \"origin\"\nnormalise = \"observe\"\n\
                 graphql = { inspect = \"4KiB\" }",
            )
            .start();
        let reply = post(&gateway, LEGACY, "{ a }");
        assert_eq!((reply.status(), reply.text()), (200, body));
        let line = gateway.log_line(&reply.request_id());
        let would = format!("fr.ammy{problem}");
        assert_eq!((&line["outcome"], &line["would_change"]), (&json!(outcome), &json!(would)));
        assert_eq!(line.get("code"), None, "{line}");
    }
}

#[test]
fn a_long_page_is_no_reply_however_long_it_is() {
    let page = format!("<html>{}", noise(9000));
    let list = format!("[{{\"data\":{{\"a\":\"{}\"}}}}]", noise(9000));
    for (body, lines, status) in [
        (&page, "inspect = \"4KiB\"", 502),
        (&list, "inspect = \"4KiB\"", 502),
        (&list, "inspect = \"4KiB\"\nlimits = { batch = true }", 200),
    ] {
        let (_, reply) = replied(super::ok(body), lines, LEGACY);
        assert_eq!(reply.status(), status, "{lines}: {}", reply.text());
        if status == 502 {
            let errors = &reply.json()["errors"];
            assert_eq!(errors[0]["extensions"]["problem"], "fr.ammyBadGateway");
        }
    }
    let origin = Origin::answering(super::ok(&page));
    let gateway = spared(&origin, "1m", "inspect = \"4KiB\"");
    let statuses: [u16; 4] = std::array::from_fn(|_| post(&gateway, LEGACY, "{ a }").status());
    assert_eq!(statuses, [502, 502, 502, 503]);
}
