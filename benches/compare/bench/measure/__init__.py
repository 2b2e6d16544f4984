"""How each kind of row is measured: one file a kind, each with `measure(house, row)`."""

from __future__ import annotations

from . import cost, latency, memory, scaling, soak, start

KINDS = {
    "cost": cost.measure,
    "latency": latency.measure,
    "memory": memory.measure,
    "start": start.measure,
    "scaling": scaling.measure,
    "soak": soak.measure,
}
