"""How long a fresh process takes until the first answer has come through it from the origin.

It is asked every half millisecond, which is as fine as the figure can be.
"""

from __future__ import annotations

import time

from ..house import House
from ..process import Failure, tail
from ..rows import Row
from ..seat import Seat
from ..wait import answering
from .turns import Result, able, turns


def measure(house: House, row: Row) -> Result:
    """Fresh processes, one at a time."""
    keys, lacks = able(row, house.peers)
    peers = {peer.key: peer for peer in house.peers}
    return turns(
        Result(row, lacks=lacks),
        keys,
        house.options.rounds,
        lambda key: once(house, row, house.seat(peers[key])),
    )


def once(house: House, row: Row, seat: Seat) -> dict:
    """Files are written before the clock runs."""
    command = seat.command()
    begun = time.monotonic()
    seat.launch(house.proxy_cpus, command)
    try:
        if not answering(seat.ports["plain"], row.path, lambda: seat.process.poll() is None):
            raise Failure(f"no answer:\n{tail(seat.said)}")
        return {"start_ms": (time.monotonic() - begun) * 1e3}
    finally:
        seat.stop()
