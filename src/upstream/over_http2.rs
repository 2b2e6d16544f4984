//! An attempt over HTTP/2: hyper drives the connection, the call takes a stream of it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use http::{Request, Response, StatusCode};

use super::blame::{self, Fate};
use super::call::{Call, Setback};
use super::check;
use super::dress;
use super::endpoint::Seat;
use super::error::{Kind, Sent, Stage, UpstreamError};
use super::line::Mark;
use super::patience::{Lost, Patience};
use super::pool::Share;
use super::retry::Again;
use super::stream::{Source, Stream};
use super::upload::Outgoing;
use crate::base::{Alarm, RequestId, TraceContext, clock};
use crate::observe::Retried;

impl Call<'_> {
    /// Sends the request and waits for the head of the answer.
    pub(super) async fn over_http2(
        &mut self,
        seat: Seat,
        share: Share,
        reused: bool,
    ) -> Result<Response<Stream>, Setback> {
        let request = self.dressed(&seat);
        let mark = share.line.mark();
        let timeout = self.upstream.timeout;
        let patience = Patience {
            deadline: self.options.deadline,
            since: clock::now(),
            first_byte: self.options.first_byte.unwrap_or(timeout.first_byte),
            idle: timeout.idle,
        };
        let upload = self.upload.as_deref();
        let mut answer = pin!(share.sender.clone().try_send_request(request));
        let (mut alarm, mut next) = (Alarm::default(), patience.first());
        let answer = poll_fn(|cx| {
            if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                return Poll::Ready(answer.map_err(|failure| Lost::Failed(Box::new(failure))));
            }
            let late = patience.poll(cx, &mut alarm, &mut next, upload);
            late.map(|kind| Err(Lost::GaveUp(kind)))
        })
        .await;
        match answer {
            Ok(response) => {
                self.count();
                let (mut head, body) = response.into_parts();
                if head.status == StatusCode::SWITCHING_PROTOCOLS {
                    return self.switch(Response::from_parts(head, ()), reused, || None);
                }
                check::head(head.status, head.version, &mut head.headers)
                    .map_err(|(kind, why)| self.refuse(kind, why, reused))?;
                let source = Source::Http2 { seat, body, alarm, share };
                let stream = Stream::new(source, self.facts(reused), self.upload.clone());
                Ok(Response::from_parts(head, stream))
            }
            Err(Lost::Failed(mut failure)) => match failure.take_message() {
                Some(request) => Err(self.unsent(&share, mark, reused, request)),
                None => Err(self.lost_http2(&share, reused, failure.error())),
            },
            Err(Lost::GaveUp(kind)) => {
                self.count();
                if share.line.is_silent_since(mark) {
                    // Not a byte for all that time: nobody else should wait on this connection.
                    share.retired.set(true);
                }
                let error = self.error(kind, self.sent_over(&share), reused);
                Err(Setback { error, again: Again::No })
            }
        }
    }

    /// The request in HTTP/2's clothes; a copy of its head stays where a repeat may need it.
    fn dressed(&mut self, seat: &Seat) -> Request<Outgoing> {
        let kept = if self.may_come_back() {
            dress::copy(self.head)
        } else {
            Request::new(()).into_parts().0
        };
        let head = std::mem::replace(self.head, kept);
        let mut request = Request::from_parts(head, std::mem::take(&mut self.body));
        if let Some(stamp) = &self.options.stamp {
            let headers = request.headers_mut();
            for (name, value) in stamp.fields {
                headers.insert(name, value.clone());
            }
            headers.insert(RequestId::FIELD, stamp.request_id.value().clone());
            headers.insert(TraceContext::FIELD, stamp.trace.header_value());
        }
        dress::http2(&mut request, seat.endpoint());
        request
    }

    /// hyper gave the request back. On a kept connection that is no failure at all.
    fn unsent(
        &mut self,
        share: &Share,
        mark: Mark,
        reused: bool,
        mut request: Request<Outgoing>,
    ) -> Setback {
        if !reused {
            self.count();
        }
        let kind = if share.line.is_silent_since(mark) { Kind::Reset } else { Kind::BadResponse };
        let mut error = UpstreamError::unsent(Stage::Head, kind)
            .with_detail("the connection ended before the request was written");
        error.reused = reused;
        dress::undress(&mut request);
        (*self.head, self.body) = request.into_parts();
        Setback { error, again: if reused { Again::Here } else { Again::Elsewhere } }
    }

    /// The connection or the stream failed with the request on it.
    fn lost_http2(&mut self, share: &Share, reused: bool, cause: &hyper::Error) -> Setback {
        self.count();
        let fault = self.upload.as_ref().and_then(|upload| upload.fault());
        let verdict = blame::head(cause, fault);
        let mut error = self.error(verdict.kind, self.sent_over(share), reused);
        error.detail = Some(blame::describe(cause).into_boxed_str());
        error.grpc = blame::reset(cause);
        share.retired.set(share.retired.get() | (verdict.fate != Fate::Settled));
        if verdict.fate == Fate::Unprocessed {
            error.sent = Sent::Nothing;
            error.retryable = Some(true);
        }
        let may = verdict.fate == Fate::Orphaned && reused && self.harmless;
        if !(self.is_repeatable() && (verdict.fate == Fate::Unprocessed || may)) {
            return Setback { error, again: Again::No };
        }
        self.repeated = true;
        self.retried(Retried::After(verdict.kind.cause()));
        self.rewind();
        Setback { error, again: Again::Here }
    }

    fn sent_over(&self, share: &Share) -> Sent {
        let all = self.is_handed_over() && !share.line.is_broken();
        if all { Sent::All } else { Sent::Part }
    }
}
