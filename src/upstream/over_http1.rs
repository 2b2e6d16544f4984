//! An attempt over HTTP/1: the call drives the connection itself.

use std::future::poll_fn;
use std::task::Poll;

use http::{Response, StatusCode};

use super::blame::{self, Fate};
use super::call::{Call, Setback};
use super::dress;
use super::endpoint::Seat;
use super::error::{Kind, Sent};
use super::http1::{Failure, Http1};
use super::patience::{Lost, Patience};
use super::retry::Again;
use super::stream::{Source, Stream};
use super::tunnel::Tunnel;
use crate::base::clock;
use crate::observe::Retried;

impl Call<'_> {
    /// Sends the request and waits for the head of the answer.
    pub(super) async fn over_http1(
        &mut self,
        seat: Seat,
        mut connection: Box<Http1>,
        reused: bool,
    ) -> Result<Response<Stream>, Setback> {
        let timeout = self.upstream.timeout;
        let patience = Patience {
            deadline: self.options.deadline,
            // A kept connection was there at once.
            since: if reused { self.options.started } else { clock::now() },
            first_byte: self.options.first_byte.unwrap_or(timeout.first_byte),
            idle: timeout.idle,
        };
        let host = dress::host(&self.head.headers, seat.endpoint());
        let stamp = self.options.stamp.as_ref();
        connection.begin(self.head, host, stamp, std::mem::take(&mut self.body));
        let (tell, upload) = (self.options.interim.as_ref(), self.upload.as_deref());
        let mut next = patience.first();
        let answer = poll_fn(|cx| {
            if let Poll::Ready(answer) = connection.poll_answer(cx, tell) {
                return Poll::Ready(answer.map_err(Lost::Failed));
            }
            let late = patience.poll(cx, &mut connection.alarm, &mut next, upload);
            late.map(|kind| Err(Lost::GaveUp(kind)))
        })
        .await;
        self.count();
        match answer {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                self.switch(response, reused, || {
                    let (wire, early, open) = connection.into_parts();
                    Some(Tunnel::new(early, wire, seat, open))
                })
            }
            Ok(response) => {
                let source = Source::Http1(seat, connection);
                let facts = self.facts(reused);
                Ok(response.map(|()| Stream::new(source, facts, self.upload.clone())))
            }
            Err(Lost::Failed(failure)) => Err(self.lost_http1(&connection, &failure, reused)),
            Err(Lost::GaveUp(kind)) => {
                if kind == Kind::FirstByteTimeout && reused && connection.is_silent() {
                    seat.endpoint().pool.distrust(patience.since);
                }
                let error = self.error(kind, sent(&connection), reused);
                Err(Setback { error, again: Again::No })
            }
        }
    }

    /// The connection failed with the request on it.
    fn lost_http1(&mut self, connection: &Http1, failure: &Failure, reused: bool) -> Setback {
        let verdict = blame::http1_head(failure);
        let mut error = self.error(verdict.kind, sent(connection), reused);
        error.detail = Some(failure.describe().into_boxed_str());
        let unseen = connection.is_unwritten() || self.harmless && connection.is_silent();
        let orphaned = verdict.fate == Fate::Orphaned;
        if !(orphaned && reused && unseen && self.is_repeatable()) {
            return Setback { error, again: Again::No };
        }
        self.repeated = true;
        self.retried(Retried::After(verdict.kind.cause()));
        self.rewind();
        Setback { error, again: Again::Here }
    }
}

fn sent(connection: &Http1) -> Sent {
    if connection.is_unwritten() {
        Sent::Nothing
    } else if connection.is_sent() {
        Sent::All
    } else {
        Sent::Part
    }
}
