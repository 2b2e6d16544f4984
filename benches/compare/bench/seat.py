"""A proxy in its seat: its own folder, three ports, its processes."""

from __future__ import annotations

import os
from pathlib import Path

from . import account
from .peers.peer import Command, Peer
from .process import Failure, end, free_port, spawn, tail
from .tls import Tls
from .wait import answering


class Seat:
    """One peer, configured for `workers` workers before the origin."""

    def __init__(
        self, peer: Peer, binary: str, folder: Path, origin: int, tls: Tls, workers: int = 1
    ):
        self.peer = peer
        self.binary = binary
        self.folder = folder
        self.origin = origin
        self.tls = tls
        self.workers = workers
        self.ports = {name: free_port() for name in ("plain", "tls", "refuse")}
        self.process = None
        self.pids: list[int] = []

    @property
    def log(self) -> Path:
        """Where its access log goes, one line a request."""
        return self.folder / "access.log"

    @property
    def said(self) -> Path:
        """What it says beside the access log."""
        return self.folder / "said"

    def url(self, row) -> str:
        """Where a row sends its requests. By name: clients put no address into SNI, and Sōzu answers none without it."""
        return f"{'https' if row.secure else 'http'}://localhost:{self.ports[row.port]}{row.path}"

    def start(self, on: set[int]) -> None:
        """Writes its files, starts it, and waits for the first answer that came from the origin."""
        self.launch(on, self.command())
        if not answering(self.ports["plain"], "/o/small", lambda: self.process.poll() is None):
            said = tail(self.said) or tail(self.log)
            self.stop()
            raise Failure(f"{self.peer.title} does not answer:\n{said}")
        self.pids = account.tree(self.process.pid)

    def command(self) -> Command:
        """Lays out its folder and says how it is started."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.peer.command(self)

    def launch(self, on: set[int], command: Command) -> None:
        """Starts it without waiting."""
        output = self.log if self.peer.logs_to_stdout else self.said
        self.process = spawn(command.argv, on, output, command.env, self.folder)

    def stop(self) -> None:
        """Ends it."""
        end(self.process)
        self.process = None

    def cpu_time(self) -> account.CpuTime:
        """CPU time of all its processes until now; a failure where it is gone."""
        if self.process is None or self.process.poll() is not None:
            raise Failure(f"{self.peer.title} has ended:\n{tail(self.said)}")
        return account.cpu_time(self.pids)

    def memory(self) -> account.Memory:
        """Memory of all its processes."""
        return account.memory(account.tree(self.process.pid))

    def empty_log(self) -> int:
        """Cuts the access log to nothing, so that long runs fill no disk; how many bytes stood in it."""
        try:
            length = self.log.stat()
            os.truncate(self.log, 0)
        except FileNotFoundError:
            return 0
        # A writer that does not append (HAProxy) goes on where it was: what was cut is a hole then.
        return min(length.st_size, length.st_blocks * 512)
