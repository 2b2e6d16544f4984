"""What the command line may say, and what `--quick` makes of it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from . import rows
from .peers import PEERS


@dataclass(frozen=True)
class Options:
    """A run. `memory_connections`, `soak` and `soak_early` follow from `quick`."""

    rounds: int
    seconds: int
    rows: tuple[str, ...]
    peers: tuple[str, ...]
    quick: bool
    out: Path | None
    memory_connections: int
    soak_early: int
    soak: int

    @property
    def complete(self) -> bool:
        """Every row with every peer that is here, and long enough to be worth keeping."""
        everything = tuple(row.key for row in rows.ROWS), tuple(peer.key for peer in PEERS)
        return not self.quick and (self.rows, self.peers) == everything


def parse(arguments: list[str]) -> Options:
    """Reads the command line; argparse ends the process with 2 where it makes no sense."""
    known_rows = [row.key for row in rows.ROWS]
    known_peers = [peer.key for peer in PEERS]
    parser = argparse.ArgumentParser(
        prog="benches/compare/run",
        description="CPU time, latency and memory of guichet beside other proxies.",
        epilog=f"rows: {', '.join(known_rows)}. peers: {', '.join(known_peers)}.",
    )
    parser.add_argument("--rounds", type=positive, metavar="N", help="rounds of each row (5)")
    parser.add_argument("--seconds", type=positive, metavar="S", help="load in each round (3)")
    parser.add_argument(
        "--rows",
        type=names(known_rows),
        default=tuple(known_rows),
        metavar="a,b",
        help="only these rows",
    )
    parser.add_argument(
        "--peers",
        type=names(known_peers),
        default=tuple(known_peers),
        metavar="x,y",
        help="guichet and these",
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short round: does all of it work?"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the run is written")
    given = parser.parse_args(arguments)
    return Options(
        rounds=given.rounds or (1 if given.quick else 5),
        seconds=given.seconds or (1 if given.quick else 3),
        rows=given.rows,
        # There is nothing to compare without guichet, and ratios need it first.
        peers=tuple(key for key in known_peers if key in given.peers or key == "guichet"),
        quick=given.quick,
        out=given.out,
        memory_connections=500 if given.quick else 10_000,
        soak_early=1 if given.quick else 10,
        soak=2 if given.quick else 60,
    )


def positive(text: str) -> int:
    """A whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def names(known: list[str]):
    """A type for argparse: names with commas between, each of them known, in the order of `known`."""

    def read(text: str) -> tuple[str, ...]:
        wanted = [word.strip() for word in text.split(",") if word.strip()]
        strange = [word for word in wanted if word not in known]
        if strange or not wanted:
            raise argparse.ArgumentTypeError(
                f"{', '.join(strange) or 'nothing'} is none of: {', '.join(known)}"
            )
        return tuple(word for word in known if word in wanted)

    return read
