"""The charts of a run, made from its record alone.

`cost` puts every row on one line: where a peer stands when guichet stands at 1. `bars` is for the
figures that stand for themselves.
"""

from __future__ import annotations

import math

from . import svg
from .figures import MEASURES, Measure, ratio, spread
from .table import missing

WIDTH = 860
LEFT = 350
RIGHT = 40


def cost(record: dict) -> str | None:
    """CPU time of a request: each peer divided by guichet, on a logarithmic axis, to the right is dearer."""
    measure = MEASURES["cost"][0]
    peers = [peer for peer in record["peers"] if peer["key"] != "guichet"]
    marks = {peer["key"]: svg.MARKS[index % len(svg.MARKS)] for index, peer in enumerate(peers)}
    lines = []
    for row in record["rows"]:
        if row["kind"] != "cost":
            continue
        placed = []
        for peer in peers:
            if missing(row, peer) is None and (
                told := ratio(
                    row["rounds"][peer["key"]], row["rounds"].get("guichet", []), measure.key
                )
            ):
                placed.append((peer["key"], told))
        if placed:
            lines.append((row["title"], placed))
    if not lines:
        return None
    values = [
        value for _, placed in lines for _, told in placed for value in (told.least, told.most)
    ]
    low, high = axis(min([*values, 0.8]), max([*values, 1.25]))
    top, step = 92, 30
    bottom = top + step * len(lines)

    def across(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(value / low) / math.log(high / low)

    parts = [
        svg.text(20, 28, "CPU time of a request, guichet = 1", "title"),
        svg.text(
            20,
            46,
            "to the right a peer costs more than guichet, to the left less; lines from the least to the most of the rounds",
            "small",
        ),
    ]
    parts += legend(
        [(peer["title"], marks[peer["key"]], svg.COLOURS[peer["key"]]) for peer in peers], 66
    )
    for tick in ticks(low, high):
        parts.append(
            svg.line(
                across(tick), top - 12, across(tick), bottom - 8, "one" if tick == 1 else "grid"
            )
        )
        parts.append(svg.text(across(tick), bottom + 10, f"{tick:g}", "small mid"))
    for number, (title, placed) in enumerate(lines):
        y = top + step * number + 4
        parts.append(svg.text(LEFT - 14, y + 4, title, "end"))
        for key, told in placed:
            parts.append(svg.line(across(told.least), y, across(told.most), y, "whisker"))
        parts += [
            svg.mark(marks[key], across(told.median), y, svg.COLOURS[key]) for key, told in placed
        ]
    return svg.document(
        WIDTH, bottom + 24, "CPU time of a request, each peer divided by guichet", parts
    )


def bars(record: dict, key: str, measures: tuple[Measure, ...], title: str) -> str | None:
    """One row's figures as bars: peer by peer, in groups where there are several measures."""
    row = next((row for row in record["rows"] if row["key"] == key), None)
    if row is None:
        return None
    peers = [peer for peer in record["peers"] if missing(row, peer) is None]
    told = {
        (m.key, p["key"]): spread(row["rounds"][p["key"]], m.key) for m in measures for p in peers
    }
    told = {place: figure for place, figure in told.items() if figure is not None}
    if not told:
        return None
    most = max(figure.most for figure in told.values())
    if most <= 0:
        return None
    left, room = 190, WIDTH - 190 - 150
    parts = [svg.text(20, 28, title, "title"), svg.text(20, 46, row["note"], "small")]
    y = 70
    for measure in measures:
        if len(measures) > 1:
            parts.append(svg.text(20, y + 2, f"{measure.title}, {measure.unit}"))
            y += 12
        for peer in peers:
            figure = told.get((measure.key, peer["key"]))
            if figure is None:
                continue
            length = room * max(figure.median, 0) / most
            parts.append(svg.text(left - 10, y + 11, peer["title"], "end"))
            parts.append(svg.bar(left, y, length, 15, svg.COLOURS[peer["key"]]))
            parts.append(
                svg.line(
                    left + room * max(figure.least, 0) / most,
                    y + 7.5,
                    left + room * figure.most / most,
                    y + 7.5,
                    "whisker",
                )
            )
            parts.append(
                svg.text(
                    left + room * figure.most / most + 8,
                    y + 12,
                    f"{figure.median:.{measure.digits}f} {measure.unit}",
                    "small",
                )
            )
            y += 20
        y += 14
    return svg.document(WIDTH, y + 4, title, parts)


def legend(entries: list[tuple[str, str, str]], y: float) -> list[str]:
    """Marks and names in one line."""
    parts, x = [], 24.0
    for name, kind, colour in entries:
        parts += [svg.mark(kind, x, y, colour), svg.text(x + 9, y + 4, name)]
        x += 30 + 7.2 * len(name)
    return parts


def axis(least: float, most: float) -> tuple[float, float]:
    """Ends of a logarithmic axis with a little room."""
    return least / 1.05, most * 1.05


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between the ends; 1 is always one of them."""
    fine = (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2)
    middle = (0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20)
    coarse = (0.01, 0.1, 1, 10, 100, 1000)
    for steps in (fine, middle, coarse):
        if steps[0] <= low * 1.5 and high / 1.5 <= steps[-1]:
            return [step for step in steps if low <= step <= high]
    return [1]


def all_of(record: dict) -> dict[str, str]:
    """Every chart that the record has figures for, by file name."""
    memory = {measure.key: measure for measure in MEASURES["memory"]}
    made = {
        "cost.svg": cost(record),
        "latency.svg": bars(
            record, "latency", MEASURES["latency"][:3], "Latency at half of saturation"
        ),
        "memory.svg": bars(
            record, "memory", (memory["connection_kib"],), "Memory of an idle TLS connection"
        ),
        "start.svg": bars(record, "start", MEASURES["start"], "Start until the first answer"),
    }
    return {name: drawn for name, drawn in made.items() if drawn is not None}
