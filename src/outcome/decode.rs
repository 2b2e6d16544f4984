//! Stub: error bodies that are content-encoded.
