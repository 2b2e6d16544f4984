//! What the reply of a GraphQL operation means for the flow: a status below 400 says nothing here.
//!
//! Errors at the root without data are a failure, with the code that they carry. Errors that are data
//! themselves (`data.<field>.errors` beside no object) are one, too: what was asked was refused, and the
//! messages were written for whoever asked. Partial data is a success, and its errors are warnings.

use std::sync::LazyLock;

use http::HeaderMap;
use serde_json::Value;

use super::Reply;
use crate::config::defaults;
use crate::outcome::graphql::{Payload, ReplySkimmer};
use crate::outcome::{Foreign, presentable, translate};
use crate::problem::{BuiltIn, Catalogue, Cause, Problem};

/// Judges a reply; warnings are left in it.
///
/// # Errors
/// It is none, or it tells of a failure.
pub(super) fn judge(reply: &mut Reply, catalogue: &Catalogue) -> Result<(), Problem> {
    let none = |why: &str| Problem::new(Cause::BadResponse).with_detail(why);
    let bytes = reply.body.bytes(0).unwrap_or_default();
    let mut skimmer = ReplySkimmer::new(false);
    skimmer.read(&PAYLOAD, &bytes);
    let verdict = skimmer.verdict();
    if !verdict.is_graphql {
        return Err(none("the reply is none of GraphQL"));
    }
    if !(verdict.root_errors || verdict.refused || verdict.warned) {
        return Ok(());
    }
    let value = reply.body.value().map_err(|why| none(&why))?;
    if verdict.root_errors && !verdict.data {
        return Err(at_the_root(&bytes, &value, catalogue));
    }
    if verdict.refused {
        return Err(refused(&value));
    }
    let mut warnings = elements(&value["errors"]);
    for payload in payloads(&value) {
        warnings.extend(elements(&payload["warnings"]));
    }
    drop(value);
    reply.warnings = warnings;
    Ok(())
}

fn at_the_root(bytes: &[u8], value: &Value, catalogue: &Catalogue) -> Problem {
    let coded = elements(&value["errors"])
        .iter()
        .any(|error| error["extensions"]["code"].as_str().is_some_and(|code| !code.is_empty()));
    // Without a code nobody says whose fault it is, and the words may be a server's.
    let foreign = Foreign {
        status: if coded { 400 } else { 500 },
        headers: &HeaderMap::new(),
        body: bytes,
        inspect: bytes.len(),
        rules: [&[], &[]],
        identifier: None,
        keep: &[],
    };
    translate(&foreign, catalogue)
}

fn refused(value: &Value) -> Problem {
    let messages: Vec<String> = payloads(value)
        .flat_map(|payload| elements(&payload["errors"]))
        .filter_map(|error| error["message"].as_str().or(error.as_str()).and_then(presentable))
        .take(MOST_MESSAGES)
        .collect();
    let problem = Problem::new(Cause::GraphqlRefused).with_code(BuiltIn::UnprocessableContent);
    if messages.is_empty() { problem } else { problem.with_message(messages.join(" ")) }
}

fn payloads(value: &Value) -> impl Iterator<Item = &Value> {
    value["data"].as_object().into_iter().flat_map(|data| data.values())
}

fn elements(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// Where a step's payload says how it went: made once, since it holds what replies are searched by.
static PAYLOAD: LazyLock<Payload> = LazyLock::new(|| {
    let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    Payload::new(names(defaults::GRAPHQL_ERRORS), names(defaults::GRAPHQL_WARNINGS))
});

/// Messages of a refusal that are told.
const MOST_MESSAGES: usize = 5;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderValue;

    use super::*;
    use crate::flow::Content;

    fn judged(body: &'static str) -> Result<Vec<Value>, (u16, Option<String>)> {
        let catalogue = Catalogue::new("fr.ammy", None, &["en".into()], &[]).unwrap();
        let json = HeaderValue::from_static("application/json");
        let body = Content::received(Bytes::from(body), Some(json));
        let mut reply =
            Reply { status: 200, headers: HeaderMap::new(), body, warnings: Vec::new() };
        match judge(&mut reply, &catalogue) {
            Ok(()) => Ok(reply.warnings),
            Err(problem) => Err((catalogue.status(&problem), problem.message().map(str::to_owned))),
        }
    }

    #[test]
    fn a_reply_is_a_success_a_warning_or_a_failure() {
        assert_eq!(judged(r#"{"data":{"a":1}}"#), Ok(vec![]));
        let warned = judged(r#"{"data":{"a":{"b":1,"warnings":["w"]}}}"#).unwrap();
        assert_eq!(warned, ["w"]);
        let partial = judged(r#"{"data":{"a":1,"b":null},"errors":[{"message":"m"}]}"#).unwrap();
        assert_eq!(partial[0]["message"], "m");
        let refused = judged(r#"{"data":{"a":{"b":null,"errors":[{"message":"No more."}]}}}"#);
        assert_eq!(refused, Err((422, Some("No more.".into()))));
        let coded = r#"{"data":null,"errors":[{"message":"Bad id.","extensions":{"code":"BAD_USER_INPUT"}}]}"#;
        assert_eq!(judged(coded), Err((400, Some("Bad id.".into()))));
        assert_eq!(judged(r#"{"errors":[{"message":"at Foo.java:3"}]}"#), Err((500, None)));
        assert_eq!(judged(r#"{"hello":1}"#).map_err(|error| error.0), Err(502));
    }
}
