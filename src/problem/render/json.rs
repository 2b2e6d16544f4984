//! House JSON and `application/problem+json` (RFC 9457): one list of members, two shapes. Strings
//! are escaped as RFC 8259, section 7 asks, plus U+2028 and U+2029, which JavaScript before 2019
//! does not take in a string.

use super::facts::{Facts, HOUSE, Member, RFC_9457, Value};
use crate::base::unescaped;
use crate::problem::catalogue::{Text, clip};

/// The house shape.
pub(super) fn house(facts: &Facts<'_>) -> String {
    object(facts, HOUSE)
}

/// RFC 9457.
pub(super) fn problem(facts: &Facts<'_>) -> String {
    object(facts, RFC_9457)
}

fn object(facts: &Facts<'_>, members: &[Member]) -> String {
    let mut json = Json::with_capacity(facts.capacity());
    json.raw("{");
    for member in members {
        let Some(value) = facts.member(*member) else { continue };
        json.name(member.as_str());
        match value {
            Value::Text(text) => json.text(text),
            Value::Urn(id) => {
                json.raw("\"urn:uuid:");
                json.escaped(id);
                json.raw("\"");
            }
            Value::Message(message) => json.message(&message),
            Value::Number(number) => json.number(number),
            Value::Flag(flag) => json.raw(if flag { "true" } else { "false" }),
            Value::Violations => violations(facts, &mut json),
        }
    }
    json.raw("}");
    json.out
}

fn violations(facts: &Facts<'_>, json: &mut Json) {
    json.raw("[");
    for (at, violation) in facts.problem.violations().iter().enumerate() {
        json.raw(if at == 0 { "{" } else { ",{" });
        json.name("name");
        json.raw("\"");
        clip(&violation.name, &mut |piece| json.escaped(piece));
        json.raw("\"");
        if let Some(place) = violation.place {
            json.name("in");
            json.text(place.as_str());
        }
        json.name("code");
        json.text(facts.violation_code(violation));
        json.name("reason");
        json.text(violation.reason.as_str());
        json.name("message");
        json.message(&facts.violation_message(at, violation));
        json.raw("}");
    }
    json.raw("]");
}

/// JSON on its way into one buffer.
pub(super) struct Json {
    out: String,
}

impl Json {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { out: String::with_capacity(capacity) }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Writes punctuation, or what is JSON already.
    pub(super) fn raw(&mut self, json: &str) {
        self.out.push_str(json);
    }

    /// Writes a member's name, which needs no escape, and a comma before it if it is not the first.
    pub(super) fn name(&mut self, name: &str) {
        if !self.out.ends_with('{') {
            self.out.push(',');
        }
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    pub(super) fn number(&mut self, number: u64) {
        self.out.push_str(itoa::Buffer::new().format(number));
    }

    pub(super) fn text(&mut self, text: &str) {
        self.out.push('"');
        self.escaped(text);
        self.out.push('"');
    }

    pub(super) fn message(&mut self, message: &Text<'_>) {
        self.out.push('"');
        message.pieces(&mut |piece| self.escaped(piece));
        self.out.push('"');
    }

    /// Writes the inside of a string. Runs that need no escape, nearly always the whole text, are
    /// copied at once.
    pub(super) fn escaped(&mut self, text: &str) {
        let mut rest = text;
        loop {
            // Only ASCII is plain, so a run of it ends between characters.
            let (plain, special) = rest.split_at(unescaped(rest.as_bytes()));
            self.out.push_str(plain);
            let mut letters = special.chars();
            match letters.next() {
                Some(letter) if needs_escape(letter) => self.escape(letter),
                Some(letter) => self.out.push(letter),
                None => return,
            }
            rest = letters.as_str();
        }
    }

    fn escape(&mut self, letter: char) {
        let short = match letter {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            _ => {
                self.out.push_str("\\u");
                for shift in [12, 8, 4, 0] {
                    let digit = (u32::from(letter) >> shift) & 15;
                    self.out.push(char::from_digit(digit, 16).unwrap_or('0'));
                }
                return;
            }
        };
        self.out.push_str(short);
    }
}

/// U+007F needs no escape by the RFC; it gets one because it is a control character all the same.
fn needs_escape(letter: char) -> bool {
    matches!(letter, '"' | '\\' | '\0'..='\u{1f}' | '\u{7f}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let mut json = Json::with_capacity(0);
        json.text(text);
        json.finish()
    }

    #[test]
    fn every_control_character_is_escaped() {
        assert_eq!(
            written("a\"\\\n\r\t\0\u{1b}\u{7f}\u{2028}é😀"),
            "\"a\\\"\\\\\\n\\r\\t\\u0000\\u001b\\u007f\\u2028é😀\""
        );
        for letter in ('\0'..='\u{9f}').chain(['\u{2028}', '\u{2029}', '\u{feff}', '\u{10ffff}']) {
            let json = written(&letter.to_string());
            let back: String = serde_json::from_str(&json).unwrap();
            assert_eq!(back, letter.to_string());
            assert!(!json.chars().any(|letter| letter.is_ascii_control()), "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_text_reads_back(text in any::<String>()) {
            let back: String = serde_json::from_str(&written(&text)).unwrap();
            prop_assert_eq!(back, text);
        }
    }
}
