use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};

use super::*;
use crate::outcome::graphql::judge;

fn payload() -> Payload {
    Payload::new(Box::new(["errors".into(), "userErrors".into()]), Box::new(["warnings".into()]))
}

/// The verdict on a text that comes in these pieces, where it is skimmed, and where it is there as a whole.
fn skimmed<'p>(pieces: impl Iterator<Item = &'p [u8]> + Clone, batch: bool) -> [Verdict; 2] {
    let payload = payload();
    let mut skimmer = ReplySkimmer::new(batch);
    pieces.clone().for_each(|piece| skimmer.read(&payload, piece));
    [skimmer.verdict(), judge(pieces, &payload, batch)]
}

/// The same, by reading the whole.
fn parsed(text: &str, batch: bool) -> Verdict {
    match serde_json::from_str(text) {
        Ok(Value::Object(root)) => parsed_one(&root),
        Ok(Value::Array(replies)) if batch && !replies.is_empty() => {
            let none = Map::new();
            let replies =
                replies.iter().map(|reply| parsed_one(reply.as_object().unwrap_or(&none)));
            replies
                .reduce(|all, one| Verdict {
                    is_graphql: all.is_graphql && one.is_graphql,
                    root_errors: all.root_errors || one.root_errors,
                    data: all.data || one.data,
                    refused: all.refused || one.refused,
                    warned: all.warned || one.warned,
                })
                .unwrap()
        }
        _ => Verdict::default(),
    }
}

fn parsed_one(root: &Map<String, Value>) -> Verdict {
    let payload = payload();
    let filled = |value: Option<&Value>| {
        value.and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    };
    let data = root.get("data");
    let mut verdict = Verdict {
        is_graphql: data.is_some() || root.contains_key("errors"),
        root_errors: filled(root.get("errors")),
        data: data.is_some_and(|data| !data.is_null()),
        ..Verdict::default()
    };
    let fields = data.and_then(Value::as_object).into_iter().flat_map(Map::values);
    for one in fields.filter_map(Value::as_object) {
        let has = |names: &[Box<str>]| names.iter().any(|name| filled(one.get(&**name)));
        let told = |name: &str| {
            payload.errors().iter().chain(payload.warnings()).any(|known| **known == *name)
        };
        let beside = one.iter().any(|(name, value)| {
            !told(name) && matches!(value, Value::Object(_) | Value::Array(_))
        });
        verdict.warned |= has(payload.warnings());
        verdict.refused |= has(payload.errors()) && !beside;
    }
    verdict
}

#[test]
fn three_ways_to_fail_are_told_apart() {
    let told = |text: &str| {
        let [it, judged] = skimmed([text.as_bytes()].into_iter(), false);
        assert_eq!((it, judged), (parsed(text, false), it), "{text}");
        (it.is_graphql, it.root_errors, it.data, it.refused, it.warned)
    };
    for (text, expected) in [
        (r#"{"data":{"a":{"b":1}}}"#, (true, false, true, false, false)),
        (r#"{"errors":[{"message":"no"}],"data":null}"#, (true, true, false, false, false)),
        (r#"{"data":{"a":null},"errors":[{}]}"#, (true, true, true, false, false)),
        (r#"{"errors":[ ],"data":{}}"#, (true, false, true, false, false)),
        (r#"{"data":{"buy":{"order":null,"errors":[{"m":1}]}}}"#, (true, false, true, true, false)),
        (r#"{"data":{"buy":{"userErrors":["x"],"ok":false}}}"#, (true, false, true, true, false)),
        (r#"{"data":{"buy":{"order":{},"errors":[{}]}}}"#, (true, false, true, false, false)),
        (r#"{"data":{"buy":{"order":null,"errors":[]}}}"#, (true, false, true, false, false)),
        (r#"{"data":{"a":{"warnings":["w"],"b":{}}}}"#, (true, false, true, false, true)),
        (r#"{"data":{"a":{"b":{"errors":[1]}}}}"#, (true, false, true, false, false)),
        (
            r#"{"data":[{"errors":[1]}],"extensions":{"errors":[1]}}"#,
            (true, false, true, false, false),
        ),
        (r#"{"\u0065rrors":[1],"d\u0061ta":"\"}"}"#, (true, true, true, false, false)),
        (r#"{"code":"x"}"#, (false, false, false, false, false)),
        ("[]", (false, false, false, false, false)),
        ("\"data\"", (false, false, false, false, false)),
    ] {
        assert_eq!(told(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_reply_is_not_taken_for_one() {
    for text in ["", "<html>{\"data\":1}</html>", "{\"data\":{", "{\"data\":1} {\"data\":1}", "}"] {
        let told = skimmed([text.as_bytes()].into_iter(), false);
        assert!(told.iter().all(|it| !it.is_graphql), "{text}");
    }
}

#[test]
fn a_list_is_a_reply_where_several_may_be_asked_for() {
    for (text, told) in [
        (r#"[{"data":{"a":1}},{"data":null,"errors":[1]}]"#, (true, true, true)),
        (r#"[ {"data":{}} ]"#, (true, false, true)),
        (r#"[{"data":{}},{"a":{}}]"#, (false, false, true)),
        (r#"[{"data":{}}] []"#, (false, false, true)),
        (r#"[{"data":{}},1]"#, (false, false, true)),
        (r#"[{"data":{}}"#, (false, false, true)),
        ("[]", (false, false, false)),
    ] {
        for it in skimmed([text.as_bytes()].into_iter(), true) {
            assert_eq!((it.is_graphql, it.root_errors, it.data), told, "{text}");
        }
        assert!(!skimmed([text.as_bytes()].into_iter(), false)[0].is_graphql, "{text}");
    }
}

/// Values with the names that matter on every level.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a\"\\\\\n\u{e9}\u{1f600}{}\\[\\],:]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let name = prop_oneof![
            4 => select(vec!["data", "errors", "userErrors", "warnings", "order"])
                .prop_map(str::to_owned),
            1 => "[a\"\\\\\u{1f600}]{0,3}",
            1 => "[a]{60,70}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn wherever_it_is_cut_the_verdict_is_that_of_a_parser(
        data in values(),
        root in values(),
        wrapped in any::<bool>(),
        listed in any::<bool>(),
        batch in any::<bool>(),
        pretty in any::<bool>(),
        escaped in any::<bool>(),
        cuts in proptest::collection::vec(any::<Index>(), 0..6),
    ) {
        let value = if wrapped { serde_json::json!({ "data": data, "errors": root }) } else { root };
        let value = if listed { serde_json::json!([value, { "data": data }]) } else { value };
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let mut text = text.unwrap();
        if escaped {
            text = text.replace("errors", "\\u0065rr\\u006Frs").replace('\u{1f600}', "\\ud83d\\ude00");
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|two| &text.as_bytes()[two[0]..two[1]]);
        let expected = parsed(&text, batch);
        prop_assert_eq!(skimmed(pieces, batch), [expected, expected], "{}", text);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = skimmed([&bytes[..]].into_iter(), true);
    }
}
