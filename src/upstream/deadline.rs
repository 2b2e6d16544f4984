//! Tells the upstream how long anybody waits, so that it does not work for nobody.
//!
//! gRPC clients say in `grpc-timeout` how long the whole call may take; what is left of that when an
//! attempt begins is what the upstream gets. The gateway's own limit is not put in its place: it ends
//! with the head of the answer, and a stream of messages may well go on for longer. Where it passes,
//! the stream is reset, which tells as much.
//!
//! A call whose time is over before anything was sent is not sent at all: an upstream that is quicker
//! than the runtime's timer, whose grain is a millisecond, would have worked for nobody.
//!
//! For all else there is no standard header. `deadline` names one, for the milliseconds that are left
//! until the head of the answer must be there. What a client sends in it is replaced.

use http::{HeaderName, HeaderValue};

use super::call::{Call, Setback};
use super::error::{Kind, Stage, UpstreamError};
use super::retry::Again;
use crate::base::{clock, grpc};

impl Call<'_> {
    /// Puts what is left of the time into the head of the request.
    ///
    /// # Errors
    /// Nothing is left of the client's.
    #[cold]
    pub(super) fn tell_deadline(&mut self) -> Result<(), Setback> {
        let now = clock::now();
        if let Some(end) = self.options.client_deadline {
            let left = grpc::format_timeout(end.saturating_duration_since(now));
            // Digits and a letter are a field's value.
            if let Ok(left) = HeaderValue::try_from(left) {
                self.head.headers.insert(GRPC_TIMEOUT, left);
            }
        }
        if let Some(name) = &self.upstream.deadline {
            let left = self.options.deadline.saturating_duration_since(now).as_millis();
            let left = u64::try_from(left).unwrap_or(u64::MAX);
            self.head.headers.insert(name.clone(), HeaderValue::from(left));
        }
        if self.options.client_deadline.is_some_and(|end| end <= now) {
            let error = UpstreamError::unsent(Stage::Connect, Kind::TotalTimeout);
            let error = error.with_detail("the client's time was over before anything was sent");
            return Err(Setback { error, again: Again::No });
        }
        Ok(())
    }
}

/// How long a gRPC client waits.
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
