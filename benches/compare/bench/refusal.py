"""What a proxy refuses for: a limit that is used up, or the one place that somebody else has taken.

It is seen to before each load, so that no answer under load is anything but the refusal.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .origin import HELD
from .probe import ask
from .process import Failure
from .rows import Row
from .seat import Seat

# Several times what HAProxy takes to notice that the last holder has gone.
PATIENCE = 5
PAUSE = 0.01
LET_THROUGH = b"HTTP/1.1 200"


@contextmanager
def refusing(row: Row, seat: Seat) -> Iterator[None]:
    """Within it the row's requests are refused; a row whose answers need nothing is left alone."""
    match row.after:
        case "":
            yield
        case "spent":
            # Whether it is let through or not, there is nothing left after it.
            ask(seat, row.port, row.path, None)
            yield
        case "full":
            holder = hold(row, seat)
            try:
                yield
            finally:
                holder.close()
        case other:
            raise AssertionError(other)


def hold(row: Row, seat: Seat) -> socket.socket:
    """Takes the place: a connection whose answer takes longer than any load."""
    request = f"GET {HELD} HTTP/1.1\r\nHost: localhost:{seat.ports['plain']}\r\n\r\n".encode()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        holder = socket.create_connection(("127.0.0.1", seat.ports["plain"]), timeout=10)
        # Closed by a reset: some go on sending to who has only ended its side.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        holder.sendall(request)
        time.sleep(PAUSE)
        status, _, _ = ask(seat, row.port, row.path, None)
        # Where the last holder's end has not been noticed yet, this one may be refused as well.
        if status == row.status and begins(holder) in (b"", LET_THROUGH):
            return holder
        holder.close()
    raise Failure(f"{seat.peer.title} still answers {status} while its one place is taken")


def begins(holder: socket.socket) -> bytes:
    """The beginning of the answer, or nothing where none has come yet; what was closed is a refusal."""
    holder.setblocking(False)
    try:
        return holder.recv(len(LET_THROUGH), socket.MSG_PEEK) or b"closed"
    except BlockingIOError:
        return b""
