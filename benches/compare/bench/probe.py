"""One request of each row before it is measured: whoever answers something else is not compared."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl

from .process import Failure
from .rows import Row
from .seat import Seat


def probe(row: Row, seat: Seat) -> None:
    """A failure where the answer is not the row's."""
    status, fields, body = ask(seat, row.port, row.path, "x" * row.post if row.post else None)
    if status != row.status:
        raise Failure(f"{seat.peer.title} answers {status} and not {row.status}: {body[:200]!r}")
    if row.length is not None and len(body) != row.length:
        raise Failure(f"{seat.peer.title} sends {len(body)} bytes and not {row.length}")
    if seat.peer.bare:
        return
    if not fields.get("x-request-id"):
        raise Failure(f"{seat.peer.title} sends no X-Request-Id with its {status}")
    if row.json:
        try:
            told = json.loads(body)
        except ValueError:
            raise Failure(f"{seat.peer.title} sends no JSON: {body[:200]!r}") from None
        if told.get("status") != row.status or not told.get("request_id"):
            raise Failure(
                f"{seat.peer.title} sends JSON without status and request id: {body[:200]!r}"
            )


def mirror(seat: Seat) -> dict:
    """What the origin saw of two requests; a failure where the peer does less work than the others."""
    connection = connect(seat, "tls")
    try:
        for _ in range(2):
            status, fields, body = exchange(seat, connection, "/o/mirror", None)
            if status != 200:
                raise Failure(f"{seat.peer.title} answers {status} for the mirror")
            try:
                seen = json.loads(body)
            except ValueError:
                raise Failure(
                    f"{seat.peer.title} changes the mirror's answer: {body[:200]!r}"
                ) from None
            wanted = {
                "request_id": fields.get("x-request-id"),
                "proto": "https",
                "host": f"localhost:{seat.ports['tls']}",
                "protocol": "HTTP/1.1",
            }
            other = {key: seen[key] for key in wanted if seen[key] != wanted[key]}
            if other:
                raise Failure(
                    f"{seat.peer.title} sent the origin {other} and not { ({key: wanted[key] for key in other}) }"
                )
            # Which address stands for a client on loopback is the peer's opinion; that one does is not.
            if not seen["for"]:
                raise Failure(f"{seat.peer.title} sent the origin no X-Forwarded-For")
    finally:
        connection.close()
    if int(seen["asked"]) < 2:
        raise Failure(f"{seat.peer.title} does not keep its connections to the origin")
    return seen


def resumes(seat: Seat) -> bool:
    """Whether a second connection takes up the session of the first."""
    context = ssl.create_default_context(cafile=os.fspath(seat.tls.cert))
    request = f"GET /o/small HTTP/1.1\r\nHost: localhost:{seat.ports['tls']}\r\n\r\n".encode()
    session, reused = None, False
    for _ in range(2):
        try:
            with socket.create_connection(("127.0.0.1", seat.ports["tls"]), timeout=10) as plain:
                with context.wrap_socket(
                    plain, server_hostname="localhost", session=session
                ) as secure:
                    # Tickets come with the answer at the latest.
                    secure.sendall(request)
                    secure.recv(4096)
                    session, reused = secure.session, bool(secure.session_reused)
        except OSError as error:
            raise Failure(f"{seat.peer.title}: {error}") from None
    return reused


def ask(
    seat: Seat, port: str, path: str, body: str | None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """One request over a new connection."""
    connection = connect(seat, port)
    try:
        return exchange(seat, connection, path, body)
    finally:
        connection.close()


def connect(seat: Seat, port: str) -> http.client.HTTPConnection:
    """A connection to one of the seat's ports, not yet opened."""
    if port == "tls":
        context = ssl.create_default_context(cafile=os.fspath(seat.tls.cert))
        return http.client.HTTPSConnection(
            "localhost", seat.ports[port], timeout=10, context=context
        )
    return http.client.HTTPConnection("localhost", seat.ports[port], timeout=10)


def exchange(
    seat: Seat, connection: http.client.HTTPConnection, path: str, body: str | None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """A request and its whole answer."""
    try:
        connection.request("POST" if body else "GET", path, body)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"{seat.peer.title} gives no answer for {path}: {error}") from None
