//! `guichet explain`: a diagnostic of `check`, an error code or a cause of the log, a key.

use std::fmt::Write as _;

use serde_json::json;

use super::output::{Exit, Form, Report};
use crate::config;
use crate::problem::{Catalogue, Cause, Code};

/// Explains whatever `word` names.
pub(super) fn explain(word: &str, catalogue: &Catalogue, form: Form) -> Report {
    let found = config::explain(word)
        .or_else(|| code(word, catalogue))
        .or_else(|| cause(word, catalogue))
        .or_else(|| config::explain_key(word));
    match (found, form) {
        (Some(text), Form::Text) => Report::fine(text),
        (Some(text), Form::Json) => {
            Report::fine(format!("{:#}\n", json!({ "name": word, "text": text })))
        }
        (None, _) => Report::failed(
            Exit::Failed,
            format!(
                "'{word}' is no diagnostic (G0203), error code (InvalidParameter), cause \
                 (first_byte_timeout) or key (upstream.NAME.pool)"
            ),
        ),
    }
}

/// An error code, with or without its prefix, in any case.
fn code(word: &str, catalogue: &Catalogue) -> Option<String> {
    let bare = word.strip_prefix(catalogue.prefix()).unwrap_or(word);
    let code = catalogue.codes().find(|code| catalogue.name(*code).eq_ignore_ascii_case(bare))?;
    let mut text = format!(
        "{} · HTTP {} · GraphQL {} · gRPC {}\n",
        catalogue.full_code_text(code),
        catalogue.code_status(code),
        catalogue.graphql(code),
        catalogue.grpc(code).as_str(),
    );
    for (language, tag) in (0..).map(crate::problem::Language).zip(catalogue.languages()) {
        let when = catalogue.when(code, language).map(|when| format!("  {when}\n"));
        // Writing into a String cannot fail.
        let _ = write!(text, "\n{tag}: {}\n", catalogue.title(code, language));
        text.push_str(&when.unwrap_or_default());
        let _ = writeln!(text, "  « {} »", catalogue.template(code, language));
    }
    let causes: Vec<&str> = Cause::ALL
        .iter()
        .filter(|cause| Code::from(cause.code()) == code)
        .map(|cause| cause.as_str())
        .collect();
    if !causes.is_empty() {
        let _ = writeln!(text, "\ncauses in the log: {}", causes.join(", "));
    }
    Some(text)
}

fn cause(word: &str, catalogue: &Catalogue) -> Option<String> {
    let name = word.rsplit_once('.').map_or(word, |(_, name)| name);
    let cause = Cause::ALL.iter().copied().find(|cause| cause.as_str() == name)?;
    let code = Code::from(cause.code());
    Some(format!(
        "{} is a cause in the log and the metrics\nits origin is the {}; the client gets {} ({})\n",
        cause.as_str(),
        cause.source().as_str(),
        catalogue.full_code_text(code),
        catalogue.code_status(code),
    ))
}
