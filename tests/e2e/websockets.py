"""WebSockets for the end-to-end test, with nothing but the standard library.

websockets.py serve PORT          echoes every frame, on loopback
websockets.py ask PORT COUNT      opens COUNT through TLS, then sends on all, then reads on all
"""
import asyncio, base64, hashlib, os, ssl, sys

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


async def frame(reader):
    """One short frame: opcode and unmasked payload."""
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    mask = await reader.readexactly(4) if second & 0x80 else bytes(4)
    payload = await reader.readexactly(length)
    return first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


async def serve(port):
    async def echo(reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
            key = {name.lower(): value for name, value in lines.items()}[b"sec-websocket-key"]
            accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                         b"Upgrade: websocket\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            while True:
                opcode, payload = await frame(reader)
                writer.write(bytes([0x80 | opcode, len(payload)]) + payload)
        except (asyncio.IncompleteReadError, ConnectionError, KeyError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


async def ask(port, count):
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE

    async def connect():
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trusting, server_hostname="localhost")
        key = base64.b64encode(os.urandom(16))
        writer.write(b"GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                     b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     b"Sec-WebSocket-Key: " + key + b"\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        assert base64.b64encode(hashlib.sha1(key + GUID).digest()) in head, head
        return reader, writer

    sockets = await asyncio.gather(*(connect() for _ in range(count)))
    for number, (_, writer) in enumerate(sockets):
        payload, mask = f"message {number}".encode(), os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        writer.write(bytes([0x81, 0x80 | len(payload)]) + mask + masked)
    for number, (reader, writer) in enumerate(sockets):
        assert await frame(reader) == (1, f"message {number}".encode())
        writer.close()


if __name__ == "__main__":
    verb, port = sys.argv[1], int(sys.argv[2])
    if verb == "serve":
        asyncio.run(serve(port))
    else:
        asyncio.run(asyncio.wait_for(ask(port, int(sys.argv[3])), 60))
