//! guichet on real sockets: one file per behaviour, one rig for all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    dead_code,
    reason = "a test binary; the rig is wider than today's tests"
)]

mod admin;
mod auth;
mod auth_asked;
mod bodies;
mod causes;
mod compress;
mod cors;
mod drain;
mod failing;
mod flows;
mod generations;
mod graphql;
mod graphql_corpus;
mod graphql_replies;
mod graphql_rules;
mod graphql_sockets;
mod graphql_streams;
mod grpc;
mod grpc_elsewhere;
mod grpc_errors;
mod grpc_passes;
mod grpc_refusals;
mod grpc_resets;
mod grpc_verdicts;
mod grpc_web;
mod headers;
mod hostile_fields;
mod hostile_http2;
mod http2;
mod late_failure;
mod leftovers;
mod limits;
mod local_errors;
mod maintenance;
mod matrix;
mod memory;
mod negotiation;
mod openapi;
mod openapi_responses;
mod overload;
mod params;
mod parse_errors;
mod plain;
mod proxy_protocol;
mod rate_limits;
mod rig;
mod shared_callers;
mod shared_limits;
mod silence;
mod slow_uploads;
mod streaming;
mod tls;
mod tls_handshakes;
mod tls_renewal;
mod translate;
mod upgrade;
mod upstream_errors;
