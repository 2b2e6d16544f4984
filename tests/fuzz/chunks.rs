//! The chunked coding against a decoder that is as simple as can be: the whole text in hand, lines
//! cut at CRLF, nothing remembered. Both take the same bodies, end them at the same byte, and find
//! the same data and trailers; and the scanner does so however the bytes come.

use guichet::base::chunked::{ChunkLimits, ChunkScanner, Padding, Piece};

use crate::corpus::Target;

#[test]
fn fuzz_chunks() {
    let target = Target {
        name: "chunks",
        words: &[
            b"\r\n",
            b"\r",
            b"\n",
            b"0\r\n",
            b"0\r\n\r\n",
            b"5\r\nhello\r\n",
            b"a\r\n0123456789\r\n",
            b";",
            b"=",
            b"\"",
            b"\\",
            b";x=y",
            b";q=\"x y\"",
            b"X-T: 1\r\n",
            b":",
            b" ",
            b"\t",
            b"0x",
            b"00",
            b"ffffffffffffffff",
            b"\xff",
        ],
        longest: 700,
        inputs: 10_000,
    };
    target.run(|input| {
        let mut verdict = (0, 0);
        for padding in [Padding::Refused, Padding::Skipped] {
            let whole = decode(input, input.len().max(1), padding);
            for step in [1, 2, 7] {
                let cut = decode(input, step, padding);
                assert_eq!(cut, whole, "pieces of {step} bytes");
            }
            let expected = reference(input, padding);
            assert_eq!(whole.clone().ok().flatten(), expected, "{padding:?}");
            if let Some(body) = &expected {
                let again = decode(&input[..body.end], 3, padding);
                assert_eq!(again, whole, "what follows does not matter");
            }
            let trailers = expected.map_or(0, |body| 1 + body.trailers.len().min(3));
            verdict = (verdict.0 * 4 + trailers, verdict.1 * 2 + usize::from(whole.is_err()));
        }
        verdict
    });
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Body {
    data: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
    end: usize,
}

/// The body, none if more is to come, or the fault.
fn decode(input: &[u8], step: usize, padding: Padding) -> Result<Option<Body>, String> {
    let limits = ChunkLimits { body: MOST, bytes: 4096, fields: 500, padding };
    let mut scanner = ChunkScanner::new(limits);
    let (mut data, mut at) = (Vec::new(), 0);
    for piece in input.chunks(step) {
        let mut rest = piece;
        while !rest.is_empty() {
            let read = scanner.next(rest).map_err(|fault| format!("{fault:?}"))?;
            let (Piece::Framing(count) | Piece::Data(count) | Piece::End(count)) = read;
            assert!((1..=rest.len()).contains(&count), "every answer goes on");
            at += count;
            match read {
                Piece::Framing(_) => {}
                Piece::Data(_) => data.extend_from_slice(&rest[..count]),
                Piece::End(_) => {
                    let trailers = scanner.take_trailers().unwrap_or_default();
                    let trailers = sorted(trailers.iter().map(|(name, value)| {
                        (name.as_str().to_owned(), value.as_bytes().to_vec())
                    }));
                    return Ok(Some(Body { data, trailers, end: at }));
                }
            }
            rest = &rest[count..];
        }
    }
    Ok(None)
}

fn reference(input: &[u8], padding: Padding) -> Option<Body> {
    let mut rest = input;
    let mut data = Vec::new();
    loop {
        let size = size(line(&mut rest)?, padding)?;
        if size == 0 {
            break;
        }
        let size = usize::try_from(size).ok()?;
        data.extend_from_slice(rest.get(..size)?);
        rest = rest[size..].strip_prefix(b"\r\n")?;
    }
    let mut trailers = Vec::new();
    loop {
        let line = line(&mut rest)?;
        if line.is_empty() {
            let trailers = sorted(trailers.into_iter());
            return Some(Body { data, trailers, end: input.len() - rest.len() });
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (std::str::from_utf8(&line[..colon]).ok()?, &line[colon + 1..]);
        let plain = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
        if !is_token(name) || !value.iter().all(plain) {
            return None;
        }
        let text = value.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
        let last = value.iter().rposition(|byte| !matches!(byte, b' ' | b'\t'));
        let value = text.zip(last).map_or(&b""[..], |(first, last)| &value[first..=last]);
        trailers.push((name.to_ascii_lowercase(), value.to_vec()));
    }
}

/// Up to the next CRLF; neither stands within it alone.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let line = &rest[..end];
    *rest = &rest[end + 2..];
    (!line.contains(&b'\r') && !line.contains(&b'\n')).then_some(line)
}

/// `1*32HEXDIG *( ";" name [ "=" ( token / quoted-string ) ] )`, the size alone being of use.
fn size(line: &[u8], padding: Padding) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let text = std::str::from_utf8(&line[..digits]).ok()?;
    let size = u128::from_str_radix(text, 16).ok().filter(|_| digits <= 32)?;
    let mut rest = &line[digits..];
    while let ([b' ' | b'\t', after @ ..], Padding::Skipped) = (rest, padding) {
        rest = after;
    }
    while let [b';', after @ ..] = rest {
        rest = after;
        token(&mut rest)?;
        if let [b'=', after @ ..] = rest {
            rest = after;
            if let [b'"', after @ ..] = rest {
                rest = after;
                quoted(&mut rest)?;
            } else {
                token(&mut rest)?;
            }
        }
    }
    let size = u64::try_from(size).ok().filter(|size| *size <= MOST)?;
    rest.is_empty().then_some(size)
}

fn token(rest: &mut &[u8]) -> Option<()> {
    let length = rest.iter().take_while(|byte| TOKEN.contains(**byte as char)).count();
    *rest = &rest[length..];
    (length > 0).then_some(())
}

/// What follows an opening quote, up to the closing one.
fn quoted(rest: &mut &[u8]) -> Option<()> {
    loop {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        match byte {
            b'"' => return Some(()),
            b'\\' => {
                let (escaped, after) = rest.split_first()?;
                *rest = after;
                matches!(escaped, b'\t' | b' '..=b'~' | 0x80..).then_some(())?;
            }
            b'\t' | b' '..=b'~' | 0x80.. => {}
            _ => return None,
        }
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| TOKEN.contains(char))
}

fn sorted(fields: impl Iterator<Item = (String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let mut fields: Vec<_> = fields.collect();
    // A map of fields keeps the order of equal names alone.
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    fields
}

const MOST: u64 = 1 << 40;
const TOKEN: &str = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
