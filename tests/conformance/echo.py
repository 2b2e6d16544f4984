"""echo.py PORT: a WebSocket echo that keeps to the letter, for the Autobahn suite.

One frame is answered before the next is looked at, and a connection that has failed is read to its
end. So the answer is the same however the bytes arrive, in one read or octet by octet: an echo whose
reader runs ahead of its writer drops what came before a fault, and one that closes over unread bytes
resets the connection and takes its own last words back.
"""
import asyncio, sys

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Message, Ping, Request, TextMessage

LINGERING = 5


def answers(socket, event, parts):
    """What is sent back; parts are those of a message that has not ended."""
    if isinstance(event, Request):
        return socket.send(AcceptConnection())
    if isinstance(event, (Ping, CloseConnection)):
        return socket.send(event.response())
    if isinstance(event, (TextMessage, BytesMessage)):
        parts.append(event.data)
        if event.message_finished:
            whole = type(event.data)().join(parts)
            parts.clear()
            return socket.send(Message(data=whole))
    return b""


async def echo(reader, writer):
    socket, parts, closed = WSConnection(ConnectionType.SERVER), [], False
    try:
        while not closed and (data := await reader.read(65536)):
            socket.receive_data(data)
            for event in socket.events():
                writer.write(answers(socket, event, parts))
                await writer.drain()
                closed = closed or isinstance(event, CloseConnection)
                if closed:
                    break
        writer.write_eof()
        await asyncio.wait_for(to_the_end(reader), LINGERING)
    except (ConnectionError, asyncio.TimeoutError):
        pass
    finally:
        writer.close()


async def to_the_end(reader):
    while await reader.read(65536):
        pass


async def main():
    async with await asyncio.start_server(echo, "127.0.0.1", int(sys.argv[1])):
        await asyncio.Future()


asyncio.run(main())
