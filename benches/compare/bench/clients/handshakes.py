#!/usr/bin/env python3
"""handshakes.py PORT PATH SECONDS: full TLS handshakes with one request each, from two processes.

wrk would resume sessions where it connects anew, so this does it: each connection knows no session,
and says whether it was resumed all the same. The client closes, as most do; some servers wait for it.
"""

import json
import os
import socket
import ssl
import sys
import time


def main() -> None:
    port, path, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    # While one waits for the proxy, the other has the CPU.
    child = os.fork()
    told = shake(port, path, seconds)
    # One write: both processes share the pipe.
    os.write(1, (json.dumps(told) + "\n").encode())
    if child:
        os.waitpid(child, 0)


def shake(port: int, path: str, seconds: float) -> dict:
    """Handshakes until the time is over; what became of them."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
    done = good = broken = resumed = 0
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with context.wrap_socket(plain, server_hostname="localhost") as secure:
                    secure.sendall(request)
                    answer = whole(secure)
                    resumed += bool(secure.session_reused)
            done += 1
            good += answer.startswith(b"HTTP/1.1 200")
        except OSError as error:
            broken += 1
            os.write(2, f"{error}\n".encode())
    return {
        "done": done,
        "good": good,
        "broken": broken,
        "resumed": resumed,
        "seconds": time.monotonic() - begun,
    }


def whole(secure: ssl.SSLSocket) -> bytes:
    """Head and body of an answer that has a Content-Length."""
    answer = b""
    while True:
        more = secure.recv(4096)
        if not more:
            raise ConnectionError("closed within the answer")
        answer += more
        head, end, body = answer.partition(b"\r\n\r\n")
        if end:
            lengths = [
                line[15:]
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            ]
            if not lengths:
                raise ConnectionError("no Content-Length")
            if len(body) >= int(lengths[0]):
                return answer


main()
