use std::future::poll_fn;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Wake;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::server::backlog::accept_waiting;

fn pair() -> (net::TcpStream, ClientSocket) {
    let listening = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = net::TcpStream::connect(listening.local_addr().unwrap()).unwrap();
    let (socket, remote) = accept_waiting(&listening).unwrap();
    assert_eq!(remote, client.local_addr().unwrap());
    (client, socket)
}

#[tokio::test]
async fn who_is_answered_at_once_never_joins_the_poller() {
    let (mut client, mut socket) = pair();
    client.write_all(b"ask").unwrap();
    let mut arrived = BytesMut::from("first ");
    assert_eq!(socket.read_buf(&mut arrived).await.unwrap(), 3);
    assert_eq!(arrived, "first ask");
    socket.write_all(b"one ").await.unwrap();
    let pieces = [IoSlice::new(b"two "), IoSlice::new(b"three ")];
    assert_eq!(socket.write_vectored(&pieces).await.unwrap(), 10);
    assert_eq!(
        poll_fn(|cx| socket.poll_write_more(cx, &[IoSlice::new(b"four")])).await.unwrap(),
        4
    );
    socket.shutdown().await.unwrap();
    assert!(!socket.is_heard());
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "one two three four");
}

#[tokio::test]
async fn who_waits_for_bytes_is_not_told_of_room_to_write() {
    let (mut client, mut socket) = pair();
    let mut bytes = BytesMut::new();
    assert!(
        poll_fn(|cx| Poll::Ready(
            Pin::new(&mut socket).poll_read(cx, &mut ReadBuf::new(&mut [0; 8]))
        ))
        .await
        .is_pending()
    );
    for said in ["late", "later"] {
        client.write_all(said.as_bytes()).unwrap();
        assert_eq!(socket.read_buf(&mut bytes).await.unwrap(), said.len());
        socket.write_all(b"answer").await.unwrap();
        assert!(matches!(socket.0, State::Heard(_)), "no write has had to wait");
    }
    assert_eq!(bytes, "latelater");
    assert!(!socket.has_left());
    drop(client);
    socket.readable().await.unwrap();
    assert!(socket.has_left());
}

#[tokio::test]
async fn what_has_come_with_a_client_is_read_at_once_and_all_else_is_waited_for() {
    let (mut client, mut socket) = pair();
    client.write_all(&[b'x'; 2 * ARRIVED + 1]).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut bytes = BytesMut::with_capacity(4 * ARRIVED);
    assert_eq!(socket.read_buf(&mut bytes).await.unwrap(), ARRIVED);
    assert!(!socket.is_heard());
    assert_eq!(socket.read_buf(&mut bytes).await.unwrap(), ARRIVED + 1);
    assert!(socket.is_heard() && socket.has_left(), "whoever reads on is told of the end");
    assert_eq!(socket.read_buf(&mut bytes).await.unwrap(), 0, "which is not nothing");
}

#[tokio::test]
async fn who_waits_for_bytes_still_does_when_a_write_comes_to_wait() {
    let (mut client, mut socket) = pair();
    let mut written = 0;
    let mut room = [0; 8];
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    let mut read = ReadBuf::new(&mut room);
    assert!(Pin::new(&mut socket).poll_read(&mut cx, &mut read).is_pending());
    while let Poll::Ready(count) = Pin::new(&mut socket).poll_write(&mut cx, &[0; 65536]) {
        written += count.unwrap();
    }
    assert!(matches!(socket.0, State::Known(_)) && written > 0);
    assert!(woken.0.swap(false, Relaxed), "to wait for bytes anew");
    assert!(Pin::new(&mut socket).poll_read(&mut cx, &mut read).is_pending());
    client.write_all(b"stop").unwrap();
    while !woken.0.load(Relaxed) {
        tokio::task::yield_now().await;
    }
    socket.read_exact(&mut [0; 4]).await.unwrap();
}

#[tokio::test]
async fn what_was_reset_is_shut_already() {
    for heard in [false, true] {
        let (client, mut socket) = pair();
        SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        if heard {
            socket.readable().await.unwrap();
        }
        let reset = socket.read_buf(&mut BytesMut::new()).await.unwrap_err();
        assert_eq!(reset.kind(), io::ErrorKind::ConnectionReset);
        socket.shutdown().await.unwrap();
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

#[tokio::test]
async fn more_than_the_kernel_takes_at_once_arrives_whole() {
    const LENGTH: usize = 8 << 20;
    for more in [false, true] {
        let (mut client, mut socket) = pair();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            client.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let bytes: Vec<u8> = (0..=250).cycle().take(LENGTH).collect();
        let mut sent = 0;
        while sent < LENGTH {
            let rest = [IoSlice::new(&bytes[sent..])];
            sent += poll_fn(|cx| {
                if more {
                    return socket.poll_write_more(cx, &rest);
                }
                Pin::new(&mut socket).poll_write_vectored(cx, &rest)
            })
            .await
            .unwrap();
        }
        drop(socket);
        assert!(reader.join().unwrap() == bytes);
    }
}
