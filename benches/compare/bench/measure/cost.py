"""CPU time of a request under full load."""

from __future__ import annotations

import time

from ..house import House
from ..probe import probe
from ..process import Failure
from ..rows import Row
from .turns import Result, able, turns

# What a proxy does after the last answer (closing, its log) belongs to the load.
SETTLE = 0.05
WARM_UP = 1


def measure(house: House, row: Row) -> Result:
    """All standing peers in turns, after one request each that must be answered rightly."""
    result = Result(row)
    keys, result.lacks = able(row, [seat.peer for seat in house.standing.values()])
    for key in list(keys):
        try:
            probe(row, house.standing[key])
            if not house.options.quick:
                expected(house.loader.prepare(row, house.standing[key], WARM_UP)(), row)
        except Failure as failure:
            result.fail(key, failure)
            keys.remove(key)
    return turns(result, keys, house.options.rounds, lambda key: once(house, row, key))


def once(house: House, row: Row, key: str) -> dict:
    """One load on one peer."""
    seat = house.standing[key]
    load_it = house.loader.prepare(row, seat, house.options.seconds)
    seat.empty_log()
    before = seat.cpu_time()
    load = load_it()
    time.sleep(SETTLE)
    used = seat.cpu_time().since(before)
    expected(load, row)
    return {
        "cpu_us": used.total / load.requests * 1e6,
        "user_us": used.user / load.requests * 1e6,
        "system_us": used.system / load.requests * 1e6,
        "per_second": load.per_second,
        "requests": load.requests,
        # Some flush their log later than this; it is here to show that all of them write one.
        "log_bytes": seat.empty_log() / load.requests,
    }


def expected(load, row: Row) -> None:
    """A failure where answers were not what the row expects."""
    if wrong := load.wrong(row.status):
        raise Failure(wrong)
