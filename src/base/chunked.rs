//! Follows the chunked coding of a body (RFC 9112, section 7.1) strictly, for both directions.
//!
//! There is one reading of it: CRLF line ends, hexadecimal sizes without sign or prefix, well-formed
//! extensions and trailers, all bounded. The scanner looks at bytes and says what they are; whoever
//! holds them skips or takes them, so that no data is ever copied here.

use http::{HeaderMap, HeaderValue};

use super::{BodyFault, field, field_name};

/// Where the reading stands within one chunked body.
#[derive(Debug)]
pub struct ChunkScanner {
    state: State,
    /// Data bytes left in this chunk.
    left: u64,
    digits: u8,
    extension_bytes: usize,
    trailer: Vec<u8>,
    trailers: HeaderMap,
    trailer_bytes: usize,
    limits: ChunkLimits,
}

/// Bounds on a chunked body.
#[derive(Clone, Copy, Debug)]
pub struct ChunkLimits {
    /// Of a body: a chunk that announces more is refused before it is waited for.
    pub body: u64,
    /// Of all trailers together, in bytes.
    pub bytes: usize,
    /// Of the trailers, in lines.
    pub fields: usize,
    /// Whether white space may stand between a size and its line end.
    pub padding: Padding,
}

/// White space after a chunk's size. Old servers fill the field up with it, and it has one reading;
/// in a request it is a sign of somebody who hopes for two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// The body is refused.
    Refused,
    /// It is skipped.
    Skipped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size,
    /// White space after a size.
    Padding,
    /// After `;`, or within an extension's name.
    ExtensionName {
        empty: bool,
    },
    /// After `=`, or within a token value.
    ExtensionValue {
        empty: bool,
    },
    Quoted,
    QuotedPair,
    /// After a closing quote: `;` or the line end.
    QuotedEnd,
    SizeFeed,
    Data,
    DataReturn,
    DataFeed,
    Trailer,
    /// After the CR of an empty line, which ends the body.
    LastFeed,
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes of framing; more of the body follows.
    Framing(usize),
    /// So many bytes of data.
    Data(usize),
    /// So many bytes of framing, the last ones of the body.
    End(usize),
}

impl ChunkScanner {
    /// A scanner at the beginning of a body.
    pub fn new(limits: ChunkLimits) -> Self {
        Self {
            state: State::Size,
            left: 0,
            digits: 0,
            extension_bytes: 0,
            trailer: Vec::new(),
            trailers: HeaderMap::new(),
            trailer_bytes: 0,
            limits,
        }
    }

    /// Says what `bytes` begin with.
    ///
    /// # Errors
    /// The body is not well formed, or larger than its limits.
    pub fn next(&mut self, bytes: &[u8]) -> Result<Piece, BodyFault> {
        if self.state == State::Data {
            let step = self.left.min(bytes.len() as u64);
            self.left -= step;
            if self.left == 0 {
                self.state = State::DataReturn;
            }
            return Ok(Piece::Data(usize::try_from(step).unwrap_or(usize::MAX)));
        }
        for (at, byte) in bytes.iter().enumerate() {
            if self.step(*byte)? {
                return Ok(Piece::End(at + 1));
            }
            if self.state == State::Data {
                return Ok(Piece::Framing(at + 1));
            }
        }
        Ok(Piece::Framing(bytes.len()))
    }

    /// The trailers, once the body has ended; none where it had none.
    pub fn take_trailers(&mut self) -> Option<HeaderMap> {
        (!self.trailers.is_empty()).then(|| std::mem::take(&mut self.trailers))
    }

    fn step(&mut self, byte: u8) -> Result<bool, BodyFault> {
        self.state = match (self.state, byte) {
            (State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => return self.digit(byte),
            (State::Size, b';') if self.digits > 0 => State::ExtensionName { empty: true },
            (State::Size, b'\r') if self.digits > 0 => State::SizeFeed,
            (State::Size | State::Padding, b' ' | b'\t') if self.may_pad() => {
                self.extension(State::Padding)?
            }
            (State::Padding, b'\r') => State::SizeFeed,
            (State::Padding, b';') => State::ExtensionName { empty: true },
            (State::ExtensionName { .. }, _) if field::is_token(byte) => {
                self.extension(State::ExtensionName { empty: false })?
            }
            (State::ExtensionName { empty: false }, b'=') => State::ExtensionValue { empty: true },
            (State::ExtensionName { empty: false } | State::QuotedEnd, b';')
            | (State::ExtensionValue { empty: false }, b';') => {
                State::ExtensionName { empty: true }
            }
            (State::ExtensionName { empty: false } | State::QuotedEnd, b'\r')
            | (State::ExtensionValue { empty: false }, b'\r') => State::SizeFeed,
            (State::ExtensionValue { .. }, _) if field::is_token(byte) => {
                self.extension(State::ExtensionValue { empty: false })?
            }
            (State::ExtensionValue { empty: true }, b'"') => State::Quoted,
            (State::Quoted, b'"') => State::QuotedEnd,
            (State::Quoted, b'\\') => State::QuotedPair,
            (State::Quoted | State::QuotedPair, b'\t' | b' '..=0x7e | 0x80..) => {
                self.extension(State::Quoted)?
            }
            (State::SizeFeed, b'\n') if self.left == 0 => State::Trailer,
            (State::SizeFeed, b'\n') => State::Data,
            (State::DataReturn, b'\r') => State::DataFeed,
            (State::DataFeed, b'\n') => {
                self.digits = 0;
                State::Size
            }
            (State::Trailer, b'\r') if self.trailer.is_empty() => State::LastFeed,
            (State::LastFeed, b'\n') => return Ok(true),
            (State::Trailer, _) => return self.trailer_byte(byte),
            (
                State::Size
                | State::Padding
                | State::ExtensionName { .. }
                | State::ExtensionValue { .. }
                | State::Quoted
                | State::QuotedPair
                | State::QuotedEnd
                | State::SizeFeed
                | State::Data
                | State::DataReturn
                | State::DataFeed
                | State::LastFeed,
                _,
            ) => return Err(BodyFault::Syntax),
        };
        Ok(false)
    }

    fn may_pad(&self) -> bool {
        self.digits > 0 && self.limits.padding == Padding::Skipped
    }

    fn digit(&mut self, byte: u8) -> Result<bool, BodyFault> {
        let value = char::from(byte).to_digit(16).ok_or(BodyFault::Syntax)?;
        self.digits += 1;
        // Zeros before the size are allowed, but not without end.
        if self.digits > MAX_SIZE_DIGITS || self.left > u64::MAX >> 5 {
            return Err(BodyFault::Syntax);
        }
        self.left = (self.left << 4) | u64::from(value);
        if self.left > self.limits.body { Err(BodyFault::TooLarge) } else { Ok(false) }
    }

    fn extension(&mut self, next: State) -> Result<State, BodyFault> {
        self.extension_bytes += 1;
        if self.extension_bytes > MAX_EXTENSION_BYTES { Err(BodyFault::Syntax) } else { Ok(next) }
    }

    fn trailer_byte(&mut self, byte: u8) -> Result<bool, BodyFault> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > self.limits.bytes {
            return Err(BodyFault::TrailerLimit);
        }
        if byte != b'\n' {
            self.trailer.push(byte);
            return Ok(false);
        }
        let Some(line) = self.trailer.strip_suffix(b"\r") else {
            return Err(BodyFault::Syntax);
        };
        let (name, value) = field::split(line).map_err(|_| BodyFault::Syntax)?;
        let name = field_name::read(name).map_err(|_| BodyFault::Syntax)?;
        let value = HeaderValue::from_bytes(value).map_err(|_| BodyFault::Syntax)?;
        if self.trailers.len() >= self.limits.fields {
            return Err(BodyFault::TrailerLimit);
        }
        self.trailers.append(name, value);
        self.trailer.clear();
        Ok(false)
    }
}

const MAX_SIZE_DIGITS: u8 = 32;
/// Of one body: extensions are for nobody we know, and a way to make a server read without end.
const MAX_EXTENSION_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: ChunkLimits =
        ChunkLimits { body: 1 << 40, bytes: 1000, fields: 10, padding: Padding::Refused };

    /// How far a body reaches.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Reach {
        /// All bytes belong to it, and more will come.
        Open,
        /// It ends after this many bytes.
        Ends(usize),
    }

    /// Reads on, over data and framing alike.
    fn scan_on(scanner: &mut ChunkScanner, bytes: &[u8]) -> Result<Reach, BodyFault> {
        let mut at = 0;
        while at < bytes.len() {
            match scanner.next(&bytes[at..])? {
                Piece::Framing(count) | Piece::Data(count) => at += count,
                Piece::End(count) => return Ok(Reach::Ends(at + count)),
            }
        }
        Ok(Reach::Open)
    }

    fn scan(text: &[u8]) -> Result<Reach, BodyFault> {
        scan_on(&mut ChunkScanner::new(LIMITS), text)
    }

    #[test]
    fn data_and_framing_are_told_apart() {
        let mut scanner = ChunkScanner::new(LIMITS);
        let mut rest = &b"3\r\nabc\r\n2;x\r\nde\r\n0\r\nX-Sum: 7\r\n\r\nGET"[..];
        let mut data = Vec::new();
        loop {
            match scanner.next(rest).unwrap() {
                Piece::Framing(count) => rest = &rest[count..],
                Piece::Data(count) => {
                    data.extend_from_slice(&rest[..count]);
                    rest = &rest[count..];
                }
                Piece::End(count) => {
                    rest = &rest[count..];
                    break;
                }
            }
        }
        assert_eq!((data.as_slice(), rest), (&b"abcde"[..], &b"GET"[..]));
        assert_eq!(scanner.take_trailers().unwrap()["x-sum"], "7");
    }

    #[test]
    fn padding_is_skipped_where_it_may_be() {
        let padded = b"5  \r\nhello\r\n0 \t;x\r\n\r\n";
        assert_eq!(scan(padded), Err(BodyFault::Syntax));
        let mut kind = ChunkScanner::new(ChunkLimits { padding: Padding::Skipped, ..LIMITS });
        assert_eq!(scan_on(&mut kind, padded), Ok(Reach::Ends(padded.len())));
        for text in [&b" 5\r\nhello"[..], b"5 5\r\nhello", b"\r\n"] {
            let mut kind = ChunkScanner::new(ChunkLimits { padding: Padding::Skipped, ..LIMITS });
            assert_eq!(scan_on(&mut kind, text), Err(BodyFault::Syntax));
        }
    }

    #[test]
    fn well_formed_bodies_end_where_they_end() {
        for text in [
            "0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "5;name=val;q=\"x \\\" y\";flag\r\nhello\r\n000\r\n\r\n",
            "000000000000000000005\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
            "A\r\n0123456789\r\n0\r\n\r\n",
        ] {
            assert_eq!(scan(text.as_bytes()), Ok(Reach::Ends(text.len())), "{text}");
            let followed = format!("{text}GET /");
            assert_eq!(scan(followed.as_bytes()), Ok(Reach::Ends(text.len())), "{text}");
        }
    }

    #[test]
    fn anything_doubtful_is_refused() {
        for text in [
            "0x5\r\nhello\r\n0\r\n\r\n",
            "1_0\r\n",
            "\r\nhello",
            " 5\r\nhello",
            "5 \r\nhello",
            "+5\r\n",
            "-5\r\n",
            "5\r\nhello0\r\n\r\n",
            "3\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "5\r\nhello\r\n\r\n\r\n",
            "5\r\rhello\r\n0\r\n\r\n",
            "5;\r\nhello\r\n0\r\n\r\n",
            "5;a=\r\nhello",
            "5;a\nb\r\nhello",
            "5;a=\"x\r\nhello",
            "0\r\nX T: 1\r\n\r\n",
            "0\r\nX: 1\n\r\n",
            "0\r\n folded\r\n\r\n",
            "0\n\n",
            "5;a=\"x\"y\r\nhello",
        ] {
            assert_eq!(scan(text.as_bytes()), Err(BodyFault::Syntax), "{text}");
        }
        assert_eq!(scan(b"ffffffffffff\r\n"), Err(BodyFault::TooLarge));
        let many = format!("0\r\n{}\r\n", "X: 1\r\n".repeat(11));
        assert_eq!(scan(many.as_bytes()), Err(BodyFault::TrailerLimit));
        let long = format!("5;{}\r\nhello", "a".repeat(2000));
        assert_eq!(scan(long.as_bytes()), Err(BodyFault::Syntax));
    }

    proptest! {
        #[test]
        fn pieces_do_not_change_the_verdict(
            text in proptest::collection::vec(
                prop_oneof![Just(b'0'), Just(b'5'), Just(b'\r'), Just(b'\n'), Just(b';'), Just(b'a'), any::<u8>()], 0..60),
            cut in 0usize..60,
        ) {
            let whole = scan(&text);
            let cut = cut.min(text.len());
            let mut scanner = ChunkScanner::new(LIMITS);
            let pieces = match scan_on(&mut scanner, &text[..cut]) {
                Ok(Reach::Open) => scan_on(&mut scanner, &text[cut..]).map(|extent| match extent {
                    Reach::Open => Reach::Open,
                    Reach::Ends(at) => Reach::Ends(cut + at),
                }),
                other => other,
            };
            prop_assert_eq!(whole, pieces);
        }
    }
}
