"""What all modes of the overload bench need: an upstream of a known capacity, a gateway before it,
clients that send by the clock and come back when they were told to."""

import asyncio
import collections
import contextlib
import json
import pathlib
import socket
import subprocess
import time


class Upstream:
    """Answers after a while, and has only so many hands; whoever finds none waits in it. `/health` is
    answered at once. Its capacity may change while it runs."""

    def __init__(self, slots, service):
        self.service = service
        self.free = slots
        self.waiting = collections.deque()
        self.port = None

    async def listen(self):
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Seat(self), "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def ask(self, seat):
        if self.free > 0:
            self.free -= 1
            self.serve(seat)
        else:
            self.waiting.append(seat)

    def serve(self, seat):
        asyncio.get_running_loop().call_later(self.service, self.done, seat)

    def done(self, seat):
        seat.answer()
        self.free += 1
        self.refill()

    def refill(self):
        while self.free > 0 and self.waiting:
            self.free -= 1
            self.serve(self.waiting.popleft())

    def grow(self, slots):
        """So many hands more; fewer, where it is negative, as soon as they are free."""
        self.free += slots
        self.refill()


class Seat(asyncio.Protocol):
    def __init__(self, upstream):
        self.upstream = upstream
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            if head.startswith(b"GET /health "):
                self.answer()
            else:
                self.upstream.ask(self)

    def answer(self):
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


class Client(asyncio.Protocol):
    """One kept connection; one request at a time."""

    def __init__(self):
        self.waiting = None
        self.buffer = b""
        self.open = True

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(body) >= int(fields.get(b"content-length", 0)):
            self.buffer = b""
            waiting, self.waiting = self.waiting, None
            status = int(head.split(b" ", 2)[1])
            self.open = self.open and fields.get(b"connection") != b"close"
            if waiting is not None and not waiting.done():
                waiting.set_result((status, int(fields.get(b"retry-after", 0)), body))

    def connection_lost(self, error):
        self.open = False
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(error or ConnectionError("closed"))


# When it came, how long it took, its status (0: none), what Retry-After said, whether it was a return.
Fate = collections.namedtuple("Fate", "came took status wait again")


class Load:
    """Requests by the clock and not by the answers: an open loop. `obedient`: the share of refused
    clients that come back, once."""

    def __init__(self, port, obedient=1.0):
        self.port = port
        self.obedient = obedient
        self.owed = 0.0
        self.idle = collections.deque()
        self.fates = []
        self.returns = []
        self.bodies = set()
        self.lags = []
        self.began = time.monotonic()

    def now(self):
        return time.monotonic() - self.began

    async def connect(self, count):
        """Opens connections beforehand, and uses each once: what a connection costs once it has carried
        a request belongs to the time before. Later they are all used in turn."""
        loop = asyncio.get_running_loop()
        while len(self.idle) < count:
            some = [loop.create_connection(Client, "127.0.0.1", self.port)
                    for _ in range(min(100, count - len(self.idle)))]
            self.idle.extend(client for _, client in await asyncio.gather(*some))
        for _ in range(0, count, 10):
            await asyncio.gather(*[self.once("/health") for _ in range(10)])

    async def once(self, path="/a"):
        loop = asyncio.get_running_loop()
        client = None
        while self.idle and client is None:
            client = self.idle.popleft()
            client = client if client.open else None
        if client is None:
            _, client = await loop.create_connection(Client, "127.0.0.1", self.port)
        waiting = client.waiting = loop.create_future()
        client.transport.write(f"GET {path} HTTP/1.1\r\nHost: gw.test\r\n\r\n".encode())
        answer = await waiting
        if client.open:
            self.idle.append(client)
        else:
            client.transport.close()
        return answer

    async def try_once(self):
        try:
            return await self.once()
        except OSError:
            return 0, 0, b""

    async def ask(self, again=False):
        came = self.now()
        status, wait, body = await self.try_once()
        self.fates.append(Fate(came, self.now() - came, status, wait, again))
        if status == 503:
            self.bodies.add(json.loads(body)["code"])
            self.owed += 0 if again else self.obedient
            if not again and self.owed >= 1:
                self.owed -= 1
                self.returns.append(asyncio.get_running_loop().create_task(self.come_back(wait)))

    async def come_back(self, wait):
        await asyncio.sleep(wait)
        await self.ask(again=True)

    async def phase(self, rate, seconds):
        """Requests by the clock; the ones that are late are sent at once."""
        loop = asyncio.get_running_loop()
        start, sent, tasks = time.monotonic(), 0, []
        while (now := time.monotonic()) < start + seconds:
            while sent < (now - start) * rate:
                sent += 1
                tasks.append(loop.create_task(self.ask()))
            await asyncio.sleep(0.001)
            # How late this very process is: what it measures is wrong by as much.
            self.lags.append(time.monotonic() - now - 0.001)
        await asyncio.gather(*tasks)


@contextlib.asynccontextmanager
async def gateway(binary, folder, upstream, tables, limits="", group=None):
    """guichet before the upstream, in a cgroup where there is one; yields its process, its port and its
    admin port."""
    port, admin = free_port(), free_port()
    config = pathlib.Path(folder) / f"guichet-{port}.toml"
    config.write_text(f"""version = 1
[server]
workers = 2
limits = {{ idle = "10m", connections = 19000{limits} }}
[listen.plain]
bind = ["127.0.0.1:{port}"]
plain = "allow"
[admin]
bind = "127.0.0.1:{admin}"
[observe]
access_log = {{ to = "{folder}/access.log", sample = 0.0, always = [] }}
{tables.replace("UPSTREAM", f"http://127.0.0.1:{upstream}")}
[[route]]
name = "all"
match = "/{{*rest}}"
upstream = "slow"
""")
    command = [binary, "run", config]
    if group:
        # Inside before it begins: what holds it is looked up once.
        command = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', group / "cgroup.procs", *command]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                await asyncio.sleep(0.05)
        yield process, port, admin
    finally:
        process.terminate()
        process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def metric(admin, begin):
    """One number of the metrics page."""
    reader, writer = await asyncio.open_connection("127.0.0.1", admin)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    page = (await reader.read()).decode()
    writer.close()
    line = next((line for line in page.splitlines() if line.startswith(begin)), f"{begin} nan")
    return float(line.rsplit(" ", 1)[1])


def memory(pid):
    """KiB that are resident."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


async def every(seconds, what):
    while True:
        await what()
        await asyncio.sleep(seconds)


def at(times, share):
    """The time under which such a share of them stays, in milliseconds."""
    times = sorted(times)
    return times[min(len(times) - 1, int(len(times) * share))] * 1000 if times else 0.0
