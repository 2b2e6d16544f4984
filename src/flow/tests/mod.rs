//! Flows without sockets: who makes the calls is a script, and time stands still.

mod deadlines;
mod rig;
mod ways;
