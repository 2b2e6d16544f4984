//! Paths: the base of the first server, the templates of the document, and what the upstream gets.

use http::Method;

use super::document::{Document, Fault};
use crate::config::model::{Rewrite, RewritePart};
use crate::config::read::Section;
use crate::config::source::Place;
use crate::config::tree::{Node, Value};
use crate::route::Pattern;

/// The path of the first server, without the slash at its end.
pub(super) fn base(document: &Document<'_>) -> Result<String, Fault> {
    let servers = document.section().items("servers");
    let mut found: Option<String> = None;
    for server in servers {
        let path = path_of(server)?;
        match &found {
            None => found = Some(path),
            Some(first) if *first != path => {
                document.remark(server.place, "other paths of `servers` than that of the first");
            }
            Some(_) => {}
        }
    }
    Ok(found.unwrap_or_default())
}

fn path_of(server: &Node) -> Result<String, Fault> {
    let section = Section::of_node(server);
    let Some(url) = section.text("url") else { return Ok(String::new()) };
    let mut text = url.text.to_owned();
    for variable in section.section("variables").entries() {
        let value = Section::of_node(&variable.node).node("default").and_then(said);
        text = text.replace(&format!("{{{}}}", variable.key), &value.unwrap_or_default());
    }
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => text.as_str(),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    if path.contains(['{', '}']) {
        let message = "this server has a variable without a default";
        return Err(Fault::new(url.place, message));
    }
    Ok(match path.is_empty() || path.starts_with('/') {
        true => path.to_owned(),
        false => format!("/{path}"),
    })
}

fn said(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_)
        | Value::Table(_)
        | Value::Broken => None,
    }
}

/// What a template becomes.
pub(super) struct Path {
    pub(super) pattern: Pattern,
    /// As it is shown: with the names of the document.
    pub(super) shown: String,
    /// Where a prefix is put before, which the upstream does not know.
    pub(super) rewrite: Option<Rewrite>,
    /// Names without text between, so that nobody can tell where each ends.
    pub(super) merged: Vec<String>,
}

/// Reads a template of the document. Names are kept as they are: clients read them in errors.
pub(super) fn path(
    method: &str,
    (prefix, base): (&str, &str),
    template: &str,
    place: Place,
) -> Result<Path, Fault> {
    if !template.starts_with('/') {
        return Err(Fault::new(place, "a path of a document begins with `/`"));
    }
    let whole = format!("{base}{template}");
    let (mut names, mut merged) = (Vec::<String>::new(), Vec::new());
    let mut text = prefix.to_owned();
    let mut parts = Vec::new();
    let mut literal = String::new();
    for segment in whole.split('/').skip(1) {
        literal.push('/');
        text.push('/');
        let (found, after) = captures(segment)
            .ok_or_else(|| Fault::new(place, "a name in this path has braces that do not close"))?;
        for (at, (before, name)) in found.into_iter().enumerate() {
            if let Some(last) = names.last_mut().filter(|_| at > 0 && before.is_empty()) {
                // Without text between, nobody can tell where one ends: they are taken together.
                merged.extend(last.split("}{").chain([name]).map(str::to_owned));
                last.push_str(&format!("}}{{{name}"));
                continue;
            }
            literal.push_str(before);
            parts.push(RewritePart::Literal(std::mem::take(&mut literal)));
            parts.push(RewritePart::Capture(names.len()));
            text.push_str(&format!("{before}{{p{}}}", names.len()));
            names.push(name.to_owned());
        }
        literal.push_str(after);
        text.push_str(after);
    }
    if !literal.is_empty() {
        parts.push(RewritePart::Literal(literal));
    }
    let mut pattern = Pattern::parse(&format!("{method} {text}"))
        .map_err(|error| Fault::new(place, error.message))?;
    pattern.names = names;
    let rewrite = (!prefix.is_empty()).then_some(Rewrite(parts));
    Ok(Path { pattern, shown: format!("{method} {prefix}{whole}"), rewrite, merged })
}

/// The names in a segment, each with the text before it, and the text after the last; none where the
/// braces are no pairs.
fn captures(segment: &str) -> Option<(Vec<(&str, &str)>, &str)> {
    let mut found = Vec::new();
    let mut left = segment;
    while let Some(open) = left.find(['{', '}']) {
        let (before, from) = left.split_at(open);
        let (name, after) = from.strip_prefix('{')?.split_once('}')?;
        if name.is_empty() || name.contains('{') {
            return None;
        }
        found.push((before, name));
        left = after;
    }
    Some((found, left))
}

/// The methods of a path item, by their keys.
pub(super) fn method(key: &str) -> Option<Method> {
    Some(match key {
        "get" => Method::GET,
        "put" => Method::PUT,
        "post" => Method::POST,
        "delete" => Method::DELETE,
        "options" => Method::OPTIONS,
        "head" => Method::HEAD,
        "patch" => Method::PATCH,
        "trace" => Method::TRACE,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FileId;

    const HERE: Place = Place { file: FileId::MAIN, start: 0, end: 0 };

    #[test]
    fn templates_keep_their_names() {
        let path = path("GET", ("/x", "/v1"), "/pets/{petId}/a-{b.c}.json", HERE).unwrap();
        assert_eq!(path.shown, "GET /x/v1/pets/{petId}/a-{b.c}.json");
        assert_eq!(path.pattern.path, "/x/v1/pets/{p0}/a-{p1}.json");
        assert_eq!(path.pattern.names, ["petId", "b.c"]);
        let literal = |text: &str| RewritePart::Literal(text.into());
        let parts = [
            literal("/v1/pets/"),
            RewritePart::Capture(0),
            literal("/a-"),
            RewritePart::Capture(1),
            literal(".json"),
        ];
        assert_eq!(path.rewrite.unwrap().0, parts);
    }

    #[test]
    fn names_that_share_a_segment_are_told_apart_by_the_text_between() {
        let compared = path("GET", ("/x", ""), "/compare/{base}...{head}.z/y", HERE).unwrap();
        assert_eq!(compared.pattern.path, "/x/compare/{p0}...{p1}.z/y");
        assert_eq!((compared.pattern.names.len(), compared.merged.len()), (2, 0));
        assert_eq!(compared.rewrite.unwrap().0.len(), 5);
        let path = path("GET", ("", ""), "/compare/{a}{b}{c}-{d}/x", HERE).unwrap();
        assert_eq!(path.pattern.path, "/compare/{p0}-{p1}/x");
        assert_eq!(path.pattern.names, ["a}{b}{c", "d"]);
        assert!(["a", "b", "c"].iter().all(|name| path.merged.iter().any(|known| known == name)));
        assert!(path.rewrite.is_none());
    }

    #[test]
    fn broken_templates_are_refused() {
        for template in ["pets", "/{a", "/a}", "/{}", "/{a{b}}", "/a b", "/a//../b"] {
            assert!(path("GET", ("", ""), template, HERE).is_err(), "{template}");
        }
    }
}
