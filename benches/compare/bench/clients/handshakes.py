#!/usr/bin/env python3
"""handshakes.py PORT PATH SECONDS: full TLS handshakes with one request each, from two processes.

wrk would resume sessions where a connection is closed after each request, so this does it: a new
context's connections know no session, and each says whether it was resumed all the same.
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
    print(json.dumps(shake(port, path, seconds)), flush=True)
    if child:
        os.waitpid(child, 0)


def shake(port: int, path: str, seconds: float) -> dict:
    """Handshakes until the time is over; what became of them."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    done = good = broken = resumed = 0
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                with context.wrap_socket(plain, server_hostname="localhost") as secure:
                    secure.sendall(request)
                    answer = secure.recv(4096)
                    while answer and secure.recv(4096):
                        pass
                    resumed += bool(secure.session_reused)
            done += 1
            good += answer.startswith(b"HTTP/1.1 200")
        except OSError as error:
            broken += 1
            print(error, file=sys.stderr)
    return {"done": done, "good": good, "broken": broken, "resumed": resumed, "seconds": time.monotonic() - begun}


main()
