"""honest.py PORT: 2000 requests, a connection each, one after the other; prints their p99 in milliseconds."""
import socket, sys, time

took = []
for _ in range(2000):
    begun = time.perf_counter()
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10) as s:
        s.sendall(b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        data = b""
        while piece := s.recv(4096):
            data += piece
    assert b" 200 " in data[:20], data[:80]
    took.append(time.perf_counter() - begun)
    time.sleep(0.001)
took.sort()
print(f"{took[int(len(took) * .99)] * 1000:.3f}")
