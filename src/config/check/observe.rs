//! `[observe]`.

use crate::config::defaults;
use crate::config::model::{AccessLog, LogTarget, Observe};
use crate::config::read::Section;
use crate::config::source::Sources;
use crate::config::tree::Value;
use crate::config::value::{Always, always};

pub(super) fn observe(section: Section<'_>, sources: &Sources) -> Observe {
    if section.node("access_log").is_some_and(|node| matches!(node.value, Value::Boolean(false))) {
        return Observe { access_log: None };
    }
    let log = section.section("access_log");
    let to = log.text("to").map_or(LogTarget::Stdout, |word| match word.text {
        "stdout" => LogTarget::Stdout,
        "stderr" => LogTarget::Stderr,
        path => LogTarget::File(sources.resolve(word.place.file, path)),
    });
    let (mut always_errors, mut always_slower) = (false, None);
    if log.has("always") {
        for word in log.texts("always") {
            match always(word.text) {
                Ok(Always::Error) => always_errors = true,
                Ok(Always::Slower(limit)) => {
                    always_slower = Some(always_slower.map_or(limit, |known| limit.min(known)));
                }
                Err(_) => {}
            }
        }
    } else {
        always_errors = defaults::ALWAYS_ERRORS;
        always_slower = Some(defaults::ALWAYS_SLOWER);
    }
    let sample = log.share("sample").unwrap_or(defaults::SAMPLE);
    Observe { access_log: Some(AccessLog { to, sample, always_errors, always_slower }) }
}
