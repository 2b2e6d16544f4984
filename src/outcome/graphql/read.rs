//! A reply read whole, for who wants what it says and not only how it went: its data, its errors in the
//! words of the vocabulary, and the messages of payloads.

use serde_json::Value;

use super::{Annotation, Payload, Verdict, Worst, annotate, judge};

/// What a reply says.
#[derive(Debug)]
pub struct Said {
    /// How it went.
    pub verdict: Verdict,
    /// `data`, as it came.
    pub data: Value,
    /// The errors at its root, annotated; null where there are none.
    pub errors: Value,
    /// The worst of them.
    pub worst: Option<Worst>,
    /// Messages of the errors that are data.
    pub refusals: Vec<String>,
    /// Messages of the warnings.
    pub warnings: Vec<String>,
}

/// Reads a reply. None if it is no GraphQL.
pub fn read(body: &str, payload: &Payload, annotation: &Annotation<'_>) -> Option<Said> {
    let verdict = judge([body.as_bytes()].into_iter(), payload, false);
    let annotated = verdict.root_errors.then(|| annotate(body, annotation)).flatten();
    let text = annotated.as_ref().map_or(body, |annotated| &annotated.body);
    let mut root: Value = serde_json::from_str(text).ok().filter(|_| verdict.is_graphql)?;
    let mut member = |name: &str| root.get_mut(name).map(Value::take).unwrap_or_default();
    let (data, errors) = (member("data"), member("errors"));
    Some(Said {
        verdict,
        refusals: messages(&data, payload.errors()),
        warnings: messages(&data, payload.warnings()),
        worst: annotated.map(|annotated| annotated.worst),
        data,
        errors: if verdict.root_errors { errors } else { Value::Null },
    })
}

/// The messages of lists of these names in payloads, in their order.
fn messages(data: &Value, names: &[Box<str>]) -> Vec<String> {
    let payloads = data.as_object().into_iter().flat_map(|data| data.values());
    let lists = payloads.flat_map(|payload| names.iter().map(|name| payload.get(&**name)));
    let entries = lists.flatten().filter_map(Value::as_array).flatten();
    let message = |entry: &Value| {
        let text = entry.as_str().or_else(|| entry.get("message")?.as_str());
        text.map_or_else(|| entry.to_string(), str::to_owned)
    };
    entries.map(message).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::outcome::graphql::Spellings;
    use crate::problem::{Catalogue, Language};

    fn said(body: &str) -> Option<Said> {
        let catalogue = Catalogue::new("fr.ammy", None, &["en".to_owned()], &[]).unwrap();
        let annotation = Annotation {
            catalogue: &catalogue,
            codes: &Spellings::default(),
            language: Language(0),
            request_id: "id-1",
            status: 200,
            fatal: false,
        };
        let payload = Payload::new(Box::new(["errors".into()]), Box::new(["warnings".into()]));
        read(body, &payload, &annotation)
    }

    #[test]
    fn data_and_messages_are_handed_over() {
        let body = r#"{"data":{"buy":{"order":null,"errors":[{"message":"sold out"},"gone",7],"warnings":["w"]}}}"#;
        let said = said(body).unwrap();
        assert!(said.verdict.refused && said.verdict.warned && said.worst.is_none());
        assert_eq!(said.refusals, ["sold out", "gone", "7"]);
        assert_eq!((said.warnings, said.errors), (vec!["w".to_owned()], Value::Null));
        assert_eq!(said.data["buy"]["order"], Value::Null);
    }

    #[test]
    fn errors_at_the_root_have_their_codes() {
        let body =
            r#"{"data":{"a":1},"errors":[{"message":"m","extensions":{"code":"FORBIDDEN"}}]}"#;
        let said = said(body).unwrap();
        assert_eq!(said.data, json!({"a": 1}));
        assert_eq!(said.errors[0]["extensions"]["problem"], "fr.ammyForbidden");
        assert_eq!(said.worst.unwrap().status, 403);
    }

    #[test]
    fn what_is_no_reply_is_none() {
        for body in ["", "{}", "[1]", "<html>", "{\"data\":{"] {
            assert!(said(body).is_none(), "{body}");
        }
    }
}
