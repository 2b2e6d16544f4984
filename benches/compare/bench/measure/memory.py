"""What idle TLS connections hold. Each has had one request, so nothing is left to a later moment."""

from __future__ import annotations

import subprocess
import sys

from ..house import House
from ..load import CLIENTS
from ..process import Failure, end, most_connections, spawn, tail
from ..rows import Row
from ..seat import Seat
from .turns import Result, able, turns

OPENERS = 4
# Fresh processes and thousands of handshakes: more rounds than this say nothing new.
MOST_ROUNDS = 3


def measure(house: House, row: Row) -> Result:
    """Fresh processes, with as many connections as the run wants and descriptors allow."""
    keys, lacks = able(row, house.peers)
    peers = {peer.key: peer for peer in house.peers}
    # A few less than the peers' own limit, which is what descriptors allow.
    count = min(house.options.memory_connections, most_connections() - 10)
    result = Result(row, lacks=lacks, note=f"{count} connections")
    rounds = min(house.options.rounds, MOST_ROUNDS)
    return turns(result, keys, rounds, lambda key: once(house, row, house.seat(peers[key]), count))


def once(house: House, row: Row, seat: Seat, count: int) -> dict:
    """Memory before and with the connections."""
    openers: list[subprocess.Popen] = []
    seat.start(house.proxy_cpus)
    try:
        before = seat.memory()
        for number in range(OPENERS):
            share = count // OPENERS + (number < count % OPENERS)
            said = seat.folder / f"opener-{number}.said"
            command = [
                sys.executable,
                str(CLIENTS / "idle.py"),
                str(seat.ports["tls"]),
                row.path,
                str(share),
            ]
            openers.append(
                spawn(
                    command,
                    house.load_cpus,
                    said,
                    seat.tls.client_env,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        for number, opener in enumerate(openers):
            if not opener.stdout.readline().startswith("ready"):
                raise Failure(
                    f"connections were not opened:\n{tail(seat.folder / f'opener-{number}.said')}"
                )
        with_all = seat.memory()
    finally:
        for opener in openers:
            end(opener)
            opener.stdin.close()
            opener.stdout.close()
        seat.stop()
    return {
        "connection_kib": (with_all.pss - before.pss) * 1024 / count,
        "pss_mib": with_all.pss,
        "rss_mib": with_all.rss,
        "empty_mib": before.pss,
    }
