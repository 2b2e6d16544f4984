"""Processes that are started on chosen CPUs, and ended."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
from pathlib import Path


class Failure(Exception):
    """What ends a cell or a run, in words for whoever started it."""


class Unable(Failure):
    """A peer does what it can, and it is not enough for this row: no figure, and no fault of the run."""


def cpus() -> tuple[set[int], set[int]]:
    """One CPU for the proxy and one for load and origin; the others are left alone."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise Failure("two CPUs are needed: one for the proxy, one for load and origin")
    return {usable[0]}, {usable[1]}


def spawn(
    argv: list[str],
    on: set[int],
    output: Path,
    env: dict[str, str] | None = None,
    folder: Path | None = None,
    **more,
) -> subprocess.Popen:
    """Starts a process group on these CPUs. What it says is appended to `output`, so that the file can be emptied."""
    with open(output, "ab") as sink:
        return subprocess.Popen(
            argv,
            stdin=more.pop("stdin", subprocess.DEVNULL),
            stdout=more.pop("stdout", sink),
            stderr=sink,
            cwd=folder,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, on),
            **more,
        )


def run(
    argv: list[str], on: set[int], env: dict[str, str] | None = None, timeout: float = 300
) -> str:
    """Runs to the end on these CPUs; what it printed, or a failure with what it said."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**os.environ, **(env or {})},
            preexec_fn=lambda: os.sched_setaffinity(0, on),
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"{argv[0]} does not end within {timeout:g} s") from None
    if done.returncode != 0:
        raise Failure(f"{argv[0]} ended with {done.returncode}: {done.stdout.strip()[-600:]}")
    return done.stdout


def end(process: subprocess.Popen | None) -> None:
    """Ends a process group that `spawn` started: asked first, then killed."""
    if process is None:
        return
    for word, patience in ((signal.SIGTERM, 2), (signal.SIGKILL, 10)):
        try:
            # The group was made by `spawn` and has the number of its first process.
            os.killpg(process.pid, word)
        except ProcessLookupError:
            break
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        # Its children may outlive it by a moment; the second signal is for them.
    if process.poll() is None:
        process.wait(10)


def tail(path: Path, lines: int = 15) -> str:
    """The end of what a process said, for a failure's text."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def files() -> int:
    """How many descriptors a process here may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def most_connections() -> int:
    """How many clients a proxy may have that keeps a second descriptor for each, and a few for itself."""
    return files() // 2 - 20
