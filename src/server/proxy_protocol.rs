//! The PROXY protocol (HAProxy's `proxy-protocol.txt`), versions 1 and 2: a balancer in front says
//! who the client is before the client's own first byte.
//!
//! Whoever may write this header may claim any address. So the caller reads it from peers in
//! `server.trusted_proxies` alone, and refuses every other connection to such a listener: its
//! header would be a lie, and without one there is nothing to believe. A trusted peer without a
//! valid header is refused too; nothing is guessed.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::prefixed::Prefixed;

/// Why a connection's PROXY header cannot be used.
#[derive(Debug)]
pub(super) enum ProxyError {
    /// The socket failed, or ended before the end of the header.
    Io(io::Error),
    /// The first bytes are no PROXY header.
    Missing,
    /// They begin as one, but are not well formed or longer than is allowed.
    Malformed,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "no PROXY header arrived: {error}"),
            Self::Missing => f.write_str("the connection begins without a PROXY header"),
            Self::Malformed => f.write_str("the PROXY header is malformed"),
        }
    }
}

impl std::error::Error for ProxyError {}

/// Reads and takes the header: the address of the client, or none where the balancer speaks for
/// itself (`LOCAL`) or does not know (`UNKNOWN`): the socket's own stands.
///
/// # Errors
/// The connection is to be closed without an answer.
pub(super) async fn read(socket: &mut Prefixed) -> Result<Option<SocketAddr>, ProxyError> {
    loop {
        match parse(socket.peeked()) {
            Step::Done { addresses, length } => {
                socket.consume(length);
                return Ok(addresses.map(|(source, _)| source));
            }
            Step::More => socket.peek_more().await.map_err(ProxyError::Io)?,
            Step::Refused(error) => return Err(error),
        }
    }
}

/// What the bytes so far amount to.
#[derive(Debug)]
enum Step {
    Done { addresses: Option<(SocketAddr, SocketAddr)>, length: usize },
    More,
    Refused(ProxyError),
}

fn parse(bytes: &[u8]) -> Step {
    if bytes.starts_with(V2_SIGNATURE) {
        return parse_v2(bytes);
    }
    if bytes.starts_with(V1_PREFIX) {
        return parse_v1(bytes);
    }
    if V2_SIGNATURE.starts_with(bytes) || V1_PREFIX.starts_with(bytes) {
        return Step::More;
    }
    Step::Refused(ProxyError::Missing)
}

/// One line of text, at most 107 bytes with its CRLF (section 2.1).
fn parse_v1(bytes: &[u8]) -> Step {
    let window = &bytes[..bytes.len().min(V1_MAX)];
    let Some(end) = memchr::memchr(b'\n', window) else {
        let over = bytes.len() >= V1_MAX;
        return if over { Step::Refused(ProxyError::Malformed) } else { Step::More };
    };
    let line = window[..end].strip_suffix(b"\r").and_then(|line| std::str::from_utf8(line).ok());
    match line.and_then(addresses_v1) {
        Some(addresses) => Step::Done { addresses, length: end + 1 },
        None => Step::Refused(ProxyError::Malformed),
    }
}

fn addresses_v1(line: &str) -> Option<Option<(SocketAddr, SocketAddr)>> {
    let mut words = line.split(' ').skip(1);
    match words.next()? {
        // Anything may follow, and is to be ignored.
        "UNKNOWN" => return Some(None),
        "TCP4" => pair_v1::<Ipv4Addr>(words),
        "TCP6" => pair_v1::<Ipv6Addr>(words),
        _ => None,
    }
    .map(Some)
}

fn pair_v1<'a, A: FromStr + Into<std::net::IpAddr>>(
    mut words: impl Iterator<Item = &'a str>,
) -> Option<(SocketAddr, SocketAddr)> {
    let source: A = words.next()?.parse().ok()?;
    let destination: A = words.next()?.parse().ok()?;
    let source = SocketAddr::new(source.into(), port_v1(words.next()?)?);
    let destination = SocketAddr::new(destination.into(), port_v1(words.next()?)?);
    words.next().is_none().then_some((source, destination))
}

/// Digits alone: `parse` would also take a plus sign, and zeros in front.
fn port_v1(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    text.parse().ok().filter(|_| plain && canonical)
}

/// A binary header: signature, version and command, family and transport, length (section 2.2).
fn parse_v2(bytes: &[u8]) -> Step {
    let Some(&[command, family, high, low]) = bytes.get(V2_SIGNATURE.len()..V2_FIXED) else {
        return Step::More;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > V2_MAX {
        return Step::Refused(ProxyError::Malformed);
    }
    let Some(rest) = bytes.get(V2_FIXED..V2_FIXED + length) else { return Step::More };
    let addresses = match command {
        V2_LOCAL => Some(None),
        V2_PROXY => addresses_v2(family, rest),
        _ => None,
    };
    match addresses {
        Some(addresses) => Step::Done { addresses, length: V2_FIXED + length },
        None => Step::Refused(ProxyError::Malformed),
    }
}

fn addresses_v2(family: u8, bytes: &[u8]) -> Option<Option<(SocketAddr, SocketAddr)>> {
    match family {
        V2_UNSPECIFIED => Some(None),
        V2_TCP4 => {
            let (addresses, extensions) = bytes.split_first_chunk::<12>()?;
            let [a, b, c, d, e, f, g, h, i, j, k, l] = *addresses;
            let source = (Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([i, j]));
            let destination = (Ipv4Addr::new(e, f, g, h), u16::from_be_bytes([k, l]));
            well_formed(extensions).then(|| Some((source.into(), destination.into())))
        }
        V2_TCP6 => {
            let (source, rest) = bytes.split_first_chunk::<16>()?;
            let (destination, rest) = rest.split_first_chunk::<16>()?;
            let (&[i, j, k, l], extensions) = rest.split_first_chunk::<4>()?;
            let source = (Ipv6Addr::from(*source), u16::from_be_bytes([i, j]));
            let destination = (Ipv6Addr::from(*destination), u16::from_be_bytes([k, l]));
            well_formed(extensions).then(|| Some((source.into(), destination.into())))
        }
        // A unix socket's path is no address that anything here could use, but it is no lie.
        V2_UNIX => (bytes.len() >= 216).then_some(None),
        _ => None,
    }
}

/// Whether what follows the addresses is a run of type, length, value: none of them is read.
fn well_formed(mut extensions: &[u8]) -> bool {
    while let Some((&[_, high, low], rest)) = extensions.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(rest) = rest.get(length..) else { return false };
        extensions = rest;
    }
    extensions.is_empty()
}

const V1_PREFIX: &[u8] = b"PROXY ";
const V1_MAX: usize = 107;
const V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const V2_FIXED: usize = 16;
/// Addresses (216 bytes for unix sockets), and up to 2 KiB of extensions.
const V2_MAX: usize = 216 + 2048;
const V2_LOCAL: u8 = 0x20;
const V2_PROXY: u8 = 0x21;
const V2_UNSPECIFIED: u8 = 0x00;
const V2_TCP4: u8 = 0x11;
const V2_TCP6: u8 = 0x21;
const V2_UNIX: u8 = 0x31;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// `addresses length`, `more`, `missing` or `malformed`.
    fn told(bytes: &[u8]) -> String {
        match parse(bytes) {
            Step::Done { addresses: Some((source, destination)), length } => {
                format!("{source} {destination} {length}")
            }
            Step::Done { addresses: None, length } => format!("none {length}"),
            Step::More => "more".into(),
            Step::Refused(ProxyError::Missing) => "missing".into(),
            Step::Refused(_) => "malformed".into(),
        }
    }

    fn v2(command: u8, family: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [V2_SIGNATURE, &[command, family], &length, content].concat()
    }

    #[test]
    fn version_1() {
        for (bytes, expected) in [
            ("PROXY TCP4 1.2.3.4 5.6.7.8 65535 443\r\nGET", "1.2.3.4:65535 5.6.7.8:443 38"),
            ("PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "[2001:db8::1]:1 [::1]:2 32"),
            ("PROXY UNKNOWN\r\n", "none 15"),
            ("PROXY UNKNOWN ffff:f::1 what ever\r\n", "none 35"),
            ("", "more"),
            ("PRO", "more"),
            ("PROXY TCP4 1.2.3.4 5.6", "more"),
            ("GET / HTTP/1.1\r\n", "missing"),
            ("proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "missing"),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", "malformed"),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "malformed"),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", "malformed"),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", "malformed"),
            ("PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", "malformed"),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n", "malformed"),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", "malformed"),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n", "malformed"),
            ("PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n", "malformed"),
            ("PROXY TCP4 ::1 ::1 1 2\r\n", "malformed"),
            ("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", "malformed"),
            ("PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", "malformed"),
            ("PROXY \r\n", "malformed"),
        ] {
            assert_eq!(told(bytes.as_bytes()), expected, "{bytes:?}");
        }
    }

    #[test]
    fn version_1_is_bounded() {
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(200));
        assert_eq!(told(&long.as_bytes()[..106]), "more");
        assert_eq!(told(&long.as_bytes()[..107]), "malformed");
        let longest = format!("PROXY UNKNOWN {}\r\n", "x".repeat(91));
        assert_eq!(told(longest.as_bytes()), "none 107");
    }

    #[test]
    fn version_2() {
        let four = [1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xff, 1, 0xbb];
        let mut six = [0; 36];
        (six[15], six[31], six[33], six[35]) = (1, 2, 3, 4);
        let with = |extensions: &[u8]| v2(0x21, 0x11, &[&four[..], extensions].concat());
        for (bytes, expected) in [
            (v2(0x21, 0x11, &four), "1.2.3.4:65535 5.6.7.8:443 28"),
            (v2(0x21, 0x21, &six), "[::1]:3 [::2]:4 52"),
            (v2(0x20, 0x00, &[]), "none 16"),
            (v2(0x20, 0x11, &four), "none 28"),
            (v2(0x21, 0x00, &[9; 5]), "none 21"),
            (v2(0x21, 0x31, &[0; 216]), "none 232"),
            (with(&[4, 0, 2, 9, 9, 5, 0, 0]), "1.2.3.4:65535 5.6.7.8:443 36"),
            (with(&[0; 2040]), "1.2.3.4:65535 5.6.7.8:443 2068"),
            (with(&[4, 0, 3, 9, 9]), "malformed"),
            (with(&[4, 0]), "malformed"),
            (v2(0x21, 0x11, &four[..11]), "malformed"),
            (v2(0x21, 0x21, &six[..35]), "malformed"),
            (v2(0x21, 0x31, &[0; 215]), "malformed"),
            (v2(0x21, 0x12, &four), "malformed"),
            (v2(0x22, 0x11, &four), "malformed"),
            (v2(0x11, 0x11, &four), "malformed"),
            (v2(0x21, 0x11, &[0; 3000]), "malformed"),
            (V2_SIGNATURE.to_vec(), "more"),
            (V2_SIGNATURE[..5].to_vec(), "more"),
            (v2(0x21, 0x11, &four)[..27].to_vec(), "more"),
        ] {
            assert_eq!(told(&bytes), expected, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn the_header_is_taken_and_what_follows_is_replayed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut socket = Prefixed::new(listener.accept().await.unwrap().0.into());
        let header = v2(0x21, 0x11, &[1, 1, 1, 1, 2, 2, 2, 2, 0, 1, 0, 2]);
        let writing = async {
            for byte in header {
                client.write_all(&[byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
            client.write_all(b"GET /").await.unwrap();
            client.shutdown().await.unwrap();
        };
        let reading = async {
            let source = read(&mut socket).await.unwrap().unwrap();
            let mut rest = String::new();
            socket.read_to_string(&mut rest).await.unwrap();
            (source.to_string(), rest)
        };
        let ((), (source, rest)) = tokio::join!(writing, reading);
        assert_eq!((source.as_str(), rest.as_str()), ("1.1.1.1:1", "GET /"));
    }

    #[tokio::test]
    async fn half_a_header_is_an_error_once_the_client_has_left() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut socket = Prefixed::new(listener.accept().await.unwrap().0.into());
        client.write_all(b"PROXY TCP4").await.unwrap();
        client.shutdown().await.unwrap();
        assert!(matches!(read(&mut socket).await, Err(ProxyError::Io(_))));
    }

    proptest! {
        #[test]
        fn never_panics_and_never_takes_more_than_there_is(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            start in prop_oneof![Just(V1_PREFIX), Just(V2_SIGNATURE), Just(&b""[..])],
        ) {
            let bytes = [start, &bytes[..]].concat();
            if let Step::Done { length, .. } = parse(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }

        #[test]
        fn the_end_of_a_header_does_not_depend_on_how_it_is_cut(cut in 0usize..38) {
            let whole = b"PROXY TCP4 1.2.3.4 5.6.7.8 65535 443\r\nGET";
            prop_assert_eq!(told(&whole[..cut]), "more");
        }
    }
}
