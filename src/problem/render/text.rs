//! Plain text: message, further parameters, code, request id, a line each.

use super::facts::Facts;
use crate::problem::catalogue::Text;

/// The whole text.
pub(super) fn lines(facts: &Facts<'_>) -> String {
    let mut out = String::with_capacity(facts.capacity());
    line(&mut out, "", &facts.message);
    // The message speaks of the first parameter already.
    for (at, violation) in facts.problem.violations().iter().enumerate().skip(1) {
        line(&mut out, "- ", &facts.violation_message(at, violation));
    }
    line(&mut out, "code: ", &Text::given(facts.code));
    line(&mut out, "request_id: ", &Text::given(facts.request_id.as_str()));
    out
}

/// A line stays one line, and no control character reaches somebody's terminal.
fn line(out: &mut String, label: &str, text: &Text<'_>) {
    out.push_str(label);
    text.pieces(&mut |piece| {
        out.extend(piece.chars().map(|letter| match letter {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
            letter if letter.is_control() => '\u{fffd}',
            letter => letter,
        }));
    });
    out.push('\n');
}
