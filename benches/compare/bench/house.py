"""What all rows of a run share: options, files, programs, CPUs, the origin."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .load import Loader
from .options import Options
from .origin import Origin
from .peers.peer import Peer
from .seat import Seat
from .tls import Tls


@dataclass
class House:
    """A run in progress."""

    options: Options
    folder: Path
    tls: Tls
    origin: Origin
    loader: Loader
    # The peers that are here, and their programs by key.
    peers: list[Peer]
    programs: dict[str, str]
    proxy_cpus: set[int]
    load_cpus: set[int]
    # One worker each, running from the first row to the last for the rows that need no fresh process.
    standing: dict[str, Seat] = field(default_factory=dict)
    made: int = 0

    def seat(self, peer: Peer, workers: int = 1) -> Seat:
        """A new seat for a peer, not yet started."""
        self.made += 1
        folder = self.folder / f"{self.made:03}-{peer.key}"
        return Seat(peer, self.programs[peer.key], folder, self.origin.port, self.tls, workers)
