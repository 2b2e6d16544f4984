//! What the system says of this process: `/proc/self`, read when the metrics page is asked for.

use std::fs;

/// The figures of `process_*`; what cannot be read is left out.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Process {
    pub(super) cpu_seconds: Option<f64>,
    pub(super) start_time_seconds: Option<f64>,
    pub(super) virtual_bytes: Option<u64>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) open_fds: Option<u64>,
    pub(super) max_fds: Option<u64>,
}

impl Process {
    /// Reads the figures of this process.
    pub(super) fn read() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let booted = fs::read_to_string("/proc/stat").unwrap_or_default();
        // One of them is the directory that is being read.
        let open_fds =
            fs::read_dir("/proc/self/fd").map(|them| them.count().saturating_sub(1) as u64);
        Self { open_fds: open_fds.ok(), ..Self::parse(&stat, &status, &limits, &booted) }
    }

    fn parse(stat: &str, status: &str, limits: &str, booted: &str) -> Self {
        Self {
            cpu_seconds: ticks(stat, UTIME).zip(ticks(stat, STIME)).map(|(u, s)| (u + s) / TICKS),
            start_time_seconds: ticks(stat, START)
                .zip(after(booted, "btime ").and_then(|word| word.parse::<f64>().ok()))
                .map(|(start, booted)| booted + start / TICKS),
            virtual_bytes: kib(status, "VmSize:"),
            resident_bytes: kib(status, "VmRSS:"),
            open_fds: None,
            max_fds: after(limits, "Max open files").and_then(|word| word.parse().ok()),
        }
    }
}

/// A field of `/proc/self/stat` by its number in proc(5). The name in parentheses may hold spaces
/// and parentheses of its own, so counting starts after the last one.
fn ticks(stat: &str, field: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(field - 3)?.parse().ok()
}

/// The first word after `label`, at the start of a line.
fn after<'t>(text: &'t str, label: &str) -> Option<&'t str> {
    let rest = text.lines().find_map(|line| line.strip_prefix(label))?;
    rest.split_ascii_whitespace().next()
}

fn kib(status: &str, label: &str) -> Option<u64> {
    after(status, label)?.parse::<u64>().ok()?.checked_mul(1 << 10)
}

const UTIME: usize = 14;
const STIME: usize = 15;
const START: usize = 22;
/// Ticks a second: the kernel's fixed `USER_HZ`, whatever its own clock.
const TICKS: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_proc_5_describes() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 300 0 0 0 250 125 0 0 20 0 5 0 1000 9 9";
        let status = "Name:\tguichet\nVmSize:\t  2048 kB\nVmRSS:\t    1024 kB\n";
        let limits = "Limit            Soft Limit  Hard Limit  Units\n\
                      Max open files   1024        524288      files\n";
        let process = Process::parse(stat, status, limits, "cpu 1 2\nbtime 1700000000\n");
        let expected = Process {
            cpu_seconds: Some(3.75),
            start_time_seconds: Some(1_700_000_010.0),
            virtual_bytes: Some(2 << 20),
            resident_bytes: Some(1 << 20),
            open_fds: None,
            max_fds: Some(1024),
        };
        assert_eq!(process, expected);
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        assert_eq!(Process::parse("", "", "", ""), Process::default());
        assert_eq!(Process::parse("1 (x", "VmRSS:", "Max open files unlimited", "btime"), {
            Process::default()
        });
    }

    #[test]
    fn this_process_has_figures() {
        let process = Process::read();
        assert!(process.resident_bytes.unwrap() > 1 << 20);
        assert!(process.open_fds.unwrap() >= 3);
        assert!(process.start_time_seconds.unwrap() > 1.6e9);
    }
}
