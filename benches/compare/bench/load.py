"""Load on one seat, from the CPU that the proxy does not have."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from . import parse
from .process import run
from .rows import Row
from .seat import Seat
from .tls import GROUP, SUITE

# Enough to know the pace by.
LEAST = 2000

CLIENTS = Path(__file__).resolve().parent / "clients"


class Loader:
    """The load tools, and the CPUs that are theirs."""

    def __init__(self, wrk: str, h2load: str, on: set[int]):
        self.wrk_program = wrk
        self.h2load_program = h2load
        self.on = on

    def prepare(self, row: Row, seat: Seat, seconds: int) -> Callable[[], parse.Load]:
        """Does what has to be done before, and returns the load of a row for about so many seconds."""
        match row.load:
            case "wrk":
                command = self.wrk(row, seat, seconds)
                return lambda: parse.wrk(run(command, self.on, seat.tls.client_env))
            case "h2load" | "h1load":
                command = self.h2load(row, seat, ["-n", str(self.amount(row, seat, seconds))])
                return lambda: parse.h2load(run(command, self.on))
            case "handshakes":
                command = [
                    sys.executable,
                    str(CLIENTS / "handshakes.py"),
                    str(seat.ports["tls"]),
                    row.path,
                    str(seconds),
                ]
                return lambda: parse.handshakes(run(command, self.on, seat.tls.client_env))
            case other:
                raise AssertionError(other)

    def wrk(self, row: Row, seat: Seat, seconds: int) -> list[str]:
        """As many requests as go through, from one thread."""
        script = []
        if row.post:
            file = seat.folder / "post.lua"
            file.write_text(
                f'wrk.method = "POST"\nwrk.body = string.rep("x", {row.post})\n'
                'wrk.headers["Content-Type"] = "application/octet-stream"\n'
            )
            script = ["-s", str(file)]
        return [
            self.wrk_program,
            "-t1",
            f"-c{row.connections}",
            f"-d{seconds}s",
            *(["-H", "Connection: close"] if row.closing else []),
            *script,
            seat.url(row),
        ]

    def amount(self, row: Row, seat: Seat, seconds: int) -> int:
        """How many requests take about so long. In h2load's timed mode nobody counts those that are under way at the end."""
        pilot = parse.h2load(run(self.h2load(row, seat, ["-n", str(LEAST)]), self.on))
        return max(LEAST, int(pilot.per_second * seconds))

    def h2load(self, row: Row, seat: Seat, amount: list[str]) -> list[str]:
        """h2load, with HTTP/2 only for the rows that are about it."""
        return [
            self.h2load_program, "-t1", f"-c{row.connections}", f"-m{row.streams}", *amount,
            # The name may mean ::1 first, where nobody listens.
            f"--connect-to=127.0.0.1:{seat.ports[row.port]}", f"--groups={GROUP}", f"--tls13-ciphers={SUITE}",
            *([] if row.load == "h2load" else ["--h1"]), seat.url(row),
        ]  # fmt: skip
