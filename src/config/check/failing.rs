//! `[upstream.NAME]`: what is done about an upstream that fails.

use http::uri::PathAndQuery;

use super::Check;
use crate::base::quantity::format_duration;
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Breaker, Eject, Health, Retry, RetryOn};
use crate::config::read::Section;
use crate::config::value;

/// `retry`, where it stands.
pub(super) fn retry(upstream: Section<'_>, check: &mut Check<'_>) -> Option<Retry> {
    upstream.node("retry")?;
    let section = upstream.section("retry");
    let retry = Retry {
        attempts: section.integer("attempts").unwrap_or(defaults::RETRY_ATTEMPTS),
        on: if section.has("on") { on(section) } else { defaults::retry_on() },
        budget: percent(section, "budget").unwrap_or(defaults::RETRY_BUDGET),
    };
    if let Some(place) = section.place("attempts")
        && retry.attempts == 1
    {
        let message = "with one attempt nothing is ever tried again";
        let help = "count the first attempt too, or leave `retry` out";
        check.push(Diagnostic::at(Id::NoEffect, place, message).help(help));
    }
    Some(retry)
}

/// `eject`, where it stands.
pub(super) fn eject(upstream: Section<'_>, check: &mut Check<'_>) -> Option<Eject> {
    upstream.node("eject")?;
    let section = upstream.section("eject");
    if let Some(place) = upstream.place("eject")
        && upstream.items("endpoints").len() == 1
    {
        let message = "`eject` has no effect: the only endpoint is never taken out";
        check.push(
            Diagnostic::at(Id::NoEffect, place, message).help(
                "leave it out, or write `breaker` to spare an upstream that fails as a whole",
            ),
        );
    }
    Some(Eject {
        failures: section.integer("failures").unwrap_or(defaults::EJECT.failures),
        over: section.duration("over").unwrap_or(defaults::EJECT.over),
        term: section.duration("for").unwrap_or(defaults::EJECT.term),
    })
}

/// `breaker`, where it stands.
pub(super) fn breaker(upstream: Section<'_>) -> Option<Breaker> {
    upstream.node("breaker")?;
    let (section, default) = (upstream.section("breaker"), defaults::BREAKER);
    Some(Breaker {
        failures: percent(section, "failures").unwrap_or(default.failures),
        over: section.duration("over").unwrap_or(default.over),
        at_least: section.integer("at_least").unwrap_or(default.at_least),
        open: section.duration("open").unwrap_or(default.open),
    })
}

/// `health`, where it stands.
pub(super) fn health(upstream: Section<'_>, check: &mut Check<'_>) -> Option<Health> {
    upstream.node("health")?;
    let section = upstream.section("health");
    let path = section.text("path").and_then(|word| value::origin_path(word.text).ok());
    let health = Health {
        path: path.unwrap_or_else(|| PathAndQuery::from_static(defaults::HEALTH_PATH)),
        every: section.duration("every").unwrap_or(defaults::HEALTH_EVERY),
        timeout: section.duration("timeout").unwrap_or(defaults::HEALTH_TIMEOUT),
        down_after: section.integer("down_after").unwrap_or(defaults::HEALTH_DOWN_AFTER),
        up_after: section.integer("up_after").unwrap_or(defaults::HEALTH_UP_AFTER),
    };
    if let Some(place) = section.place("timeout")
        && health.timeout > health.every
    {
        let every = format_duration(health.every);
        let message = format!("a probe may take longer than the {every} between two of them");
        let help = "make `timeout` shorter or `every` longer: it is the sum of both that counts";
        check.push(Diagnostic::at(Id::Overtaken, place, message).help(help));
    }
    Some(health)
}

fn on(section: Section<'_>) -> RetryOn {
    let mut on = RetryOn::default();
    for word in section.texts("on") {
        match value::retry_on(word.text) {
            Ok(value::RetryOn::Connect) => on.connect = true,
            Ok(value::RetryOn::Reset) => on.reset = true,
            Ok(value::RetryOn::Timeout) => on.timeout = true,
            Ok(value::RetryOn::Status(status)) => on.status.single.push(status),
            Ok(value::RetryOn::Class(class)) => on.status.classes.push(class),
            // Reported by its form.
            Err(_) => {}
        }
    }
    on
}

fn percent(section: Section<'_>, key: &str) -> Option<u8> {
    section.text(key).and_then(|word| value::percent(word.text).ok())
}
