//! What docs/performance.md promises of the fast path, held on whole exchanges: HTTP from a client's
//! socket to an origin's and back, through everything between, on one thread.
//!
//! `rig` puts a gateway between two sockets; `copies` follows the bytes of bodies by their
//! addresses; `allocations` counts what a small exchange takes from the heap.

mod allocations;
mod copies;
mod rig;
