//! The six shapes in which one public API says that something went wrong, and what becomes of each:
//! in both languages, and in both media types of GraphQL over HTTP. `tests/golden/graphql/SHAPE.http` is
//! what the API sends, `SHAPE.txt` what clients get.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::rig::client::{self, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::golden;
use crate::rig::origin::Origin;

/// Headers that are the gateway's word on the failure.
const SHOWN: [&str; 5] =
    ["content-type", "content-language", "error-code", "retry-after", "cache-control"];

const TYPES: [&str; 2] = ["application/graphql-response+json", "application/json"];

#[test]
fn every_shape_comes_out_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/graphql");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut shapes: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|it| it == "http")).collect();
    shapes.sort();
    assert!(shapes.len() >= 7, "{shapes:?}");
    for shape in shapes {
        let sent = fs::read_to_string(&shape).unwrap();
        let (head, body) =
            sent.trim_end().split_once("\n\n").unwrap_or_else(|| (sent.trim_end(), ""));
        let head = head.replace('\n', "\r\n");
        let origin =
            Origin::answering(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        let gateway = Setup::new()
            .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
            .route("match = \"/graphql\"\nupstream = \"origin\"\n[route.graphql]")
            .start();
        let mut told = String::new();
        for language in ["fr", "en"] {
            for media in TYPES {
                let reply = ask(&gateway, language, media);
                let _ = writeln!(told, "### {language}, {media}\n{}", shown(&reply));
            }
        }
        let name = shape.file_stem().unwrap().to_str().unwrap();
        golden::matches(&format!("graphql/{name}.txt"), &told);
    }
}

fn ask(gateway: &Gateway, language: &str, media: &str) -> Reply {
    let query = "{\"query\":\"{ a }\"}";
    client::ask(
        gateway.plain(),
        &format!(
            "POST /graphql HTTP/1.1\r\nHost: gw.test\r\nAccept: {media}\r\nAccept-Language: {language}\r\n\
             X-Request-ID: ignored\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{query}",
            query.len()
        ),
    )
}

fn shown(reply: &Reply) -> String {
    let mut text = format!("{}\n", reply.status());
    for name in SHOWN {
        if let Some(value) = reply.header(name) {
            let _ = writeln!(text, "{name}: {value}");
        }
    }
    text + "\n" + &reply.text().replace(&reply.request_id(), "REQUEST-ID") + "\n"
}
