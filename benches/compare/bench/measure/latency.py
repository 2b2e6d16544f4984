"""Latency at a fixed rate: half of what guichet could do, the same for every peer.

wrk knows no rate, so h2load paces it (`--rps`), over HTTP/1.1 with one request at a time on each
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
    """Finds guichet's saturation, then lets all run at half of it."""
    keys, lacks = able(row, [seat.peer for seat in house.standing.values()])
    guichet = house.standing["guichet"]
    full = house.loader.prepare(replace(row, load="wrk"), guichet, house.options.seconds)()
    expected(full, row)
    each = max(1, int(full.per_second / 2 / row.connections))
    rate = each * row.connections
    result = Result(
        row, lacks=lacks, note=f"{rate} requests a second over {row.connections} connections"
    )
    return turns(result, keys, house.options.rounds, lambda key: once(house, row, key, each))


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
    return percentiles(log)


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
