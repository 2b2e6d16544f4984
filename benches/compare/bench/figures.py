"""From single rounds to figures: median, least, most, and ratios taken pair by pair.

The ratio of two medians mixes what the machine did at different moments. So guichet and a peer are
divided round by round, in the same minute, and the median of these ratios is what is told.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One figure of a kind of row."""

    key: str
    title: str
    unit: str
    digits: int
    more_is_better: bool = False
    # Whether guichet is divided by the peers; what is near nothing has no ratio worth telling.
    compared: bool = True


# The first of each kind is what the row is judged by.
MEASURES: dict[str, tuple[Measure, ...]] = {
    "cost": (
        Measure("cpu_us", "CPU time of a request", "µs", 1),
        Measure("user_us", "in user space", "µs", 1),
        Measure("system_us", "in the kernel", "µs", 1),
        Measure("per_second", "requests a second", "", 0, more_is_better=True),
    ),
    "latency": (
        Measure("p50_ms", "p50", "ms", 3),
        Measure("p99_ms", "p99", "ms", 3),
        Measure("p999_ms", "p99.9", "ms", 3),
        Measure("rate", "at requests a second", "", 0, compared=False),
    ),
    "memory": (
        Measure("connection_kib", "an idle connection", "KiB", 1),
        Measure("pss_mib", "PSS with all of them", "MiB", 1),
        Measure("rss_mib", "RSS with all of them", "MiB", 1),
        Measure("empty_mib", "PSS before", "MiB", 1),
    ),
    "start": (Measure("start_ms", "start", "ms", 1),),
    "scaling": (
        Measure("speedup", "requests a second, 2 workers to 1", "×", 2, more_is_better=True),
        Measure("cpu_one_us", "CPU time of a request, 1 worker", "µs", 1),
        Measure("cpu_two_us", "CPU time of a request, 2 workers", "µs", 1),
    ),
    "soak": (
        Measure("late_mib", "PSS at the end", "MiB", 1),
        Measure("early_mib", "PSS early", "MiB", 1, compared=False),
        Measure("growth_mib", "growth between", "MiB", 2, compared=False),
    ),
}


@dataclass(frozen=True)
class Spread:
    """Median, least and most of the rounds."""

    median: float
    least: float
    most: float


def spread(rounds: list[dict], key: str) -> Spread | None:
    """The spread of one figure; None where no round has it."""
    values = [figures[key] for figures in rounds if figures is not None and key in figures]
    if not values:
        return None
    return Spread(statistics.median(values), min(values), max(values))


def ratio(own: list[dict], other: list[dict], key: str) -> Spread | None:
    """guichet divided by a peer, round by round. A round that only one of them has counts for neither."""
    pairs = [
        (a[key], b[key])
        for a, b in zip(own, other)
        if a is not None and b is not None and key in a and key in b and b[key] > 0
    ]
    if not pairs:
        return None
    ratios = [a / b for a, b in pairs]
    return Spread(statistics.median(ratios), min(ratios), max(ratios))


def lost(measure: Measure, told: Spread | None) -> bool:
    """Whether guichet is the worse of the two, as far as the table shows digits."""
    if told is None:
        return False
    shown = round(told.median, 2)
    return shown < 1 if measure.more_is_better else shown > 1


def percentile(values: list[float], share: float) -> float:
    """Of sorted values the least one that `share` of them do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    rank = max(1, -(-len(values) * share // 1))
    return values[min(len(values), int(rank)) - 1]
