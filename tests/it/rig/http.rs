//! Just enough HTTP/1.1 to read what went over a wire, written apart from guichet so that the two
//! cannot share a mistake.

use std::io::{self, Read};

/// Request or status line, and fields in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The first line.
    pub line: String,
    /// Fields, names as they stood.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// The target of a request line.
    pub fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    /// The method of a request line.
    pub fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// The status of a status line.
    pub fn status(&self) -> u16 {
        self.line.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
    }

    /// The first value of a field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a field.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let found = self.fields.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the body is chunked.
    pub fn is_chunked(&self) -> bool {
        self.all("transfer-encoding").any(|value| value.to_ascii_lowercase().contains("chunked"))
    }

    /// The length that the head promises.
    pub fn content_length(&self) -> Option<u64> {
        self.header("content-length").and_then(|value| value.parse().ok())
    }

    fn parse(bytes: &[u8]) -> Self {
        // Latin-1: every byte is one character, so nothing is lost.
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let fields = lines.filter_map(|line| line.split_once(':'));
        let fields = fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Self { line, fields: fields.collect() }
    }
}

/// Reads up to the empty line, byte by byte, so that nothing of the body is taken.
pub fn read_head(from: &mut impl Read) -> io::Result<Head> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        bytes.push(byte[0]);
    }
    bytes.truncate(bytes.len() - 4);
    Ok(Head::parse(&bytes))
}

/// Reads a chunked body; what arrived before a failure stays in `body`.
pub fn read_chunked_body(
    from: &mut impl Read,
    body: &mut Vec<u8>,
    trailers: &mut Vec<(String, String)>,
) -> io::Result<()> {
    loop {
        let size = read_line(from)?;
        let digits = size.split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(digits, 16)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a chunk size"))?;
        if size == 0 {
            break;
        }
        let copied = io::copy(&mut from.by_ref().take(size), body)?;
        if copied < size || !read_line(from)?.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    loop {
        let line = read_line(from)?;
        let Some((name, value)) = line.split_once(':') else { return Ok(()) };
        trailers.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn read_line(from: &mut impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n") {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        bytes.push(byte[0]);
    }
    bytes.truncate(bytes.len() - 2);
    Ok(bytes.iter().map(|byte| char::from(*byte)).collect())
}
