//! F9: the admin listener. `/livez`, `/readyz` and `/metrics` over plain HTTP/1 on loopback, served
//! by the control thread.
//!
//! It reads and never changes anything. Its errors are those of the vocabulary. Two things keep a
//! browser on the same machine out (DNS rebinding): the Host must be an address or `localhost`,
//! and a page from another origin is refused. Every connection carries one exchange and has a
//! time limit, so that 64 of them are bound enough.

mod origin;
mod reply;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::fs::File;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::observe::{Exposition, Ledger, Readiness, Stage, log};
use crate::problem::{Catalogue, Cause, Format, Problem};
use crate::server::AdminService;

use reply::Reply;

/// What the admin listener can tell.
#[derive(Debug, Clone)]
pub struct AdminState {
    /// What `/readyz` tells.
    pub readiness: Arc<Readiness>,
    /// What `/metrics` tells.
    pub ledger: Arc<Ledger>,
    /// Codes and texts of its errors.
    pub catalogue: Arc<Catalogue>,
    /// `errors.format`.
    pub format: Format,
    /// `errors.retry_after`.
    pub retry_after: Duration,
}

/// The admin listener as [`crate::server`] is given it.
pub fn service() -> AdminService {
    AdminService(Arc::new(|seat| {
        let config = seat.shared.config();
        let errors = &config.errors;
        let state = AdminState {
            readiness: Arc::clone(seat.shared.readiness()),
            ledger: seat.ledger,
            catalogue: Arc::clone(&errors.catalogue),
            format: errors.format,
            retry_after: errors.retry_after,
        };
        Box::pin(serve(seat.listener, state))
    }))
}

/// Serves the admin listener until it is dropped, which also ends its connections.
pub async fn serve(listener: TcpListener, state: AdminState) {
    let mut connections = JoinSet::new();
    let mut reserve = keep_back();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, state.clone()));
                }
                Err(error) => {
                    // Out of descriptors, most likely, and then above all somebody asks whether this
                    // process lives. Accepting again at once would only spin.
                    if reserve.take().is_none() || !serve_one(&listener, &state).await {
                        log::warn("admin", format_args!("cannot accept: {error}"));
                        tokio::time::sleep(PAUSE).await;
                    }
                    reserve = keep_back();
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A descriptor for the time when there is none.
fn keep_back() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Serves who waits with the descriptor that was just given up; nobody may be waiting. False where
/// somebody else has taken it.
async fn serve_one(listener: &TcpListener, state: &AdminState) -> bool {
    match poll_fn(|cx| Poll::Ready(listener.poll_accept(cx))).await {
        Poll::Ready(Ok((stream, _))) => {
            connection(stream, state.clone()).await;
            true
        }
        Poll::Ready(Err(_)) => false,
        Poll::Pending => true,
    }
}

/// Serves one exchange on any stream.
async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, state: AdminState) {
    let service = service_fn(async |request| Ok::<_, Infallible>(answer(&request, &state)));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .keep_alive(false)
        .max_headers(HEADERS)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    // Nothing is left to tell a client whose connection failed or ran out of time.
    let _ = tokio::time::timeout(TOTAL_TIME, served).await;
}

fn answer<B>(request: &Request<B>, state: &AdminState) -> http::Response<Full<Bytes>> {
    let reply = Reply { request, state };
    match tell(request, state) {
        Ok(Answer { content_type, body }) => reply.text(content_type, body),
        Err(problem) => reply.problem(&problem),
    }
}

/// A success.
struct Answer {
    content_type: &'static str,
    body: Bytes,
}

fn tell<B>(request: &Request<B>, state: &AdminState) -> Result<Answer, Problem> {
    origin::check(request)?;
    let tell: fn(&AdminState) -> Result<Answer, Problem> = match request.uri().path() {
        "/livez" => livez,
        "/readyz" => readyz,
        "/metrics" => metrics,
        _ => return Err(Problem::new(Cause::NoRoute)),
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(reply::method_not_allowed());
    }
    tell(state)
}

fn livez(_: &AdminState) -> Result<Answer, Problem> {
    Ok(Answer { content_type: PLAIN, body: Bytes::from_static(b"ok\n") })
}

fn readyz(state: &AdminState) -> Result<Answer, Problem> {
    match state.readiness.stage() {
        Stage::Ready => Ok(Answer { content_type: PLAIN, body: Bytes::from_static(b"ready\n") }),
        // Both mean "send nothing here for now"; the header `readiness` says which it is.
        Stage::Starting | Stage::Draining => Err(Problem::new(Cause::Draining)),
    }
}

fn metrics(state: &AdminState) -> Result<Answer, Problem> {
    let body = state.ledger.render().into();
    Ok(Answer { content_type: Exposition::CONTENT_TYPE, body })
}

const PLAIN: &str = "text/plain; charset=utf-8";
const CONNECTIONS: usize = 64;
const HEADERS: usize = 64;
/// Bytes of a request head; hyper takes no less than 8 KiB.
const HEAD: usize = 16 << 10;
const HEAD_TIME: Duration = Duration::from_secs(5);
/// For one exchange, a slow reader of a long page included.
const TOTAL_TIME: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(200);
