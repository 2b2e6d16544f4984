//! guichet: a reverse proxy and API gateway whose errors come out in one form.

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
