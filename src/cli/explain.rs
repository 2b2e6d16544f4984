//! `guichet explain`: whatever word guichet used, said at length.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::output::{Exit, Form, Report};
use crate::config;
use crate::problem::{Catalogue, Cause, Code, Language};

/// Explains a diagnostic, an error code, a cause or a key.
pub(super) fn explain(word: &str, catalogue: &Catalogue, form: Form) -> Report {
    let word = word.trim();
    let Some(found) = find(word, catalogue) else {
        return Report::failed(Exit::Usage, unknown(word, catalogue));
    };
    Report::fine(match form {
        Form::Text => found.text,
        Form::Json => format!("{:#}\n", found.json),
    })
}

struct Found {
    text: String,
    json: Value,
}

fn find(word: &str, catalogue: &Catalogue) -> Option<Found> {
    let said = |kind: &str, text: String| Found {
        json: json!({ "kind": kind, "name": word, "text": text }),
        text,
    };
    if let Some(text) = config::explain(word) {
        return Some(said("diagnostic", text));
    }
    if let Some(code) = code(word, catalogue) {
        return Some(about_code(code, catalogue));
    }
    // As `route --cause` takes it, with whose fault it is in front.
    let named = |cause: &&Cause| {
        word == cause.as_str()
            || word.split_once('.') == Some((cause.source().as_str(), cause.as_str()))
    };
    if let Some(cause) = Cause::ALL.iter().find(named) {
        return Some(about_cause(*cause, catalogue));
    }
    config::explain_key(word).map(|text| said("key", text))
}

fn code(word: &str, catalogue: &Catalogue) -> Option<Code> {
    let plain = |code: &Code| catalogue.name(*code).eq_ignore_ascii_case(word);
    catalogue.code_by_full(word).or_else(|| catalogue.codes().find(plain))
}

fn about_code(code: Code, catalogue: &Catalogue) -> Found {
    let full = catalogue.full_code_text(code);
    let (status, graphql) = (catalogue.code_status(code), catalogue.graphql(code));
    let grpc = catalogue.grpc(code).as_str();
    let mut text = format!("{full} (error code)\n");
    let mut texts = serde_json::Map::new();
    // Writing into a String cannot fail.
    for (tag, language) in languages(catalogue) {
        let (title, said) = (catalogue.title(code, language), catalogue.template(code, language));
        let when = catalogue.when(code, language);
        let _ = writeln!(text, "\n  {tag}  {title}");
        let _ = writeln!(text, "      says  {}", said.trim().replace('\n', "\n            "));
        if let Some(when) = when {
            let _ = writeln!(text, "      when  {when}");
        }
        let spoken = json!({ "title": title, "message": said, "when": when });
        texts.insert(tag.to_owned(), spoken);
    }
    let causes: Vec<_> = match code {
        Code::BuiltIn(code) => Cause::ALL.iter().filter(|cause| cause.code() == code).collect(),
        Code::Custom(_) => Vec::new(),
    };
    let causes: Vec<_> = causes.into_iter().map(|cause| cause.as_str()).collect();
    let _ = writeln!(text, "\n  status   {status}\n  graphql  {graphql}\n  grpc     {grpc}");
    if !causes.is_empty() {
        let _ = writeln!(text, "  causes   {}", causes.join(", "));
    }
    if let Some(link) = catalogue.link(code) {
        let _ = writeln!(text, "  link     {link}");
    }
    let json = json!({
        "kind": "code", "name": full, "status": status, "graphql": graphql, "grpc": grpc,
        "causes": causes, "link": catalogue.link(code), "texts": texts,
    });
    Found { text, json }
}

fn about_cause(cause: Cause, catalogue: &Catalogue) -> Found {
    let (name, source) = (cause.as_str(), cause.source().as_str());
    let code = catalogue.full_code_text(Code::from(cause.code()));
    let whose = match source {
        "client" => "the caller's doing",
        "upstream" => "the backend's doing",
        _ => "guichet's own doing",
    };
    let text = format!(
        "{name} (cause, in the log's `cause`)\n\n  origin   {source}: {whose}\n  code     {code}: \
         what the client gets\n\n`guichet explain {code}` says what the client reads, `guichet \
         route REQUEST --cause {source}.{name}` plays it.\n"
    );
    let json = json!({ "kind": "cause", "name": name, "origin": source, "code": code });
    Found { text, json }
}

fn languages(catalogue: &Catalogue) -> impl Iterator<Item = (&str, Language)> {
    catalogue.languages().iter().map(String::as_str).zip((0..=u8::MAX).map(Language))
}

fn unknown(word: &str, catalogue: &Catalogue) -> String {
    let bare = word.strip_prefix(catalogue.prefix()).unwrap_or(word).trim_start_matches('.');
    let codes: Vec<_> = catalogue.codes().map(|code| catalogue.name(code).to_owned()).collect();
    let keys = config::key_paths();
    let names = keys.iter().filter_map(|path| path.rsplit('.').next());
    let known = config::Id::ALL
        .iter()
        .map(|id| id.code())
        .chain(codes.iter().map(String::as_str))
        .chain(Cause::ALL.iter().map(|cause| cause.as_str()))
        .chain(keys.iter().map(String::as_str))
        .chain(names);
    let help = match config::nearest(bare, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`guichet errors` lists the error codes, `guichet config schema` the keys; a \
                 diagnostic is a G and four digits"
            .to_owned(),
    };
    format!("`{word}` is no diagnostic, error code, cause or key\nhelp: {help}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(word: &str, form: Form) -> Report {
        let languages = ["fr".to_owned(), "en".to_owned()];
        let catalogue = Catalogue::new("fr.ammy", None, &languages, &[]).unwrap();
        explain(word, &catalogue, form)
    }

    #[test]
    fn every_kind_of_word_is_explained() {
        for (word, kind, said) in [
            ("g0203", "diagnostic", "G0203 ("),
            ("InvalidParameter", "code", "graphql"),
            ("fr.ammyGatewayTimeout", "code", "first_byte_timeout"),
            ("first_byte_timeout", "cause", "fr.ammyGatewayTimeout"),
            ("upstream.first_byte_timeout", "cause", "fr.ammyGatewayTimeout"),
            ("upstream.users.pool", "key", "idle_time"),
            ("errors.retry_after", "key", "5s"),
        ] {
            let text = asked(word, Form::Text);
            assert_eq!(text.exit, Exit::Fine, "{word}");
            assert!(text.out.contains(said), "{word}: {}", text.out);
            let json: Value = serde_json::from_str(&asked(word, Form::Json).out).unwrap();
            assert_eq!(json["kind"], kind, "{word}");
        }
    }

    #[test]
    fn an_error_code_is_told_in_both_languages() {
        let json: Value = serde_json::from_str(&asked("TooManyRequests", Form::Json).out).unwrap();
        assert_eq!(json["status"], 429);
        assert_ne!(json["texts"]["fr"]["title"], json["texts"]["en"]["title"]);
    }

    #[test]
    fn a_slip_is_put_right() {
        for (word, meant) in [
            ("G020", "G0201"),
            ("InvalidParametre", "InvalidParameter"),
            ("fr.ammyGatewayTimeuot", "GatewayTimeout"),
            ("first_byte_timout", "first_byte_timeout"),
            ("retry_aftr", "retry_after"),
        ] {
            let report = asked(word, Form::Text);
            assert_eq!(report.exit, Exit::Usage);
            assert!(report.err.contains(&format!("did you mean `{meant}`")), "{}", report.err);
        }
        assert!(asked("nonsense", Form::Text).err.contains("`guichet errors` lists"));
    }
}
