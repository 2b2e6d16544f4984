//! `guichet explain`: a diagnostic, an error code, or a key.

use std::fmt::Write as _;

use crate::config::{self, model};
use crate::problem::{Catalogue, Language};

/// Explains `word` with the built-in catalogue.
///
/// # Errors
/// A sentence: nothing has this name.
pub fn explain(word: &str) -> Result<String, String> {
    let languages: Vec<String> = model::LANGUAGES.iter().map(|tag| (*tag).to_owned()).collect();
    let catalogue = Catalogue::new(model::PREFIX, None, &languages, &[]);
    explain_within(word, catalogue.as_ref().ok())
}

/// Explains `word`: the code of a diagnostic (`G0203`), an error code of the catalogue with or
/// without prefix, or a key (`upstream.users.timeout`).
///
/// # Errors
/// A sentence: nothing has this name.
pub fn explain_within(word: &str, catalogue: Option<&Catalogue>) -> Result<String, String> {
    let word = word.trim();
    config::explain(word)
        .or_else(|| catalogue.and_then(|catalogue| code(word, catalogue)))
        .or_else(|| config::explain_key(word))
        .ok_or_else(|| {
            format!(
                "`{word}` is no diagnostic such as G0203, no error code such as InvalidParameter, \
                 and no key such as server.limits.body"
            )
        })
}

fn code(word: &str, catalogue: &Catalogue) -> Option<String> {
    let same = |name: &str| name.eq_ignore_ascii_case(word);
    let code = catalogue
        .codes()
        .find(|code| same(catalogue.name(*code)) || same(catalogue.full_code_text(*code)))?;
    let mut text = format!(
        "{}\nan error that clients get, status {}\n\n",
        catalogue.full_code_text(code),
        catalogue.code_status(code)
    );
    for (index, tag) in (0u8..).zip(catalogue.languages()) {
        let language = Language(index);
        // Writing into a String cannot fail.
        let _ = writeln!(text, "    {tag:<8} {}", catalogue.template(code, language).trim());
        if let Some(when) = catalogue.when(code, language) {
            let _ = writeln!(text, "    {:<8} {when}", "");
        }
    }
    let _ = writeln!(text, "    {:<8} {}", "graphql", catalogue.graphql(code));
    let _ = writeln!(text, "    {:<8} {}", "grpc", catalogue.grpc(code).as_str());
    if let Some(link) = catalogue.link(code) {
        let _ = writeln!(text, "    {:<8} {link}", "more");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_codes_and_keys_are_explained() {
        assert!(explain("g0103").unwrap().contains("unit"));
        for name in ["InvalidParameter", "invalidparameter", "fr.ammyInvalidParameter"] {
            let text = explain(name).unwrap();
            assert!(text.contains("fr.ammyInvalidParameter") && text.contains("400"), "{text}");
            assert!(text.contains("INVALID_ARGUMENT"), "{text}");
        }
        assert!(explain("upstream.users.timeout").unwrap().contains("first_byte"));
        assert!(explain("bind").unwrap().contains("listen.NAME.bind"));
        assert!(explain("weather").unwrap_err().contains("`weather`"));
    }
}
