"""What load tools print, read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from .process import Failure


@dataclass(frozen=True)
class Load:
    """What one load came to."""

    requests: int
    # Answers by class, as far as the tool tells: 'good' is below 400.
    good: int
    bad: int
    # Connections or requests that ended without an answer.
    broken: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds if self.seconds else 0.0

    def wrong(self, status: int) -> str | None:
        """What is not as expected where every answer should have had this status; None where all is."""
        if self.requests == 0:
            return "not one answer"
        if self.broken:
            return f"{self.broken} connections or requests broke"
        unexpected = self.good if status >= 400 else self.bad
        if unexpected:
            return (
                f"{unexpected} of {self.requests} answers were not the {status} that was expected"
            )
        return None


def wrk(text: str) -> Load:
    """wrk says how many answers were not 2xx or 3xx, and nothing more of them."""
    counted = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)\b", text)
    if counted is None:
        raise Failure(f"wrk said: {text.strip()[-300:]}")
    requests = int(counted.group(1))
    seconds = float(counted.group(2)) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[counted.group(3)]
    errors = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text
    )
    broken = sum(int(count) for count in errors.groups()) if errors else 0
    other = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    bad = int(other.group(1)) if other else 0
    return Load(requests, requests - bad, bad, broken, seconds)


def h2load(text: str) -> Load:
    """h2load counts answers by class, and what failed."""
    finished = re.search(r"finished in ([\d.]+)(us|ms|s|m)?,", text)
    requests = re.search(
        r"requests: (\d+) total, (\d+) started, (\d+) done, \d+ succeeded, \d+ failed, (\d+) errored, (\d+) timeout",
        text,
    )
    codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", text)
    if not (finished and requests and codes):
        raise Failure(f"h2load said: {text.strip()[-300:]}")
    # A status line without a reason phrase, as nginx sends it for 426, is in no class of HTTP/1's; so
    # what is not good is bad, and which status it was is the probe's to say.
    classes = [int(count) for count in codes.groups()]
    done, good = int(requests.group(3)), classes[0] + classes[1]
    seconds = float(finished.group(1)) * {"us": 1e-6, "ms": 1e-3, "m": 60}.get(
        finished.group(2) or "s", 1
    )
    return Load(done, good, done - good, int(requests.group(4)) + int(requests.group(5)), seconds)


def h2load_times(text: str) -> list[tuple[int, int, int]]:
    """h2load's log file: when a request began, its status, and how long it took; all in microseconds."""
    times = []
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) >= 3:
            times.append((int(fields[0]), int(fields[1]), int(fields[2])))
    return times


def handshakes(text: str) -> Load:
    """The JSON lines of `clients/handshakes.py`, one for each of its processes."""
    told = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    if not told:
        raise Failure(f"the handshakes said: {text.strip()[-300:]}")
    return Load(
        requests=sum(one["done"] for one in told),
        good=sum(one["good"] for one in told),
        bad=sum(one["done"] - one["good"] for one in told),
        broken=sum(one["broken"] + one["resumed"] for one in told),
        seconds=max(one["seconds"] for one in told),
    )
