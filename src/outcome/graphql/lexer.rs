//! Tokens of a GraphQL document (October 2021, section 2.1). A token is a kind and a place; nothing
//! is copied, and each byte is looked at once.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, keywords included.
    Name,
    /// An integer or a float.
    Number,
    /// A string or a block string.
    Text,
    /// `!`, `$`, `&`, `(`, `)`, `:`, `=`, `@`, `[`, `]`, `{`, `|` or `}`.
    Mark(u8),
    /// `...`
    Spread,
    /// The end of the document.
    End,
}

/// A token of the document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where it begins.
    pub(super) start: usize,
    /// Where it is over.
    pub(super) end: usize,
}

/// Where a document stops being one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stray(pub(super) usize);

/// Reads a document from its beginning.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0 }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token, Stray> {
        self.skip_ignored()?;
        let start = self.at;
        let Some(first) = self.peek(0) else {
            return Ok(Token { kind: Kind::End, start, end: start });
        };
        let kind = match first {
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                while self.peek(0).is_some_and(continues_name) {
                    self.at += 1;
                }
                Kind::Name
            }
            b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|'
            | b'}' => {
                self.at += 1;
                Kind::Mark(first)
            }
            b'.' if self.text[start..].starts_with(b"...") => {
                self.at += 3;
                Kind::Spread
            }
            b'-' | b'0'..=b'9' => self.number()?,
            b'"' if self.text[start..].starts_with(b"\"\"\"") => self.block()?,
            b'"' => self.string()?,
            _ => return Err(Stray(start)),
        };
        Ok(Token { kind, start, end: self.at })
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    /// Spaces, line ends, commas, byte order marks, comments.
    fn skip_ignored(&mut self) -> Result<(), Stray> {
        while let Some(byte) = self.peek(0) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b',' => self.at += 1,
                0xef if self.text[self.at..].starts_with("\u{feff}".as_bytes()) => self.at += 3,
                b'#' => {
                    while let Some(byte) = self.peek(0).filter(|byte| !b"\n\r".contains(byte)) {
                        self.source(byte)?;
                    }
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// One byte of a comment or a string: control characters have no place in a document.
    fn source(&mut self, byte: u8) -> Result<(), Stray> {
        if byte < b' ' && byte != b'\t' {
            return Err(Stray(self.at));
        }
        self.at += 1;
        Ok(())
    }

    fn number(&mut self) -> Result<Kind, Stray> {
        if self.peek(0) == Some(b'-') {
            self.at += 1;
        }
        match self.peek(0) {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek(0) == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek(0) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek(0) {
                self.at += 1;
            }
            self.digits()?;
        }
        match self.peek(0) {
            Some(byte) if byte == b'.' || continues_name(byte) => Err(Stray(self.at)),
            Some(_) | None => Ok(Kind::Number),
        }
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Stray> {
        let first = self.at;
        while self.peek(0).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == first { Err(Stray(self.at)) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<Kind, Stray> {
        self.at += 1;
        loop {
            match self.peek(0) {
                None | Some(b'\n' | b'\r') => return Err(Stray(self.at)),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Kind::Text);
                }
                Some(b'\\') => self.escape()?,
                Some(byte) => self.source(byte)?,
            }
        }
    }

    fn escape(&mut self) -> Result<(), Stray> {
        let start = self.at;
        let hex = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
        self.at += match self.peek(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if (2..6).all(|ahead| hex(self.peek(ahead))) => 6,
            _ => return Err(Stray(start)),
        };
        Ok(())
    }

    fn block(&mut self) -> Result<Kind, Stray> {
        self.at += 3;
        loop {
            match self.peek(0) {
                None => return Err(Stray(self.at)),
                Some(b'"') if self.text[self.at..].starts_with(b"\"\"\"") => {
                    self.at += 3;
                    return Ok(Kind::Text);
                }
                Some(b'\\') if self.text[self.at..].starts_with(b"\\\"\"\"") => self.at += 4,
                Some(b'\n' | b'\r') => self.at += 1,
                Some(byte) => self.source(byte)?,
            }
        }
    }
}

const fn continues_name(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Line and column of a place, from 1; a column counts characters.
pub(super) fn position(text: &str, at: usize) -> (u32, u32) {
    let before = text.get(..at).unwrap_or(text);
    let mut lines = 1_u32;
    let mut begin = 0;
    let bytes = before.as_bytes();
    for (place, byte) in bytes.iter().enumerate() {
        // A carriage return and a line feed are one line end.
        let half = *byte == b'\r' && text.as_bytes().get(place + 1) == Some(&b'\n');
        if matches!(byte, b'\n' | b'\r') && !half {
            (lines, begin) = (lines.saturating_add(1), place + 1);
        }
    }
    let column = before.get(begin..).unwrap_or_default().chars().count();
    (lines, u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Result<Vec<Kind>, Stray> {
        let mut lexer = Lexer::new(text);
        let mut kinds = Vec::new();
        loop {
            match lexer.next()?.kind {
                Kind::End => return Ok(kinds),
                kind => kinds.push(kind),
            }
        }
    }

    #[test]
    fn what_is_one_token_is_one() {
        for (text, kind) in [
            ("_a9", Kind::Name),
            ("...", Kind::Spread),
            ("-0", Kind::Number),
            ("12.5e-3", Kind::Number),
            ("1E9", Kind::Number),
            ("\"\"", Kind::Text),
            ("\"\u{e9} \\u00e9 \\\\ \\\" #\"", Kind::Text),
            ("\"\"\"a \" \"\" \\\"\"\" \n b\\\"\"\" \"\"\"", Kind::Text),
            ("\u{feff}, # comment \" {\r\n @ ", Kind::Mark(b'@')),
        ] {
            assert_eq!(kinds(text), Ok(vec![kind]), "{text}");
        }
        assert_eq!(kinds("\"\"\"\"\"\" a"), Ok(vec![Kind::Text, Kind::Name]));
    }

    #[test]
    fn what_is_no_token_is_said_where() {
        for (text, at) in [
            ("a ?", 2),
            ("..", 0),
            ("01", 1),
            ("1.", 2),
            ("1.a", 2),
            ("-", 1),
            ("1e+", 3),
            ("1a", 1),
            ("1.2.3", 3),
            ("\"a", 2),
            ("\"a\n\"", 2),
            ("\"\\x\"", 1),
            ("\"\\u12\"", 1),
            ("\"\"\"a", 4),
            ("\"\u{7}\"", 1),
            ("# \u{0}", 2),
            ("\u{e9}", 0),
        ] {
            assert_eq!(kinds(text), Err(Stray(at)), "{text:?}");
        }
    }

    #[test]
    fn lines_end_in_three_ways_and_columns_count_characters() {
        let text = "a\nb\r\nc\rd\u{e9}f";
        for (at, place) in [(0, (1, 1)), (2, (2, 1)), (5, (3, 1)), (7, (4, 1)), (10, (4, 3))] {
            assert_eq!(position(text, at), place, "{at}");
        }
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("a\n", 2), (2, 1));
    }
}
