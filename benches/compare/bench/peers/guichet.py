"""guichet, the release build of this clone."""

from __future__ import annotations

import os
from pathlib import Path

from .peer import Command, Peer, says

CLONE = Path(__file__).resolve().parents[4]


class Guichet(Peer):
    key = "guichet"
    title = "guichet"
    required = True
    fix = "cargo build --release (or name a binary: GUICHET=…)"

    def binary(self) -> str | None:
        target = Path(os.environ.get("CARGO_TARGET_DIR") or CLONE / "target")
        program = Path(os.environ.get("GUICHET") or target / "release" / "guichet")
        return str(program.resolve()) if os.access(program, os.X_OK) else None

    def version(self, binary: str) -> str:
        return says(binary, "version", pattern=r"guichet (\S+)")

    def command(self, seat):
        configuration = seat.folder / "guichet.toml"
        configuration.write_text(config(seat))
        return Command([seat.binary, "run", str(configuration)])


def config(seat) -> str:
    """Limits are the defaults but for idle connections, which must stay for as long as a row takes."""
    return f"""
version = 1

[server]
workers = {seat.workers}
limits = {{ idle = "900s" }}

[listen.plain]
bind = ["127.0.0.1:{seat.ports["plain"]}"]
plain = "allow"

[listen.tls]
bind = ["127.0.0.1:{seat.ports["tls"]}"]
tls = {{ cert = "{seat.tls.cert}", key = {{ file = "{seat.tls.key}" }} }}

[listen.refuse]
bind = ["127.0.0.1:{seat.ports["refuse"]}"]
plain = "refuse"

[upstream.app]
endpoints = ["http://127.0.0.1:{seat.origin}"]
pool = {{ idle = 256, idle_time = "600s" }}

[[route]]
name = "house"
match = "/o/{{*rest}}"
upstream = "app"

[[route]]
name = "asis"
match = "/asis/{{*rest}}"
upstream = "app"
normalise = false

[overload]
queue = {{ depth = 0 }}

[limit.once]
key = "route"
rate = "1/d"
status = 429

[[route]]
name = "limited"
match = "/limited/{{*rest}}"
upstream = "app"
limits = ["once"]

[[route]]
name = "full"
match = "/full/{{*rest}}"
upstream = "app"
in_flight = 1

[observe]
access_log = {{ to = "{seat.log}" }}
"""
