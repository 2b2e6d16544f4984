//! `[upstream.NAME]`: what is done about an upstream that fails.

use super::Check;
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{Eject, Retry, RetryOn};
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
