//! Configurations: any text is taken or refused for a reason that stands within it, and can be shown
//! in every form.

use guichet::config::{Colour, Severity, github, human, json, load_text};

use crate::corpus::Target;

#[test]
fn fuzz_config() {
    let target = Target {
        name: "config",
        words: &[
            b"[server]\n",
            b"[listen.a]\n",
            b"[upstream.b]\n",
            b"[[route]]\n",
            b"match = ",
            b"= ",
            b"\"",
            b"\"\"\"",
            b"'",
            b"[",
            b"]",
            b"{",
            b"}",
            b"${A}",
            b"${",
            b"1s",
            b"64k",
            b"true",
            b"-1",
            b"\xc3\xa9",
            b"\r\n",
            b"\n",
            b"#",
            b".",
            b",",
            b"*",
            b"{id}",
            b"9223372036854775807",
        ],
        longest: 3_000,
        inputs: 400,
    };
    target.run(|input| {
        let text = String::from_utf8_lossy(input);
        // What is on the disk is no part of the input, and some of it can be read without end.
        if ["include", "file", "cert", "key", "catalogue"].iter().any(|word| text.contains(word)) {
            return None;
        }
        match load_text("t.toml", &text, &|name| (name == "A").then(|| "b".to_owned())) {
            Ok(loaded) => {
                let shown = loaded.effective.to_toml(&loaded.sources);
                assert!(toml::de::DeTable::parse(&shown).is_ok(), "{shown}");
                let _ = loaded.effective.to_json();
                let _ = human(&loaded.warnings, &loaded.sources, Colour::Never);
                Some(loaded.warnings.iter().map(|found| found.id.code()).collect())
            }
            Err(refused) => {
                let errors = refused.diagnostics.iter();
                let errors = errors.filter(|found| found.severity == Severity::Error);
                let mut codes: Vec<&str> = errors.map(|found| found.id.code()).collect();
                assert!(!codes.is_empty(), "a text is refused for a reason");
                let _ = refused.human(Colour::Always);
                let _ = json(&refused.diagnostics, &refused.sources);
                let _ = github(&refused.diagnostics, &refused.sources);
                codes.dedup();
                // One code at a time: sets of them would be without end.
                codes.truncate(1);
                Some(codes)
            }
        }
    });
}
