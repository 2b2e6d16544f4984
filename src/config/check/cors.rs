//! `[[route]] cors`: what replies will say is written here, once.

use http::{HeaderName, HeaderValue, Method};

use super::Check;
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Cors, OriginPattern};
use crate::config::read::Section;
use crate::config::value;
use crate::route::Pattern;

/// `cors`, where it stands.
pub(super) fn cors(
    route: Section<'_>,
    pattern: Option<&Pattern>,
    check: &mut Check<'_>,
) -> Option<Box<Cors>> {
    route.node("cors")?;
    let section = route.section("cors");
    let credentials = section.boolean("credentials").unwrap_or_default();
    if credentials {
        strangers(section, check);
    }
    let methods = methods(section, pattern, check);
    let headers = names(section, "headers", defaults::CORS_HEADERS);
    let expose = names(section, "expose", defaults::CORS_EXPOSE);
    let max_age = section.duration("max_age").unwrap_or(defaults::CORS_MAX_AGE);
    Some(Box::new(Cors {
        origins: origins(section, check),
        allow_methods: line(methods.iter().map(Method::as_str)),
        methods: methods.into(),
        allow_headers: line(headers.iter().map(String::as_str)),
        headers: (!headers.iter().any(|name| name == ANY)).then(|| {
            headers.iter().filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect()
        }),
        credentials,
        expose: line(expose.iter().map(String::as_str)),
        max_age: HeaderValue::from(max_age.as_secs()),
    }))
}

/// A browser refuses `*` together with credentials; and a reply that would name whoever asks would
/// hand every page what its visitor may read.
fn strangers(section: Section<'_>, check: &mut Check<'_>) {
    let Some(credentials) = section.place("credentials") else { return };
    for (key, what, help) in [
        ("origins", "every page of the web", "list the origins, or take `credentials` away"),
        ("headers", "every field", "list the fields: with credentials, `*` is a name like others"),
        ("expose", "every field", "list the fields: with credentials, `*` is a name like others"),
    ] {
        for word in section.texts(key).iter().filter(|word| word.text == ANY) {
            let message = format!("`credentials` cannot stand beside \"*\" in `{key}`");
            let made = Diagnostic::at(Id::Conflict, word.place, message)
                .label(format!("means {what}"))
                .other(credentials, "with the cookies of whoever visits it")
                .help(help);
            check.push(made);
        }
    }
}

fn origins(section: Section<'_>, check: &mut Check<'_>) -> Box<[OriginPattern]> {
    let words = section.texts("origins");
    let all = words.iter().find(|word| word.text == ANY).map(|word| word.place);
    let mut origins: Vec<OriginPattern> = Vec::new();
    for word in words {
        let Ok(pattern) = value::origin(word.text) else { continue };
        let useless = match all {
            Some(place) => word.place != place,
            None => origins.contains(&pattern),
        };
        if useless {
            let message = format!("\"{}\" is welcome already", word.text);
            check.push(Diagnostic::at(Id::NoEffect, word.place, message).help("take it away"));
        }
        origins.push(pattern);
    }
    origins.into()
}

/// The methods: those that are listed, or those of the match; none at all means every one.
fn methods(section: Section<'_>, pattern: Option<&Pattern>, check: &mut Check<'_>) -> Vec<Method> {
    let taken = pattern.map_or(&[][..], |pattern| &pattern.methods);
    let takes = |method: &Method| {
        let head = *method == Method::HEAD && taken.contains(&Method::GET);
        taken.is_empty() || head || taken.contains(method)
    };
    if !section.has("methods") {
        let head = takes(&Method::HEAD) && !taken.is_empty() && !taken.contains(&Method::HEAD);
        return taken.iter().cloned().chain(head.then_some(Method::HEAD)).collect();
    }
    let mut methods = Vec::new();
    for word in section.texts("methods") {
        let Ok(method) = value::method(word.text) else { continue };
        if !takes(&method) {
            let message = format!("the route takes no {method}");
            let help = "take it away, or add the method to `match`";
            check.push(Diagnostic::at(Id::NoEffect, word.place, message).help(help));
        }
        methods.push(method);
    }
    methods
}

fn names(section: Section<'_>, key: &str, default: &[&str]) -> Vec<String> {
    if !section.has(key) {
        return default.iter().map(|name| (*name).to_owned()).collect();
    }
    section.texts(key).iter().map(|word| word.text.to_owned()).collect()
}

fn line<'w>(words: impl Iterator<Item = &'w str>) -> Option<HeaderValue> {
    let words: Vec<&str> = words.collect();
    HeaderValue::from_str(&words.join(", ")).ok().filter(|value| !value.is_empty())
}

const ANY: &str = "*";
