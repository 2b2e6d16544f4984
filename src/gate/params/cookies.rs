//! `Cookie` (RFC 6265, section 4.2): pairs as they were set, without decoding, because nobody has
//! agreed on a code for them. Quotes around a value are not part of it.

use super::Ledger;
use crate::base::percent::Unreadable;
use crate::config::model::Names;

/// Reads one line.
pub(super) fn read(line: &[u8], names: &Names, ledger: &mut Ledger<'_>) {
    for (name, value) in pairs(line) {
        if let Some(rule) = names.find(name) {
            ledger.take(rule, std::str::from_utf8(value).map_err(|_| Unreadable));
        }
    }
}

/// Names and values of one line.
pub(super) fn pairs(line: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    line.split(|byte| *byte == b';').filter_map(|pair| {
        let pair = pair.trim_ascii();
        let (name, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
        let value = match value.get(1..).unwrap_or_default() {
            [b'"', inner @ .., b'"'] => inner,
            value => value,
        };
        Some((std::str::from_utf8(name).ok()?, value))
    })
}
