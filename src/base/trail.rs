//! Follows bytes by their addresses, in tests alone: a byte that leaves from where it was read was
//! copied by nobody in between.
//!
//! The places where bytes enter and leave the house tell what they see; nothing is kept before a
//! test has begun to [follow], and nothing of it is in a build.

use std::cell::RefCell;
use std::io::IoSlice;
use std::task::Poll;

use bytes::Bytes;
use http_body::Frame;

/// Where bytes are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Read from a client's socket.
    ClientRead,
    /// A frame of a client's body, as HTTP/2 hands it over.
    ClientFrame,
    /// Written to a client's socket.
    ClientWrite,
    /// Read from an upstream's socket.
    UpstreamRead,
    /// A frame of an answer, as HTTP/2 hands it over.
    UpstreamFrame,
    /// Written to an upstream's socket.
    UpstreamWrite,
}

/// A byte, and where it lay.
pub(crate) type Sight = (u8, usize);

/// Everything that was seen, in its order.
type Seen = Vec<(Place, Vec<Sight>)>;

thread_local! {
    static SEEN: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

/// Begins to follow what this thread does, and forgets what was seen before.
pub(crate) fn follow() {
    SEEN.set(Some(Vec::new()));
}

/// What was seen at a place since, in its order.
pub(crate) fn seen(place: Place) -> Vec<Sight> {
    SEEN.with_borrow(|seen| {
        let all = seen.iter().flatten();
        all.filter(|(at, _)| *at == place).flat_map(|(_, sights)| sights.iter().copied()).collect()
    })
}

/// These bytes were read, or handed over.
pub(crate) fn saw(place: Place, bytes: &[u8]) {
    SEEN.with_borrow_mut(|seen| {
        let Some(seen) = seen else { return };
        let start = bytes.as_ptr().addr();
        seen.push((
            place,
            bytes.iter().enumerate().map(|(at, byte)| (*byte, start + at)).collect(),
        ));
    });
}

/// The first `count` bytes of these slices were written.
pub(crate) fn wrote(place: Place, slices: &[IoSlice<'_>], mut count: usize) {
    for slice in slices {
        let taken = count.min(slice.len());
        saw(place, &slice[..taken]);
        count -= taken;
    }
}

/// This came of asking a body for its next frame.
pub(crate) fn saw_frame<E>(place: Place, polled: &Poll<Option<Result<Frame<Bytes>, E>>>) {
    if let Poll::Ready(Some(Ok(frame))) = polled {
        saw(place, frame.data_ref().map_or(&[], |data| data));
    }
}
