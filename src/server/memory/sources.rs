//! Where the system says how much memory there is, and how much is taken: the cgroups that hold this
//! process, version 2 or 1, and the process itself.
//!
//! A cgroup's figures count whatever is charged to it, the kernel's buffers of sockets and other
//! processes included, which is what decides whether somebody is killed; the cache of files is not
//! counted, because the kernel takes that back first. Each file is opened once and read again from
//! its beginning: when descriptors have run out it can still be read.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Everything that bounds this process.
#[derive(Debug)]
pub(super) struct Sources {
    groups: Vec<Group>,
    status: Option<File>,
    /// The machine's memory.
    machine: Option<u64>,
}

/// What is taken, and of how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    taken: u64,
    budget: u64,
    of: &'static str,
}

/// One cgroup: this process's, or one around it.
#[derive(Debug)]
struct Group {
    limits: Vec<File>,
    usage: File,
    stat: Option<File>,
    /// Lines of `stat` that tell of the cache.
    cache: [&'static str; 2],
}

impl Sources {
    /// What holds this process.
    pub(super) fn of_this_process() -> Self {
        let said = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let machine = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        Self {
            groups: groups(Path::new("/sys/fs/cgroup"), &said),
            status: File::open("/proc/self/status").ok(),
            machine: kib(&machine, "MemTotal:"),
        }
    }

    /// A cgroup in a folder, and nothing else.
    #[cfg(test)]
    pub(super) fn of_one_cgroup(folder: &Path) -> Self {
        Self { groups: groups(folder, "0::/"), status: None, machine: None }
    }

    /// The reading that is nearest to its budget; `own` bounds what is resident.
    pub(super) fn read(&self, own: Option<u64>) -> Option<Reading> {
        let resident = || kib(&again(self.status.as_ref()?)?, "VmRSS:");
        let (budget, of) = match own {
            Some(own) => (Some(own), "limits.memory"),
            None => (self.machine, "the machine"),
        };
        let process = budget.and_then(|budget| Some(Reading { taken: resident()?, budget, of }));
        let groups = self.groups.iter().filter_map(Group::read);
        groups.chain(process).max_by(|one, other| one.share().total_cmp(&other.share()))
    }
}

impl Reading {
    /// How much of the budget is taken.
    #[allow(clippy::cast_precision_loss, reason = "a share needs no more")]
    pub(super) fn share(&self) -> f64 {
        self.taken as f64 / self.budget.max(1) as f64
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (taken, budget) = (self.taken >> 20, self.budget >> 20);
        write!(f, "{taken} of the {budget} MiB of {}", self.of)
    }
}

impl Group {
    fn open(folder: &Path, version: Version) -> Option<Self> {
        let open = |name: &&str| File::open(folder.join(name)).ok();
        let (limits, usage, cache): (&[&str], _, _) = match version {
            Version::Two => (
                &["memory.max", "memory.high"],
                "memory.current",
                ["inactive_file ", "active_file "],
            ),
            Version::One => (
                &["memory.limit_in_bytes"],
                "memory.usage_in_bytes",
                ["total_inactive_file ", "total_active_file "],
            ),
        };
        let limits = limits.iter().filter_map(open).collect();
        Some(Self { limits, usage: open(&usage)?, stat: open(&"memory.stat"), cache })
    }

    /// None where it bounds nothing.
    fn read(&self) -> Option<Reading> {
        let limit = |file| again(file)?.trim().parse::<u64>().ok();
        // Version 1 has a number for "no limit", which is larger than any memory.
        let budget =
            self.limits.iter().filter_map(limit).filter(|bytes| *bytes < BOUNDLESS).min()?;
        let usage = again(&self.usage)?.trim().parse::<u64>().ok()?;
        let reading = |taken| Some(Reading { taken, budget, of: "the cgroup" });
        // The kernel takes a while for this file, and far from the budget nobody needs it.
        if usage < budget / 2 {
            return reading(usage);
        }
        let stat = self.stat.as_ref().and_then(again).unwrap_or_default();
        let cache: u64 = self.cache.iter().filter_map(|label| after(&stat, label)).sum();
        reading(usage.saturating_sub(cache))
    }
}

#[derive(Clone, Copy)]
enum Version {
    One,
    Two,
}

/// The cgroups that bound memory, from the process's own outwards. `said` is `/proc/self/cgroup`.
fn groups(mount: &Path, said: &str) -> Vec<Group> {
    let mut groups = Vec::new();
    for line in said.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let (root, version) = match controllers {
            "" => (mount.to_owned(), Version::Two),
            _ if controllers.split(',').any(|name| name == "memory") => {
                (mount.join("memory"), Version::One)
            }
            _ => continue,
        };
        // In a container the path may be the host's, and what is mounted the container's own.
        let own = root.join(path.trim_start_matches('/'));
        let outwards = own.ancestors().take_while(|folder| folder.starts_with(&root));
        groups.extend(outwards.filter_map(|folder| Group::open(folder, version)));
    }
    groups
}

/// The whole of a small file of the kernel's, from its beginning.
fn again(file: &File) -> Option<String> {
    let mut text = vec![0; PAGE];
    let mut length = 0;
    loop {
        let room = text.get_mut(length..).filter(|room| !room.is_empty())?;
        match file.read_at(room, length as u64).ok()? {
            0 => break,
            count => length += count,
        }
    }
    text.truncate(length);
    String::from_utf8(text).ok()
}

fn kib(text: &str, label: &str) -> Option<u64> {
    after(text, label)?.checked_mul(1 << 10)
}

/// The number after `label` at the start of a line.
fn after(text: &str, label: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(label))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

/// Longer than any of the files.
const PAGE: usize = 16 << 10;
const BOUNDLESS: u64 = 1 << 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(folder).unwrap();
        files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
    }

    fn nearest(groups: &[Group]) -> Option<(u64, u64)> {
        let readings = groups.iter().filter_map(Group::read);
        let nearest = readings.max_by(|one, other| one.share().total_cmp(&other.share()));
        nearest.map(|reading| (reading.taken, reading.budget))
    }

    #[test]
    fn of_several_cgroups_the_one_nearest_to_its_limit_counts_without_the_cache() {
        let mount = tempfile::tempdir().unwrap();
        let (outer, inner) = (mount.path().join("pod"), mount.path().join("pod/box"));
        write(&outer, &[("memory.max", "1000\n"), ("memory.high", "max\n")]);
        let stat = "anon 500\ninactive_file 150\nactive_file 50\n";
        write(&outer, &[("memory.current", "900\n"), ("memory.stat", stat)]);
        write(&inner, &[("memory.max", "max\n"), ("memory.high", "800\n")]);
        write(&inner, &[("memory.current", "300\n"), ("memory.stat", "")]);
        let groups = groups(mount.path(), "0::/pod/box\n1:name=systemd:/\n");
        assert_eq!(nearest(&groups), Some((700, 1000)));
        // What is written later is read from the same files.
        write(&inner, &[("memory.current", "760\n")]);
        assert_eq!(nearest(&groups), Some((760, 800)));
        write(&inner, &[("memory.high", "max\n")]);
        write(&outer, &[("memory.max", "max\n")]);
        assert_eq!(nearest(&groups), None, "no limit is no budget");
    }

    #[test]
    fn version_1_is_read_and_a_path_of_the_hosts_means_what_is_mounted() {
        let mount = tempfile::tempdir().unwrap();
        let stat = "inactive_file 1\ntotal_inactive_file 100\ntotal_active_file 20\n";
        write(
            &mount.path().join("memory"),
            &[
                ("memory.limit_in_bytes", "500\n"),
                ("memory.usage_in_bytes", "400\n"),
                ("memory.stat", stat),
            ],
        );
        let said = "4:cpu,memory:/docker/0123\n2:cpu:/docker/0123\n0::/\n";
        let groups = groups(mount.path(), said);
        assert_eq!(nearest(&groups), Some((280, 500)));
        write(&mount.path().join("memory"), &[("memory.limit_in_bytes", "9223372036854771712")]);
        assert_eq!(nearest(&groups), None);
    }

    #[test]
    fn this_process_can_be_measured_against_a_budget_of_its_own() {
        let sources = Sources::of_this_process();
        let reading = sources.read(Some(1 << 20)).unwrap();
        assert!(reading.share() > 1.0 && reading.of == "limits.memory", "{reading}");
        let whole = sources.read(None).unwrap();
        assert!((0.0..1.0).contains(&whole.share()), "{whole}");
        assert_eq!(reading.to_string().split_once(" of ").unwrap().1, "the 1 MiB of limits.memory");
    }
}
