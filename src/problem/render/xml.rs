//! `application/problem+xml` (RFC 9457, appendix B): the members of the JSON shape as elements,
//! entries of a list as `<i>`.

use super::facts::{Facts, RFC_9457, Value};
use crate::problem::catalogue::clip;

/// The whole document.
pub(super) fn problem(facts: &Facts<'_>) -> String {
    let mut out = String::with_capacity(facts.capacity() * 2);
    out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str("<problem xmlns=\"urn:ietf:rfc:7807\">");
    for member in RFC_9457 {
        let Some(value) = facts.member(*member) else { continue };
        element(&mut out, member.as_str(), |out| match value {
            Value::Text(text) => escape(text, out),
            Value::Urn(id) => {
                out.push_str("urn:uuid:");
                escape(id, out);
            }
            Value::Message(message) => message.pieces(&mut |piece| escape(piece, out)),
            Value::Number(number) => out.push_str(itoa::Buffer::new().format(number)),
            Value::Flag(flag) => out.push_str(if flag { "true" } else { "false" }),
            Value::Violations => violations(facts, out),
        });
    }
    out.push_str("</problem>\n");
    out
}

fn violations(facts: &Facts<'_>, out: &mut String) {
    for (at, violation) in facts.problem.violations().iter().enumerate() {
        element(out, "i", |out| {
            element(out, "name", |out| clip(&violation.name, &mut |piece| escape(piece, out)));
            if let Some(place) = violation.place {
                element(out, "in", |out| out.push_str(place.as_str()));
            }
            element(out, "code", |out| escape(facts.violation_code(violation), out));
            element(out, "reason", |out| out.push_str(violation.reason.as_str()));
            element(out, "message", |out| {
                let message = facts.violation_message(at, violation);
                message.pieces(&mut |piece| escape(piece, out));
            });
        });
    }
}

fn element(out: &mut String, name: &str, content: impl FnOnce(&mut String)) {
    for part in ["<", name, ">"] {
        out.push_str(part);
    }
    content(out);
    for part in ["</", name, ">"] {
        out.push_str(part);
    }
}

/// Writes a text so that it can stand in an element or an attribute of XML or HTML. Characters that
/// XML 1.0 cannot hold at all (section 2.2), and controls, are replaced.
pub(super) fn escape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(needs_escape) {
        let (plain, from) = rest.split_at(at);
        out.push_str(plain);
        let mut letters = from.chars();
        out.push_str(match letters.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            Some('\'') => "&#39;",
            // As it is, a reader would turn it into a line feed.
            Some('\r') => "&#13;",
            Some(_) | None => "\u{fffd}",
        });
        rest = letters.as_str();
    }
    out.push_str(rest);
}

fn needs_escape(letter: char) -> bool {
    let kept = matches!(letter, '\n' | '\t');
    matches!(letter, '&' | '<' | '>' | '"' | '\'' | '\u{fffe}' | '\u{ffff}')
        || (letter.is_control() && !kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        escape(text, &mut out);
        out
    }

    #[test]
    fn markup_and_controls_cannot_pass() {
        assert_eq!(
            escaped("<a href=\"x\">'&\r\n\0\u{1b}\u{ffff}</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#13;\n\u{fffd}\u{fffd}\u{fffd}&lt;/a&gt;"
        );
    }

    proptest! {
        #[test]
        fn no_text_opens_a_tag(text in any::<String>()) {
            let out = escaped(&text);
            prop_assert!(!out.contains(['<', '>', '"', '\'']));
            let bare = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#13;"]
                .iter()
                .fold(out, |out, entity| out.replace(entity, ""));
            prop_assert!(!bare.contains('&'));
            prop_assert!(!bare.chars().any(|letter| letter.is_control() && !"\n\t".contains(letter)));
        }
    }
}
