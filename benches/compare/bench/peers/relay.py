"""A relay of bytes that knows no HTTP: what moving them costs at the very least on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .. import rows
from .peer import Command, Peer

SOURCE = Path(__file__).resolve().parents[2] / "peers" / "relay" / "relay.c"
FLOOR_OF = ("small", "1m", "post", "error-asis", "latency")


class Relay(Peer):
    key = "relay"
    title = "relay (floor)"
    bare = True
    fix = "apt-get install gcc libc6-dev (cc builds it)"
    lacks = {row.key: "the relay knows no HTTP" for row in rows.ROWS if row.key not in FLOOR_OF}

    def __init__(self) -> None:
        self.built: tempfile.TemporaryDirectory | None = None

    def binary(self) -> str | None:
        cc = shutil.which(os.environ.get("CC", "cc"))
        if cc is None:
            return None
        self.built = self.built or tempfile.TemporaryDirectory(prefix="relay-")
        program = Path(self.built.name) / "relay"
        done = subprocess.run([cc, "-O2", "-o", str(program), str(SOURCE)], capture_output=True)
        return str(program) if done.returncode == 0 else None

    def version(self, binary: str) -> str:
        return "epoll"

    def command(self, seat):
        return Command([seat.binary, str(seat.ports["plain"]), str(seat.origin)])
