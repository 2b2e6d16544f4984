//! `[overload]`, and the names of routes with `*`.

use super::Check;
use crate::base::RouteId;
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{InFlight, Overload, Route};
use crate::config::read::{self, Section};
use crate::config::tree::Value;
use crate::config::value;

pub(super) fn overload(section: Section<'_>, routes: &[Route], check: &mut Check<'_>) -> Overload {
    let in_flight = in_flight(section);
    let (queue, reserve) = (section.section("queue"), section.section("reserve"));
    if let Some(place) = section.place("reserve")
        && in_flight.is_none()
    {
        let message = "`reserve` keeps a share of `in_flight`, and there is none";
        let made = Diagnostic::at(Id::NoEffect, place, message);
        check.push(made.help("add `in_flight = \"adaptive\"`, or a number"));
    }
    let share =
        reserve.text("share").and_then(|word| value::percent(word.text).ok()).map(f64::from);
    let share = share.map_or(defaults::RESERVE_SHARE, |percent| percent / 100.0);
    Overload {
        in_flight,
        depth: queue.integer("depth").unwrap_or(defaults::QUEUE_DEPTH),
        wait: queue.duration("wait").unwrap_or(defaults::QUEUE_WAIT),
        reserve_routes: named(reserve, routes, check),
        reserve_share: if section.has("reserve") { share } else { 0.0 },
    }
}

/// `in_flight` of the gateway, a route or an upstream.
pub(super) fn in_flight(section: Section<'_>) -> Option<InFlight> {
    let node = section.node("in_flight")?;
    match &node.value {
        Value::String(_) => Some(InFlight::Adaptive),
        Value::Integer(_) => read::integer(node).map(InFlight::Fixed),
        Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_)
        | Value::Table(_)
        | Value::Broken => None,
    }
}

/// The routes that `routes` names, each once, in the order of the file.
pub(super) fn named(section: Section<'_>, routes: &[Route], check: &mut Check<'_>) -> Vec<RouteId> {
    let mut named = Vec::new();
    for word in section.texts("routes") {
        let fits = |route: &Route| match word.text.strip_suffix('*') {
            Some(begin) => route.name.starts_with(begin),
            None => route.name == word.text,
        };
        let before = named.len();
        let all = (0..).map(RouteId).zip(routes);
        named.extend(all.filter(|(_, route)| fits(route)).map(|(id, _)| id));
        if named.len() == before {
            let names: Vec<&str> = routes.iter().map(|route| route.name.as_str()).collect();
            let what = if word.text.ends_with('*') { "route like" } else { "route" };
            check.unknown(Id::UnknownName, word, what, names.iter().copied());
        }
    }
    named.sort_unstable();
    named.dedup();
    named
}
