//! HTTP/2 towards clients: hyper behind the guard of frames, until the connection ends.
//!
//! hyper has no time limit for a connection without streams and knows nothing of draining; both are
//! watched here, beside it, in the one task of the connection.

use std::cell::RefCell;
use std::error::Error as _;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::drain::{DrainWatch, Rest};
use super::executor::Local;
use super::h2guard::FrameGuard;
use super::shared::Admission;
use super::tenant::{Stay, Tenant};
use super::timer::{Timer, Wait};
use crate::base::clock;
use crate::proxy::Wire;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Because one side wished so, or had nothing more to say.
    Over,
    /// For what the client sent.
    Abused,
}

/// Serves a connection until it ends; one that is one too many, until its first request was
/// answered. `wire` is the service's own, and timed.
pub(super) async fn serve<S>(
    socket: S,
    tenant: Tenant,
    wire: &Rc<Wire>,
    mut draining: DrainWatch,
    admission: Admission,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    // Frames are bounded by what held when the connection began, requests by what holds for each.
    let limits = *tenant.limits();
    let guard = FrameGuard::new(socket, &limits);
    let ending = guard.ending();
    // hyper and tokio move the future of a stream seven times in its life. It takes some kilobytes,
    // so that one allocation costs less than what it saves.
    let tenant = Rc::new(RefCell::new(tenant));
    let asked = Rc::clone(&tenant);
    let service = service_fn(move |request| {
        let mut tenant = asked.borrow_mut();
        // One whose listener has gone is answered by the configuration that knew it.
        tenant.keep_up();
        Box::pin(tenant.service().answer(request))
    });
    let mut connection = builder(limits.header).serve_connection(TokioIo::new(guard), service);
    let began = clock::now();
    let mut leave = Leave::NotAsked;
    let mut idle = Timer::default();
    // hyper's error is the client's: what can be said of it was said on its streams.
    let ended = poll_fn(|cx| {
        let homeless = tenant.borrow_mut().keep_up() == Stay::Homeless;
        let ends = homeless || Pin::new(&mut draining).poll(cx).is_ready();
        if leave == Leave::NotAsked && ends {
            leave = Leave::Asked;
            Pin::new(&mut connection).graceful_shutdown();
        }
        if let Poll::Ready(ended) = Pin::new(&mut connection).poll(cx) {
            return Poll::Ready(ended);
        }
        if wire.open() > 0 {
            idle.disarm();
            draining.works();
            return Poll::Pending;
        }
        draining.rests(Rest::Next, wire.ended().unwrap_or(began));
        let told = admission != Admission::Open && wire.ended().is_some();
        if leave != Leave::Hurried && (told || draining.is_shed()) {
            if leave == Leave::NotAsked {
                Pin::new(&mut connection).graceful_shutdown();
            }
            leave = Leave::Hurried;
            idle.disarm();
            cx.waker().wake_by_ref();
        }
        let patience = if leave == Leave::Hurried { GOODBYE } else { limits.idle };
        idle.arm(Wait::Idle, patience);
        while idle.poll(cx).is_ready() {
            idle.disarm();
            // A quick exchange begins and ends between two looks at the count of open ones.
            let quiet = wire.ended().map(|ended| clock::now() - ended);
            if let Some(quiet) = quiet.filter(|quiet| *quiet < patience) {
                idle.arm(Wait::Idle, patience - quiet);
                continue;
            }
            // GOAWAY once; a client that does not go is cut when it is silent once more.
            if leave != Leave::NotAsked {
                return Poll::Ready(Ok(()));
            }
            leave = Leave::Asked;
            Pin::new(&mut connection).graceful_shutdown();
            idle.arm(Wait::Idle, patience);
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await;
    let abused = ending.get().is_some() || ended.is_err_and(|error| is_refusal(&error));
    if abused { Ended::Abused } else { Ended::Over }
}

/// Whether the client was told to go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leave {
    NotAsked,
    /// By GOAWAY; what is under way comes to its end.
    Asked,
    /// The same, and its descriptor is needed by somebody else.
    Hurried,
}

/// Whether h2 ended the connection for what the client sent.
fn is_refusal(error: &hyper::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    source.is_some_and(h2::Error::is_library)
}

fn builder(header_limit: usize) -> http2::Builder<Local> {
    let mut builder = http2::Builder::new(Local);
    // h2 answers an over-large field list with a bare 431, so its bound lies above the gateway's
    // own, which answers in the vocabulary. Other figures are those of docs/http.md.
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

/// h2 counts these over the whole life of a connection, refused streams among them, and a client may
/// open any number at once before it has read how many are served. The guard has the finer bound.
const MOST_LOCAL_RESETS: usize = 1024;
/// How long a client has for its side of a GOAWAY when its descriptor is needed.
const GOODBYE: Duration = Duration::from_secs(1);
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
