"""What a second worker brings.

With four CPUs or more, proxies have two and load and origin the others. With fewer, everything
shares all of them, and the figure is rough: a second worker then takes time from the load. The CPU
time of a request beside it tells what two workers cost each other, and is the better figure there.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

from ..house import House
from ..load import Loader
from ..rows import Row
from ..seat import Seat
from .cost import SETTLE, expected
from .turns import Result, able, turns


def measure(house: House, row: Row) -> Result:
    """Both numbers of workers in each turn of each peer."""
    keys, lacks = able(row, house.peers)
    peers = {peer.key: peer for peer in house.peers}
    usable = sorted(os.sched_getaffinity(0))
    apart = len(usable) >= 4
    proxy = set(usable[:2])
    loader = Loader(
        house.loader.wrk_program,
        house.loader.h2load_program,
        set(usable[2:]) if apart else set(usable),
    )
    note = (
        "two CPUs for the proxy, the others for load and origin"
        if apart
        else "rough: load and origin on the same two CPUs"
    )

    def once(key: str) -> dict:
        one = loaded(house, row, house.seat(peers[key], 1), proxy, loader)
        two = loaded(house, row, house.seat(peers[key], 2), proxy, loader)
        return {
            "speedup": two[0] / one[0],
            "cpu_one_us": one[1],
            "cpu_two_us": two[1],
            "one_per_second": one[0],
            "two_per_second": two[0],
        }

    return turns(Result(row, lacks=lacks, note=note), keys, house.options.rounds, once)


def loaded(
    house: House, row: Row, seat: Seat, proxy: set[int], loader: Loader
) -> tuple[float, float]:
    """Requests a second and CPU time of a request, in microseconds."""
    seat.start(proxy)
    try:
        before = seat.cpu_time()
        load = loader.prepare(replace(row, load="wrk"), seat, house.options.seconds)()
        time.sleep(SETTLE)
        used = seat.cpu_time().since(before)
    finally:
        seat.stop()
        seat.empty_log()
    expected(load, row)
    return load.per_second, used.total / load.requests * 1e6
