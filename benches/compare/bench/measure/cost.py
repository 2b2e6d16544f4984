"""CPU time of a request under full load."""

from __future__ import annotations

import time

from ..account import CpuTime
from ..house import House
from ..parse import Load
from ..probe import probe
from ..process import Failure
from ..refusal import refusing
from ..rows import Row
from ..seat import Seat
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
            with refusing(row, house.standing[key]):
                probe(row, house.standing[key])
            if not house.options.quick:
                loaded(house, row, house.standing[key], WARM_UP)
        except Failure as failure:
            result.fail(key, failure)
            keys.remove(key)
    return turns(result, keys, house.options.rounds, lambda key: once(house, row, key))


def once(house: House, row: Row, key: str) -> dict:
    """One load on one peer."""
    seat = house.standing[key]
    load, used = loaded(house, row, seat, house.options.seconds)
    return {
        "cpu_us": used.total / load.requests * 1e6,
        "user_us": used.user / load.requests * 1e6,
        "system_us": used.system / load.requests * 1e6,
        "per_second": load.per_second,
        "requests": load.requests,
        # Some flush their log later than this; it is here to show that all of them write one.
        "log_bytes": seat.empty_log() / load.requests,
    }


def loaded(house: House, row: Row, seat: Seat, seconds: int) -> tuple[Load, CpuTime]:
    """A load whose answers all were what the row expects, and what CPU time it took; else a failure."""
    load, used = one_load(house, row, seat, seconds)
    if row.after == "spent" and load.good == 1:
        # nginx knows no rate below one a minute: the minute was over within this load, and is not
        # within the next.
        load, used = one_load(house, row, seat, seconds)
    expected(load, row)
    return load, used


def one_load(house: House, row: Row, seat: Seat, seconds: int) -> tuple[Load, CpuTime]:
    """A load, whatever was answered."""
    with refusing(row, seat):
        load_it = house.loader.prepare(row, seat, seconds)
        seat.empty_log()
        before = seat.cpu_time()
        load = load_it()
        time.sleep(SETTLE)
        return load, seat.cpu_time().since(before)


def expected(load: Load, row: Row) -> None:
    """A failure where answers were not what the row expects."""
    if wrong := load.wrong(row.status):
        raise Failure(wrong)
