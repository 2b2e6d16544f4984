//! How a gRPC call ended, and what that says of the exchange: HTTP's status says nothing.

use http::HeaderMap;

use super::facts::{Facts, Outcome};
use crate::base::Source;
use crate::base::grpc::GrpcStatus;
use crate::outcome::call_code;
use crate::problem::{Catalogue, Cause, Code};

/// What is known of the end of a gRPC call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rpc {
    /// It is no gRPC call.
    No,
    /// It has not told a status: it is under way, was given up, or tells it in its body (gRPC-Web).
    Untold,
    /// It has; and the code that stands for it.
    Told(GrpcStatus, Option<Code>),
}

impl Rpc {
    /// What a head or trailers tell of it, if they do.
    pub fn told(fields: &HeaderMap, catalogue: &Catalogue) -> Option<Self> {
        let status = GrpcStatus::told(fields)?;
        Some(Self::Told(status, call_code(status, fields, catalogue)))
    }
}

impl Facts {
    /// What the status of a gRPC reply says that has gone out whole. What guichet said itself, it has
    /// judged itself.
    pub fn judge_rpc(&mut self) {
        let Rpc::Told(status, code) = self.rpc else { return };
        let Some(fault) = status.fault().filter(|_| self.cause.is_none()) else { return };
        self.cause = Some(Cause::UpstreamStatus);
        self.code = code;
        self.source = Some(fault);
        self.outcome = match fault {
            Source::Client => Outcome::Refused,
            Source::Gateway | Source::Upstream => Outcome::Failed,
        };
    }

    /// The status of the call, where there is one. A client that left has cancelled its call.
    pub(super) fn rpc_status(&self) -> Option<GrpcStatus> {
        match self.rpc {
            Rpc::Told(status, _) => Some(status),
            Rpc::Untold if self.outcome == Outcome::Aborted => Some(GrpcStatus::Cancelled),
            Rpc::Untold | Rpc::No => None,
        }
    }

    /// The method that was called, `package.Service/Method`, if the path is one of gRPC's.
    pub(super) fn rpc_method(&self) -> Option<&str> {
        let name = self.uri.as_ref()?.path().strip_prefix('/')?;
        let (service, method) = name.split_once('/')?;
        let is_named = |part: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            !part.is_empty() && part.bytes().all(fits)
        };
        let fits = name.len() <= LONGEST_METHOD && is_named(service) && is_named(method);
        fits.then_some(name)
    }

    /// Whether an upstream has understood which method is meant.
    pub(super) fn is_rpc_understood(&self) -> bool {
        let by_upstream = self.cause.is_none_or(|cause| cause == Cause::UpstreamStatus);
        match self.rpc {
            Rpc::Told(status, _) => by_upstream && status != GrpcStatus::Unimplemented,
            Rpc::Untold | Rpc::No => false,
        }
    }
}

/// Bytes of a name that is told.
const LONGEST_METHOD: usize = 200;
