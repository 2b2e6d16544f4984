//! The access log of one worker: which exchanges are told, the line, and the buffer of lines.
//!
//! The line is one JSON object with the members of the contract in their order. A member that is
//! not known is left out rather than written as `null`, which halves a usual line; members after
//! `cause` are guichet's own additions: `detail` (the private reason in words), `would_change`
//! (the code that a reply under `normalise = "observe"` would have had), `response_mismatch` (where an
//! answer is not as its OpenAPI document says) and `grpc_status`.

mod step;

use std::io::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use http::Version;

pub use step::StepFacts;

use super::facts::{Facts, Kind, Outcome};
use super::json::{Object, member};
use super::log::Level;
use super::names::Names;
use super::ready::Ready;
use super::stamp::Stamp;
use super::writer::{BUFFER, LogHandle};
use crate::base::{Source, clock};
use crate::config::model::AccessLog;
use crate::problem::Catalogue;

/// One worker's lines on their way to the writer.
#[derive(Debug)]
pub struct Lines {
    policy: Policy,
    ready: Ready,
    stamp: Stamp,
    buffer: Vec<u8>,
    count: u64,
    /// How many lines the last tick has found.
    found: u64,
    /// Ticks that have left them.
    left: u32,
    writer: LogHandle,
}

/// Which exchanges are told.
#[derive(Debug)]
struct Policy {
    share: f64,
    errors: bool,
    slower: Option<Duration>,
}

impl Lines {
    /// Lines as `observe.access_log` wants them, with these names, handed to `writer`.
    pub fn new(config: &AccessLog, names: &Names, writer: LogHandle) -> Self {
        let policy = Policy {
            share: config.sample,
            errors: config.always_errors,
            slower: config.always_slower,
        };
        let buffer = Vec::with_capacity(BUFFER);
        let ready = Ready::new(names);
        Self { policy, ready, stamp: Stamp::new(), buffer, count: 0, found: 0, left: 0, writer }
    }

    /// Writes the line of an exchange, if it is told. Returns how many lines were dropped because
    /// the buffer was full and the writer could not take it.
    pub(super) fn append(&mut self, facts: &Facts, took: Duration, catalogue: &Catalogue) -> u64 {
        if !self.policy.tells(facts, took) {
            return 0;
        }
        let stamp = &mut self.stamp;
        let ts = |out: &mut Vec<u8>| stamp.write(ended(facts, took), out);
        let line = Object::begin(&mut self.buffer, member!("ts"), ts);
        write(line, facts, took, &self.ready, catalogue);
        self.count += 1;
        if self.buffer.len() < FULL { 0 } else { self.flush() }
    }

    /// Hands the buffer over when no line has come since the last tick, and every fifth tick: to
    /// wake the writer costs the requests of that moment most, and while they come nobody reads
    /// line by line. Returns how many lines were dropped.
    pub(super) fn tick(&mut self) -> u64 {
        if self.count > self.found && self.left < MOST_LEFT {
            self.found = self.count;
            self.left += 1;
            return 0;
        }
        self.flush()
    }

    /// Hands the buffer over. Returns how many lines were dropped.
    pub(super) fn flush(&mut self) -> u64 {
        (self.found, self.left) = (0, 0);
        let count = std::mem::take(&mut self.count);
        if count == 0 {
            return 0;
        }
        if self.writer.hand_over(&mut self.buffer, count) { 0 } else { count }
    }
}

impl Policy {
    fn tells(&self, facts: &Facts, took: Duration) -> bool {
        self.tells_of(facts.is_error(), took)
    }

    #[inline]
    fn tells_of(&self, is_error: bool, took: Duration) -> bool {
        self.share >= 1.0
            || (self.errors && is_error)
            || self.slower.is_some_and(|limit| took >= limit)
            || (self.share > 0.0 && fastrand::f64() < self.share)
    }
}

/// Ticks in a row for which lines may stay where they are.
const MOST_LEFT: u32 = 4;

/// The members of the contract, in its order.
fn write(
    mut line: Object<'_>,
    facts: &Facts,
    took: Duration,
    ready: &Ready,
    catalogue: &Catalogue,
) {
    line.word(member!("level"), level(facts).as_str());
    line.word(member!("kind"), facts.kind.as_str());
    let id = facts.request_id.value().as_bytes();
    if facts.request_id.is_uuid() {
        line.word(member!("request_id"), id);
    } else {
        line.text(member!("request_id"), id, REQUEST_ID);
    }
    if let Some(trace) = facts.trace {
        line.word(member!("trace_id"), trace.hex());
    }
    line.ready(ready.listener(facts.peer.listener));
    line.raw(member!("client_ip"), |out| write_address(facts.client_ip, out));
    if let Some(tls) = &facts.peer.tls {
        line.word(member!("tls"), tls.version);
    }
    if let Some(version) = facts.protocol {
        line.word(member!("protocol"), protocol(version));
    }
    if let Some(method) = &facts.method {
        line.text(member!("method"), method.as_str().as_bytes(), METHOD);
    }
    if let Some(host) = host(facts) {
        line.text(member!("host"), host, HOST);
    }
    if let Some(uri) = facts.uri.as_ref().filter(|uri| !uri.path().is_empty()) {
        line.text(member!("path"), uri.path().as_bytes(), PATH);
    }
    if let Some(route) = facts.route {
        line.ready(ready.route(route));
    }
    if facts.status != 0 {
        line.number(member!("status"), facts.status.into());
    }
    if let Some(code) = facts.code {
        line.word(member!("code"), catalogue.full_code_text(code));
    }
    if let Some(source) = facts.source {
        line.word(member!("origin"), source.as_str());
    }
    line.word(member!("outcome"), facts.outcome.as_str());
    if let Some(parameter) = &facts.parameter {
        line.text(member!("parameter"), parameter.as_bytes(), NAME);
    }
    if let Some((upstream, endpoint)) = facts.upstream {
        line.ready(ready.upstream(upstream, endpoint));
        line.number(member!("attempts"), facts.attempts.into());
    }
    line.flag(member!("complete"), facts.complete);
    line.millis(member!("t_total_ms"), took);
    if let Some(time) = facts.upstream_time {
        line.millis(member!("t_upstream_ms"), time);
    }
    if let Some(time) = facts.connect_time {
        line.millis(member!("t_connect_ms"), time);
    }
    line.number(member!("bytes_in"), facts.bytes_in);
    line.number(member!("bytes_out"), facts.bytes_out);
    if let Some(consumer) = &facts.consumer {
        line.text(member!("consumer"), consumer.as_bytes(), NAME);
    }
    if let Some(limit) = facts.limit {
        line.ready(ready.limit(limit));
    }
    if let Some(agent) = &facts.user_agent {
        line.text(member!("user_agent"), agent.as_bytes(), USER_AGENT);
    }
    if let Some(cause) = facts.cause {
        line.word(member!("cause"), cause.as_str());
    }
    if let Some(detail) = &facts.detail {
        line.text(member!("detail"), detail.as_bytes(), DETAIL);
    }
    if let Some(code) = facts.would_change {
        line.word(member!("would_change"), catalogue.full_code_text(code));
    }
    if let Some(found) = facts.conformance.as_ref().filter(|found| !found.is_fine()) {
        line.raw(member!("response_mismatch"), |out| found.write(out));
    }
    if let Some(status) = facts.rpc_status() {
        line.word(member!("grpc_status"), status.as_str());
    }
    line.end();
}

/// When it ended on the wall clock, in milliseconds: one look at that clock is enough for an exchange.
fn ended(facts: &Facts, took: Duration) -> u64 {
    if facts.began == 0 {
        return clock::unix_millis();
    }
    facts.began.saturating_add(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}

/// A failure that is not the client's is an error; what a client got wrong, or left, is worth a
/// warning at most.
fn level(facts: &Facts) -> Level {
    let client = facts.source == Some(Source::Client);
    match facts.outcome {
        Outcome::Aborted | Outcome::Refused => Level::Warn,
        Outcome::Failed if client => Level::Warn,
        Outcome::Failed => Level::Error,
        // An upstream's error that passes untouched (`normalise = false`) has no code, no blame.
        Outcome::Success | Outcome::Warning => match facts.status {
            500.. if !client => Level::Error,
            400.. => Level::Warn,
            _ if facts.kind == Kind::Connection => Level::Warn,
            _ => Level::Info,
        },
    }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "h2",
        Version::HTTP_11 => "http/1.1",
        Version::HTTP_10 => "http/1.0",
        Version::HTTP_3 => "h3",
        _ => "http/0.9",
    }
}

/// The host as the client wrote it, without the user and password that may stand before it.
fn host(facts: &Facts) -> Option<&[u8]> {
    let uri = facts.uri.as_ref();
    let told = facts.host.as_ref().map(|host| host.as_bytes());
    let host = told.or_else(|| Some(uri?.authority()?.as_str().as_bytes()))?;
    host.rsplit(|byte| *byte == b'@').next()
}

/// An address holds nothing to escape. IPv4 is written by hand: formatting it stood out in the profile.
fn write_address(address: IpAddr, out: &mut Vec<u8>) {
    out.push(b'"');
    match address {
        IpAddr::V4(address) => {
            let mut digits = itoa::Buffer::new();
            for (at, octet) in address.octets().into_iter().enumerate() {
                if at > 0 {
                    out.push(b'.');
                }
                out.extend_from_slice(digits.format(octet).as_bytes());
            }
        }
        IpAddr::V6(address) => {
            // Writing into a Vec cannot fail.
            let _ = write!(out, "{address}");
        }
    }
    out.push(b'"');
}

/// Bytes after which the buffer is handed over: the last line of a buffer finds its room beyond.
const FULL: usize = BUFFER - (2 << 10);

// Most bytes that a member keeps of its text: a line is bounded whatever a client sends.
const DETAIL: usize = 1 << 10;
const HOST: usize = 300;
const METHOD: usize = 32;
const NAME: usize = 256;
const PATH: usize = 2 << 10;
const REQUEST_ID: usize = 128;
const USER_AGENT: usize = 512;
