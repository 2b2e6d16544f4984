#!/usr/bin/env python3
"""idle.py PORT PATH COUNT: opens so many TLS connections, asks once over each, and holds them.

Prints `ready COUNT` when all are open, and ends when its standard input does.
"""

import socket
import ssl
import sys


def main() -> None:
    port, path, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
    held = []
    for _ in range(count):
        plain = socket.create_connection(("127.0.0.1", port), timeout=20)
        # The end of the handshake and the request are two writes: neither is to wait for the other's receipt.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secure = context.wrap_socket(plain, server_hostname="localhost")
        secure.sendall(request)
        answer = secure.recv(4096)
        if not answer.startswith(b"HTTP/1.1 200"):
            sys.exit(f"not a 200: {answer[:60]!r}")
        held.append(secure)
    print(f"ready {len(held)}", flush=True)
    sys.stdin.read()


main()
