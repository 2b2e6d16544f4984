//! Skims a message of GraphQL over WebSocket: its type, and the operation that it is about. Pieces may
//! end anywhere and members come in any order; once both are known, nothing more of it is looked at.
//!
//! An id is remembered as it is spelt, escapes and all: so it can be written again as it stands.

use memchr::memchr2;

/// What a message does to the operation that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `subscribe`, `start`.
    Subscribe,
    /// `complete`, `stop`.
    Complete,
    /// `error`.
    Error,
    /// `connection_ack`: the server takes operations from now on.
    Ack,
    /// Anything else.
    Other,
}

/// Reads a message piece by piece.
#[derive(Debug)]
pub(super) struct MessageSkimmer {
    /// Open braces and brackets.
    depth: u32,
    state: State,
    /// The member of the root that is open.
    member: Member,
    kind: Option<Kind>,
    /// The string that is open, where it matters.
    text: Text,
    id: Option<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the name of a member of the root.
    Name,
    /// Anywhere else outside of strings.
    Value,
    /// In a string; whether it matters.
    Text(bool),
    /// Behind a backslash in one.
    Escape(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    /// Its name is being read.
    Named,
    Type,
    Id,
    Other,
}

/// A string as it comes in.
#[derive(Clone, Copy, Debug)]
struct Text {
    bytes: [u8; LONGEST],
    /// One more than there is room for, where it is longer.
    length: usize,
}

/// Ids and names that are longer are not remembered.
const LONGEST: usize = 64;

impl Default for MessageSkimmer {
    fn default() -> Self {
        Self {
            depth: 0,
            state: State::Value,
            member: Member::Other,
            kind: None,
            text: Text { bytes: [0; LONGEST], length: 0 },
            id: None,
        }
    }
}

impl MessageSkimmer {
    /// The next piece; whether more of the message matters.
    pub(super) fn read(&mut self, mut piece: &[u8]) -> bool {
        while let Some((&byte, after)) = piece.split_first() {
            if self.is_settled() {
                return false;
            }
            if self.state == State::Text(false) && byte != b'"' && byte != b'\\' {
                let skipped = memchr2(b'"', b'\\', after).unwrap_or(after.len());
                piece = after.get(skipped..).unwrap_or_default();
                continue;
            }
            self.take(byte);
            piece = after;
        }
        !self.is_settled()
    }

    /// The message is over: what it was, and the operation that it was about.
    pub(super) fn end(&mut self) -> Option<(Kind, Option<String>)> {
        let Self { kind, id, .. } = std::mem::take(self);
        let id = id.and_then(|id| Some(str::from_utf8(id.known()?).ok()?.to_owned()));
        Some((kind?, id))
    }

    fn is_settled(&self) -> bool {
        match self.kind {
            None => false,
            Some(Kind::Ack | Kind::Other) => true,
            Some(Kind::Subscribe | Kind::Complete | Kind::Error) => self.id.is_some(),
        }
    }

    fn take(&mut self, byte: u8) {
        match (self.state, byte) {
            (State::Text(_), b'"') => self.told(),
            (State::Text(matters), b'\\') => {
                self.state = State::Escape(matters);
                self.push(matters, byte);
            }
            (State::Text(matters) | State::Escape(matters), _) => {
                self.state = State::Text(matters);
                self.push(matters, byte);
            }
            (State::Name, b'"') => {
                (self.member, self.text.length) = (Member::Named, 0);
                self.state = State::Text(true);
            }
            (_, b'"') => {
                let matters = self.depth == 1 && self.member != Member::Other;
                self.text.length = 0;
                self.state = State::Text(matters);
            }
            (_, b'{' | b'[') => {
                let is_root = self.depth == 0 && byte == b'{';
                self.state = if is_root { State::Name } else { State::Value };
                self.depth = self.depth.saturating_add(1);
            }
            (_, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
            (_, b',') if self.depth == 1 => {
                (self.state, self.member) = (State::Name, Member::Other);
            }
            (_, _) => {}
        }
    }

    fn push(&mut self, matters: bool, byte: u8) {
        if matters {
            self.text.push(byte);
        }
    }

    /// A string is over.
    fn told(&mut self) {
        let matters = self.state == State::Text(true);
        self.state = State::Value;
        if !matters {
            return;
        }
        let known = self.text.known();
        match self.member {
            Member::Named => {
                self.member = match known {
                    Some(b"type") => Member::Type,
                    Some(b"id") => Member::Id,
                    Some(_) | None => Member::Other,
                };
            }
            Member::Type => {
                self.kind = Some(match known {
                    Some(b"subscribe" | b"start") => Kind::Subscribe,
                    Some(b"complete" | b"stop") => Kind::Complete,
                    Some(b"error") => Kind::Error,
                    Some(b"connection_ack") => Kind::Ack,
                    Some(_) | None => Kind::Other,
                });
            }
            Member::Id => self.id = Some(self.text),
            Member::Other => {}
        }
    }
}

impl Text {
    fn push(&mut self, byte: u8) {
        match self.bytes.get_mut(self.length) {
            // No string may hold one of those, and none is written again that does.
            Some(slot) if byte >= b' ' => {
                *slot = byte;
                self.length += 1;
            }
            Some(_) | None => self.length = LONGEST + 1,
        }
    }

    /// What it says; none if it is longer than what is remembered.
    fn known(&self) -> Option<&[u8]> {
        self.bytes.get(..self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skimmed(text: &str, size: usize) -> Option<(Kind, Option<String>)> {
        let mut skimmer = MessageSkimmer::default();
        let mut pieces = text.as_bytes().chunks(size);
        while pieces.next().is_some_and(|piece| skimmer.read(piece)) {}
        skimmer.end()
    }

    #[test]
    fn type_and_id_are_found_wherever_they_stand() {
        let id = |text: &str| Some(text.to_owned());
        for (text, kind, id) in [
            (r#"{"id":"1","type":"subscribe","payload":{}}"#, Kind::Subscribe, id("1")),
            (
                r#"{"type":"start","payload":{"id":"2","type":"stop"},"id":"1"}"#,
                Kind::Subscribe,
                id("1"),
            ),
            (
                r#"{"payload":[{"type":"a"},"}\"]"],"type":"complete","id":"1"}"#,
                Kind::Complete,
                id("1"),
            ),
            (r#" { "type" : "stop" , "id" : "a\"b\\" } "#, Kind::Complete, id(r#"a\"b\\"#)),
            (r#"{"id":"é","type":"error","payload":[]}"#, Kind::Error, id("é")),
            (r#"{"id":7,"type":"error"}"#, Kind::Error, None),
            (r#"{"type":"connection_ack"}"#, Kind::Ack, None),
            (r#"{"type":"next","id":"1","payload":{"type":"error"}}"#, Kind::Other, None),
        ] {
            for size in [1, 2, 3, 5, 100] {
                assert_eq!(skimmed(text, size), Some((kind, id.clone())), "{text} {size}");
            }
        }
    }

    #[test]
    fn what_is_no_message_is_none() {
        for text in [
            "",
            "[]",
            "{}",
            "\"type\"",
            r#"["type","error"]"#,
            r#"["type":"error"]"#,
            r#"{"a":{"type":"error"}}"#,
        ] {
            assert_eq!(skimmed(text, 1), None, "{text}");
        }
    }

    #[test]
    fn an_id_that_is_too_long_or_could_not_be_written_is_not_remembered() {
        let fits = "x".repeat(LONGEST);
        for (id, known) in [(fits.clone(), true), (fits + "x", false), ("a\nb".to_owned(), false)] {
            let text = format!("{{\"id\":\"{id}\",\"type\":\"subscribe\"}}");
            let told = skimmed(&text, 9).unwrap();
            assert_eq!(told, (Kind::Subscribe, known.then_some(id)));
        }
    }

    #[test]
    fn once_it_is_known_the_rest_does_not_matter() {
        let mut skimmer = MessageSkimmer::default();
        assert!(skimmer.read(b"{\"type\":\"nex"));
        assert!(!skimmer.read(b"t\",\"payload\":{"));
    }
}
