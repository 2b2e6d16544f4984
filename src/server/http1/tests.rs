//! What the integration tests cannot bring about: a socket that holds back what TLS has buffered.

use std::cell::Cell;
use std::time::Duration;

use tokio::io::ReadBuf;

use super::super::drain::Drain;
use super::*;

/// A socket that takes bytes, and passes them on, when it may.
struct Gate {
    /// Its client never stops sending.
    floods: bool,
    heard: bool,
    takes: Rc<Cell<bool>>,
    passes: Rc<Cell<bool>>,
}

impl AsyncRead for Gate {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.floods {
            return Poll::Pending;
        }
        buf.put_slice(&vec![b'x'; buf.remaining()]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Gate {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.takes.get() { Poll::Ready(Ok(bytes.len())) } else { Poll::Pending }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.passes.get() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Farewell for Gate {}

impl Presence for Gate {
    fn has_left(&self) -> bool {
        false
    }

    fn is_heard(&self) -> bool {
        self.heard
    }
}

const LIMITS: Limits = Limits {
    header: 1024,
    headers: 20,
    uri: 256,
    body: 1 << 20,
    header_time: Duration::from_secs(10),
    body_idle: Duration::from_secs(30),
    idle: Duration::from_secs(60),
    connections: 10,
};

#[tokio::test(start_paused = true)]
async fn a_stall_that_has_passed_is_not_held_against_the_next_one() {
    let (takes, passes) = (Rc::new(Cell::new(true)), Rc::new(Cell::new(false)));
    let gate =
        Gate { floods: false, heard: true, takes: Rc::clone(&takes), passes: Rc::clone(&passes) };
    let drain = Rc::new(Drain::default());
    let mut connection = Http1::new(gate, Rc::default(), true, &LIMITS, drain.watch());
    let mut write = async |text: &[u8]| {
        connection.outbox.frame(|out| out.extend_from_slice(text));
        poll_fn(|cx| Poll::Ready(connection.poll_write(cx))).await
    };
    assert!(write(b"first").await.is_pending(), "taken, and held back");
    tokio::time::advance(Duration::from_secs(20)).await;
    passes.set(true);
    assert!(matches!(write(b"").await, Poll::Ready(Ok(()))));
    tokio::time::advance(Duration::from_secs(20)).await;
    takes.set(false);
    assert!(write(b"second").await.is_pending(), "this one has its own time");
    tokio::time::advance(Duration::from_secs(31)).await;
    assert!(matches!(write(b"").await, Poll::Ready(Err(_))), "and no more than that");
}

#[tokio::test(start_paused = true)]
async fn what_a_client_sends_ahead_is_read_up_to_a_bound() {
    let gate = Gate { floods: true, heard: true, takes: Rc::default(), passes: Rc::default() };
    let drain = Rc::new(Drain::default());
    let mut connection = Http1::new(gate, Rc::default(), true, &LIMITS, drain.watch());
    for _ in 0..100 {
        let looked = poll_fn(|cx| Poll::Ready(connection.poll_inflow(cx))).await;
        assert!(looked.is_pending(), "it is still there");
        assert!(connection.inbox.len() <= 32 * 1024, "{}", connection.inbox.len());
        tokio::time::advance(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_was_never_waited_for_is_asked_for_after_a_moment() {
    let gate = Gate { floods: true, heard: false, takes: Rc::default(), passes: Rc::default() };
    let drain = Rc::new(Drain::default());
    let mut connection = Http1::new(gate, Rc::default(), true, &LIMITS, drain.watch());
    for (after, read) in [(0, false), (249, false), (2, true)] {
        tokio::time::advance(Duration::from_millis(after)).await;
        let looked = poll_fn(|cx| Poll::Ready(connection.poll_inflow(cx))).await;
        assert!(looked.is_pending(), "it is still there");
        assert_eq!(!connection.inbox.is_empty(), read, "after {after} ms more");
    }
}
