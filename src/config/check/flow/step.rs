//! `[[flow.NAME.step]]`.

use std::collections::HashMap;

use http::{HeaderName, Method};

use super::template::{Hole, expression, text, whole};
use super::{Names, operation};
use crate::base::{FlowId, UpstreamId, percent};
use crate::config::check::Check;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Call, Next, Step};
use crate::config::read::{Section, Word};
use crate::config::source::Place;
use crate::config::tree::Node;
use crate::expression::{Piece, Text};

/// A step that was read, with its place in the file.
pub(super) struct Draft<'t> {
    pub(super) step: Step,
    /// Its name, or the step where it has none.
    pub(super) place: Place,
    pub(super) call: Word<'t>,
    pub(super) next: Option<Word<'t>>,
    pub(super) on_error: Option<Word<'t>>,
    pub(super) group: Option<Word<'t>>,
    pub(super) send: Option<&'t Node>,
    /// The expressions of `step.each`, in its order.
    pub(super) holes: Vec<Hole<'t>>,
}

pub(super) fn steps<'t>(
    flow: Section<'t>,
    names: Names<'_, 't>,
    check: &mut Check<'_>,
) -> Vec<Draft<'t>> {
    let mut drafts = Vec::new();
    let mut known: HashMap<String, Place> = HashMap::new();
    for (node, section) in flow.tables("step") {
        let written = section.text("name");
        let name = written
            .map_or_else(|| format!("step{}", drafts.len() + 1), |word| word.text.to_owned());
        let place = written.map_or(node.place, |word| word.place);
        taken(&name, place, &mut known, check);
        drafts.push(step(name, place, section, names, check));
    }
    for (_, section) in flow.tables("result") {
        if let Some(word) = section.text("name") {
            taken(word.text, word.place, &mut known, check);
        }
    }
    drafts
}

fn taken(name: &str, place: Place, known: &mut HashMap<String, Place>, check: &mut Check<'_>) {
    if RESERVED.contains(&name) {
        let message = format!("`{name}` means something in expressions, and cannot be a name here");
        check.push(Diagnostic::at(Id::TakenName, place, message).help("choose another name"));
    }
    if let Some(first) = known.insert(name.to_owned(), place) {
        let message = format!("a step or a result of this flow has the name `{name}` already");
        let made = Diagnostic::at(Id::TakenName, place, message).label("again here");
        check.push(made.other(first, "first used here").help("choose another name"));
    }
}

fn step<'t>(
    name: String,
    place: Place,
    section: Section<'t>,
    names: Names<'_, 't>,
    check: &mut Check<'_>,
) -> Draft<'t> {
    let mut holes = Vec::new();
    let call = section.text("call").unwrap_or(Word { text: "", place });
    let called = match call.text {
        // A missing key was reported by the form of the file.
        "" => None,
        _ => called(call, names, &mut holes, check),
    };
    let sends = section.node("send");
    let send = match section.has("graphql") {
        true => operation::send(section, called.as_ref(), &mut holes, check),
        false => sends.and_then(|node| whole(node, &mut holes, check)),
    };
    let mut headers = Vec::new();
    for entry in section.section("headers").entries() {
        let value = section.section("headers").text(&entry.key);
        let value = value.and_then(|word| text(word, &mut holes, check));
        let name = HeaderName::from_bytes(entry.key.as_bytes());
        headers.extend(name.ok().zip(value));
    }
    let when = section.text("when").and_then(|word| expression(word, &mut holes, check));
    match &called {
        Some(Call::Upstream { method, .. })
            if *method == Method::GET || *method == Method::HEAD =>
        {
            if let Some(place) = section.place("send") {
                let message = format!("a {method} carries no body");
                let made = Diagnostic::at(Id::BadCall, place, message);
                check.push(made.help("put it into the query, or call with another method"));
            }
        }
        Some(Call::Flow(_)) => {
            if let Some(place) = section.place("headers") {
                let message = "a flow is called without headers";
                let made = Diagnostic::at(Id::NoEffect, place, message);
                check.push(made.help("hand it over with `send`"));
            }
        }
        Some(Call::Upstream { .. }) | None => {}
    }
    let step = Step {
        name,
        // Without a call the file is refused.
        call: called.unwrap_or(Call::Flow(FlowId(u16::MAX))),
        send,
        headers: headers.into(),
        timeout: section.duration("timeout"),
        when,
        on_error: Next::End,
        is_graphql: section.has("graphql"),
        looks_inside: false,
        tolerated: false,
    };
    Draft {
        step,
        place,
        call,
        next: section.text("next"),
        on_error: section.text("on_error"),
        group: section.text("group"),
        send: sends,
        holes,
    }
}

/// `METHOD upstream:/path`, or `flow:NAME`.
fn called<'t>(
    word: Word<'t>,
    names: Names<'_, 't>,
    holes: &mut Vec<Hole<'t>>,
    check: &mut Check<'_>,
) -> Option<Call> {
    if let Some(name) = word.text.strip_prefix("flow:") {
        let inner = part(word, name, check);
        return flow(inner, names, check).map(Call::Flow);
    }
    let split = word.text.split_once(' ').and_then(|(method, rest)| {
        let (upstream, target) = rest.split_once(':')?;
        Some((method, upstream, target))
    });
    let Some((method, upstream, target)) = split else {
        check.push(bad(word.place, "this is no call".to_owned()));
        return None;
    };
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    let method = match Method::from_bytes(method.as_bytes()) {
        Ok(known) if is_method && known != Method::CONNECT => Some(known),
        _ => {
            let place = part(word, method, check).place;
            check.push(bad(place, format!("`{}` is no method", super::declared::shown(method))));
            None
        }
    };
    let id = upstream_of(part(word, upstream, check), names.upstreams, check);
    let target = part(word, target, check);
    if !target.text.starts_with('/') {
        check.push(bad(target.place, "the path of a call begins with `/`".to_owned()));
        return None;
    }
    let begin = word.text.len() - target.text.len();
    let mut inner = Vec::new();
    let made = text(target, &mut inner, check);
    let made = made.filter(|made| plain(target, made, check));
    let called = Call::Upstream { method: method?, upstream: id?, target: made? };
    // Places are those of the whole string.
    holes.extend(inner.into_iter().map(|hole| Hole { word, begin: hole.begin + begin }));
    Some(called)
}

/// What the operator has written of a path stands in a URL as it is.
fn plain(word: Word<'_>, target: &Text, check: &mut Check<'_>) -> bool {
    for piece in target.pieces() {
        let Piece::Literal(literal) = piece else { continue };
        let odd = literal.chars().find(|letter| {
            !(letter.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?%".contains(*letter))
        });
        let unreadable = percent::decoded(literal).is_err();
        if let Some(what) = odd.map(|odd| format!("`{odd}` cannot stand in a URL")).or_else(|| {
            unreadable.then(|| "a `%` is followed by two hexadecimal digits".to_owned())
        }) {
            let made = Diagnostic::at(Id::BadCall, word.place, what);
            check.push(made.help("write it percent-encoded; values in `${…}` are encoded for you"));
            return false;
        }
    }
    true
}

fn flow(word: Word<'_>, names: Names<'_, '_>, check: &mut Check<'_>) -> Option<FlowId> {
    let known = names.declared.ids.get(word.text).copied();
    if known.is_none() {
        let mut all: Vec<&str> = names.declared.ids.keys().copied().collect();
        all.sort_unstable();
        check.unknown(Id::UnknownName, word, "flow", all.iter().copied());
    }
    known
}

fn upstream_of(
    word: Word<'_>,
    upstreams: &HashMap<&str, UpstreamId>,
    check: &mut Check<'_>,
) -> Option<UpstreamId> {
    let known = upstreams.get(word.text).copied();
    if known.is_none() {
        let mut all: Vec<&str> = upstreams.keys().copied().collect();
        all.sort_unstable();
        check.unknown(Id::UnknownName, word, "upstream", all.iter().copied());
    }
    known
}

fn bad(place: Place, message: String) -> Diagnostic {
    Diagnostic::at(Id::BadCall, place, message)
        .help("a call is `METHOD upstream:/path`, such as \"GET users:/people/${input.id}\", or `flow:NAME`")
}

/// A part of a word, which is a slice of its text.
fn part<'t>(word: Word<'t>, text: &'t str, check: &Check<'_>) -> Word<'t> {
    let begin = text.as_ptr() as usize - word.text.as_ptr() as usize;
    let place = check.within(word, &(begin..begin + text.len()));
    Word { text, place }
}

/// Names that expressions know already, or that CEL keeps for itself.
const RESERVED: &[&str] = &[
    "input",
    "identity",
    "request",
    "env",
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];
