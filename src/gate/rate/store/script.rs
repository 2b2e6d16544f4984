//! What runs in the store: GCRA on one number for each caller, by the store's own clock, so that
//! clocks of gateways may differ. One script, so that nobody comes between reading and writing.
//!
//! The number is the time at which all that was taken is back, in microseconds since a moment in
//! 2023: so early that a number of Lua, which has 53 bits, still tells hundredths of them. It is written
//! with three places because Lua's own way of writing numbers would round it to seconds. A number that
//! lies beyond the whole quota (another clock, a smaller burst since) is taken for a quota that is
//! used up. A key expires when its quota is whole, so the store remembers who has taken something,
//! and nobody else. Works since Redis 5 and on every Valkey.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Script};

/// What a store is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Question {
    /// Microseconds in which one comes back.
    pub(super) each: f64,
    /// How many there are.
    pub(super) burst: u32,
    /// How many to take, as far as they are there.
    pub(super) want: u32,
    /// How many to put back first.
    pub(super) unused: u32,
}

/// What it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// How many were taken.
    pub(super) given: u32,
    /// The time until all is back.
    pub(super) owed: Duration,
}

/// Asks. The connection bounds the time.
///
/// # Errors
/// No answer in time, or none that is one.
pub(super) async fn ask(
    script: &Script,
    connection: &mut MultiplexedConnection,
    key: &str,
    question: Question,
) -> RedisResult<Answer> {
    let Question { each, burst, want, unused } = question;
    let mut call = script.prepare_invoke();
    call.key(key).arg(each).arg(burst).arg(want).arg(unused);
    let (given, owed): (u32, u64) = call.invoke_async(connection).await?;
    Ok(Answer { given, owed: Duration::from_micros(owed) })
}

/// The text of it.
pub(super) fn script() -> Script {
    Script::new(GCRA)
}

const GCRA: &str = r"
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local want, unused = tonumber(ARGV[3]), tonumber(ARGV[4])
local whole = each * burst
local time = redis.call('TIME')
local now = (tonumber(time[1]) - 1700000000) * 1000000 + tonumber(time[2])
local back = tonumber(redis.call('GET', KEYS[1]) or now) or now
back = math.max(now, math.min(back, now + whole) - unused * each)
local given = math.max(0, math.min(want, math.floor((now + whole - back) / each + 0.001)))
back = back + given * each
local owed = math.ceil(back - now)
if owed <= 0 then
  redis.call('DEL', KEYS[1])
elseif given > 0 or unused > 0 then
  redis.call('SET', KEYS[1], string.format('%.3f', back), 'PX', math.ceil(owed / 1000))
end
return { given, owed }
";
