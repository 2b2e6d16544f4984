//! After a valid 101: bytes go both ways until both sides have ended, or nothing moves for too long.
//!
//! A side that has ended leaves the other one a direction of its own, for as long as bytes move on
//! it: last words arrive, and nobody holds two connections open that have nothing more to say.
//!
//! A socket of GraphQL is told before it is given up, and has a moment to tell its client.

use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{
    AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf, copy_bidirectional_with_sizes,
};

use crate::base::Alarm;
use crate::base::clock::{self, Instant};
use crate::problem::Cause;
use crate::proxy::{Far, Parting, Socket};

/// Joins the two sides. `early` are bytes of the client that were read before the answer.
pub(super) async fn join<S, U>(client: S, early: Bytes, upstream: U)
where
    S: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    carry(client, early, upstream, None, pending()).await;
}

/// The same with a socket that is listened to. It also ends when `leaving` does: the gateway leaves
/// a moment later.
pub(super) async fn join_heard<S, U>(
    client: S,
    early: Bytes,
    upstream: Socket<U>,
    leaving: impl Future<Output = ()>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
    U: Far,
{
    let parting = upstream.parting();
    carry(client, early, upstream, Some(&parting), leaving).await;
}

async fn carry<S, U>(
    client: S,
    early: Bytes,
    upstream: U,
    parting: Option<&Parting>,
    leaving: impl Future<Output = ()>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let pulse = Rc::new(Pulse { last: Cell::new(clock::now()), ended: Cell::new(false) });
    let mut client = Heard { stream: client, pulse: Rc::clone(&pulse) };
    let mut upstream = Heard { stream: upstream, pulse: Rc::clone(&pulse) };
    let carried = async {
        upstream.write_all(&early).await?;
        copy_bidirectional_with_sizes(&mut client, &mut upstream, BUFFER, BUFFER).await
    };
    let (mut carried, mut leaving, mut leaves) = (pin!(carried), pin!(leaving), false);
    let mut alarm = Alarm::default();
    loop {
        let why = tokio::select! {
            // What has moved by now is known before anybody asks for how long nothing has.
            biased;
            // How a tunnel ends is between its two ends.
            _ = &mut carried => return,
            () = poll_fn(|cx| pulse.poll_silence(cx, &mut alarm)) => Cause::IdleTimeout,
            () = &mut leaving, if !leaves => {
                leaves = true;
                Cause::Draining
            }
        };
        let is_news = parting.is_some_and(|parting| parting.ask(why));
        if is_news {
            pulse.ends();
        } else if why == Cause::IdleTimeout {
            return;
        }
    }
}

/// When something last moved in a tunnel.
struct Pulse {
    last: Cell<Instant>,
    /// One side has ended.
    ended: Cell<bool>,
}

impl Pulse {
    fn beats(&self) {
        self.last.set(clock::now());
    }

    /// One side has a moment left.
    fn ends(&self) {
        self.ended.set(true);
        self.beats();
    }

    /// Ready once nothing has moved for too long.
    fn poll_silence(&self, cx: &mut Context<'_>, alarm: &mut Alarm) -> Poll<()> {
        loop {
            let patience = if self.ended.get() { LINGERING } else { SILENCE };
            let end = self.last.get() + patience;
            ready!(alarm.poll_until(end, cx));
            if end <= clock::now() {
                return Poll::Ready(());
            }
        }
    }
}

/// A stream that notes when it was last heard of.
struct Heard<S> {
    stream: S,
    pulse: Rc<Pulse>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if buf.filled().len() == before {
            self.pulse.ended.set(true);
        }
        self.pulse.beats();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        // Last words may be taken slowly, long after they were read.
        if self.pulse.ended.get() {
            self.pulse.beats();
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A WebSocket whose two ends say nothing, not even a ping, is taken for dead.
const SILENCE: Duration = Duration::from_secs(600);
/// How long nothing may move once one side has ended; as long as a refused client is waited for.
const LINGERING: Duration = Duration::from_secs(5);
const BUFFER: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};
    use tokio::time::sleep;

    use super::*;

    /// Joins a client and an origin; the far ends are the test's.
    async fn tunnel<T>(test: impl AsyncFnOnce(DuplexStream, DuplexStream) -> T) -> (T, u64) {
        let ((client, near), (upstream, origin)) = (duplex(64), duplex(64));
        let start = clock::now();
        let early = Bytes::from_static(b"early");
        let joined = async {
            join(near, early, upstream).await;
            (clock::now() - start).as_secs()
        };
        tokio::join!(test(client, origin), joined)
    }

    #[tokio::test(start_paused = true)]
    async fn a_side_that_ends_gives_the_other_a_moment() {
        for upstream_ends in [false, true] {
            let (_open, took) = tunnel(async |mut client, mut origin| {
                sleep(Duration::from_secs(100)).await;
                let ends = if upstream_ends { &mut origin } else { &mut client };
                ends.shutdown().await.unwrap();
                // Neither is closed.
                (client, origin)
            })
            .await;
            assert_eq!(took, 105, "and not ten minutes");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_other_side_goes_on_for_as_long_as_bytes_move() {
        let (heard, took) = tunnel(async |mut client, mut origin| {
            origin.shutdown().await.unwrap();
            for _ in 0..20 {
                sleep(Duration::from_secs(4)).await;
                client.write_all(b"x").await.unwrap();
            }
            let mut heard = String::new();
            origin.read_to_string(&mut heard).await.unwrap();
            (heard, client)
        })
        .await;
        assert_eq!(heard.0, format!("early{}", "x".repeat(20)));
        assert_eq!(took, 85);
    }

    #[tokio::test(start_paused = true)]
    async fn last_words_may_be_taken_slowly() {
        let words = "y".repeat(1000);
        let (heard, _) = tunnel(async |mut client, mut origin| {
            let says = async {
                origin.write_all(words.as_bytes()).await.unwrap();
                origin.shutdown().await.unwrap();
            };
            let hears = async {
                let mut heard = Vec::new();
                let mut few = [0; 50];
                while let Ok(count @ 1..) = client.read(&mut few).await {
                    heard.extend_from_slice(&few[..count]);
                    sleep(Duration::from_secs(4)).await;
                }
                String::from_utf8(heard).unwrap()
            };
            (tokio::join!(says, hears).1, client, origin)
        })
        .await;
        assert_eq!(heard.0, words);
    }

    #[tokio::test(start_paused = true)]
    async fn two_that_say_nothing_are_taken_for_dead() {
        let (_open, took) = tunnel(async |client, origin| (client, origin)).await;
        assert_eq!(took, 600);
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_is_given_up_is_told_why() {
        for (leaves, took, code) in [(None, 605, 1014), (Some(30), 35, 1012)] {
            let ((mut client, near), (upstream, _origin)) = (duplex(64), duplex(64));
            let start = clock::now();
            let leaving = async move {
                match leaves {
                    Some(seconds) => sleep(Duration::from_secs(seconds)).await,
                    None => pending().await,
                }
            };
            let joined = join_heard(near, Bytes::new(), Socket::alone(upstream), leaving);
            let hears = async {
                let mut heard = Vec::new();
                client.read_to_end(&mut heard).await.unwrap();
                // It is told at once, and has as long to answer as anybody.
                (heard, (clock::now() - start).as_secs(), client)
            };
            let ((heard, told, _client), ()) = tokio::join!(hears, joined);
            assert_eq!((heard[0], u16::from_be_bytes([heard[2], heard[3]])), (0x88, code));
            assert_eq!((told + 5, (clock::now() - start).as_secs()), (took, took));
        }
    }
}
