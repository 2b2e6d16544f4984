//! What the body of a reply consists of, and what comes of it frame by frame.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use super::followed::Followed;
use super::packed::Packed;
use super::socket::Slot;
use crate::problem::Wording;
use crate::upstream::{Stream, UpstreamError};

/// The bytes of a reply, wherever they are.
#[derive(Debug)]
pub(super) enum Content {
    Empty,
    Full(Option<Bytes>),
    /// An error, until it is said; its fields are not in the head.
    Said(Option<Wording>),
    Upstream(Stream),
    /// What was read ahead to judge an error, then the rest.
    Replayed(VecDeque<Bytes>, Rest),
    /// It has broken, and this will be told the next time.
    Breaking(Option<Box<UpstreamError>>),
    /// It has broken, and this was told.
    Broken,
    /// Made smaller on its way.
    Packed(Box<Packed>),
    /// Somebody listens: of a GraphQL route, and too long to be held, or without an end; or compared
    /// with an OpenAPI document.
    Followed(Box<Followed>),
    /// No body, but a socket that will be over long after it, and wants the record then.
    Switched(Slot),
}

/// What comes of a body.
pub(super) type Polled = Result<Frame<Bytes>, UpstreamError>;

/// What follows bytes that were read ahead.
#[derive(Debug)]
pub(super) enum Rest {
    /// Nothing: the body had ended.
    Nothing,
    /// More of the body.
    Stream(Stream),
    /// The body had broken; told after the bytes before it.
    Broken(Option<UpstreamError>),
}

impl Content {
    #[inline]
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Polled>> {
        match self {
            Self::Empty | Self::Broken | Self::Switched(_) => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Said(said) => {
                Poll::Ready(said.take().map(|wording| Ok(Frame::data(wording.body()))))
            }
            Self::Upstream(stream) => Pin::new(stream).poll_frame(cx),
            Self::Replayed(ahead, rest) => match (ahead.pop_front(), rest) {
                (Some(bytes), _) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                (None, Rest::Stream(stream)) => Pin::new(stream).poll_frame(cx),
                (None, Rest::Broken(error)) => Poll::Ready(error.take().map(Err)),
                (None, Rest::Nothing) => Poll::Ready(None),
            },
            Self::Breaking(error) => Poll::Ready(error.take().map(|error| Err(*error))),
            Self::Packed(packed) => packed.poll_frame(cx),
            Self::Followed(followed) => followed.poll_frame(cx),
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty | Self::Broken | Self::Switched(_) => true,
            Self::Full(bytes) => bytes.is_none(),
            Self::Said(said) => said.as_ref().is_none_or(|wording| wording.length() == 0),
            Self::Upstream(stream) => stream.is_end_stream(),
            Self::Replayed(ahead, rest) => {
                ahead.is_empty()
                    && match rest {
                        Rest::Nothing => true,
                        Rest::Stream(stream) => stream.is_end_stream(),
                        Rest::Broken(error) => error.is_none(),
                    }
            }
            Self::Breaking(error) => error.is_none(),
            Self::Packed(packed) => packed.is_over(),
            Self::Followed(followed) => followed.is_over(),
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty | Self::Broken | Self::Switched(_) => SizeHint::with_exact(0),
            Self::Full(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Said(said) => {
                SizeHint::with_exact(said.as_ref().map_or(0, |said| said.length() as u64))
            }
            Self::Upstream(stream) => stream.size_hint(),
            // The head's own Content-Length, where there is one, still holds.
            Self::Replayed(_, _) | Self::Breaking(_) | Self::Packed(_) => SizeHint::default(),
            Self::Followed(followed) => followed.size_hint(),
        }
    }

    /// Who listens to it, if somebody does.
    #[cold]
    pub(super) fn listener(&mut self) -> Option<&mut Followed> {
        match self {
            Self::Followed(followed) => Some(followed),
            Self::Packed(packed) => packed.listener(),
            Self::Empty
            | Self::Switched(_)
            | Self::Full(_)
            | Self::Said(_)
            | Self::Upstream(_)
            | Self::Replayed(_, _)
            | Self::Breaking(_)
            | Self::Broken => None,
        }
    }
}
