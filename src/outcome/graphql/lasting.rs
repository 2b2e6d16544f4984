//! Listens to the document of an operation for the one word that says that it is a subscription, which
//! goes on until one side has enough: anything else has one result. The document is read as it stands in
//! JSON, a byte at a time; nothing of it is kept.
//!
//! What may be taken for a subscription and is none (a name, a comment, a brace in a string) costs its
//! client a kind word, and nothing else.

/// How far the reading is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lasting {
    /// Open braces.
    depth: u32,
    /// Letters of the word so far; none where it is another one.
    letters: Option<usize>,
    is_subscription: bool,
}

impl Default for Lasting {
    fn default() -> Self {
        Self { depth: 0, letters: Some(0), is_subscription: false }
    }
}

impl Lasting {
    /// The next byte. A backslash stands for whatever it escapes, which is no part of a word.
    pub(super) fn read(&mut self, byte: u8) {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'@') {
            let next = self.letters.filter(|have| SUBSCRIPTION.get(*have) == Some(&byte));
            self.letters = next.map(|have| have + 1);
            return;
        }
        self.end();
        match byte {
            b'{' => self.depth = self.depth.saturating_add(1),
            b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    /// A word is over.
    pub(super) fn end(&mut self) {
        let is_word = self.letters.replace(0) == Some(SUBSCRIPTION.len());
        self.is_subscription |= is_word && self.depth == 0;
    }

    /// Whether the word was heard.
    pub(super) fn is_subscription(&self) -> bool {
        self.is_subscription
    }
}

const SUBSCRIPTION: &[u8] = b"subscription";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_counts_where_an_operation_begins() {
        for (document, expected) in [
            ("subscription { a }", true),
            ("subscription{a}", true),
            (" fragment F on A { subscription } subscription A($a: B) { a }", true),
            ("subscription", true),
            ("{ a { subscription } }", false),
            ("query A { a }", false),
            ("mutation B($subscription: C) { a }", false),
            ("query subscriptions { a }", false),
            ("query a_subscription @subscription { a }", false),
            ("Subscription { a }", false),
            ("subscriptio", false),
            ("", false),
        ] {
            let mut heard = Lasting::default();
            document.bytes().for_each(|byte| heard.read(byte));
            heard.end();
            assert_eq!(heard.is_subscription(), expected, "{document}");
        }
    }
}
