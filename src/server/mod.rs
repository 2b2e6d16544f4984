//! F8: threads and sockets.
mod closing;
mod connection;
mod drain;
mod executor;
mod guard;
mod listener;
mod prefixed;
mod proxy_protocol;
mod shared;
mod tls;
mod tunnel;
mod worker;

pub use shared::{Phase, Shared};
