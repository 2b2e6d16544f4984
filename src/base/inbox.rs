//! What a connection has read and nobody has taken yet, for both directions of HTTP/1.
//!
//! One read at a time, into whatever room there is. What is taken is a slice of it: nothing is
//! copied, and the room comes back when the last slice is gone. The first read alone, and the first
//! after a rest, is copied once, 4 KiB at most: an inbox that waits has no room.

use std::future::Future as _;
use std::io;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

/// Bytes that were read.
#[derive(Debug)]
pub struct Inbox {
    bytes: BytesMut,
    /// It has no room of its own.
    rests: bool,
    /// How much is read at once.
    step: usize,
    least: usize,
    most: usize,
}

impl Inbox {
    /// An empty one that reads `least` bytes at once, and up to `most` while much is coming; the
    /// latter bounds what it holds.
    pub fn new(least: usize, most: usize) -> Self {
        Self { bytes: BytesMut::new(), rests: true, step: least, least, most }
    }

    /// Reads once. Zero bytes are the end of the stream.
    ///
    /// # Errors
    /// What the stream says.
    pub fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<usize>> {
        if self.rests {
            return self.poll_first(cx, stream);
        }
        if self.bytes.capacity() - self.bytes.len() < self.step / 2 {
            self.bytes.reserve(self.step);
        }
        let room = self.bytes.capacity() - self.bytes.len();
        let read = ready!(pin!(stream.read_buf(&mut self.bytes)).poll(cx))?;
        // Small messages share small buffers, long ones are read in few large steps.
        if read == room {
            self.step = (self.step * 2).min(self.most);
        } else if read < self.step / 4 {
            self.step = (self.step / 2).max(self.least);
        }
        Poll::Ready(Ok(read))
    }

    /// Reads without holding any room until something has come: most connections are silent most
    /// of the time.
    fn poll_first(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<usize>> {
        let mut room = [const { MaybeUninit::uninit() }; FIRST];
        let mut read = ReadBuf::uninit(&mut room[..self.step.min(FIRST)]);
        ready!(Pin::new(stream).poll_read(cx, &mut read))?;
        if !read.filled().is_empty() {
            self.rests = false;
            self.bytes.reserve(self.step);
            self.bytes.extend_from_slice(read.filled());
        }
        Poll::Ready(Ok(read.filled().len()))
    }

    /// Gives the room back, if nothing is in it; the next read finds some anew.
    pub fn rest(&mut self) {
        if self.bytes.is_empty() {
            *self = Self::new(self.least, self.most);
        }
    }

    /// The bytes, when nothing more is to be read.
    pub fn into_bytes(self) -> BytesMut {
        self.bytes
    }
}

impl Deref for Inbox {
    type Target = BytesMut;

    fn deref(&self) -> &BytesMut {
        &self.bytes
    }
}

impl DerefMut for Inbox {
    fn deref_mut(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }
}

/// Bytes of the first read, at most.
const FIRST: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::base::trail::{self, Place};

    #[tokio::test]
    async fn whoever_waits_holds_no_room() {
        let mut inbox = Inbox::new(16, 64);
        let (mut near, mut far) = tokio::io::duplex(64);
        let waits = poll_fn(|cx| Poll::Ready(inbox.poll_fill(cx, &mut near).is_pending())).await;
        assert!(waits);
        assert_eq!(inbox.capacity(), 0);
        far.write_all(b"said").await.unwrap();
        assert_eq!(poll_fn(|cx| inbox.poll_fill(cx, &mut near)).await.unwrap(), 4);
        assert_eq!(&inbox[..], b"said");
        inbox.rest();
        assert_eq!(&inbox[..], b"said", "nothing is lost");
        inbox.clear();
        inbox.rest();
        assert_eq!(inbox.capacity(), 0);
        drop(far);
        assert_eq!(poll_fn(|cx| inbox.poll_fill(cx, &mut near)).await.unwrap(), 0);
    }

    /// `server/proofs/copies.rs` shows that no other byte is copied.
    #[tokio::test]
    async fn the_first_read_alone_is_copied_and_bounded() {
        let mut inbox = Inbox::new(8 * 1024, 64 * 1024);
        let mut much = &[0; 256 * 1024][..];
        for _ in 0..2 {
            let mut reads = Vec::new();
            for _ in 0..3 {
                trail::follow();
                let read = poll_fn(|cx| {
                    let mut followed = Followed(&mut much);
                    inbox.poll_fill(cx, &mut followed)
                });
                let read = read.await.unwrap();
                let stays = inbox.as_ptr().addr() == trail::seen(Place::ClientRead)[0].1;
                reads.push((stays, read > FIRST));
                inbox.clear();
            }
            assert_eq!(reads, [(false, false), (true, true), (true, true)]);
            inbox.rest();
        }
    }

    /// A stream that tells where it has put its bytes.
    struct Followed<'s, 'b>(&'s mut &'b [u8]);

    impl AsyncRead for Followed<'_, '_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let read = Pin::new(&mut *self.0).poll_read(cx, buf);
            trail::saw(Place::ClientRead, buf.filled());
            read
        }
    }

    #[tokio::test]
    async fn steps_grow_while_much_is_coming_and_shrink_after_it() {
        let mut inbox = Inbox::new(16, 64);
        let mut much = &[0; 4096][..];
        while poll_fn(|cx| inbox.poll_fill(cx, &mut much)).await.unwrap() > 0 {
            assert!(inbox.len() <= 128, "one step and what it finds as room");
            inbox.clear();
        }
        assert!((16..=64).contains(&inbox.step));
        for _ in 0..4 {
            let mut little = &[0; 2][..];
            poll_fn(|cx| inbox.poll_fill(cx, &mut little)).await.unwrap();
        }
        assert_eq!(inbox.step, 16);
    }
}
