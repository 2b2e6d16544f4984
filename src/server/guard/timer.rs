//! One timer of a connection, armed lazily: moving its deadline later costs a store, and the
//! runtime's own timer is touched only when it fires or has to fire earlier than it would.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Sleep;

use crate::base::clock::{self, Instant};

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Wait {
    /// The next request.
    Idle,
    /// The rest of a head.
    Head,
    /// More of a body, or room for more of a reply.
    Body,
}

/// A deadline that can be set, moved and forgotten cheaply.
#[derive(Debug, Default)]
pub(in crate::server) struct Timer {
    armed: Option<(Wait, Instant)>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Forgets the deadline.
    pub(in crate::server) fn disarm(&mut self) {
        self.armed = None;
    }

    /// Sets the deadline, unless one is set already for the same wait.
    pub(in crate::server) fn arm(&mut self, wait: Wait, after: Duration) {
        if !matches!(self.armed, Some((known, _)) if known == wait) {
            self.armed = Some((wait, clock::now() + after));
        }
    }

    /// Ready when the deadline has passed; else this task is woken when it does.
    pub(in crate::server) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((_, deadline)) = self.armed else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
