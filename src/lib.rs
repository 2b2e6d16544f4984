//! guichet: a reverse proxy and API gateway whose errors come out in one form.
//!
//! # Floors
//! A module imports only from floors below its own; `tests/architecture.rs` holds that.
//!
//! | floor | modules | |
//! |---|---|---|
//! | F9 control | [`cli`], [`admin`] | commands, health and metrics |
//! | F8 server | [`server`] | threads, sockets, TLS, the guard before HTTP/1 |
//! | F7 spine | [`proxy`] | orders the rooms of a request; the one exit of errors |
//! | F5 | [`gate`] · [`upstream`] | what a request must pass · the hand that calls backends |
//! | F4 witness | [`observe`] | records, access log, counters |
//! | F3 intent | [`config`] | `guichet.toml`: read, checked, told |
//! | F2 judgement | [`outcome`] | what an upstream says, turned into the vocabulary |
//! | F1 | [`problem`] · [`route`] | the error vocabulary · host, path and method to a route |
//! | F0 words | [`base`] | ids, quantities, the clock, bodies |
//!
//! # The journey of a request
//! `server::listener` accepts, `server::connection` settles TLS and the protocol, the guard reads
//! head and framing once. `proxy::Gateway::handle` opens an exchange; the gates pass it or refuse;
//! `proxy` forwards it; `upstream` chooses an endpoint, takes a kept connection or opens one, sends
//! and waits. `proxy` judges the head of the answer, nearly always "pass", and `proxy::Watched`
//! carries the body and lets the record speak when it drops.
//!
//! # The journey of an error
//! Born where the fact is known: a gate makes a [`problem::Problem`], `upstream` an
//! [`upstream::UpstreamError`], the guard a fault. Named once, when it leaves its floor: every
//! [`problem::Cause`] has exactly one code. Carried by `?`. Rescued in one place, which renders it.
//! Witnessed once, by the record.
//!
//! # Where to add what
//! - a code: `problem/code.rs`, `config/catalogue/{en,fr}.toml`, CHANGELOG.md
//! - a cause: `problem/cause.rs`; `tests/it/causes.rs` does not compile until it is provoked
//! - a key: `config/keys/`, then `config/check/` and `config/model/`
//! - a gate: `gate/`, called in order by `proxy/attempt.rs`
//! - a shape of errors: `problem/render/`
//! - a metric: `observe/metrics.rs`

#![cfg_attr(test, allow(clippy::wildcard_enum_match_arm, clippy::needless_pass_by_value))]

pub mod admin;
pub mod base;
pub mod cli;
pub mod config;
pub mod gate;
pub mod observe;
pub mod outcome;
pub mod problem;
pub mod proxy;
pub mod route;
pub mod server;
pub mod upstream;
