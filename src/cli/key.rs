//! `guichet key new`: an API key, shown once, and the entry that knows it again.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::args::NewKey;
use super::output::{Exit, Form, Report};
use crate::base::hex;

/// Makes a key of 256 random bits.
pub(super) fn new(asked: &NewKey, form: Form) -> Report {
    let mut random = [0; 32];
    if rand::fill(&mut random).is_err() {
        return Report::failed(Exit::Failed, "the system gives no random bytes");
    }
    // The prefix is for people and for scanners that look for leaked keys.
    let key = format!("gk_{}", URL_SAFE_NO_PAD.encode(random));
    let mut digits = [0; 64];
    hex::write(digest(&SHA256, key.as_bytes()).as_ref(), &mut digits);
    let sha256 = String::from_utf8_lossy(&digits);
    if form == Form::Json {
        let told = json!({
            "key": key, "name": asked.name, "sha256": sha256, "scopes": asked.scopes,
            "expires": asked.expires,
        });
        return Report::fine(format!("{told:#}\n"));
    }
    let mut text = format!("key: {key}\n\n");
    // Writing into a String cannot fail.
    let _ = writeln!(
        text,
        "# Give the key to {}: it is shown this once. To the file of keys:",
        asked.name
    );
    let _ = writeln!(text, "[[key]]\nname = \"{}\"\nsha256 = \"{sha256}\"", asked.name);
    if !asked.scopes.is_empty() {
        let scopes: Vec<String> = asked.scopes.iter().map(|scope| format!("\"{scope}\"")).collect();
        let _ = writeln!(text, "scopes = [{}]", scopes.join(", "));
    }
    if let Some(end) = &asked.expires {
        let _ = writeln!(text, "expires = {end}");
    }
    Report::fine(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Callers};

    #[test]
    fn a_key_is_known_by_the_entry_that_comes_with_it() {
        let asked = NewKey {
            name: "acme".into(),
            scopes: vec!["users:read".into()],
            expires: Some("2099-01-01T00:00:00Z".into()),
        };
        let told = new(&asked, Form::Text).out;
        let key = told.lines().next().unwrap().strip_prefix("key: ").unwrap();
        let (_, file) = told.split_once("\n\n").unwrap();
        let known = config::callers("k", file.as_bytes(), Callers::Keys).unwrap();
        assert_eq!(known[0].secret.0, digest(&SHA256, key.as_bytes()).as_ref());
        assert_eq!((known[0].name.as_str(), known[0].scopes.len()), ("acme", 1));
        assert!(known[0].expires.is_some() && !file.contains(key));
        assert_ne!(new(&asked, Form::Text).out, told);
        let json: serde_json::Value = serde_json::from_str(&new(&asked, Form::Json).out).unwrap();
        assert!(json["key"].as_str().unwrap().starts_with("gk_"));
    }
}
