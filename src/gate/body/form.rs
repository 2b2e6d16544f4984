//! `application/x-www-form-urlencoded`: a query in a body.

use super::judged::Judged;
use super::unreadable;
use crate::base::percent;
use crate::config::model::Form;
use crate::parameter::Tongue;
use crate::problem::Problem;

pub(super) fn judge(form: &Form, tongues: &[Tongue], bytes: &[u8]) -> Result<(), Problem> {
    // Everything else is percent-encoded, so these bytes are ASCII where they are rightly made.
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable("the form is not UTF-8"))?;
    let mut judged = Judged::new(form);
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent::form_decoded(name).map_err(|_| pair);
        judged.text(name, percent::form_decoded(value));
    }
    judged.close(true, tongues)
}
