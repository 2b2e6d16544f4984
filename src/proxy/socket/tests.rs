//! A socket asked directly: between a client that is the test and an upstream that breaks as it is told.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::timeout;

use super::*;
use crate::base::clock;
use crate::base::websocket::{put_close, put_text};

/// An upstream that counts how often it has broken, and may take nothing.
struct Probe {
    stream: DuplexStream,
    broke: Rc<Cell<u32>>,
    is_deaf: bool,
}

impl Far for Probe {
    fn broke_off(&self) {
        self.broke.set(self.broke.get() + 1);
    }
}

impl AsyncRead for Probe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Probe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_deaf {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A socket, its upstream's far end, and how often that has broken.
fn joined(is_deaf: bool) -> (Socket<Probe>, DuplexStream, Rc<Cell<u32>>) {
    let (near, far) = duplex(1024);
    let broke = Rc::new(Cell::new(0));
    let probe = Probe { stream: near, broke: Rc::clone(&broke), is_deaf };
    (Socket::alone(probe), far, broke)
}

fn close(code: u16) -> Vec<u8> {
    let mut frame = Vec::new();
    put_close(&mut frame, code, "why");
    frame
}

fn text(message: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    put_text(&mut frame, message);
    frame
}

/// All that comes until the end, which has to come.
async fn rest(socket: &mut Socket<Probe>) -> Vec<u8> {
    let mut heard = Vec::new();
    let reads = socket.read_to_end(&mut heard);
    timeout(Duration::from_secs(60), reads).await.expect("it ends").unwrap();
    heard
}

#[test]
fn an_upstream_that_closes_again_and_again_has_one_code() {
    let mut socket = Socket::alone(duplex(64).0);
    let mut frames = Vec::new();
    (4401..4500).for_each(|code| put_close(&mut frames, code, "a reason that nobody keeps"));
    frames.chunks(3).for_each(|piece| socket.hear_upstream(piece));
    assert_eq!(socket.closing, 4401_u16.to_be_bytes());
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_ends_without_a_word_has_broken() {
    let (mut socket, far, broke) = joined(false);
    drop(far);
    let heard = rest(&mut socket).await;
    assert_eq!((&heard[..1], &heard[2..4]), (&[0x88][..], &1014_u16.to_be_bytes()[..]));
    assert_eq!((broke.get(), socket.broken.is_some()), (1, true));
    // Nobody is there to take what the client may still say.
    socket.write_all(&[b'x'; 4096]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_ends_in_order_has_not() {
    // It has closed, the client has, or the client has left.
    for (upstream_says, client_says, leaves) in
        [(close(1000), vec![], false), (vec![], close(1000), false), (vec![], vec![], true)]
    {
        let (mut socket, mut far, broke) = joined(false);
        socket.write_all(&client_says).await.unwrap();
        if leaves {
            socket.shutdown().await.unwrap();
        }
        far.write_all(&upstream_says).await.unwrap();
        drop(far);
        assert_eq!(rest(&mut socket).await, upstream_says, "and nothing else");
        assert_eq!((broke.get(), socket.broken.is_some()), (0, false));
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_asked_to_end_says_so_at_once_where_a_frame_can_stand() {
    let (mut socket, mut far, broke) = joined(false);
    far.write_all(&text("nobody waits for this")).await.unwrap();
    assert!(socket.parting().ask(Cause::Draining));
    assert!(!socket.parting().ask(Cause::IdleTimeout), "once");
    let heard = rest(&mut socket).await;
    assert_eq!(heard[2..4], 1012_u16.to_be_bytes());
    assert_eq!(broke.get(), 0, "the upstream has done nothing");
    // What its client still says goes nowhere, and holds nothing up.
    let says = async { socket.write_all(&[b'x'; 4096]).await };
    timeout(Duration::from_secs(60), says).await.expect("it is taken").unwrap();

    // Within a frame there is no room, and its end is not waited for.
    let (mut socket, mut far, _) = joined(false);
    let half = &text("a message")[..5];
    far.write_all(half).await.unwrap();
    let mut heard = vec![0; half.len()];
    socket.read_exact(&mut heard).await.unwrap();
    socket.parting().ask(Cause::Draining);
    assert_eq!(rest(&mut socket).await, b"");

    // Nor behind the upstream's own word.
    let (mut socket, mut far, _) = joined(false);
    far.write_all(&close(1000)).await.unwrap();
    let mut heard = vec![0; close(1000).len()];
    socket.read_exact(&mut heard).await.unwrap();
    socket.parting().ask(Cause::Draining);
    assert_eq!(rest(&mut socket).await, b"");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_first_is_not_told_of_what_breaks_then() {
    let (mut socket, _far, _) = joined(false);
    socket.write_all(&close(1000)).await.unwrap();
    socket.parting().ask(Cause::IdleTimeout);
    let heard = rest(&mut socket).await;
    assert_eq!(heard[0], 0x88, "it waits for a close frame");
    assert!(socket.broken.is_none(), "and has got what it wanted");
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_takes_nothing_has_broken_once_it_has_been_heard_out() {
    let (mut socket, mut far, broke) = joined(true);
    let last = text("last words");
    far.write_all(&last).await.unwrap();
    let (mut reads, mut writes) = tokio::io::split(&mut socket);
    let mut heard = vec![0; last.len()];
    reads.read_exact(&mut heard).await.unwrap();
    // Somebody waits for more when that turns out, and is woken.
    let mut more = Vec::new();
    let both = async {
        let says = async {
            tokio::task::yield_now().await;
            writes.write_all(b"anything").await.unwrap();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            read = reads.read_to_end(&mut more) => read.unwrap(),
            () = says => unreachable!(),
        }
    };
    let before = clock::now();
    timeout(Duration::from_secs(60), both).await.expect("it ends");
    assert_eq!(clock::now(), before, "and not when somebody looks again by chance");
    assert_eq!((heard, &more[2..4]), (last, &1014_u16.to_be_bytes()[..]));
    assert_eq!(broke.get(), 1);
}
