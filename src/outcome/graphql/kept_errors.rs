//! The errors at the root of a reply that goes by, kept to be read at its end: as many as there is room
//! for, each of them whole.

/// Lists of errors, put together.
#[derive(Debug, Default)]
pub(super) struct KeptErrors {
    bytes: Vec<u8>,
    /// How much of it are whole errors.
    whole: usize,
    stage: Stage,
    is_full: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// No list is open.
    #[default]
    Closed,
    /// The next byte opens it.
    Begins,
    Open,
}

impl KeptErrors {
    /// A list is opened by the next byte.
    pub(super) fn begin(&mut self) {
        self.stage = Stage::Begins;
    }

    /// An error is over.
    pub(super) fn mark(&mut self) {
        if self.stage == Stage::Open && !self.is_full {
            self.whole = self.bytes.len();
        }
    }

    /// The list is over.
    pub(super) fn end(&mut self) {
        self.mark();
        self.stage = Stage::Closed;
    }

    /// What goes by.
    pub(super) fn push(&mut self, piece: &[u8]) {
        match self.stage {
            Stage::Closed => {}
            Stage::Begins => {
                if self.whole > 0 {
                    self.bytes.push(b',');
                }
                self.stage = Stage::Open;
            }
            Stage::Open => {
                self.is_full |= self.bytes.len() + piece.len() > MOST;
                if !self.is_full {
                    self.bytes.extend_from_slice(piece);
                }
            }
        }
    }

    /// All that were kept.
    pub(super) fn list(&self) -> Option<String> {
        let known = str::from_utf8(self.bytes.get(..self.whole)?).ok()?;
        Some(format!("[{}]", known.trim_end_matches([',', ' ', '\n', '\r', '\t'])))
    }
}

const MOST: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use crate::outcome::graphql::{Payload, ReplySkimmer};

    fn kept(text: &str, size: usize, batch: bool) -> String {
        let payload = Payload::new(Box::new([]), Box::new([]));
        let mut skimmer = ReplySkimmer::keeping(batch);
        text.as_bytes().chunks(size).for_each(|piece| skimmer.read(&payload, piece));
        skimmer.kept().unwrap()
    }

    #[test]
    fn errors_are_kept_as_they_stand_wherever_the_reply_is_cut() {
        let errors =
            r#"[{"message":"a \"]\" , b","extensions":{"code":"A"}} , "é", {"path":[1,2]}]"#;
        for size in [1, 2, 3, 7, 500] {
            for text in [
                format!("{{\"data\":{{\"errors\":[1]}},\"errors\":{errors}}}"),
                format!("{{\"errors\":{errors},\"data\":{{\"a\":[[1],[2]]}}}}"),
            ] {
                assert_eq!(kept(&text, size, false), errors, "{size}");
            }
            assert_eq!(kept("{\"data\":{},\"errors\":[]}", size, false), "[]");
            let batch = "[{\"errors\":[1]},{\"data\":{}},{\"errors\":[{\"a\":2}]}]";
            assert_eq!(kept(batch, size, true), "[1,{\"a\":2}]");
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_left_out_whole() {
        let error = format!("\"{}\"", "x".repeat(20_000));
        let text = format!("{{\"errors\":[{}]}}", [&*error; 5].join(","));
        assert_eq!(kept(&text, 4096, false), format!("[{}]", [&*error; 3].join(",")));
    }
}
