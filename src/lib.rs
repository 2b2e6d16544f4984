//! guichet: a reverse proxy and API gateway whose errors come out in one form.
//!
//! This page is the table of contents. `docs/architecture.md` has the reasons,
//! `tests/architecture.rs` holds the floors.
//!
//! # Floors
//!
//! A module imports only from floors below its own; neighbours do not know each other.
//!
//! | Floor | Modules | What it is for |
//! |---|---|---|
//! | F9 | [`cli`], [`admin`], [`reload`] | control: verbs of the command line, the admin listener, new configurations |
//! | F8 | [`server`] | threads and sockets |
//! | F7 | [`proxy`] | the spine: the order of the rooms that a request crosses |
//! | F6 | [`flow`] | endpoints made of calls |
//! | F5 | [`upstream`], [`gate`] | calling backends; what a request must pass |
//! | F4 | [`observe`] | the witness: records, log lines, counters |
//! | F3 | [`config`] | what the operator wrote, judged as a whole |
//! | F2 | [`outcome`], [`parameter`], [`expression`] | what an upstream's error reply means; what a parameter may look like; values with holes |
//! | F1 | [`problem`], [`route`] | the error vocabulary; the route table |
//! | F0 | [`base`] | words without opinions |
//!
//! # The journey of a request
//!
//! 1. `server::listener` accepts on this worker's own socket.
//! 2. `server::connection` looks at the first bytes, shakes hands, and knows who the peer is.
//! 3. `server::http1` has the guard read the head, once and strictly; HTTP/2 comes through hyper.
//! 4. [`proxy::Gateway::handle`] opens an exchange.
//! 5. [`gate`] lets it pass or makes a [`problem::Problem`].
//! 6. `proxy::forward` edits the head in place and calls.
//! 7. [`upstream`] chooses an endpoint, finds a connection, and brings back a head.
//! 8. `proxy::normalise` judges it, `proxy::stream` carries the body; at its end the record speaks.
//!
//! A route that a flow answers goes from 5 to [`flow`], which calls [`upstream`] for each step and
//! judges each answer; one reply comes of it all.
//!
//! # The journey of an error
//!
//! Born where the fact is known, named once by a [`problem::Cause`], carried by `?` to
//! [`proxy::Gateway::handle`], made a response in `proxy::rescue` and nowhere else, told once by
//! [`observe`] when the exchange ends. What a client gets, and when, is in
//! `docs/life-of-an-error.md`.
//!
//! # Where to add what
//!
//! | To add | Begin in |
//! |---|---|
//! | an error code | `problem/code.rs`, then a text in every file of `config/catalogue` |
//! | a cause of failure | `problem/cause.rs`, then its scenario in `tests/it/causes.rs` |
//! | a shape of errors | `problem/render` |
//! | a way in which a flow can be written wrongly | `config/check/flow` |
//! | a shape of upstream errors that is recognised | `outcome/translate.rs` |
//! | a condition on requests | a file in `gate`, and its place in the order in `gate/mod.rs` |
//! | a configuration key | `config/keys`, then `config/model` |
//! | a metric | `observe/metrics.rs` |
//! | a verb of the command line | `cli/args.rs` and a file beside it |

#![cfg_attr(test, allow(clippy::wildcard_enum_match_arm, clippy::needless_pass_by_value))]

pub mod admin;
pub mod base;
pub mod cli;
pub mod config;
pub mod expression;
pub mod flow;
pub mod gate;
pub mod observe;
pub mod outcome;
pub mod parameter;
pub mod problem;
pub mod proxy;
pub mod reload;
pub mod route;
pub mod server;
pub mod upstream;
