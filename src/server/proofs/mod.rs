//! What docs/performance.md promises of the fast path, held on whole exchanges: HTTP from a client's
//! socket to an origin's and back, through everything between, on one thread.
//!
//! `stage` puts a gateway between two sockets; `copies` follows the bytes of bodies by their
//! addresses.

mod copies;
mod stage;
