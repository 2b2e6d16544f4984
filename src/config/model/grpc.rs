//! `[route.grpc]`.

/// What a gRPC route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrpcRule {
    /// Bytes that a message of a client may have.
    pub message: u64,
}
