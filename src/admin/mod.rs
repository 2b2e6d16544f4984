//! F9: the admin listeners: plain HTTP/1, served by the control thread.
//!
//! On TCP: `/livez`, `/readyz`, `/metrics`, and what may be read of `/v1`; changes too for who shows
//! the token. On the unix socket, which is the owner's alone: everything. Files are the only source
//! of truth: what can be asked for here changes how the process stands, never what is configured.
//!
//! Errors are those of the vocabulary. Two things keep a browser on the same machine out (DNS
//! rebinding): the Host must be an address or `localhost`, and a page from another origin is refused.
//! Every connection carries one exchange and has a time limit, so that 64 of them are bound enough.

mod access;
mod body;
mod limits;
mod maintenance;
mod origin;
mod reply;
mod resource;
mod terms;
mod upstreams;
mod v1;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::fs::File;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;

use self::access::Door;
use self::reply::Reply;
use self::resource::{Answer, Resource, V1};
use crate::base::clock;
use crate::config::model::Config;
use crate::observe::{Exposition, Ledger, Readiness, Stage, log};
use crate::problem::{Cause, Problem};
use crate::reload::Desk;
use crate::server::{AdminService, Handle};

/// What the admin listeners can tell, and act on.
#[derive(Clone)]
pub struct AdminState {
    /// What `/readyz` tells.
    pub readiness: Arc<Readiness>,
    /// What `/metrics` tells.
    pub ledger: Arc<Ledger>,
    /// The configuration of now: codes and texts of errors.
    pub config: Arc<dyn Fn() -> Arc<Config> + Send + Sync>,
    /// What `/v1` is about; without it there is no `/v1`.
    pub control: Option<Control>,
}

/// A running instance, and where its reloads are asked for.
#[derive(Clone, Debug)]
pub struct Control {
    /// The instance.
    pub handle: Handle,
    /// None where the configuration cannot be read again.
    pub desk: Option<Desk>,
    /// When it came up, in milliseconds since 1970.
    pub since: u64,
}

/// The admin listeners as [`crate::server`] is given them. With a desk, reloads can be asked for.
pub fn service(desk: Option<Desk>) -> AdminService {
    AdminService(Arc::new(move |seat| {
        let handle = seat.handle;
        let shared = Arc::clone(handle.shared());
        let state = AdminState {
            readiness: Arc::clone(shared.readiness()),
            ledger: Arc::clone(handle.ledger()),
            config: Arc::new(move || shared.config()),
            control: Some(Control { handle, desk: desk.clone(), since: clock::unix_millis() }),
        };
        let (listener, control) = (seat.listener, seat.control);
        Box::pin(async move {
            tokio::join!(
                async {
                    if let Some(listener) = listener {
                        serve(listener, state.clone()).await;
                    }
                },
                async {
                    if let Some(control) = control {
                        serve_control(control, state.clone()).await;
                    }
                },
            );
        })
    }))
}

/// Serves the unix socket until it is dropped, which also ends its connections.
async fn serve_control(listener: UnixListener, state: AdminState) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, state.clone(), Door::Socket));
                }
                Err(error) => {
                    log::warn("admin", format_args!("cannot accept on the socket: {error}"));
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves the admin listener until it is dropped, which also ends its connections.
pub async fn serve(listener: TcpListener, state: AdminState) {
    let mut connections = JoinSet::new();
    let mut reserve = keep_back();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, remote)) => {
                    connections.spawn(connection(stream, state.clone(), Door::of(remote)));
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
        Poll::Ready(Ok((stream, remote))) => {
            connection(stream, state.clone(), Door::of(remote)).await;
            true
        }
        Poll::Ready(Err(_)) => false,
        Poll::Pending => true,
    }
}

/// Serves one exchange on any stream.
async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, state: AdminState, door: Door) {
    let state = &state;
    let service = service_fn(move |request: Request<Incoming>| async move {
        let (head, body) = request.into_parts();
        Ok::<_, Infallible>(answer(&Request::from_parts(head, ()), body, state, door).await)
    });
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

async fn answer(
    request: &Request<()>,
    body: Incoming,
    state: &AdminState,
    door: Door,
) -> http::Response<Full<Bytes>> {
    let config = (state.config)();
    let reply = Reply { request, readiness: &state.readiness, errors: &config.errors };
    match tell(request, body, state, door).await {
        Ok(Answer { content_type, body, refused: None }) => reply.text(content_type, body),
        Ok(Answer { body, refused: Some(problem), .. }) => reply.verdict(&problem, &body),
        Err(problem) => reply.problem(&problem),
    }
}

async fn tell(
    request: &Request<()>,
    body: Incoming,
    state: &AdminState,
    door: Door,
) -> Result<Answer, Problem> {
    origin::check(request)?;
    let resource = Resource::at(request.uri().path(), state.control.as_ref())?;
    resource.check_method(request.method())?;
    let token = state.control.as_ref().map(|control| control.handle.token());
    access::check(door, resource, token, request.headers())?;
    match resource {
        Resource::Livez => Ok(Answer::plain("ok\n")),
        Resource::Readyz => readyz(state),
        Resource::Metrics => {
            let body = state.ledger.render().into();
            Ok(Answer { content_type: Exposition::CONTENT_TYPE, body, refused: None })
        }
        Resource::V1(V1::Switch, control) => {
            let terms = body::read(body, TERMS).await?;
            maintenance::switch(request.method(), request.uri(), &terms, control)
        }
        Resource::V1(V1::Endpoint, control) => {
            upstreams::order(request.method(), request.uri(), control).await
        }
        Resource::V1(V1::Check, control) => {
            v1::check(body::read(body, CONFIGURATION).await?, door, control).await
        }
        Resource::V1(asked, control) => v1::answer(asked, control).await,
    }
}

fn readyz(state: &AdminState) -> Result<Answer, Problem> {
    match state.readiness.stage() {
        Stage::Ready => Ok(Answer::plain("ready\n")),
        // Both mean "send nothing here for now"; the header `readiness` says which it is.
        Stage::Starting | Stage::Draining => Err(Problem::new(Cause::Draining)),
    }
}

const CONNECTIONS: usize = 64;
const HEADERS: usize = 64;
/// Bytes of a request head; hyper takes no less than 8 KiB.
const HEAD: usize = 16 << 10;
/// Bytes of the terms on which maintenance is switched on.
const TERMS: usize = 64 << 10;
/// Bytes of a configuration that is sent to be checked.
const CONFIGURATION: usize = 1 << 20;
const HEAD_TIME: Duration = Duration::from_secs(5);
/// For one exchange, a slow reader of a long page included.
const TOTAL_TIME: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(200);
