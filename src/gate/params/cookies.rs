//! `Cookie` (RFC 6265, section 4.2): pairs as they were set, without decoding, because nobody has
//! agreed on a code for them. Quotes around a value are not part of it.

use super::Ledger;
use crate::base::percent::Unreadable;
use crate::config::model::Names;

/// Reads one line.
pub(super) fn read(line: &[u8], names: &Names, ledger: &mut Ledger<'_>) {
    for pair in line.split(|byte| *byte == b';') {
        let pair = pair.trim_ascii();
        let Some(at) = pair.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = pair.split_at(at);
        let Some(rule) = std::str::from_utf8(name).ok().and_then(|name| names.find(name)) else {
            continue;
        };
        let value = value.get(1..).unwrap_or_default();
        let value = match value {
            [b'"', inner @ .., b'"'] => inner,
            value => value,
        };
        ledger.take(rule, std::str::from_utf8(value).map_err(|_| Unreadable));
    }
}
