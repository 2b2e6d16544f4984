"""echo.py PORT: a WebSocket echo that keeps to the letter, for the Autobahn suite."""
import asyncio, sys

from websockets.asyncio.server import serve


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def main():
    async with serve(echo, "127.0.0.1", int(sys.argv[1]), max_size=None, compression=None):
        await asyncio.Future()


asyncio.run(main())
