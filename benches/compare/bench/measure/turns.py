"""Peers take turns within each round, so that what the machine does meanwhile meets all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from ..process import Failure, Unable
from ..rows import Row


@dataclass
class Result:
    """A row's figures: for each peer one set a round, and why some peers have none."""

    row: Row
    rounds: dict[str, list[dict]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    lacks: dict[str, str] = field(default_factory=dict)
    note: str = ""

    def fail(self, key: str, failure: Failure) -> None:
        """A peer leaves the row, loudly, and with what it had so far: half a row would mislead."""
        print(f"FAILED: {self.row.key}, {key}: {failure}", file=sys.stderr, flush=True)
        self.failed[key] = str(failure)
        self.rounds.pop(key, None)


def turns(result: Result, keys: list[str], rounds: int, once: Callable[[str], dict]) -> Result:
    """Every peer once in each round, every other round from the last to the first."""
    for key in keys:
        result.rounds[key] = []
    for number in range(rounds):
        for key in order(keys, number):
            if key not in result.rounds:
                continue
            try:
                figures = once(key)
            except Unable as unable:
                result.lacks[key] = str(unable)
                del result.rounds[key]
                continue
            except Failure as failure:
                result.fail(key, failure)
                continue
            result.rounds[key].append(figures)
            shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
            print(
                f"  {result.row.key} {number + 1}/{rounds} {key}: {shown}",
                file=sys.stderr,
                flush=True,
            )
    return result


def order(keys: list[str], number: int) -> list[str]:
    """The order of a round."""
    return keys if number % 2 == 0 else keys[::-1]


def able(row: Row, peers) -> tuple[list[str], dict[str, str]]:
    """Who takes part in a row, and why the others do not."""
    lacks = {peer.key: peer.lacks[row.key] for peer in peers if row.key in peer.lacks}
    return [peer.key for peer in peers if peer.key not in lacks], lacks
