use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

const PLAIN: &[u8] = b"{\"message\":\"Tout va bien. Tout va bien. Tout va bien. Tout va bien. \"}";

/// [`PLAIN`] by the reference encoder of brotli.
const BROTLI: &[u8] = &[
    27, 69, 0, 248, 29, 7, 118, 44, 54, 38, 116, 252, 166, 89, 138, 208, 237, 181, 14, 149, 93,
    159, 6, 9, 123, 171, 211, 146, 84, 98, 140, 64, 242, 1, 13, 102, 114, 13, 216, 145, 159, 41,
    130, 1,
];

/// A million times `a`.
const BROTLI_BOMB: &[u8] = &[91, 63, 66, 143, 95, 34, 44, 30, 11, 4, 242, 115, 30, 0];

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn bare(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(plain: &[u8]) -> Vec<u8> {
    compress_to_vec(plain, CompressionLevel::Fastest)
}

fn run<'a>(encoding: &'static str, body: &'a [u8], limit: usize) -> Option<Cow<'a, [u8]>> {
    decode(&HeaderValue::from_static(encoding), body, limit)
}

/// Text that does not compress to nothing, so that its encodings can be cut in the middle.
fn varied(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..length).map(|_| random.u8(b'a'..=b'z')).collect()
}

#[test]
fn each_coding_is_undone() {
    for (encoding, body) in [
        ("gzip", gzip(PLAIN)),
        ("x-gzip", gzip(PLAIN)),
        ("GZIP", gzip(PLAIN)),
        ("deflate", zlib(PLAIN)),
        ("deflate", bare(PLAIN)),
        ("br", BROTLI.to_vec()),
        ("zstd", zstandard(PLAIN)),
        ("identity", PLAIN.to_vec()),
        ("", PLAIN.to_vec()),
        ("identity, gzip ,, identity", gzip(PLAIN)),
        ("deflate, gzip", gzip(&zlib(PLAIN))),
        ("gzip,gzip", gzip(&gzip(PLAIN))),
        ("zstd, gzip", gzip(&zstandard(PLAIN))),
        ("br, zstd", zstandard(BROTLI)),
    ] {
        assert_eq!(run(encoding, &body, 1 << 16).as_deref(), Some(PLAIN), "{encoding}");
    }
}

#[test]
fn members_of_gzip_follow_one_another() {
    let two = [gzip(b"one "), gzip(b"two")].concat();
    assert_eq!(run("gzip", &two, 100).as_deref(), Some(&b"one two"[..]));
}

#[test]
fn a_body_without_coding_is_lent_back() {
    assert!(matches!(run("identity", PLAIN, 1 << 16), Some(Cow::Borrowed(same)) if same == PLAIN));
    assert_eq!(run("", PLAIN, 5).as_deref(), PLAIN.get(..5));
}

#[test]
fn unknown_codings_and_long_lists_are_left_alone() {
    for encoding in ["compress", "aes128gcm", "gzip;q=1", "*", "gzip,compress", "gzip,gzip,gzip"] {
        assert_eq!(run(encoding, &gzip(PLAIN), 1 << 16), None, "{encoding}");
    }
    let odd = HeaderValue::from_bytes(b"\xff").unwrap();
    assert_eq!(decode(&odd, PLAIN, 10), None);
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let zeros = vec![0; 4 << 20];
    for (encoding, body) in [
        ("gzip", gzip(&zeros)),
        ("deflate", zlib(&zeros)),
        ("deflate", bare(&zeros)),
        ("br", BROTLI_BOMB.to_vec()),
        ("zstd", zstandard(&zeros)),
        ("gzip,gzip", gzip(&gzip(&zeros))),
    ] {
        // Within a single byte there is no room for an outer coding's header.
        for limit in [0, 1, 1000, 65_536]
            .into_iter()
            .filter(|limit| *limit >= 1000 || !encoding.contains(','))
        {
            let length = run(encoding, &body, limit).map(|decoded| decoded.len());
            assert_eq!(length, Some(limit), "{encoding} {limit}");
        }
    }
}

#[test]
fn what_was_cut_gives_what_could_be_decoded() {
    let plain = varied(300_000);
    for (encoding, body) in [
        ("gzip", gzip(&plain)),
        ("deflate", zlib(&plain)),
        ("deflate", bare(&plain)),
        ("zstd", zstandard(&plain)),
    ] {
        let cut = &body[..body.len() * 3 / 4];
        let decoded = run(encoding, cut, 1 << 20).expect(encoding);
        assert!(!decoded.is_empty() && plain.starts_with(&decoded), "{encoding} {}", decoded.len());
        assert!(decoded.len() < plain.len(), "{encoding}");
    }
    // This decoder gives out nothing before its window or its block is full.
    assert_eq!(run("br", &BROTLI[..33], 1 << 20), None);
}

#[test]
fn what_is_no_such_coding_gives_nothing() {
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        assert_eq!(run(encoding, b"<html>502 Bad Gateway</html>", 1000), None, "{encoding}");
    }
}

proptest! {
    #[test]
    fn never_panics(
        encoding in "(gzip|deflate|br|zstd|identity|x){1}(,(gzip|deflate|br|zstd))?",
        body in proptest::collection::vec(any::<u8>(), 0..300),
        limit in 0usize..2000,
    ) {
        let encoding = HeaderValue::from_str(&encoding).unwrap();
        let decoded = decode(&encoding, &body, limit);
        prop_assert!(decoded.is_none_or(|decoded| decoded.len() <= limit));
    }

    #[test]
    fn damage_never_panics(
        which in 0usize..5,
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
        keep in any::<proptest::sample::Index>(),
        limit in 0usize..5000,
    ) {
        let plain = varied(4000);
        let (encoding, mut body) = match which {
            0 => ("gzip", gzip(&plain)),
            1 => ("deflate", zlib(&plain)),
            2 => ("deflate", bare(&plain)),
            3 => ("zstd", zstandard(&plain)),
            _ => ("br", BROTLI.to_vec()),
        };
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        body.truncate(keep.index(body.len() * 2).max(1));
        let decoded = run(encoding, &body, limit);
        prop_assert!(decoded.is_none_or(|decoded| decoded.len() <= limit));
    }
}
