//! Laws that hold for every file, and for no file at all.

use proptest::prelude::*;

use super::*;

/// Loads, prints in every form, and says whether the file was taken. Nothing here may panic.
fn survives(text: &str) -> bool {
    match load_text("t.toml", text, &|name| (name == "A").then(|| "b".to_owned())) {
        Ok(loaded) => {
            let shown = loaded.effective.to_toml(&loaded.sources);
            let _ = loaded.effective.to_json();
            assert!(toml::de::DeTable::parse(&shown).is_ok(), "{shown}");
            let _ = human(&loaded.warnings, &loaded.sources, Colour::Never);
            true
        }
        Err(refused) => {
            let first =
                refused.diagnostics.iter().filter(|found| found.severity == Severity::Error);
            assert!(first.count() > 0, "a file is refused for a reason");
            let _ = refused.human(Colour::Always);
            let _ = json(&refused.diagnostics, &refused.sources);
            let _ = github(&refused.diagnostics, &refused.sources);
            false
        }
    }
}

/// The longest file there is: the starter with everything in it, commented or not.
fn everything() -> String {
    let full = starter(Starter::Full);
    let body = &full[full.find("version = 1").unwrap()..];
    body.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).fold(
        String::new(),
        |mut text, line| {
            let setting = line.is_empty()
                || line.starts_with('[')
                || line.split('#').next().unwrap().contains(" = ");
            text.push_str(if setting { "" } else { "# " });
            text.push_str(line);
            text.push('\n');
            text
        },
    )
}

#[test]
fn every_line_of_the_starter_is_well_formed() {
    let text = everything();
    let endpoints = text.find("[[upstream.app.endpoints]]").unwrap();
    let next = endpoints + text[endpoints..].find("\n\n").unwrap();
    let text = format!("{}{}", &text[..endpoints], &text[next..]);
    // Lists of tables are shown both empty and filled; only one of the two can be set.
    let text = text.replace("\nerrors = []", "\n# errors = []");
    let refused = load_text("t.toml", &text, &no_environment).unwrap_err();
    let allowed = [
        Id::Conflict,
        Id::Incomplete,
        Id::TwoTargets,
        Id::UnknownParameter,
        Id::BadParameter,
        Id::BadBody,
        Id::Unreadable,
        Id::BadOutlet,
        Id::MayNotExist,
        Id::FlowType,
    ];
    for found in &refused.diagnostics {
        let fine = allowed.contains(&found.id) || found.severity != Severity::Error;
        assert!(fine, "{}", refused.human(Colour::Never));
    }
}

#[test]
fn the_starter_mentions_every_key_with_its_default() {
    let full = starter(Starter::Full);
    walk(&ROOT, "", &mut |path, key| {
        let line = |value: &str| {
            let setting = format!("{} = {value}", key.name);
            full.lines().any(|line| line.trim_start_matches("# ").starts_with(&setting))
        };
        let section = full.lines().any(|line| {
            let line = line.trim_start_matches("# ").trim_start_matches('[');
            let own = line.split([']', ' ']).next().unwrap_or_default();
            own.split('.').any(|part| part == key.name)
        });
        let mentioned = match key.default {
            Default::Value(default) => line(default),
            Default::Table => section,
            Default::None(_) | Default::Required => {
                section || line(key.example.unwrap_or("nothing"))
            }
        };
        assert!(mentioned, "{path}");
    });
}

#[test]
fn a_fingerprint_follows_the_values_alone() {
    let of = |text: &str| loaded(text).effective.fingerprint();
    let text = with("", "");
    assert_eq!(of(&text), of(&format!("# a comment\n\n{text}")));
    assert_eq!(of(&text), of(&with("server", "languages = [\"fr\", \"en\"]")));
    assert_ne!(of(&text), of(&with("server", "languages = [\"en\", \"fr\"]")));
    let key = |name: &str| {
        with("listen", &format!("tls = {{ cert = \"c\", key = {{ file = \"{name}\" }} }}"))
    };
    assert_ne!(of(&key("a")), of(&key("b")));
}

#[test]
fn a_fingerprint_follows_what_the_values_name() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let text = with("route", "[route.body]\nschema = \"a.json\"")
        + "[[openapi]]\nfile = \"b.yaml\"\nupstream = \"b\"\n";
    let of = || {
        let loaded = load_text_in(folder.path(), "t.toml", &text, &no_environment);
        loaded.unwrap_or_else(|refused| panic!("{}", refused.human(Colour::Never)))
    };
    let document = "openapi: 3.1.0\npaths: {/y: {get: {}}}\n";
    write("a.json", r#"{ "$ref": "c.json" }"#);
    write("b.yaml", document);
    write("c.json", "true");
    let first = of();
    let named = first.sources.paths();
    for name in ["a.json", "b.yaml", "c.json"] {
        assert!(named.iter().any(|path| path.ends_with(name)), "{name} is not looked at");
    }
    let first = first.effective.fingerprint();
    assert_eq!(of().effective.fingerprint(), first);
    for (name, now, before) in [
        ("a.json", "true", r#"{ "$ref": "c.json" }"#),
        ("b.yaml", "openapi: 3.1.0\npaths: {/z: {get: {}}}\n", document),
        ("c.json", "false", "true"),
    ] {
        write(name, now);
        assert_ne!(of().effective.fingerprint(), first, "{name}");
        write(name, before);
        assert_eq!(of().effective.fingerprint(), first, "{name}");
    }
    write("a.json", "{");
    let refused = load_text_in(folder.path(), "t.toml", &text, &no_environment).unwrap_err();
    assert!(refused.sources.paths().iter().any(|path| path.ends_with("a.json")));
}

#[test]
fn secrets_are_shown_nowhere() {
    let text = with("listen", "tls = { cert = \"c\", key = { file = \"hunter2\" } }");
    let loaded = loaded(&text);
    let shown = loaded.effective.to_toml(&loaded.sources);
    assert!(shown.contains("key = \"***\"") && !shown.contains("hunter2"), "{shown}");
    assert!(!loaded.effective.to_json().to_string().contains("hunter2"));
    let text = with("listen", "tls = { cert = \"c\", key = \"hunter2\" }");
    let refused = load_text("t.toml", &text, &no_environment).unwrap_err();
    assert!(!refused.human(Colour::Never).contains("hunter2"));
    assert!(!json(&refused.diagnostics, &refused.sources).contains("hunter2"));
}

#[test]
fn the_schema_is_one() {
    let parsed: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    assert_eq!(parsed["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(parsed["required"], serde_json::json!(["version"]));
    let one = &parsed["properties"]["upstream"]["additionalProperties"];
    assert_eq!(one["properties"]["timeout"]["properties"]["connect"]["default"], "500ms");
    assert_eq!(one["additionalProperties"], false);
    assert_eq!(parsed["properties"].get("fault"), None, "later keys are unknown to editors");
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused(text in ".{0,200}") {
        survives(&text);
    }

    #[test]
    fn any_bytes_are_taken_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g.toml");
        std::fs::write(&path, &bytes).unwrap();
        if let Err(refused) = load(&path, &no_environment) {
            prop_assert!(!refused.diagnostics.is_empty());
            let _ = refused.human(Colour::Never);
        }
    }

    #[test]
    fn toml_that_is_cut_and_mixed_is_taken_or_refused(
        at in any::<prop::sample::Index>(),
        length in 0usize..40,
        inserted in prop_oneof![
            "[\\[\\]{}=\",.$#\n]{0,6}",
            Just("${env.A}".to_owned()),
            Just("é€😀".to_owned()),
            Just("-99999999999999999999".to_owned()),
            Just("nan".to_owned()),
            Just("1979-05-27T07:32:00Z".to_owned()),
        ],
        pick in any::<bool>(),
    ) {
        let text = if pick { everything() } else { with("", "") };
        let chars: Vec<char> = text.chars().collect();
        let start = at.index(chars.len());
        let end = (start + length).min(chars.len());
        let mut mixed: String = chars[..start].iter().collect();
        mixed.push_str(&inserted);
        mixed.extend(&chars[end..]);
        survives(&mixed);
    }

    /// A value of the wrong type anywhere is never lost in silence.
    #[test]
    fn wrong_types_are_refused(pick in any::<prop::sample::Index>(), value in prop_oneof![
        Just("1979-05-27"), Just("{ surely_unknown = 1 }"), Just("[[[]]]"),
    ]) {
        let text = with("", "");
        let settings: Vec<&str> = text.lines().filter(|line| line.contains(" = ")).collect();
        let line = settings[pick.index(settings.len())];
        let key = line.split(" = ").next().unwrap();
        let wrong = format!("{key} = {value}");
        let taken = survives(&text.replace(line, &wrong));
        prop_assert!(!taken);
    }
}
