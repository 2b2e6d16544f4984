//! Tells the upstream how long anybody waits, so that it does not work for nobody.
//!
//! gRPC clients say in `grpc-timeout` how long the whole call may take; what is left of that when an
//! attempt begins is what the upstream gets. The gateway's own limit is not put in its place: it ends
//! with the head of the answer, and a stream of messages may well go on for longer. Where it passes,
//! the stream is reset, which tells as much.
//!
//! For all else there is no standard header. `deadline` names one, for the milliseconds that are left
//! until the head of the answer must be there. What a client sends in it is replaced.

use http::{HeaderName, HeaderValue};

use super::call::Call;
use crate::base::{clock, grpc};

impl Call<'_> {
    /// Puts what is left of the time into the head of the request.
    #[cold]
    pub(super) fn tell_deadline(&mut self) {
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
    }
}

/// How long a gRPC client waits.
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
