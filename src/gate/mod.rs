//! F5: what a request must pass before anything is done for it.
//!
//! Gates are plain functions in a fixed order, and the order has reasons:
//! 1. what the guard refused, connections that are one too many, and everything while memory is
//!    short: nothing else is looked at;
//! 2. `entry`: plain HTTP is refused before anything that reads secrets;
//! 3. `message`: the head itself, where HTTP/2 has no guard, and the bounds that both share;
//! 4. `target`: host, path and route; per-route gates need to know it;
//!    `cors` answers here what a browser asks before its request, and refuses nothing;
//! 5. `maintenance`: what is not served for a while, to whomever;
//! 6. the size of the body, where the head tells it;
//! 7. `rate`: how often the route, or whoever asks, may be served. Before `auth`, so that guessing is
//!    limited, too;
//! 8. `auth`: who the caller is, and then the rates that count by that;
//! 9. `params`: what the route knows of path, query, headers and cookies. Strangers are told nothing
//!    of it;
//! 10. `overload`: whether there is room for it now;
//! 11. `body`: what stands in the body, where the route declares that, and `graphql`: what an operation
//!     asks for. Last, because it has to be read first, which takes room.
//!
//! Four may wait, each for a bounded moment: `overload` for room, `rate` for the answer of a store
//! where a limit is shared by replicas, `auth` for who has to be asked, and `body` (`graphql` likewise)
//! for its bytes.
//!
//! A gate answers with a [`Problem`](crate::problem::Problem); it never builds a reply.

mod auth;
mod body;
mod cors;
mod entry;
mod fields;
mod graphql;
mod maintenance;
mod memory;
mod message;
mod overload;
mod params;
mod rate;
mod target;

pub use auth::{
    Call, Callers, Decision, IDENTITY_FIELDS, Identity, Inquiry, Judgement, KeySource, Policies,
    Shown, is_identity_field,
};
pub use body::{Media, judge_body, media};
pub use cors::{Preflight, Shared, preflight, share};
pub use entry::{Entry, effective_scheme, entry};
pub use fields::{Fields, Seen};
pub use graphql::{Carrier, carrier, judge_operations, judge_query};
pub use maintenance::{Maintenance, Switch, Switches};
pub use memory::{Memory, Pressure, turn_away};
pub use message::check_head;
pub use overload::{Admission, Admitted, Overload, Refused};
pub use params::{Absent, parameters, refusal};
pub use rate::{Caller, Decided, Passing, Rates, Standing, Stores};
pub use target::{Asked, Found, ask, check_length, find, or_method, without_port};
