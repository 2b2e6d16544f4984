//! The required cases of the JSON Schema Test Suite, through guichet's own check of bodies: read
//! strictly, compiled as a schema of a route is, judged as a body is. What the suite expects at
//! `http://localhost:1234` comes from the same folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;

/// Cases that do not hold, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    // A schema of a route is written for 2020-12 itself; vocabularies of other meta-schemas are not
    // looked for.
    ("vocabulary.json", "no validation: invalid number, but it still validates"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora/json_schema")
}

struct Remotes;

impl jsonschema::Retrieve for Remotes {
    fn retrieve(
        &self,
        uri: &jsonschema::Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.as_str().strip_prefix("http://localhost:1234/draft2020-12/");
        let name = name.ok_or_else(|| format!("{uri} is not served"))?;
        let bytes = fs::read(folder().join("remotes/draft2020-12").join(name))?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}

#[test]
fn the_required_cases_hold() {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
    let (mut held, mut wrong, mut left_out) = (0, Vec::new(), 0);
    for (file, bytes) in &files {
        let groups: Value = serde_json::from_slice(bytes).unwrap();
        for group in groups.as_array().unwrap() {
            let about = group["description"].as_str().unwrap();
            let schema =
                Schema::compile(&group["schema"], Path::new("/suite.json"), Remotes, false);
            for case in group["tests"].as_array().unwrap() {
                let name = case["description"].as_str().unwrap();
                let body = case["data"].to_string();
                let fine = schema
                    .as_ref()
                    .map(|schema| matches!(schema.judge(body.as_bytes(), TONGUES), Verdict::Fine));
                if LEFT_OUT.contains(&(file, name)) {
                    left_out += 1;
                } else if fine.as_ref() == Ok(&case["valid"].as_bool().unwrap()) {
                    held += 1;
                } else {
                    wrong.push(format!("{file}: {about}: {name}: {fine:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(left_out, LEFT_OUT.len(), "what is left out is there");
    assert!(held > 1200, "{held}");
}
