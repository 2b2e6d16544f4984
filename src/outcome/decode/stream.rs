//! A coded body undone while it passes, for somebody who only listens. What a decoder may hold is
//! bounded by the window that it takes, and how much may come out by who listens: a sink that fails
//! ends it.

use std::fmt;
use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderValue;
use zstd::stream::write::Decoder as ZstdDecoder;

use super::{BUFFER, Coding, is_zlib};

/// A decoder and who gets what comes out of it.
pub struct StreamDecoder<W: Write>(Stage<W>);

enum Stage<W: Write> {
    /// The first bytes decide how it goes on.
    Begins(Coding, Vec<u8>, W),
    Gzip(MultiGzDecoder<W>),
    Zlib(ZlibDecoder<W>),
    Deflate(DeflateDecoder<W>),
    Brotli(Box<DecompressorWriter<W>>),
    Zstd(ZstdDecoder<'static, W>),
    Over,
}

impl<W: Write> StreamDecoder<W> {
    /// A decoder for a body of one coding; none where that is not known.
    pub fn new(encoding: &HeaderValue, sink: W) -> Option<Self> {
        let coding = Coding::named(encoding.to_str().ok()?.trim())?;
        (coding != Coding::Identity).then(|| Self(Stage::Begins(coding, Vec::new(), sink)))
    }

    /// Who gets it; nobody any more after a failure.
    pub fn sink(&mut self) -> Option<&mut W> {
        Some(match &mut self.0 {
            Stage::Begins(_, _, sink) => sink,
            Stage::Gzip(decoder) => decoder.get_mut(),
            Stage::Zlib(decoder) => decoder.get_mut(),
            Stage::Deflate(decoder) => decoder.get_mut(),
            Stage::Brotli(decoder) => decoder.get_mut(),
            Stage::Zstd(decoder) => decoder.get_mut(),
            Stage::Over => return None,
        })
    }

    /// The next piece. All that can be told of it has been handed on then.
    ///
    /// # Errors
    /// It is not what it says that it is, wants too large a window, or the sink has had enough.
    pub fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        let stage = std::mem::replace(&mut self.0, Stage::Over);
        self.0 = match stage {
            Stage::Begins(coding, mut first, sink) => {
                first.extend_from_slice(piece);
                // What tells the two kinds of deflate apart are two bytes.
                if first.len() < 2 {
                    Stage::Begins(coding, first, sink)
                } else {
                    Stage::new(coding, &first, sink)?.fed(&first)?
                }
            }
            stage @ (Stage::Gzip(_)
            | Stage::Zlib(_)
            | Stage::Deflate(_)
            | Stage::Brotli(_)
            | Stage::Zstd(_)
            | Stage::Over) => stage.fed(piece)?,
        };
        Ok(())
    }
}

impl<W: Write> Stage<W> {
    fn new(coding: Coding, first: &[u8], sink: W) -> io::Result<Self> {
        Ok(match coding {
            Coding::Identity => return Err(io::ErrorKind::InvalidInput.into()),
            Coding::Gzip => Self::Gzip(MultiGzDecoder::new(sink)),
            Coding::Deflate if is_zlib(first) => Self::Zlib(ZlibDecoder::new(sink)),
            Coding::Deflate => Self::Deflate(DeflateDecoder::new(sink)),
            Coding::Brotli if !has_small_window(first) => {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            Coding::Brotli => Self::Brotli(Box::new(DecompressorWriter::new(sink, BUFFER))),
            Coding::Zstd => {
                let mut decoder = ZstdDecoder::new(sink)?;
                decoder.set_parameter(zstd::stream::raw::DParameter::WindowLogMax(WINDOW))?;
                Self::Zstd(decoder)
            }
        })
    }

    fn fed(mut self, piece: &[u8]) -> io::Result<Self> {
        let decoder: &mut dyn Write = match &mut self {
            Self::Gzip(decoder) => decoder,
            Self::Zlib(decoder) => decoder,
            Self::Deflate(decoder) => decoder,
            Self::Brotli(decoder) => decoder,
            Self::Zstd(decoder) => decoder,
            Self::Begins(..) | Self::Over => return Ok(self),
        };
        decoder.write_all(piece)?;
        decoder.flush()?;
        Ok(self)
    }
}

impl<W: Write> fmt::Debug for StreamDecoder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamDecoder")
    }
}

/// Whether a body of brotli needs no window above 4 MiB, which is the default of its encoder (RFC 7932,
/// section 9.1: three bits of 110 or 111 behind a set one are 23 and 24, and 000 with 001 is no window).
fn has_small_window(first: &[u8]) -> bool {
    let bits = first.first().copied().unwrap_or_default();
    match bits {
        _ if bits & 1 == 0 => true,
        _ if bits & 0x0e == 0 => bits & 0x70 != 0x10,
        _ => bits & 0x0c != 0x0c,
    }
}

/// 8 MiB, which is all that a sender may count on (RFC 9659).
const WINDOW: u32 = 23;

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// Takes so much and no more.
    struct Most(Vec<u8>, usize);

    impl Write for Most {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.len() + bytes.len() > self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn coded(name: &str, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let level = flate2::Compression::fast();
        match name {
            "gzip" => flate2::read::GzEncoder::new(text, level).read_to_end(&mut out).unwrap(),
            "zlib" => flate2::read::ZlibEncoder::new(text, level).read_to_end(&mut out).unwrap(),
            "deflate" => {
                flate2::read::DeflateEncoder::new(text, level).read_to_end(&mut out).unwrap()
            }
            "br" => brotli::CompressorReader::new(text, 4096, 4, 22).read_to_end(&mut out).unwrap(),
            _ => return zstd::encode_all(text, 3).unwrap(),
        };
        out
    }

    fn undone(name: &str, body: &[u8], size: usize, most: usize) -> Option<Vec<u8>> {
        let encoding = HeaderValue::from_str(&name.replace("zlib", "deflate")).unwrap();
        let mut decoder = StreamDecoder::new(&encoding, Most(Vec::new(), most))?;
        body.chunks(size).try_for_each(|piece| decoder.write(piece)).ok()?;
        Some(std::mem::take(&mut decoder.sink()?.0))
    }

    #[test]
    fn what_was_coded_comes_out_wherever_it_is_cut() {
        let words = (0..9000).map(|at: u64| format!("{} ", at * at % 1009)).collect::<String>();
        for name in ["gzip", "zlib", "deflate", "br", "zstd"] {
            let body = coded(name, words.as_bytes());
            for size in [1, 7, 4096, body.len()] {
                let out = undone(name, &body, size, words.len());
                assert_eq!(out.as_deref(), Some(words.as_bytes()), "{name} {size}");
            }
        }
    }

    #[test]
    fn a_bomb_ends_where_the_sink_has_enough() {
        let bomb = vec![b' '; 10 << 20];
        for name in ["gzip", "zlib", "deflate", "br", "zstd"] {
            assert_eq!(undone(name, &coded(name, &bomb), 4096, 1 << 20), None, "{name}");
        }
    }

    #[test]
    fn garbage_and_strangers_are_not_undone() {
        for name in ["gzip", "br", "zstd"] {
            assert_eq!(undone(name, &[0x55; 100], 9, 1000).filter(|out| !out.is_empty()), None);
        }
        assert_eq!(undone("identity", b"ab", 1, 10), None);
        assert_eq!(undone("gzip, br", b"ab", 1, 10), None);
    }

    #[test]
    fn large_windows_are_not_taken() {
        for (window, small) in
            [(10, true), (16, true), (18, true), (22, true), (23, false), (24, false)]
        {
            let mut body = Vec::new();
            brotli::CompressorReader::new(&[b'x'; 99][..], 4096, 4, window)
                .read_to_end(&mut body)
                .unwrap();
            assert_eq!(has_small_window(&body), small, "{window}");
            assert_eq!(undone("br", &body, 7, 99).is_some(), small, "{window}");
        }
        for (window, small) in [(23, true), (24, false)] {
            let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
            encoder.window_log(window).unwrap();
            encoder.write_all(&[b'x'; 99]).unwrap();
            let body = encoder.finish().unwrap();
            assert_eq!(undone("zstd", &body, 7, 99).is_some(), small, "{window}");
        }
    }
}
