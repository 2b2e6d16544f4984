"""A run from its command line to its files."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from . import options as command_line
from . import page, probe, record, rows, table, tls, tools
from .house import House
from .load import Loader
from .measure import KINDS
from .measure.turns import Result
from .options import Options
from .origin import Origin
from .process import Failure, cpus
from .tools import Found


def main(arguments: list[str]) -> int:
    """0 when every peer that is here has a figure in every row it can have one in; 1 when one failed; 2 when nothing could begin."""
    options = command_line.parse(arguments)
    try:
        found = tools.find(options.peers)
        proxy_cpus, load_cpus = cpus()
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 2
    for key, fix in found.absent.items():
        say(f"not run: {key}. To have it: {fix}")
    present = {peer.key: peer.version(found.programs[peer.key]) for peer in found.peers}
    written = record.begin(options, present, found.absent, tools.versions(found))
    with tempfile.TemporaryDirectory(prefix="compare-") as scratch:
        folder = Path(scratch)
        # nginx' workers may be somebody else than whoever made the folder.
        folder.chmod(0o755)
        house = build(options, found, folder, proxy_cpus, load_cpus)
        try:
            house.origin.start(load_cpus)
            failed = run(house, written)
        except Failure as failure:
            say(f"FAILED: {failure}")
            return 1
        finally:
            for seat in house.standing.values():
                seat.stop()
            house.origin.stop()
    publish(options, written)
    if failed:
        say("FAILED: " + ", ".join(failed))
    return 1 if failed else 0


def build(
    options: Options, found: Found, folder: Path, proxy_cpus: set[int], load_cpus: set[int]
) -> House:
    """Everything that rows share, nothing of it started."""
    return House(
        options=options,
        folder=folder,
        tls=tls.make(folder),
        origin=Origin(folder, found.tools["nginx"]),
        loader=Loader(found.tools["wrk"], found.tools["h2load"], load_cpus),
        peers=found.peers,
        programs=found.programs,
        proxy_cpus=proxy_cpus,
        load_cpus=load_cpus,
    )


def run(house: House, written: dict) -> list[str]:
    """Every row that was asked for; which cells have failed."""
    wanted = [rows.row(key) for key in house.options.rows]
    failed = take_seats(house, written)
    for row in wanted:
        say(f"{row.title}")
        try:
            result = KINDS[row.kind](house, row)
        except Failure as failure:
            # Without guichet there is nothing to compare, and the next row may have better luck.
            result = Result(row)
            result.fail("guichet", failure)
        record.add(written, result)
        failed += [f"{row.key}/{key}" for key in result.failed]
    return failed


def take_seats(house: House, written: dict) -> list[str]:
    """Starts every peer and sees that it does the work that all do; who does not is left out."""
    failed = []
    for peer in list(house.peers):
        seat = house.seat(peer)
        try:
            seat.start(house.proxy_cpus)
            house.standing[peer.key] = seat
            if not peer.bare:
                probe.mirror(seat)
                agreed = vars(tls.shake(seat.ports["tls"], house.tls))
                written["handshakes"][peer.key] = {**agreed, "resumes": probe.resumes(seat)}
        except Failure as failure:
            if peer.required:
                raise
            say(f"FAILED: {failure}")
            failed.append(f"start/{peer.key}")
            next(entry for entry in written["peers"] if entry["key"] == peer.key)["failed"] = str(
                failure
            )
            house.peers.remove(peer)
            if house.standing.pop(peer.key, None):
                seat.stop()
    return failed


def publish(options: Options, written: dict) -> None:
    """The record, the tables, and what the page would show. Only a complete run comes to stand in the clone."""
    folder = options.out or (record.RUNS if options.complete else page.SCRATCH)
    kept = record.write(written, folder)
    text = table.tables(written)
    if folder != record.RUNS:
        kept.with_suffix(".md").write_text(text)
        page.draw(written, kept.parent)
        (kept.parent / "section.md").write_text(page.section(written, kept.name, ""))
    print(text)
    say(f"written: {kept}")


def say(line: str) -> None:
    """To whoever watches; standard output is the tables' alone."""
    print(line, file=sys.stderr, flush=True)
