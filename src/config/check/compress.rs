//! `[[route]] compress`.

use crate::base::AuthId;
use crate::config::defaults;
use crate::config::model::{Auth, AuthKind, AuthRule, Compress, Cors};
use crate::config::read::Section;
use crate::config::tree::Value;

/// `compress`, where it is switched on.
pub(super) fn compress(
    route: Section<'_>,
    cors: Option<&Cors>,
    rule: Option<&AuthRule>,
    policies: &[Auth],
) -> Option<Box<Compress>> {
    if !matches!(&route.node("compress")?.value, Value::Boolean(true) | Value::Table(_)) {
        return None;
    }
    let section = route.section("compress");
    let listed: Box<[Box<str>]> =
        section.texts("types").iter().map(|word| word.text.to_ascii_lowercase().into()).collect();
    let usual = || defaults::COMPRESS_TYPES.iter().map(|word| (*word).into()).collect();
    Some(Box::new(Compress {
        min_size: section.size("min_size").unwrap_or(defaults::COMPRESS_MIN_SIZE),
        types: if section.has("types") { listed } else { usual() },
        ambient: cors.is_some_and(|cors| cors.credentials)
            || rule.is_some_and(|rule| rule.policies.iter().any(|id| is_ambient(*id, policies))),
    }))
}

/// Whether browsers show it without being told to by the page.
fn is_ambient(id: AuthId, policies: &[Auth]) -> bool {
    policies
        .get(usize::from(id.0))
        .is_some_and(|policy| matches!(policy.kind, AuthKind::Basic { .. } | AuthKind::Mtls { .. }))
}
