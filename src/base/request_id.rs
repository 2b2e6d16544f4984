//! Request ids: taken from a trusted peer, or a new UUIDv7 (RFC 9562, section 5.7).
//!
//! An id travels in headers, log lines and bodies, so it is kept as a [`HeaderValue`]: cloning it
//! is a reference count. New ids are cut from one slab per worker, which makes an id cost a
//! fraction of an allocation.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue};

use super::{clock, hex};

/// The id that a request carries through guichet, its upstreams, the log and the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    value: HeaderValue,
    is_uuid: bool,
}

impl RequestId {
    /// The field that it travels in.
    pub const FIELD: HeaderName = HeaderName::from_static("x-request-id");

    /// Makes a new UUIDv7 in its 36-character form.
    pub fn generate() -> Self {
        Self::generate_at(clock::unix_millis())
    }

    /// The same for whoever has looked at the clock already.
    pub fn generate_at(unix_millis: u64) -> Self {
        let text = SLAB.with_borrow_mut(|slab| {
            if slab.capacity() < UUID_LENGTH {
                *slab = BytesMut::with_capacity(UUID_LENGTH * IDS_PER_SLAB);
            }
            slab.extend_from_slice(&uuid_v7(unix_millis, fastrand::u64(..), fastrand::u64(..)));
            slab.split().freeze()
        });
        Self { value: header_value(text), is_uuid: true }
    }

    /// Takes an id that a trusted peer sent: 1 to 128 visible ASCII characters, else none.
    pub fn accept(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let fits = (1..=128).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
        fits.then(|| Self { value: value.clone(), is_uuid: is_uuid(bytes) })
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.value.to_str().unwrap_or_default()
    }

    /// The id as a header value; cloning it copies no text.
    pub fn value(&self) -> &HeaderValue {
        &self.value
    }

    /// Whether the id is a UUID in its usual text form, as `urn:uuid:` needs it. Such an id needs no
    /// escape in any text, and is as long as any other.
    pub fn is_uuid(&self) -> bool {
        self.is_uuid
    }
}

fn is_uuid(text: &[u8]) -> bool {
    text.len() == UUID_LENGTH
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

thread_local! {
    static SLAB: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

fn header_value(text: Bytes) -> HeaderValue {
    // Hexadecimal digits and hyphens are always a valid header value.
    let mut value =
        HeaderValue::from_maybe_shared(text).unwrap_or_else(|_| HeaderValue::from_static("0"));
    // It is never seen again, so that a place in HPACK's dynamic table is wasted on it, and pushes
    // out what will be (RFC 7541, section 6.2.3).
    value.set_sensitive(true);
    value
}

fn uuid_v7(unix_millis: u64, few: u64, many: u64) -> [u8; UUID_LENGTH] {
    let high = (unix_millis << 16) | 0x7000 | (few & 0x0fff);
    let low = (1 << 63) | (many >> 2);
    let (high, low) = (high.to_be_bytes(), low.to_be_bytes());
    let mut text = [b'-'; UUID_LENGTH];
    hex::write(&high[..4], &mut text[..8]);
    hex::write(&high[4..6], &mut text[9..13]);
    hex::write(&high[6..], &mut text[14..18]);
    hex::write(&low[..2], &mut text[19..23]);
    hex::write(&low[2..], &mut text[24..]);
    text
}

const UUID_LENGTH: usize = 36;
const IDS_PER_SLAB: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_id_is_a_uuid_of_version_7_and_variant_1() {
        for _ in 0..300 {
            let id = RequestId::generate();
            assert!(id.is_uuid(), "{}", id.as_str());
            assert_eq!(&id.as_str()[14..15], "7");
            assert!(matches!(&id.as_str()[19..20], "8" | "9" | "a" | "b"));
        }
    }

    #[test]
    fn the_time_stands_first_so_that_ids_sort() {
        assert_eq!(&uuid_v7(0x0193_0000_0000, 0, 0)[..13], b"01930000-0000");
    }

    #[test]
    fn only_short_visible_ids_are_accepted() {
        let accept = |text: &[u8]| RequestId::accept(&HeaderValue::from_bytes(text).unwrap());
        assert!(accept(b"abc-123").is_some());
        assert!(accept(b"").is_none());
        assert!(accept(b"with space").is_none());
        assert!(accept(&[b'a'; 129]).is_none());
        assert!(accept(b"caf\xe9").is_none());
    }
}
