"""Latency at half of saturation: of guichet's, or of its own for a peer that saturates earlier.

So nobody is asked for more than guichet, nor for more than half of what it can do, and a slower peer
has it easier. The rate of each stands in the table.

wrk knows no rate, so h2load paces (`--rps`), over HTTP/1.1 with one request at a time on each
connection. h2load times a request from when it is sent, not from when it was due: there is no
correction for coordinated omission, so waits that hold a whole connection up count once.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .. import parse
from ..figures import percentile
from ..house import House
from ..process import Failure, Unable, run
from ..rows import Row
from .cost import expected
from .turns import Result, able, turns

# Connections are being opened and nothing is warm.
SKIPPED_SECONDS = 0.3
# Below this share of the rate, a peer did not keep up and its latencies mean something else.
KEPT_UP = 0.95


def measure(house: House, row: Row) -> Result:
    """Finds what each can do, then paces them in turns."""
    keys, lacks = able(row, [seat.peer for seat in house.standing.values()])
    result = Result(row, lacks=lacks, note=f"{row.connections} connections")
    full = {}
    for key in list(keys):
        try:
            full[key] = saturation(house, row, key)
        except Failure as failure:
            result.fail(key, failure)
            keys.remove(key)
    if "guichet" not in full:
        raise Failure("there is no rate without guichet")
    each = {key: pace(full["guichet"], full[key], row.connections) for key in keys}
    return turns(result, keys, house.options.rounds, lambda key: once(house, row, key, each[key]))


def saturation(house: House, row: Row, key: str) -> float:
    """Requests a second when they come as fast as they can."""
    seat = house.standing[key]
    load = house.loader.prepare(replace(row, load="wrk"), seat, house.options.seconds)()
    seat.empty_log()
    expected(load, row)
    return load.per_second


def pace(guichet: float, own: float, connections: int) -> int:
    """Requests a second on each connection."""
    return max(1, int(min(guichet, own) / 2 / connections))


def once(house: House, row: Row, key: str, each: int) -> dict:
    """One paced load on one peer, and the percentiles of its answers."""
    seat = house.standing[key]
    seat.empty_log()
    log = seat.folder / "latency.log"
    log.unlink(missing_ok=True)
    # A second more than asked for: the beginning is left out.
    requests = each * row.connections * (house.options.seconds + 1)
    paced = ["-n", str(requests), f"--rps={each}", f"--log-file={log}"]
    load = parse.h2load(
        run(house.loader.h2load(replace(row, load="h1load"), seat, paced), house.load_cpus)
    )
    expected(load, row)
    if load.per_second < KEPT_UP * each * row.connections:
        raise Unable(f"{load.per_second:.0f} requests a second are what it can do")
    return {**percentiles(log), "rate": each * row.connections}


def percentiles(log: Path) -> dict:
    """p50, p99 and p99.9 without the beginning, in milliseconds."""
    times = parse.h2load_times(log.read_text())
    if not times:
        raise Failure("h2load logged nothing")
    begin = min(started for started, _, _ in times) + SKIPPED_SECONDS * 1e6
    taken = sorted(duration / 1e3 for started, _, duration in times if started >= begin)
    if not taken:
        raise Failure("no request after the beginning")
    return {
        "p50_ms": percentile(taken, 0.50),
        "p99_ms": percentile(taken, 0.99),
        "p999_ms": percentile(taken, 0.999),
        "requests": len(taken),
    }
