//! Replies that go on while they are listened to: of GraphQL routes those too long to be held, whose end
//! tells how they went, and the events of subscriptions, which learn of a failure before they end; and
//! those that are compared with an OpenAPI document.

use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};

use super::content::{Content, Polled};
use super::in_band::InBand;
use super::overheard::Overheard;
use super::passing::Passing;
use crate::observe::Record;
use crate::problem::Problem;
use crate::upstream::UpstreamError;

/// A reply and who listens to it.
#[derive(Debug)]
pub(super) struct Followed {
    inner: Content,
    ear: Ear,
}

#[derive(Debug)]
enum Ear {
    Reply(Box<Passing>),
    Document(Overheard),
    Events { tail: Tail, words: InBand, broken: Option<UpstreamError> },
}

impl Followed {
    /// A reply that is judged while it goes by.
    pub(super) fn reply(inner: Content, passing: Passing) -> Self {
        Self { inner, ear: Ear::Reply(Box::new(passing)) }
    }

    /// A reply that is compared with a document.
    pub(super) fn compared(inner: Content, overheard: Overheard) -> Self {
        Self { inner, ear: Ear::Document(overheard) }
    }

    /// The events of a subscription.
    pub(super) fn events(inner: Content, words: InBand) -> Self {
        Self { inner, ear: Ear::Events { tail: Tail::default(), words, broken: None } }
    }

    /// Whether everything was handed on.
    pub(super) fn is_over(&self) -> bool {
        let told = match &self.ear {
            Ear::Reply(_) | Ear::Document(_) => true,
            Ear::Events { broken, .. } => broken.is_none(),
        };
        told && self.inner.is_end_stream()
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Polled>> {
        if let Ear::Events { broken, .. } = &mut self.ear
            && let Some(error) = broken.take()
        {
            return Poll::Ready(Some(Err(error)));
        }
        match self.inner.poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.hear(data);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(self.tell(error))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    fn hear(&mut self, data: &[u8]) {
        match &mut self.ear {
            Ear::Reply(passing) => passing.hear(data),
            Ear::Document(overheard) => overheard.hear(data),
            Ear::Events { tail, .. } => tail.push(data),
        }
    }

    /// Tells of a failure in events of its own, and then fails. Within an event there is no room for
    /// another one: its reader would take both for one.
    fn tell(&mut self, error: UpstreamError) -> Polled {
        match &mut self.ear {
            Ear::Events { tail, words, broken } if tail.is_between_events() => {
                let events = words.events(&Problem::from(error.clone()));
                *broken = Some(error);
                Ok(Frame::data(events))
            }
            Ear::Events { .. } | Ear::Reply(_) | Ear::Document(_) => Err(error),
        }
    }

    /// The reply is over: what it has said of itself goes into the record.
    pub(super) fn judge(&mut self, record: &mut Record) {
        if let Ear::Reply(passing) = &mut self.ear {
            passing.judge(record);
        }
    }

    /// The client has all of the reply, or will never have it.
    pub(super) fn settle(&mut self, record: &mut Record) {
        if let Ear::Document(overheard) = &mut self.ear {
            overheard.settle(record, record.complete);
        }
    }

    /// How much is to come, where nothing is ever added.
    pub(super) fn size_hint(&self) -> SizeHint {
        match &self.ear {
            Ear::Document(_) => self.inner.size_hint(),
            Ear::Reply(_) | Ear::Events { .. } => SizeHint::default(),
        }
    }
}

/// The last bytes of what has gone by.
#[derive(Debug, Default)]
struct Tail {
    bytes: [u8; 4],
    /// How many have gone by, up to as many as are kept.
    seen: usize,
}

impl Tail {
    fn push(&mut self, data: &[u8]) {
        let fresh = data.len().min(self.bytes.len());
        self.bytes.rotate_left(fresh);
        let kept = self.bytes.len() - fresh;
        self.bytes[kept..].copy_from_slice(&data[data.len() - fresh..]);
        self.seen = (self.seen + fresh).min(self.bytes.len());
    }

    /// An event ends with an empty line (HTML, section 9.2.6); what has not begun is over, too.
    fn is_between_events(&self) -> bool {
        self.seen == 0
            || self.bytes.ends_with(b"\n\n")
            || self.bytes.ends_with(b"\r\r")
            || self.bytes.ends_with(b"\r\n\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_over_at_an_empty_line_wherever_it_is_cut() {
        for (text, over) in [
            ("", true),
            ("data: a\n\n", true),
            ("data: a\r\n\r\n", true),
            ("data: a\r\r", true),
            (":\n\n", true),
            ("data: a\n", false),
            ("data: a\r\n", false),
            ("data: a\n\nd", false),
        ] {
            for cut in 0..=text.len() {
                let mut tail = Tail::default();
                tail.push(&text.as_bytes()[..cut]);
                tail.push(&text.as_bytes()[cut..]);
                assert_eq!(tail.is_between_events(), over, "{text:?} {cut}");
            }
        }
    }
}
