//! Steps side by side: all are polled in their order whenever one of them has something to say.
//! The first failure that matters ends the wait, and dropping the others gives up their calls.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::Fate;

/// A step under way.
pub(super) type Under<'s> = Pin<Box<dyn Future<Output = Fate> + 's>>;

/// What has become of the steps of a group: of all of them, unless one has failed that is not
/// `tolerated`; then also which.
pub(super) async fn together(
    steps: Vec<Under<'_>>,
    tolerated: impl Fn(usize) -> bool,
) -> (Vec<Fate>, Option<usize>) {
    let mut fates: Vec<Fate> = steps.iter().map(|_| Fate::NotRun).collect();
    let mut steps: Vec<Option<Under<'_>>> = steps.into_iter().map(Some).collect();
    let failed = poll_fn(|cx| {
        let mut waits = false;
        for (at, (step, fate)) in steps.iter_mut().zip(&mut fates).enumerate() {
            let Some(under) = step else { continue };
            let Poll::Ready(ended) = under.as_mut().poll(cx) else {
                waits = true;
                continue;
            };
            *step = None;
            *fate = ended;
            if matches!(fate, Fate::Badly(_)) && !tolerated(at) {
                return Poll::Ready(Some(at));
            }
        }
        if waits { Poll::Pending } else { Poll::Ready(None) }
    })
    .await;
    (fates, failed)
}
