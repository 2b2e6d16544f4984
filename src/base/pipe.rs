//! A request's body between the connection that reads it and the exchange that sends it on.
//!
//! The two live on one thread, nearly always in one task. One frame stands between them: the
//! connection reads only when somebody has asked, which is all the backpressure there is.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::BodyFault;

/// The end that is read from.
#[derive(Debug)]
pub struct Pipe(Rc<Shared>);

/// The end that the connection fills.
#[derive(Debug)]
pub struct Feed(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    frame: RefCell<Option<Frame<Bytes>>>,
    /// Bytes that are still to come, where the head has told.
    left: Cell<Option<u64>>,
    state: Cell<State>,
    wanted: Cell<bool>,
    reader: RefCell<Option<Waker>>,
    filler: RefCell<Option<Waker>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Ended,
    Broken(BodyFault),
    /// Nobody reads any more.
    Dropped,
}

/// A new body of `length` bytes, or of a length that nobody knows yet.
pub fn pipe(length: Option<u64>) -> (Feed, Pipe) {
    let shared = Rc::new(Shared {
        frame: RefCell::default(),
        left: Cell::new(length),
        state: Cell::new(State::Open),
        wanted: Cell::new(false),
        reader: RefCell::default(),
        filler: RefCell::default(),
    });
    (Feed(Rc::clone(&shared)), Pipe(shared))
}

impl Feed {
    /// Whether somebody waits for a frame; else this task is woken when somebody does.
    pub fn is_wanted(&self, cx: &Context<'_>) -> bool {
        let wanted = self.0.wanted.get() && self.0.state.get() == State::Open;
        if !wanted {
            register(&self.0.filler, cx);
        }
        wanted
    }

    /// Hands a frame over. Only when one [is wanted](Self::is_wanted).
    pub fn push(&self, frame: Frame<Bytes>) {
        if let (Some(left), Some(data)) = (self.0.left.get(), frame.data_ref()) {
            self.0.left.set(Some(left.saturating_sub(data.len() as u64)));
        }
        self.0.frame.replace(Some(frame));
        self.wake();
    }

    /// The body has come to its end.
    pub fn end(&self) {
        self.settle(State::Ended);
    }

    /// The body has broken.
    pub fn fail(&self, fault: BodyFault) {
        self.settle(State::Broken(fault));
    }

    fn settle(&self, state: State) {
        if self.0.state.get() == State::Open {
            self.0.state.set(state);
        }
        self.wake();
    }

    fn wake(&self) {
        self.0.wanted.set(false);
        if let Some(waker) = self.0.reader.take() {
            waker.wake();
        }
    }
}

impl Pipe {
    /// The next frame.
    pub fn poll_frame(&self, cx: &Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if let Some(frame) = self.0.frame.take() {
            return Poll::Ready(Some(Ok(frame)));
        }
        match self.0.state.get() {
            State::Ended | State::Dropped => Poll::Ready(None),
            State::Broken(fault) => Poll::Ready(Some(Err(fault))),
            State::Open => {
                self.0.wanted.set(true);
                register(&self.0.reader, cx);
                if let Some(waker) = self.0.filler.take() {
                    waker.wake();
                }
                Poll::Pending
            }
        }
    }

    /// Whether the last frame was taken.
    pub fn is_end(&self) -> bool {
        let known_end = self.0.state.get() == State::Ended || self.0.left.get() == Some(0);
        known_end && self.0.frame.borrow().is_none()
    }

    /// What is known of its length.
    pub fn size_hint(&self) -> SizeHint {
        let frame = self.0.frame.borrow();
        let waiting = frame.as_ref().and_then(Frame::data_ref).map_or(0, |data| data.len() as u64);
        match (self.0.left.get(), self.0.state.get()) {
            (Some(left), _) => SizeHint::with_exact(left + waiting),
            (None, State::Ended) => SizeHint::with_exact(waiting),
            (None, State::Open | State::Broken(_) | State::Dropped) => SizeHint::default(),
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        if self.0.state.get() == State::Open {
            self.0.state.set(State::Dropped);
        }
        if let Some(waker) = self.0.filler.take() {
            waker.wake();
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        // The connection went away in the middle.
        self.fail(BodyFault::Left);
    }
}

fn register(place: &RefCell<Option<Waker>>, cx: &Context<'_>) {
    let mut known = place.borrow_mut();
    if !known.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
        *known = Some(cx.waker().clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    fn data(text: &'static str) -> Frame<Bytes> {
        Frame::data(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_frame_is_read_when_it_is_wanted_and_not_before() {
        let (feed, pipe) = pipe(Some(5));
        assert!(!feed.is_wanted(&context()));
        assert!(pipe.poll_frame(&context()).is_pending());
        assert!(feed.is_wanted(&context()));
        feed.push(data("hello"));
        assert!(!feed.is_wanted(&context()) && !pipe.is_end());
        assert_eq!(pipe.size_hint().exact(), Some(5));
        assert!(matches!(pipe.poll_frame(&context()), Poll::Ready(Some(Ok(_)))));
        assert!(pipe.is_end(), "the length says so");
        feed.end();
        assert!(matches!(pipe.poll_frame(&context()), Poll::Ready(None)));
    }

    #[test]
    fn a_connection_that_goes_away_breaks_the_body() {
        let (feed, pipe) = pipe(None);
        drop(feed);
        let broken = pipe.poll_frame(&context());
        assert!(matches!(broken, Poll::Ready(Some(Err(BodyFault::Left)))));
        assert!(!pipe.is_end());
    }

    #[test]
    fn what_nobody_reads_is_not_wanted() {
        let (feed, pipe) = pipe(None);
        assert!(pipe.poll_frame(&context()).is_pending() && feed.is_wanted(&context()));
        drop(pipe);
        assert!(!feed.is_wanted(&context()));
    }
}
