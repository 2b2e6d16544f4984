//! Whatever is declared and asked: the table answers as the naive matcher does.

use proptest::prelude::*;

use super::*;

fn routes() -> impl Strategy<Value = Vec<(Vec<String>, String)>> {
    let hosts = proptest::sample::subsequence(vec!["a.fr", "b.a.fr", "*.fr", "*.a.fr"], 0..3);
    let methods = proptest::sample::select(vec!["", "", "GET ", "HEAD ", "GET,POST ", "PUT "]);
    let segment =
        proptest::sample::select(vec!["a", "b", "ab", "{}", "{}", "a{}", "{}b", "a{}b", "{}b{}"]);
    let end = proptest::sample::select(vec!["", "", "", "/", "/{*r}"]);
    let path = (proptest::collection::vec(segment, 0..4), end).prop_map(|(segments, end)| {
        let named = segments.iter().enumerate().map(|(index, segment)| {
            let segment = segment.replacen("{}", &format!("{{p{index}}}"), 1);
            format!("/{}", segment.replace("{}", &format!("{{q{index}}}")))
        });
        let path = named.collect::<String>() + end;
        if path.is_empty() { "/".to_owned() } else { path }
    });
    let route = (hosts, methods, path).prop_map(|(hosts, methods, path)| {
        (hosts.iter().map(ToString::to_string).collect(), format!("{methods}{path}"))
    });
    proptest::collection::vec(route, 0..12)
}

proptest! {
    #[test]
    fn agrees_with_the_naive_matcher(
        rows in routes(),
        asked in proptest::collection::vec(
            ("(a|b)(\\.a)?(\\.fr)?", "/((a|b|ab|aab|abb|c)/?){0,4}", "GET|HEAD|POST|PUT|DELETE"),
            1..12,
        ),
    ) {
        let mut table = Table::default();
        let mut kept: Vec<(Vec<String>, String)> = Vec::new();
        for row in rows {
            let hosts: Vec<_> = row.0.iter().map(String::as_str).collect();
            if add(&mut table, kept.len(), (&hosts, &row.1)).is_ok() {
                kept.push(row);
            }
        }
        for (host, path, method) in asked {
            let answer = ask(&table, &format!("{method} {host}{path}"));
            prop_assert_eq!(&answer, &naive::ask(&kept, &host, &path, &method), "{} {}", host, path);
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let matched = table.explain(&host, &path, &method);
            let winners = matched.iter().filter(|(_, verdict)| *verdict == Verdict::Matched);
            prop_assert_eq!(winners.count(), usize::from(answer.ends_with(')')));
            let right = matched.iter().any(|(_, verdict)| *verdict == Verdict::LessSpecific);
            prop_assert!(!right || answer.ends_with(')'));
            let only_method =
                matched.iter().any(|(_, verdict)| *verdict == Verdict::MethodDiffers);
            prop_assert!(!answer.starts_with("405") || only_method);
            prop_assert!(answer != "404" || !only_method);
        }
    }

    #[test]
    fn never_panics(host in ".*", path in ".*", method in "[A-Z]{1,8}") {
        let table = table(&[(&["a.fr", "*.b.fr"], "/{x}/a{y}/{*z}"), (&[], "GET /{*rest}")]);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let _ = table.lookup(&host, &path, &method);
        let _ = table.explain(&host, &path, &method);
    }
}
