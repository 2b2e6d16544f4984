//! Laws over the whole of reading: no text makes it panic, the shipped files are what the registry
//! says, and the registry's defaults are the model's.

use proptest::prelude::*;

use super::keys::{Default, Key, ROOT};
use super::*;

const FULL: &str = include_str!("../../config/guichet.toml");

fn taken(text: &str) -> Loaded {
    load_text("guichet.toml", text, &|_| None)
        .unwrap_or_else(|refused| panic!("{}", refused.human(Colour::Never)))
}

fn every() -> Vec<(String, &'static Key)> {
    let mut all = Vec::new();
    keys::walk(&ROOT, "", &mut |path, key| all.push((path.to_owned(), key)));
    all
}

#[test]
fn the_full_file_names_every_key_with_its_default() {
    let lines: Vec<_> = FULL.lines().map(|line| line.trim_start_matches("# ")).collect();
    for (path, key) in every() {
        let set = format!("{} = ", key.name);
        let header = |line: &&&str| {
            let path = line.trim_start_matches('[').split(']').next().unwrap_or_default();
            line.starts_with('[') && path.split('.').any(|part| part == key.name)
        };
        assert!(
            lines.iter().any(|line| line.starts_with(&set)) || lines.iter().any(|l| header(&l)),
            "{path}"
        );
        if let Default::Value(default) = key.default {
            let line = format!("{} = {default}", key.name);
            assert!(lines.iter().any(|found| found.starts_with(&line)), "{path}: {line}");
        }
    }
}

/// The short file once as it is, once with every default of the registry written out.
#[test]
fn defaults_of_the_registry_are_those_of_the_model() {
    let plain = taken(include_str!("../../config/minimal.toml"));
    let mut written = String::new();
    for line in plain.effective.to_toml(&plain.sources).lines() {
        // `***` stands for a secret, and there is none here.
        written.push_str(line);
        written.push('\n');
    }
    let written = taken(&written);
    let server = |loaded: &Loaded| format!("{:?}", loaded.config.server);
    let upstreams = |loaded: &Loaded| format!("{:?}", loaded.config.upstreams);
    let observe = |loaded: &Loaded| format!("{:?}", loaded.config.observe);
    let listeners = |loaded: &Loaded| format!("{:?}", loaded.config.listeners);
    for part in [server, upstreams, observe, listeners] {
        assert_eq!(part(&plain), part(&written));
    }
    let (one, two) = (&plain.config.errors, &written.config.errors);
    assert_eq!(
        (one.inspect, one.retry_after, one.format),
        (two.inspect, two.retry_after, two.format)
    );
    assert_eq!(plain.config.routes[0].normalise, written.config.routes[0].normalise);
    assert_eq!(plain.effective.fingerprint(), written.effective.fingerprint());
}

/// Judges a text and prints what was found in every form.
fn judged(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match load_text("x.toml", &text, &|_| None) {
        Ok(loaded) => {
            let _ = loaded.effective.to_toml(&loaded.sources);
            let _ = loaded.effective.to_json();
        }
        Err(Refused { diagnostics, sources }) => {
            assert!(diagnostics.iter().any(|found| found.severity == Severity::Error));
            let _ = human(&diagnostics, &sources, Colour::Always);
            let _ = json(&diagnostics, &sources);
            let _ = github(&diagnostics, &sources);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        judged(&bytes);
    }

    #[test]
    fn no_slip_in_the_full_file_makes_reading_panic(
        at in any::<prop::sample::Index>(),
        length in 0usize..40,
        patch in "[\\[\\]{}\"'=#.,$\\\\\n a-z0-9é]{0,8}",
    ) {
        let text = FULL.replace("\n# ", "\n").into_bytes();
        let at = at.index(text.len());
        let end = (at + length).min(text.len());
        let mut changed = FULL.as_bytes().to_vec();
        let here = at.min(changed.len());
        let until = end.clamp(here, changed.len());
        changed.splice(here..until, patch.bytes());
        judged(&changed);
        let mut open = text;
        open.splice(at..end, patch.bytes());
        judged(&open);
    }
}
