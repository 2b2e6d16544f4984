//! A request body on its way out, watched: who is it that stands still, client or upstream?
//!
//! Only requests that stream a body pay for the watching.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

use crate::base::{Body, BodyFault, Replay, clock};

/// A body as it is given to a connection.
#[derive(Default)]
pub(super) struct Outgoing {
    body: Body,
    upload: Option<Rc<Upload>>,
}

/// How far a streamed body has come.
pub(super) struct Upload {
    state: Cell<State>,
    last: Cell<Instant>,
    fault: Cell<Option<BodyFault>>,
    stopped: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The upstream has to take what there is.
    Upstream,
    /// The client has to send more.
    Client,
    /// The whole body was handed over, or it broke.
    Done,
}

impl Outgoing {
    /// Wraps `body`; the second value is there when there is anything to watch.
    #[inline]
    pub(super) fn new(body: Body) -> (Self, Option<Rc<Upload>>) {
        let upload = match body {
            Body::Empty => None,
            Body::Full(_) | Body::Capped(_) | Body::Replayed(_) if body.is_end_stream() => None,
            Body::Full(_) | Body::Capped(_) | Body::Replayed(_) => Some(Upload::begin()),
        };
        (Self { body, upload: upload.clone() }, upload)
    }

    /// The same body once more. Apart from [`Self::new`], so that the compiler puts that one where
    /// the only request passes that most requests are.
    #[cold]
    pub(super) fn again(replay: &Replay) -> (Self, Option<Rc<Upload>>) {
        let upload = Some(Upload::begin());
        (Self { body: Body::Replayed(replay.read()), upload: upload.clone() }, upload)
    }

    /// Everything was taken that its length had promised; nobody will ask for its end.
    pub(super) fn finish(&self) {
        if let Some(upload) = &self.upload {
            upload.moved(State::Done);
        }
    }

    /// Some of it has left.
    pub(super) fn touch(&self) {
        if let Some(upload) = &self.upload {
            upload.last.set(clock::now());
        }
    }
}

impl Upload {
    fn begin() -> Rc<Self> {
        Rc::new(Self {
            state: Cell::new(State::Upstream),
            last: Cell::new(clock::now()),
            fault: Cell::new(None),
            stopped: Cell::new(false),
            waker: RefCell::new(None),
        })
    }

    /// Whose turn it is.
    pub(super) fn state(&self) -> State {
        self.state.get()
    }

    /// When the body last moved.
    pub(super) fn last(&self) -> Instant {
        self.last.get()
    }

    /// How the client broke its body, if it did.
    pub(super) fn fault(&self) -> Option<BodyFault> {
        self.fault.get()
    }

    /// Ends the body early, because nobody wants it any more.
    pub(super) fn stop(&self) {
        if self.state.get() == State::Done {
            return;
        }
        self.stopped.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    fn moved(&self, state: State) {
        self.state.set(state);
        self.last.set(clock::now());
    }

    fn wait(&self, cx: &Context<'_>) {
        self.state.set(State::Client);
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = self.get_mut();
        let Some(upload) = &this.upload else {
            return Pin::new(&mut this.body).poll_frame(cx);
        };
        if upload.stopped.get() {
            upload.state.set(State::Done);
            return Poll::Ready(Some(Err(BodyFault::Left)));
        }
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        match &polled {
            Poll::Pending => upload.wait(cx),
            Poll::Ready(Some(Ok(frame))) if frame.is_data() && !this.body.is_end_stream() => {
                upload.moved(State::Upstream);
            }
            Poll::Ready(Some(Ok(_)) | None) => upload.moved(State::Done),
            Poll::Ready(Some(Err(fault))) => {
                upload.fault.set(Some(*fault));
                upload.moved(State::Done);
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
