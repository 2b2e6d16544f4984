"""What the bench has to know of a proxy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """How a peer is started."""

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)


class Peer:
    """A proxy. Subclasses say how it is found and started, and what it cannot do."""

    key: str
    title: str
    # A required peer that is missing ends the run; another is left out, and the table says so.
    required = False
    # Where the access log is what the process prints.
    logs_to_stdout = False
    # Knows nothing of HTTP: adds no field and writes no log.
    bare = False
    # Row by row, why it has no figure.
    lacks: dict[str, str] = {}
    # How to get it.
    fix: str

    def binary(self) -> str | None:
        """Its program, or None where it is not on this machine."""
        raise NotImplementedError

    def version(self, binary: str) -> str:
        """What it calls itself."""
        raise NotImplementedError

    def command(self, seat):
        """Writes its files into the seat's folder; how it is started."""
        raise NotImplementedError


def found(name: str, variable: str, *venv_paths: str) -> str | None:
    """A program by the variable that names it, on PATH, in COMPARE_VENV, or where root's programs are."""
    if given := os.environ.get(variable):
        return shutil.which(given)
    if venv := os.environ.get("COMPARE_VENV"):
        for pattern in (*venv_paths, f"bin/{name}"):
            for program in sorted(Path(venv).glob(pattern)):
                if os.access(program, os.X_OK):
                    return str(program)
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")


def says(binary: str, *arguments: str, pattern: str) -> str:
    """The version in what a program prints."""
    done = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=30)
    match = re.search(pattern, done.stdout + done.stderr)
    return match.group(1) if match else "unknown"
