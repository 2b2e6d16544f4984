"""Pingora is a framework: the proxy is the small crate in `peers/pingora`, built with its own lock file."""

from __future__ import annotations

import os
from pathlib import Path

from . import house
from .peer import Command, Peer, found

CRATE = Path(__file__).resolve().parents[2] / "peers" / "pingora"


class Pingora(Peer):
    key = "pingora"
    title = "Pingora"
    lacks = dict.fromkeys(
        ("refuse-429", "refuse-429-h2", "refuse-503"),
        "its limits are a crate of their own, which the proxy of this bench is built without",
    )
    fix = "cargo build --release --locked in benches/compare/peers/pingora (needs cmake and libssl-dev), or PINGORA=…"

    def binary(self) -> str | None:
        built = CRATE / "target" / "release" / "compare-pingora"
        return str(built) if os.access(built, os.X_OK) else found("compare-pingora", "PINGORA")

    def version(self, binary: str) -> str:
        lock = (CRATE / "Cargo.lock").read_text()
        return lock.partition('name = "pingora"\nversion = "')[2].partition('"')[0] or "unknown"

    def command(self, seat):
        env = {
            "WORKERS": str(seat.workers),
            "ORIGIN": f"127.0.0.1:{seat.origin}",
            "ACCESS_LOG": str(seat.log),
        }
        env |= {name.upper(): f"127.0.0.1:{port}" for name, port in seat.ports.items()}
        env |= {"CERT": str(seat.tls.cert), "KEY": str(seat.tls.key)}
        for status in house.MESSAGES:
            env[f"BODY_{status}"] = house.body(status, "{id}")
            env[f"FIELDS_{status}"] = "\n".join(
                f"{name}: {value}" for name, value in house.headers(status).items()
            )
        return Command([seat.binary], env)
