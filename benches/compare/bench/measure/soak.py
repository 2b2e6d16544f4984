"""Memory early and late under a load that goes on: what grows, grows here."""

from __future__ import annotations

from dataclasses import replace

from ..house import House
from ..rows import Row
from ..seat import Seat
from .cost import expected
from .turns import Result, able, turns


def measure(house: House, row: Row) -> Result:
    """One round: it is long."""
    keys, lacks = able(row, house.peers)
    peers = {peer.key: peer for peer in house.peers}
    early, late = house.options.soak_early, house.options.soak
    result = Result(row, lacks=lacks, note=f"at {early} s and {late} s")
    return turns(result, keys, 1, lambda key: once(house, row, house.seat(peers[key]), early, late))


def once(house: House, row: Row, seat: Seat, early: int, late: int) -> dict:
    """Two loads without a pause between; the log is cut in the middle, so that a minute fits on a disk."""
    seat.start(house.proxy_cpus)
    try:
        memory, requests = [], 0
        for seconds in (early, late - early):
            load = house.loader.prepare(replace(row, load="wrk"), seat, seconds)()
            expected(load, row)
            requests += load.requests
            memory.append(seat.memory())
            seat.empty_log()
    finally:
        seat.stop()
        seat.empty_log()
    return {
        "early_mib": memory[0].pss,
        "late_mib": memory[1].pss,
        "growth_mib": memory[1].pss - memory[0].pss,
        "requests": requests,
    }
