//! HTTP/2 towards clients: how hyper and h2 are set, and how their errors are read.
//!
//! Figures that users may rely on are those of docs/http.md.

use std::error::Error as _;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::TokioTimer;

use super::executor::Local;

/// The settings of a connection whose heads may have so many bytes.
pub(super) fn builder(header_limit: usize) -> http2::Builder<Local> {
    let mut builder = http2::Builder::new(Local);
    // h2 answers an over-large field list with a bare 431, so its bound lies above the gateway's
    // own, which answers in the vocabulary.
    let list = u32::try_from(header_limit.saturating_mul(2)).unwrap_or(u32::MAX).max(64 * 1024);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .max_frame_size(16 * 1024)
        .max_header_list_size(list)
        .header_table_size(4096)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(MOST_LOCAL_RESETS)
        .max_send_buf_size(64 * 1024)
        .keep_alive_interval(SILENCE)
        .keep_alive_timeout(PONG);
    builder
}

/// Whether h2 ended the connection for what the client sent.
pub(super) fn is_refusal(error: &hyper::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    source.is_some_and(h2::Error::is_library)
}

/// h2 counts these over the whole life of a connection, refused streams among them, and a client may
/// open any number at once before it has read how many are served. The guard has the finer bound.
const MOST_LOCAL_RESETS: usize = 1024;
/// How long a client may say nothing, with requests under way or without, before it is sent a PING.
const SILENCE: Duration = Duration::from_secs(30);
/// How long it has to answer.
const PONG: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::rc::Rc;

    use http::{Request, Response};
    use hyper::body::Incoming;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::task::LocalSet;
    use tokio::time::timeout;

    use super::*;
    use crate::base::clock;

    /// Preface, SETTINGS and, perhaps, `GET / ` on stream 1; nothing of it can be answered by an
    /// acknowledgement that comes by itself.
    fn opening(asks: bool) -> Vec<u8> {
        let get = b"\0\0\x03\x01\x05\0\0\0\x01\x82\x84\x87";
        let begun = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        [&begun[..], if asks { get } else { b"" }].concat()
    }

    /// Serves a client that says its opening and then answers PINGs, or not; how many seconds it
    /// was served, and whether its request was given up by then.
    async fn served(asks: bool, answers: bool) -> (u64, bool) {
        let (mut client, near) = duplex(64 * 1024);
        let under_way = Rc::new(());
        let held = Rc::clone(&under_way);
        let service = service_fn(move |_: Request<Incoming>| {
            let held = Rc::clone(&held);
            async move {
                std::future::pending::<()>().await;
                drop(held);
                Ok::<_, Infallible>(Response::new(String::new()))
            }
        });
        client.write_all(&opening(asks)).await.unwrap();
        let plays = async {
            let mut frame = [0; 9];
            while client.read_exact(&mut frame).await.is_ok() {
                let mut payload = vec![0; usize::from(frame[2])];
                client.read_exact(&mut payload).await.unwrap();
                if answers && frame[3] == 6 {
                    frame[4] = 1;
                    client.write_all(&[&frame[..], &payload].concat()).await.unwrap();
                }
            }
        };
        let start = clock::now();
        let connection = builder(16 * 1024).serve_connection(TokioIo::new(near), service);
        let ends = timeout(Duration::from_secs(600), connection);
        tokio::select! {
            ended = ends => assert!(answers || ended.is_ok_and(|ended| ended.is_err())),
            () = plays => {}
        }
        let took = (clock::now() - start).as_secs();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        (took, Rc::strong_count(&under_way) == 1)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_answers_no_ping_is_cut_and_its_requests_are_given_up() {
        LocalSet::new()
            .run_until(async {
                assert_eq!(served(false, false).await, (50, true), "with nothing under way");
                assert_eq!(served(true, false).await, (50, true), "with a request under way");
                assert_eq!(served(true, true).await.0, 600, "a client that answers may wait");
            })
            .await;
    }
}
