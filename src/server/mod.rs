//! F8: threads and sockets.
mod connection;
mod drain;
mod listener;
mod prefixed;
mod proxy_protocol;
mod shared;
mod tls;
mod worker;

pub use shared::{Phase, Shared};
