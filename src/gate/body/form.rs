//! `application/x-www-form-urlencoded`: a query in a body.

use super::unreadable;
use crate::base::percent;
use crate::config::model::Fields;
use crate::gate::params::Ledger;
use crate::parameter::Tongue;
use crate::problem::Problem;

pub(super) fn judge(fields: &Fields, tongues: &[Tongue], bytes: &[u8]) -> Result<(), Problem> {
    // Everything else is percent-encoded, so these bytes are ASCII where they are rightly made.
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable("the form is not UTF-8"))?;
    let mut ledger = Ledger::new(&fields.rules);
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent::form_decoded(name);
        match name.as_deref().ok().and_then(|name| fields.names.find(name)) {
            Some(rule) => {
                let value = percent::form_decoded(value);
                ledger.take(rule, value.as_deref().map_err(|unreadable| *unreadable));
            }
            None if fields.strict => ledger.unknown(name.as_deref().unwrap_or(pair)),
            None => {}
        }
    }
    ledger.close(tongues).map(drop)
}
