"""The tables of a run, in Markdown, made from its record alone.

A cell is median, least and most of the rounds, then guichet divided by the peer. Bold is where
guichet costs more.
"""

from __future__ import annotations

from .figures import MEASURES, Measure, Spread, lost, ratio, spread


def tables(record: dict) -> str:
    """Every table of the run, with what is needed to read them."""
    peers = record["peers"]
    parts = []
    if judged := [row for row in record["rows"] if row["kind"] == "cost"]:
        parts += ["CPU time of a request in µs: median (least to most) · guichet ÷ peer.", ""]
        parts += head(peers, "Row")
        parts += [line(row, MEASURES["cost"][0], peers, row["title"]) for row in judged]
        parts += ["", "User space + kernel in µs, and thousands of requests a second.", ""]
        parts += head(peers, "Row")
        parts += [parted(row, peers) for row in judged]
    if others := [row for row in record["rows"] if row["kind"] != "cost"]:
        parts += ["", "Everything else: median (least to most) · guichet ÷ peer.", ""]
        parts += head(peers, "Row")
        for row in others:
            for measure in MEASURES[row["kind"]]:
                unit = f", {measure.unit}" if measure.unit else ""
                parts.append(line(row, measure, peers, f"{row['title']}: {measure.title}{unit}"))
    return "\n".join([*parts, "", *notes(record)]).strip() + "\n"


def head(peers: list[dict], first: str) -> list[str]:
    """The head of a table, with versions."""
    titles = [f"{peer['title']} {peer['version'] or ''}".strip() for peer in peers]
    return [f"| {first} | {' | '.join(titles)} |", "|---" * (len(peers) + 1) + "|"]


def line(row: dict, measure: Measure, peers: list[dict], title: str) -> str:
    """One line: the title is bold when one of its cells is."""
    cells = [cell(row, measure, peer) for peer in peers]
    if any(text.startswith("**") for text in cells):
        title = f"**{title}**"
    return f"| {title} | {' | '.join(cells)} |"


def cell(row: dict, measure: Measure, peer: dict) -> str:
    """One peer's figures, or why there are none."""
    if (reason := missing(row, peer)) is not None:
        return reason
    own, other = row["rounds"].get("guichet", []), row["rounds"][peer["key"]]
    told = spread(other, measure.key)
    if told is None:
        return "–"
    text = shown(told, measure.digits)
    if peer["key"] == "guichet" or not measure.compared:
        return text
    divided = ratio(own, other, measure.key)
    if divided is None:
        return text
    text = f"{text} · {divided.median:.2f}"
    # The floor is under everybody; to be above it is no loss.
    return f"**{text}**" if lost(measure, divided) and not peer["floor"] else text


def missing(row: dict, peer: dict) -> str | None:
    """Why a peer has no figures in a row."""
    key = peer["key"]
    if peer["absent"]:
        return "not run"
    if peer.get("failed") or key in row["failed"]:
        return "failed"
    if key in row["lacks"]:
        return "–"
    return None if row["rounds"].get(key) else "not run"


def shown(told: Spread, digits: int) -> str:
    """Median, and the least and the most where there were several rounds."""
    # Without the zero added, what is a little below nothing would be shown as -0.00.
    median, least, most = (
        f"{round(value, digits) + 0.0:.{digits}f}" for value in (told.median, told.least, told.most)
    )
    return median if told.least == told.most else f"{median} ({least} to {most})"


def parted(row: dict, peers: list[dict]) -> str:
    """How the CPU time divides, and the pace it was measured at."""
    cells = []
    for peer in peers:
        if (reason := missing(row, peer)) is not None:
            cells.append(reason)
            continue
        rounds = row["rounds"][peer["key"]]
        user, system, pace = (spread(rounds, key) for key in ("user_us", "system_us", "per_second"))
        cells.append(f"{user.median:.1f} + {system.median:.1f}, {pace.median / 1000:.1f}")
    return f"| {row['title']} | {' | '.join(cells)} |"


def notes(record: dict) -> list[str]:
    """What a reader has to know of single rows and peers."""
    titles = {peer["key"]: peer["title"] for peer in record["peers"]}
    lines = [
        f"- {peer['title']} was not run: it is not on the machine."
        for peer in record["peers"]
        if peer["absent"]
    ]
    lines += [
        f"- {peer['title']} FAILED: {peer['failed'].splitlines()[0]}"
        for peer in record["peers"]
        if peer.get("failed")
    ]
    for row in record["rows"]:
        if row["note"]:
            lines.append(f"- {row['title']}: {row['note']}.")
        reasons: dict[str, list[str]] = {}
        for key, reason in row["lacks"].items():
            if key != "relay":
                reasons.setdefault(reason, []).append(titles[key])
        lines += [
            f"- {row['title']}: no figure for {', '.join(who)}: {reason}."
            for reason, who in reasons.items()
        ]
        lines += [
            f"- {row['title']}: {titles[key]} FAILED: {reason.splitlines()[0]}"
            for key, reason in row["failed"].items()
        ]
    return lines
