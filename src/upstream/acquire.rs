//! A connection for one request: a kept one, somebody else's that is being opened, or a new one.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::connect::{Connection, Want, connect};
use super::endpoint::Endpoint;
use super::error::{Kind, Stage, UpstreamError};
use super::http1::Http1;
use super::opening::Turn;
use super::pool::{Share, Trust};
use crate::base::clock;

/// A connection in use.
pub(super) enum Hold {
    /// The whole of it.
    Http1(Box<Http1>),
    /// A stream of it.
    Http2(Share),
}

/// How long finding a connection may take.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// When the call began.
    pub(super) now: Instant,
    /// The time for connecting.
    pub(super) connecting: Duration,
    /// The end of all time.
    pub(super) deadline: Instant,
}

/// Finds a connection, or opens one; also says whether it had been used before. `kept` allows idle
/// HTTP/1 connections that are trusted so far. What opening took is added
/// to `spent`.
pub(super) async fn acquire(
    endpoint: &Rc<Endpoint>,
    want: Want,
    kept: Option<Trust>,
    limits: Limits,
    spent: &mut Duration,
) -> Result<(Hold, bool), UpstreamError> {
    if let Some(hold) = take_kept(endpoint, want, kept, limits.now) {
        return Ok((hold, true));
    }
    let Limits { connecting, deadline, .. } = limits;
    let start = clock::now();
    let (limit, kind) = if start + connecting < deadline {
        (start + connecting, Kind::ConnectTimeout)
    } else {
        (deadline, Kind::TotalTimeout)
    };
    // Boxed, so that calls on kept connections do not carry the room for TLS handshakes.
    let found = timeout_at(limit, Box::pin(find(endpoint, want, kept, limit))).await;
    *spent += clock::now() - start;
    found.unwrap_or_else(|_| {
        Err(UpstreamError::unsent(Stage::Connect, kind).with_detail("no connection in time"))
    })
}

async fn find(
    endpoint: &Rc<Endpoint>,
    want: Want,
    kept: Option<Trust>,
    limit: Instant,
) -> Result<(Hold, bool), UpstreamError> {
    let shares = want == Want::Usual && endpoint.target.may_speak_http2();
    loop {
        if !shares || !endpoint.pool.is_worth_waiting() {
            return Ok(keep(endpoint, connect(&endpoint.target, want, limit).await?));
        }
        match endpoint.slot.turn() {
            Turn::Lead(lead) => {
                let opened = connect(&endpoint.target, want, limit).await;
                let opened = opened.map(|connection| keep(endpoint, connection));
                lead.finish(opened.as_ref().map(drop).map_err(Clone::clone));
                return opened;
            }
            Turn::Follow(opening) => {
                if let Some(Err(error)) = opening.outcome().await {
                    return Err(error);
                }
            }
            Turn::Crowded => {
                return Err(UpstreamError::unsent(Stage::Connect, Kind::ConnectTimeout)
                    .with_detail("too many requests wait for one connection"));
            }
        }
        if let Some(hold) = take_kept(endpoint, want, kept, clock::now()) {
            return Ok((hold, true));
        }
    }
}

fn take_kept(endpoint: &Endpoint, want: Want, kept: Option<Trust>, now: Instant) -> Option<Hold> {
    let shared = match want {
        Want::Usual if endpoint.target.may_speak_http2() => endpoint.pool.take_http2(),
        Want::Usual | Want::Http1 => None,
    };
    let own = || kept.and_then(|trust| endpoint.pool.take_http1(trust, now));
    shared.map(Hold::Http2).or_else(|| own().map(Hold::Http1))
}

/// Hands a new connection to its first user, and to the pool if it can be shared.
fn keep(endpoint: &Endpoint, connection: Connection) -> (Hold, bool) {
    match connection {
        Connection::Http1(connection) => {
            endpoint.pool.learn(true);
            (Hold::Http1(connection), false)
        }
        Connection::Http2(connection) => {
            endpoint.pool.learn(false);
            endpoint.pool.keep_http2(&connection);
            (Hold::Http2(Share::take(&connection)), false)
        }
    }
}
