"""Sōzu."""

from __future__ import annotations

from .peer import Command, Peer, found, says


class Sozu(Peer):
    key = "sozu"
    title = "Sōzu"
    fix = "cargo install sozu --locked (needs protobuf-compiler), or SOZU=…"

    def binary(self) -> str | None:
        return found("sozu", "SOZU")

    def version(self, binary: str) -> str:
        return says(binary, "--version", pattern=r"(\d+\.\d+\.\d+)")

    def command(self, seat):
        return Command([seat.binary])
