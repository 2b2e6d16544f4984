//! `[route.params]`: each parameter compiled to a rule, and refused where no value could be right.

use http::{HeaderName, HeaderValue};

use super::Check;
use super::kind::{fits, kind, plain};
use crate::base::percent;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Names, Params};
use crate::config::read::{Section, Word};
use crate::config::source::Place as Where;
use crate::config::tree::{Entry, Node};
use crate::parameter::{Fallback, Fault, Kind, Rule, Tongue};
use crate::problem::Place;
use crate::route::Pattern;

/// The parameters of a route; none where it declares nothing.
pub(super) fn params(
    route: Section<'_>,
    pattern: Option<&Pattern>,
    tongues: &[Tongue],
    check: &mut Check<'_>,
) -> Option<Box<Params>> {
    let strict = route.boolean("strict").unwrap_or_default();
    let entries = route.section("params").entries();
    if entries.is_empty() && !strict {
        return None;
    }
    if let Some(entry) = entries.get(Params::MOST) {
        let message = format!("a route has at most {} parameters", Params::MOST);
        check.push(Diagnostic::at(Id::OutOfRange, entry.place, message));
    }
    let (mut rules, mut path, mut headers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut query, mut cookies) = (Vec::new(), Vec::new());
    for entry in entries.iter().take(Params::MOST) {
        let rule = declared(entry, check);
        // Of a document; nobody can write it into a file.
        let is_judged = Section::of_node(&entry.node).has(JUDGED);
        if !is_judged && pattern.is_some_and(|pattern| takes_all(&rule, pattern)) {
            continue;
        }
        let at = u16::try_from(rules.len()).unwrap_or(u16::MAX);
        match rule.place {
            Place::Path => path.extend(capture(entry, pattern, check).map(|index| (index, at))),
            Place::Query | Place::Body => query.push((rule.name.clone(), at)),
            Place::Header => headers.extend(header(entry, check).map(|name| (name, at))),
            Place::Cookie => {
                cookie(entry, check);
                cookies.push((rule.name.clone(), at));
            }
        }
        rules.push(rule.speaking(tongues));
    }
    if rules.is_empty() && !strict {
        return None;
    }
    Some(Box::new(Params {
        rules: rules.into(),
        path: path.into(),
        query: Names::new(query),
        headers: headers.into(),
        cookies: Names::new(cookies),
        schemas: Box::default(),
        strict,
        tongues: tongues.into(),
    }))
}

/// What stands at a parameter that a schema judges, whatever its rule says.
pub(crate) const JUDGED: &str = "judged";

/// Whether nothing is to be checked of a parameter: it was only named, or marked.
fn takes_all(rule: &Rule, pattern: &Pattern) -> bool {
    let any = matches!(rule.kind, Kind::String { least: 0 | 1, most: usize::MAX, pattern: None });
    let segment = pattern.names.iter().any(|name| **name == *rule.name)
        && !pattern.path.ends_with(&format!("{{*{}}}", rule.name));
    rule.place == Place::Path && any && rule.one_of.is_empty() && segment
}

/// The parameter marked `identifier`.
pub(super) fn identifier(params: Section<'_>, check: &mut Check<'_>) -> Option<String> {
    let mut marked: Option<(&str, Where)> = None;
    for entry in params.entries() {
        if Section::of_node(&entry.node).boolean("identifier") != Some(true) {
            continue;
        }
        match marked {
            None => marked = Some((&entry.key, entry.place)),
            Some((first, place)) => check.push(
                Diagnostic::at(Id::TwoIdentifiers, entry.place, "a route has one identifier")
                    .other(place, format!("`{first}` is marked already"))
                    .help("mark the parameter whose thing is missing when the upstream says 404"),
            ),
        }
    }
    marked.map(|(name, _)| name.to_owned())
}

fn declared(entry: &Entry, check: &mut Check<'_>) -> Rule {
    let section = Section::of_node(&entry.node);
    let place = match section.text("in").map(|word| word.text) {
        Some("query") => Place::Query,
        Some("header") => Place::Header,
        Some("cookie") => Place::Cookie,
        Some(_) | None => Place::Path,
    };
    let mut rule = rule(entry, place, check);
    if place == Place::Path {
        for key in ["optional", "default", "repeated"] {
            let said = key == "default" || section.boolean(key) == Some(true);
            if let Some(place) = section.place(key).filter(|_| said) {
                let message = format!("`{key}` cannot be said of a parameter in the path");
                let made = Diagnostic::at(Id::BadParameter, place, message);
                check.push(made.help("a path always has it, once: take the key away"));
            }
        }
    } else if let Some(node) = section.node("default") {
        rule.fallback = fallback(&rule, node, check);
    }
    rule
}

/// What parameters and the fields of forms share.
pub(super) fn rule(entry: &Entry, place: Place, check: &mut Check<'_>) -> Rule {
    let section = Section::of_node(&entry.node);
    let mut rule = Rule::new(&entry.key, place, kind(section, check));
    rule.one_of = section.items("one_of").iter().filter_map(plain).map(Into::into).collect();
    rule.repeated = section.boolean("repeated").unwrap_or_default();
    rule.optional = section.boolean("optional").unwrap_or_default() || section.has("default");
    // A member that its own type refuses could never be sent.
    for node in section.items("one_of") {
        let misfit = plain(node).is_some_and(|text| !fits(&rule.kind, &text));
        if misfit {
            let message = format!("this value is not of the type of `{}`", entry.key);
            check.push(Diagnostic::at(Id::BadParameter, node.place, message));
        }
    }
    rule
}

/// The default as it is sent. It has to pass what a client's value has to pass.
fn fallback(rule: &Rule, node: &Node, check: &mut Check<'_>) -> Option<Fallback> {
    let text = plain(node)?;
    if let Err(fault) = rule.judge(&text) {
        let message = match fault == Fault::Empty {
            true => "an empty default would be refused if a client sent it",
            false => "this default would be refused if a client sent it",
        };
        check.push(Diagnostic::at(Id::BadParameter, node.place, message));
        return None;
    }
    match rule.place {
        Place::Query => {
            let pair = format!("{}={}", percent::encoded(&rule.name), percent::encoded(&text));
            Some(Fallback::Query(pair.into()))
        }
        Place::Header => {
            let value = HeaderValue::from_str(&text);
            let sent = rule.name.parse::<HeaderName>().ok().zip(value.ok());
            if sent.is_none() {
                let message = "a header cannot carry this default";
                check.push(Diagnostic::at(Id::BadParameter, node.place, message));
            }
            sent.map(|(name, value)| Fallback::Header(name, value))
        }
        Place::Cookie => {
            let sent =
                text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte));
            if !sent {
                let message = "a cookie cannot carry this default";
                check.push(Diagnostic::at(Id::BadParameter, node.place, message));
            }
            sent.then(|| Fallback::Cookie(format!("{}={text}", rule.name).into()))
        }
        Place::Path | Place::Body => None,
    }
}

fn capture(entry: &Entry, pattern: Option<&Pattern>, check: &mut Check<'_>) -> Option<usize> {
    let pattern = pattern?;
    let found = pattern.names.iter().position(|name| *name == entry.key);
    if found.is_none() {
        let word = Word { text: &entry.key, place: entry.place };
        let names = pattern.names.iter().map(String::as_str);
        check.unknown(Id::UnknownParameter, word, "parameter in the path named", names);
    }
    found
}

fn header(entry: &Entry, check: &mut Check<'_>) -> Option<HeaderName> {
    let name = entry.key.parse::<HeaderName>().ok();
    let name = name.filter(|name| !OWN.contains(&name.as_str()));
    if name.is_none() {
        let message = format!("`{}` is no header that can be declared", entry.key);
        check.push(Diagnostic::at(Id::BadParameter, entry.place, message).help(
            "a name has letters, digits and `-`; fields of the connection, of framing and of \
             forwarding are guichet's own",
        ));
    }
    name
}

/// Fields of the connection and of the framing, which guichet has read already.
pub(in crate::config) const OWN: &[&str] = &[
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

fn cookie(entry: &Entry, check: &mut Check<'_>) {
    let token = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    if !entry.key.bytes().all(token) {
        let message = format!("`{}` cannot be the name of a cookie", entry.key);
        check.push(Diagnostic::at(Id::BadParameter, entry.place, message));
    }
}
