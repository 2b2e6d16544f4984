"""Memory: large bodies that flow slowly, and a process under a small limit whose clients want more.

The limit is a cgroup's where one can be made (version 2, or 1), and `limits.memory` where not."""

import asyncio
import os
import pathlib

from rig import Load, Upstream, at, every, gateway, memory

TABLES = """[upstream.slow]
endpoints = ["UPSTREAM"]
timeout = { first_byte = "120s", total = "10m", idle = "120s" }
"""
MIB = 1 << 20
PIECE = bytes(64 << 10)
# What each of the two hundred says that it will send or wants to have, and how much of it a second.
BODY, PACE, EACH = 1 << 30, MIB, 100
CROWD = 10_000


async def measure(options, folder):
    flow = await flowing(options, folder)
    small = await bounded(options, folder)
    promises = [
        ("bodies leave memory as it is: 8 MiB more at most",
         flow["rss_most_kib"] - flow["rss_settled_kib"] < 8192),
        ("all two hundred flow", flow["moved_mib"] > 0.8 * 2 * EACH * options.seconds),
        ("the process lives, and nobody was killed", small["alive"] and small["oom_kills"] == 0),
        ("it stays under its limit", small["most_mib"] <= options.limit),
        ("whoever is refused is told so: 503 with Retry-After", small["other"] == 0 and small["refused"] > 0),
        ("what was begun is answered", small["served"] == small["held"] > 0),
        ("afterwards it serves again", small["serves_again"]),
    ]
    return {"mode": "memory", "flow": flow, "bounded": small}, promises


class Body(asyncio.Protocol):
    """An upstream that takes all of a request's body, and gives as much when it is asked for one."""

    def connection_made(self, transport):
        self.transport, self.going, self.task, self.buffer = transport, asyncio.Event(), None, b""
        self.going.set()

    def data_received(self, data):
        if self.task is None:
            self.buffer += data
            if b"\r\n\r\n" in self.buffer:
                giving = self.buffer.startswith(b"GET")
                self.task = asyncio.get_running_loop().create_task(self.give()) if giving else ()

    async def give(self):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BODY)
        for _ in range(BODY // len(PIECE)):
            await self.going.wait()
            if self.transport.is_closing():
                return
            self.transport.write(PIECE)

    def pause_writing(self):
        self.going.clear()

    def resume_writing(self):
        self.going.set()

    def connection_lost(self, error):
        if self.task:
            self.task.cancel()


async def flowing(options, folder):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Body, "127.0.0.1", 0, backlog=1024)
    upstream = server.sockets[0].getsockname()[1]
    moved, rss = [0], []
    async with gateway(options.binary, folder, upstream, TABLES, ', body = "2GiB"') as (process, port, _):
        began = loop.time()

        async def upload():
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /up HTTP/1.1\r\nHost: gw.test\r\nContent-Length: %d\r\n\r\n" % BODY)
            await pace(lambda: put(writer))

        async def put(writer):
            writer.write(PIECE)
            await writer.drain()
            return len(PIECE)

        async def download():
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /down HTTP/1.1\r\nHost: gw.test\r\n\r\n")
            await pace(lambda: take(reader))

        async def take(reader):
            return len(await reader.readexactly(len(PIECE)))

        async def pace(step):
            start, done = loop.time(), 0
            while True:
                done += await step()
                moved[0] += len(PIECE)
                await asyncio.sleep(max(0, start + done / PACE - loop.time()))

        async def look():
            rss.append((loop.time() - began, memory(process.pid)))

        before = memory(process.pid)
        tasks = [loop.create_task(kind()) for kind in [upload, download] * EACH]
        tasks.append(loop.create_task(every(0.1, look)))
        await asyncio.sleep(options.seconds)
        failed = [task.exception() for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    server.close()
    settled = options.seconds / 3
    return {
        "clients": 2 * EACH, "body_mib": BODY // MIB, "seconds": options.seconds, "moved_mib": moved[0] / MIB,
        "failed": len(failed), "rss_before_kib": before,
        "rss_settled_kib": max(size for when, size in rss if when < settled),
        "rss_most_kib": max(size for when, size in rss if when >= settled),
    }


async def bounded(options, folder):
    """Ten thousand clients ask an upstream that stands still."""
    upstream = Upstream(0, 0.0)
    await upstream.listen()
    group = Group.make(options.limit)
    own = "" if group else f', memory = "{options.limit}MiB"'
    async with gateway(options.binary, folder, upstream.port, TABLES, own, group and group.folder) as (process, port, _):
        load, fates, most = Load(port, 0.0), [], [0]

        async def look():
            most[0] = max(most[0], group.taken() if group else memory(process.pid) << 10)

        watching = asyncio.get_running_loop().create_task(every(0.05, look))

        async def ask():
            came = load.now()
            # Status 0: one beyond those who are told, closed at once.
            status, wait, _ = await load.try_once()
            fates.append((status, load.now() - came, wait))

        tasks = []
        for number in range(CROWD):
            tasks.append(asyncio.get_running_loop().create_task(ask()))
            await asyncio.sleep(0 if number % 20 else 0.02)
        await asyncio.sleep(2)
        refused, held = list(fates), CROWD - len(fates)
        upstream.grow(10_000)
        await asyncio.wait(tasks, timeout=60)
        late = fates[len(refused):]
        alive, again = process.poll() is None, False
        for _ in range(50):
            if alive and not again:
                await asyncio.sleep(0.1)
                again = (await Load(port, 0.0).try_once())[0] == 200
        watching.cancel()
    told = [took for status, took, wait in refused if status == 503 and wait >= 1]
    facts = {
        "kind": group.kind if group else "limits.memory", "limit_mib": options.limit, "most_mib": most[0] / MIB,
        "clients": CROWD, "held": held, "served": sum(status == 200 for status, *_ in late),
        "refused": len(told), "closed": sum(status == 0 for status, *_ in refused),
        "other": sum(status not in (0, 503) for status, *_ in refused),
        "refused_p50_ms": at(told, 0.5), "refused_p99_ms": at(told, 0.99),
        "alive": alive, "oom_kills": group.kills() if group else 0, "serves_again": again,
    }
    if group:
        group.remove()
    return facts


class Group:
    """A cgroup with a limit on memory."""

    def __init__(self, kind, folder, limit, usage, events):
        self.kind, self.folder, self.usage, self.events = kind, folder, folder / usage, folder / events
        (folder / limit[0]).write_text(str(limit[1] * MIB))

    @classmethod
    def make(cls, mib):
        name = f"guichet-bench-{os.getpid()}"
        two, one = pathlib.Path("/sys/fs/cgroup"), pathlib.Path("/sys/fs/cgroup/memory")
        try:
            if (two / "memory.stat").exists() or "memory" in (two / "cgroup.controllers").read_text():
                (two / name).mkdir()
                return cls("cgroup v2", two / name, ("memory.max", mib), "memory.current", "memory.events")
        except OSError:
            pass
        try:
            (one / name).mkdir()
            return cls("cgroup v1", one / name, ("memory.limit_in_bytes", mib), "memory.usage_in_bytes",
                       "memory.oom_control")
        except OSError:
            return None

    def taken(self):
        return int(self.usage.read_text())

    def kills(self):
        lines = dict(line.split() for line in self.events.read_text().splitlines())
        return int(lines.get("oom_kill", 0))

    def remove(self):
        self.folder.rmdir()
