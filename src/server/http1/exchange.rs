//! One request, from its head to the end of its reply.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body::Body as _;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Http1;
use super::reading::Flow;
use super::reply::{Asked, Mismatch, Reply};
use crate::base::pipe::pipe;
use crate::base::{Extent, Inflow};
use crate::proxy::Watched;
use crate::server::closing::Farewell;
use crate::server::guard::{Framing, Head};
use crate::server::presence::Presence;
use crate::server::tenant::Tenant;

/// What becomes of the connection after an exchange.
pub(super) enum After {
    /// It carries the next one.
    Next,
    /// It is a tunnel.
    Switch,
    /// It ends.
    Close,
    /// It ends, and what stands in the box has its say after the end: nobody waits for that but us.
    CloseThen(Box<Watched>),
}

/// A reply that has left as a whole.
struct Told {
    switches: bool,
    /// Of a reply that ends the connection: its body, which has yet to speak.
    last: Option<Box<Watched>>,
}

/// The reply could not be brought to its end.
struct Broken;

/// How far filling the outbox has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// There is enough for now.
    Full,
    /// The body has nothing to give now.
    Waits,
    /// The reply is whole.
    Done,
    /// The body broke.
    Broken,
}

impl<S: AsyncRead + AsyncWrite + Presence + Farewell + Unpin> Http1<S> {
    /// Has the request answered and writes the reply.
    pub(super) async fn exchange(
        &mut self,
        tenant: &Tenant,
        parts: &mut Parts,
        head: Head,
    ) -> After {
        let asked = Asked {
            version: parts.version,
            is_head: parts.method == Method::HEAD,
            keeps_alive: head.keeps_alive && !self.deaf,
            trailers: head.trailers,
        };
        let goes_on = asked.keeps_alive;
        let body = self.open_body(head);
        // What is made here has no place in the connection beside what is made of the reply, nor has
        // the response, which is handed on whole.
        let Some(response) = ({
            let mut answer = pin!(tenant.service().respond(parts, body));
            poll_fn(|cx| self.poll_answer(cx, answer.as_mut())).await
        }) else {
            // The client has left; dropping the answer has given up what was done for it.
            return After::Close;
        };
        self.homeless |= tenant.is_homeless();
        let reply = self.reply(response, asked).await;
        self.feed = None;
        let Ok(Told { switches, last }) = reply else { return After::Close };
        if let Some(last) = last {
            // The end is our word alone: the client may be sending on by now.
            self.deaf |= goes_on && !self.leaves();
            return After::CloseThen(last);
        }
        if switches {
            return After::Switch;
        }
        self.skip_body().await
    }

    fn open_body(&mut self, head: Head) -> Inflow {
        let (extent, length) = match head.framing {
            Framing::Empty => return Inflow::Empty,
            Framing::Length(length) => {
                if !head.expects && self.inbox.len() as u64 >= length {
                    // All of it has come with the head: there is nothing to stream.
                    let whole = usize::try_from(length).unwrap_or_default();
                    return Inflow::Read(self.inbox.split_to(whole).freeze());
                }
                (Extent::Length(length), Some(length))
            }
            Framing::Chunked => (Extent::chunked(self.chunks()), None),
        };
        let (feed, pipe) = pipe(length);
        self.extent = extent;
        self.feed = Some(feed);
        self.expects = head.expects;
        Inflow::Http1(pipe)
    }

    /// Waits for the response; meanwhile the body is read for whoever wants it, and interim replies
    /// are written. None when the client has left.
    fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        mut answer: Pin<&mut impl Future<Output = Response<Watched>>>,
    ) -> Poll<Option<Response<Watched>>> {
        self.wire.register(cx.waker());
        loop {
            self.take_interim();
            if !self.outbox.is_empty()
                && let Poll::Ready(Err(_)) = self.poll_write(cx)
            {
                return Poll::Ready(None);
            }
            if let Poll::Ready(response) = answer.as_mut().poll(cx) {
                return Poll::Ready(Some(response));
            }
            if self.wire.has_interim() {
                continue;
            }
            match self.poll_inflow(cx) {
                Poll::Ready(Flow::Moved) => {}
                Poll::Ready(Flow::Gone) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn take_interim(&mut self) {
        if self.wire.has_interim() {
            let interim = self.wire.take_interim();
            self.outbox.frame(|out| out.extend_from_slice(&interim));
        }
    }

    async fn reply(&mut self, response: Response<Watched>, asked: Asked) -> Result<Told, Broken> {
        let (head, mut body) = response.into_parts();
        let asked = Asked { keeps_alive: asked.keeps_alive && !self.leaves(), ..asked };
        self.take_interim();
        let mut reply = self.outbox.frame(|out| {
            let mut reply = Reply::begin(&head, body.wording(), asked, &body, out);
            // An error is in one piece with its head, and so leaves in the simplest of writes.
            if !reply.done && body.wording().is_some() {
                body.say(out);
                reply.done = true;
            }
            reply
        });
        reply.switches = head.status == StatusCode::SWITCHING_PROTOCOLS;
        // Its values are slices of what the upstream's connection has read, which wants the room.
        drop(head);
        poll_fn(|cx| self.poll_reply(cx, &mut body, &mut reply)).await?;
        let last = reply.ends_connection().then(|| Box::new(body));
        Ok(Told { switches: reply.switches, last })
    }

    fn poll_reply(
        &mut self,
        cx: &mut Context<'_>,
        body: &mut Watched,
        reply: &mut Reply,
    ) -> Poll<Result<(), Broken>> {
        loop {
            let filled = self.fill(cx, body, reply);
            if filled == Filled::Done && reply.ends_connection() {
                self.socket.speaks_last();
            }
            match self.poll_write(cx) {
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Broken)),
                Poll::Ready(Ok(())) => match filled {
                    Filled::Done => return Poll::Ready(Ok(())),
                    // What came before the break has left; the cut is for the client to see.
                    Filled::Broken => return Poll::Ready(Err(Broken)),
                    Filled::Full => continue,
                    Filled::Waits => {}
                },
                // All of it is on its way: whether the client still speaks does not matter.
                Poll::Pending if filled == Filled::Done || filled == Filled::Broken => {
                    return Poll::Pending;
                }
                Poll::Pending => {}
            }
            match self.poll_inflow(cx) {
                Poll::Ready(Flow::Moved) => {}
                Poll::Ready(Flow::Gone) => return Poll::Ready(Err(Broken)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Takes frames of the body until there is enough to write.
    fn fill(&mut self, cx: &mut Context<'_>, body: &mut Watched, reply: &mut Reply) -> Filled {
        while !reply.done && !reply.broken {
            if self.outbox.len() >= ENOUGH {
                return Filled::Full;
            }
            let framed = match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Pending => return Filled::Waits,
                Poll::Ready(Some(Err(_))) => Err(Mismatch),
                Poll::Ready(None) => reply.end(None, &mut self.outbox),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if body.is_end_stream() => reply
                        .data(data, &mut self.outbox)
                        .and_then(|()| reply.end(None, &mut self.outbox)),
                    Ok(data) => reply.data(data, &mut self.outbox),
                    Err(frame) => reply.end(frame.into_trailers().ok().as_ref(), &mut self.outbox),
                },
            };
            reply.broken = framed.is_err();
        }
        if reply.broken { Filled::Broken } else { Filled::Done }
    }

    /// The reply is over, the body of the request may not be.
    async fn skip_body(&mut self) -> After {
        if self.extent.is_over() {
            return if self.deaf { After::Close } else { After::Next };
        }
        // A client that still waits for a word may send its body or not: nobody can tell.
        if self.expects || self.deaf {
            return After::Close;
        }
        let mut left = SKIPPED;
        let ended = poll_fn(|cx| self.poll_discard(cx, &mut left)).await;
        if ended { After::Next } else { After::Close }
    }
}

/// Bytes that are gathered for one write; a frame of any length may come on top.
const ENOUGH: usize = 64 * 1024;
/// Bytes of an unwanted body that are read for the sake of the connection.
const SKIPPED: usize = 64 * 1024;
