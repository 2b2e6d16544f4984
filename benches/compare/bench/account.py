"""CPU time and memory of a process with all its threads and children, from /proc.

`schedstat` counts nanoseconds on a CPU; `utime` and `stime` count ticks, and are used only to tell
how the time divides between user space and the kernel. Threads that end take their `schedstat` with
them; the proxies here keep theirs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class CpuTime:
    """Seconds on a CPU: all of it by the scheduler's account, and the two parts by ticks."""

    total: float
    user: float
    system: float

    def since(self, before: CpuTime) -> CpuTime:
        """What was used between two looks."""
        return CpuTime(
            self.total - before.total, self.user - before.user, self.system - before.system
        )


@dataclass(frozen=True)
class Memory:
    """MiB. PSS divides shared pages among those who share them, so it may be added up."""

    rss: float
    pss: float


def fields_of_stat(text: str) -> list[str]:
    """The fields of /proc/PID/stat from the third on; a name in brackets may hold blanks and brackets."""
    return text.rpartition(")")[2].split()


def tree(root: int) -> list[int]:
    """The process and everything that descends from it."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                parent = int(fields_of_stat((entry / "stat").read_text())[1])
            except OSError:
                continue  # It ended while we looked.
            children.setdefault(parent, []).append(int(entry.name))
    found, open_ = [], [root]
    while open_:
        pid = open_.pop()
        found.append(pid)
        open_.extend(children.get(pid, ()))
    return found


def cpu_time(pids: list[int]) -> CpuTime:
    """CPU time of these processes until now."""
    nanoseconds = user = system = 0
    for pid in pids:
        for thread in (PROC / str(pid) / "task").iterdir():
            try:
                nanoseconds += int((thread / "schedstat").read_text().split()[0])
            except FileNotFoundError:
                if not Path("/proc/self/schedstat").exists():
                    raise OSError(
                        "this kernel has no /proc/PID/schedstat (CONFIG_SCHED_INFO)"
                    ) from None
            except ProcessLookupError:
                continue
        fields = fields_of_stat((PROC / str(pid) / "stat").read_text())
        user += int(fields[11])
        system += int(fields[12])
    return CpuTime(nanoseconds / 1e9, user / TICK, system / TICK)


def memory(pids: list[int]) -> Memory:
    """Resident memory of these processes."""
    rss = pss = 0
    for pid in pids:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                rss += int(line.split()[1])
            elif line.startswith("Pss:"):
                pss += int(line.split()[1])
    return Memory(rss / 1024, pss / 1024)
