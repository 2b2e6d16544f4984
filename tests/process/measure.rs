//! What a process uses, as the system and the metrics page tell it.

use std::fs;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::rig::client;
use crate::rig::eventually;

/// Waits for this test's turn; the next one begins when the guard is dropped.
pub fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Open descriptors of this process.
pub fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Bytes of this process in memory.
pub fn resident() -> usize {
    resident_of(std::process::id())
}

/// Bytes of a process in memory.
pub fn resident_of(pid: u32) -> usize {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// CPU time of a process so far, to 10 ms.
pub fn cpu(pid: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name may hold anything; user and system time are the 14th and 15th field of all.
    let (_, rest) = text.rsplit_once(") ").unwrap();
    let ticks = rest.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// Waits until a process does next to nothing: one that spins never comes to that.
#[track_caller]
pub fn comes_to_rest(pid: u32, what: &str) {
    eventually(what, || (share_of_a_core(pid) < 0.1).then_some(()));
}

/// How much of a core a process takes just now.
pub fn share_of_a_core(pid: u32) -> f64 {
    let (start, before) = (Instant::now(), cpu(pid));
    // Time is what is measured here; nothing is waited for.
    thread::sleep(Duration::from_millis(300));
    (cpu(pid) - before).as_secs_f64() / start.elapsed().as_secs_f64()
}

/// The sum of all samples of a gauge on the metrics page.
pub fn gauge(admin: SocketAddr, name: &str) -> f64 {
    let page = client::ask(admin, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").text();
    let begins = format!("{name}{{");
    let samples = page.lines().filter(|line| line.starts_with(&begins));
    samples.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
}

static TURN: Mutex<()> = Mutex::new(());
