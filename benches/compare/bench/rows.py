"""The rows of the table: which request, over what, from how many connections, and what must come back.

A row of the kind `cost` is loaded as fast as it goes and says what CPU time a request costs. The
other kinds are each measured by the file of their name in `measure/`.
"""

from __future__ import annotations

from dataclasses import dataclass

SMALL = 90
MIDDLE = 64 * 1024
LARGE = 1024 * 1024
POST = 100 * 1024
ERROR_PAGE = 6 * 1024

# Where the origin's answers hang, by what becomes of its errors on the way.
HOUSE = "/o"
AS_IS = "/asis"
UNKNOWN = "/nowhere/at/all"
# One request is let through here, and none after it.
LIMITED = "/limited"
# One request may be under way here, and none beside it.
FULL = "/full"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    key: str
    title: str
    kind: str = "cost"
    path: str = f"{HOUSE}/small"
    port: str = "plain"  # plain, tls, refuse
    load: str = "wrk"  # wrk, h2load, handshakes
    connections: int = 32
    streams: int = 1
    post: int = 0
    status: int = 200
    # Bytes of the body that a right answer has; None where every proxy words it for itself.
    length: int | None = SMALL
    json: bool = False
    # Whether clients ask for an end of the connection with each request.
    closing: bool = False
    # What must be so before the proxy refuses: `spent`, a limit is used up; `full`, the one place is taken.
    after: str = ""

    @property
    def secure(self) -> bool:
        """Whether a client speaks TLS."""
        return self.port == "tls"


ROWS: tuple[Row, ...] = (
    Row("small", "HTTP/1.1, 90 B"),
    Row("small-tls", "HTTP/1.1 over TLS, 90 B", port="tls"),
    Row(
        "small-h2",
        "HTTP/2 over TLS, 90 B, 8 connections of 32 streams",
        port="tls",
        load="h2load",
        connections=8,
        streams=32,
    ),
    Row("64k-tls", "HTTP/1.1 over TLS, 64 KiB", port="tls", path=f"{HOUSE}/64k", length=MIDDLE),
    Row("1m", "HTTP/1.1, 1 MiB", path=f"{HOUSE}/1m", length=LARGE, connections=8),
    Row(
        "1m-tls",
        "HTTP/1.1 over TLS, 1 MiB",
        port="tls",
        path=f"{HOUSE}/1m",
        length=LARGE,
        connections=8,
    ),
    Row("post", "HTTP/1.1, POST of 100 KiB", path=f"{HOUSE}/sink", post=POST, status=204, length=0),
    Row(
        "post-tls",
        "HTTP/1.1 over TLS, POST of 100 KiB",
        port="tls",
        path=f"{HOUSE}/sink",
        post=POST,
        status=204,
        length=0,
    ),
    Row(
        "error",
        "503 with 6 KB of HTML, translated to JSON",
        path=f"{HOUSE}/broken",
        status=503,
        length=None,
        json=True,
    ),
    Row(
        "error-asis",
        "503 with 6 KB of HTML, passed as it is",
        path=f"{AS_IS}/broken",
        status=503,
        length=ERROR_PAGE,
    ),
    Row(
        "refuse-404",
        "404 for an unknown path, by the proxy itself",
        path=UNKNOWN,
        status=404,
        length=None,
        json=True,
    ),
    Row(
        "refuse-426",
        "426 on a plain listener, by the proxy itself",
        port="refuse",
        status=426,
        length=None,
        json=True,
        # guichet ends the connection after it, whoever asks; so that the row is about the answer,
        # everybody is asked to.
        closing=True,
    ),
    Row(
        "refuse-429",
        "429 for a used-up limit, by the proxy itself",
        path=f"{LIMITED}/small",
        status=429,
        length=None,
        json=True,
        after="spent",
    ),
    Row(
        "refuse-429-h2",
        "429 for a used-up limit, HTTP/2 over TLS, 8 connections of 32 streams",
        port="tls",
        load="h2load",
        connections=8,
        streams=32,
        path=f"{LIMITED}/small",
        status=429,
        length=None,
        json=True,
        after="spent",
    ),
    Row(
        "refuse-503",
        "503 with as many under way as may be, by the proxy itself",
        path=f"{FULL}/small",
        status=503,
        length=None,
        json=True,
        after="full",
    ),
    Row("handshake", "Full TLS handshake and one request", port="tls", load="handshakes"),
    Row("latency", "Latency at half of saturation, HTTP/1.1, 90 B", kind="latency"),
    Row("memory", "Memory with idle TLS connections", kind="memory", port="tls"),
    Row("start", "Start until the first answer", kind="start"),
    Row("scaling", "From 1 to 2 workers, HTTP/1.1, 90 B", kind="scaling"),
    Row("soak", "Memory under a long load, HTTP/1.1 over TLS, 90 B", kind="soak", port="tls"),
)


def row(key: str) -> Row:
    """The row with this key."""
    return next(row for row in ROWS if row.key == key)
