//! A request body that may be sent more than once: what has been read of it is kept, within a bound.
//!
//! Data is kept as it lies, by reference; so the bound is one on bytes and on pieces, because a small
//! piece may hold a large buffer. A body that outgrows it flows on and can be sent this once.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};

use super::{Body, BodyFault, body};

/// A body, and what is kept of it.
#[derive(Debug)]
pub struct Replay(Rc<Shared>);

/// One reading of it, from its beginning.
#[derive(Debug)]
pub struct Reading {
    shared: Rc<Shared>,
    /// Which reading this is: only the last one may go on.
    turn: u32,
    /// The next piece.
    at: usize,
}

#[derive(Debug)]
struct Shared {
    source: RefCell<Body>,
    kept: RefCell<Kept>,
    turn: Cell<u32>,
}

#[derive(Debug, Default)]
struct Kept {
    pieces: Vec<Piece>,
    bytes: usize,
    /// Whether anything that was read is not among the pieces.
    outgrown: bool,
}

#[derive(Clone, Debug)]
enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
}

impl Replay {
    /// Keeps what is read of `body`; gives it back where it is known to be too long for that.
    ///
    /// # Errors
    /// The body, untouched.
    pub fn new(body: Body) -> Result<Self, Body> {
        if body.size_hint().lower() > BYTES as u64 {
            return Err(body);
        }
        let (source, kept) = (RefCell::new(body), RefCell::default());
        Ok(Self(Rc::new(Shared { source, kept, turn: Cell::new(0) })))
    }

    /// Whether the body can be read from its beginning.
    pub fn is_whole(&self) -> bool {
        !self.0.kept.borrow().outgrown
    }

    /// Begins to read from the beginning. A reading that began earlier breaks off.
    pub fn read(&self) -> Reading {
        let turn = self.0.turn.get().wrapping_add(1);
        self.0.turn.set(turn);
        Reading { shared: Rc::clone(&self.0), turn, at: 0 }
    }
}

// Out of line, so that bodies that are sent once pay nothing for this one.
impl Reading {
    #[cold]
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if self.turn != self.shared.turn.get() {
            return Poll::Ready(Some(Err(BodyFault::Left)));
        }
        let mut kept = self.shared.kept.borrow_mut();
        if let Some(piece) = kept.pieces.get(self.at) {
            self.at += 1;
            return Poll::Ready(Some(Ok(piece.clone().into())));
        }
        let mut source = self.shared.source.borrow_mut();
        let frame = match ready!(Pin::new(&mut *source).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(fault)) => return Poll::Ready(Some(Err(fault))),
            None => return Poll::Ready(None),
        };
        kept.keep(&frame);
        self.at = kept.pieces.len();
        Poll::Ready(Some(Ok(frame)))
    }

    #[cold]
    pub(super) fn is_end_stream(&self) -> bool {
        let kept = self.shared.kept.borrow();
        self.at >= kept.pieces.len() && self.shared.source.borrow().is_end_stream()
    }

    #[cold]
    pub(super) fn size_hint(&self) -> SizeHint {
        let kept = self.shared.kept.borrow();
        let ahead = kept.pieces.iter().skip(self.at).map(Piece::len).sum::<usize>() as u64;
        body::longer(&self.shared.source.borrow().size_hint(), ahead)
    }
}

impl Kept {
    fn keep(&mut self, frame: &Frame<Bytes>) {
        let piece = match (frame.data_ref(), frame.trailers_ref()) {
            (Some(data), _) => Piece::Data(data.clone()),
            (None, Some(trailers)) => Piece::Trailers(trailers.clone()),
            (None, None) => return,
        };
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.outgrown || self.bytes > BYTES || self.pieces.len() == PIECES {
            self.outgrown = true;
            self.pieces = Vec::new();
            return;
        }
        self.pieces.push(piece);
    }
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Data(data) => data.len(),
            Self::Trailers(_) => 0,
        }
    }
}

impl From<Piece> for Frame<Bytes> {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Data(data) => Self::data(data),
            Piece::Trailers(trailers) => Self::trailers(trailers),
        }
    }
}

/// Bytes of a body that are kept at most.
const BYTES: usize = 64 * 1024;
/// Pieces of a body that are kept at most.
const PIECES: usize = 16;

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::base::body::{Capped, Inflow, Meter};
    use crate::base::pipe::pipe;

    fn next(body: &mut Body) -> Option<Result<String, BodyFault>> {
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(frame) = Pin::new(body).poll_frame(&mut cx) else { return None };
        let text = |frame: Frame<Bytes>| String::from_utf8(frame.into_data().unwrap().to_vec());
        frame.map(|frame| frame.map(|frame| text(frame).unwrap()))
    }

    fn streamed(length: Option<u64>) -> (crate::base::pipe::Feed, Body) {
        let (feed, pipe) = pipe(length);
        let capped = Capped::new(Inflow::Http1(pipe), u64::MAX, Rc::new(Meter::default()));
        (feed, Body::Capped(capped))
    }

    #[test]
    fn a_second_reading_begins_at_the_beginning_and_goes_on_where_the_first_stopped() {
        let (feed, body) = streamed(Some(10));
        let replay = Replay::new(body).unwrap();
        let mut first = Body::Replayed(replay.read());
        assert_eq!(first.size_hint().exact(), Some(10));
        assert_eq!(next(&mut first), None, "nothing has come");
        feed.push(Frame::data(Bytes::from_static(b"hello")));
        assert_eq!(next(&mut first), Some(Ok("hello".into())));
        let mut second = Body::Replayed(replay.read());
        assert_eq!(next(&mut first), Some(Err(BodyFault::Left)), "its turn is over");
        assert_eq!(second.size_hint().exact(), Some(10));
        assert_eq!(next(&mut second), Some(Ok("hello".into())));
        assert!(next(&mut second).is_none() && !second.is_end_stream());
        feed.push(Frame::data(Bytes::from_static(b"world")));
        assert_eq!(next(&mut second), Some(Ok("world".into())));
        assert!(second.is_end_stream() && replay.is_whole());
    }

    #[test]
    fn a_body_that_outgrows_the_bound_flows_on_and_is_not_whole() {
        let (feed, body) = streamed(None);
        let replay = Replay::new(body).unwrap();
        let mut reading = Body::Replayed(replay.read());
        for piece in 0..=PIECES {
            assert!(replay.is_whole(), "{piece}");
            assert_eq!(next(&mut reading), None);
            feed.push(Frame::data(Bytes::from_static(b"x")));
            assert_eq!(next(&mut reading), Some(Ok("x".into())));
        }
        assert!(!replay.is_whole(), "one piece too many");
        let (feed, body) = streamed(None);
        let replay = Replay::new(body).unwrap();
        let mut reading = Body::Replayed(replay.read());
        for length in [BYTES, 1] {
            assert!(next(&mut reading).is_none() && replay.is_whole());
            feed.push(Frame::data(Bytes::from(vec![b'x'; length])));
            assert!(next(&mut reading).is_some());
        }
        assert!(!replay.is_whole(), "one byte too many");
        assert!(Replay::new(streamed(Some(BYTES as u64 + 1)).1).is_err());
    }
}
