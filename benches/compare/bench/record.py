"""A run as JSON: everything that tables, charts and the page are made from, every round included."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from .measure.turns import Result
from .options import Options
from .peers import PEERS
from .peers.guichet import CLONE

RUNS = CLONE / "benches" / "runs"


def machine() -> dict:
    """What the figures were taken on."""
    cpu = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    return {
        "cpu": cpu,
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_average": os.getloadavg()[0],
    }


def commit() -> str:
    """The commit of this clone, marked where files differ from it; of a binary from elsewhere nobody knows."""
    if os.environ.get("GUICHET"):
        return "unknown (the binary was named)"
    asked = ["git", "-C", str(CLONE), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(asked, capture_output=True, text=True).stdout.strip() or "unknown"
    except OSError:
        return "unknown"


def begin(
    options: Options, present: dict[str, str], absent: dict[str, str], tools: dict[str, str]
) -> dict:
    """A record without rows."""
    return {
        "format": 1,
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": commit(),
        "quick": options.quick,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "machine": machine(),
        "tools": tools,
        "peers": [
            {
                "key": peer.key,
                "title": peer.title,
                "version": present.get(peer.key),
                "absent": absent.get(peer.key),
                "floor": peer.bare,
            }
            for peer in PEERS
            if peer.key in present or peer.key in absent
        ],
        "handshakes": {},
        "rows": [],
    }


def add(record: dict, result: Result) -> None:
    """One more row."""
    record["rows"].append(
        {
            "key": result.row.key,
            "title": result.row.title,
            "kind": result.row.kind,
            "note": result.note,
            "rounds": result.rounds,
            "failed": result.failed,
            "lacks": result.lacks,
        }
    )


def place(folder: Path, date: str, ending: str = ".json") -> Path:
    """A file named after the day that is not there yet."""
    day = date[:10]
    path, number = folder / f"{day}{ending}", 2
    while path.exists():
        path, number = folder / f"{day}-{number}{ending}", number + 1
    return path


def write(record: dict, folder: Path) -> Path:
    """Writes the record into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = place(folder, record["date"])
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return path


def read(path: Path) -> dict:
    """A record that was written."""
    record = json.loads(path.read_text())
    if record.get("format") != 1:
        raise ValueError(f"{path}: not a run of the compare bench")
    return record


def latest(folder: Path = RUNS) -> Path | None:
    """The record that was written last."""
    dated = [(json.loads(path.read_text()).get("date", ""), path) for path in folder.glob("*.json")]
    return max(dated)[1] if dated else None
