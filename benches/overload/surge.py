"""Three times the capacity for a while, then calm, in which all who were refused return."""

import asyncio

from rig import Load, Upstream, at, every, gateway, memory

SLOTS, SERVICE, WAIT = 20, 0.050, "20ms"
CAPACITY = SLOTS / SERVICE
CALM = 5.0
# The longest Retry-After, and the answer to it.
LAST_RETURN = 302.0


async def measure(options, folder):
    upstream = Upstream(SLOTS, SERVICE)
    await upstream.listen()
    in_flight = options.in_flight if options.in_flight.isdigit() else f'"{options.in_flight}"'
    tables = f"""[overload.queue]
wait = "{WAIT}"
[upstream.slow]
endpoints = ["UPSTREAM"]
in_flight = {in_flight}
"""
    async with gateway(options.binary, folder, upstream.port, tables) as (process, port, _):
        load, rss, marks = Load(port, options.obedient), [], {}
        await load.connect(options.connections)

        async def look():
            rss.append((load.now(), memory(process.pid)))

        watching = asyncio.get_running_loop().create_task(every(0.25, look))
        after = options.after or min(LAST_RETURN, 15 * options.seconds)
        for name, rate, seconds in [("calm", CAPACITY / 2, CALM), ("overload", CAPACITY * 3, options.seconds),
                                    ("after", CAPACITY * 0.6, after)]:
            marks[name] = load.now()
            await load.phase(rate, seconds)
        marks["end"] = load.now()
        # Returns that are due later come to an upstream with nothing else to do: not counted.
        for task in load.returns:
            task.cancel()
        watching.cancel()
        return judge(load, rss, marks, options)


def series(fates, end):
    """Answers a second, by what they were."""
    kinds = {kind: [0] * int(end) for kind in ("served", "refused", "returned and served")}
    for fate in fates:
        kind = "refused" if fate.status != 200 else "returned and served" if fate.again else "served"
        second = int(fate.came + fate.took)
        if second < int(end):
            kinds[kind][second] += 1
    return kinds


def judge(load, rss, marks, options):
    over, end = marks["overload"], marks["overload"] + options.seconds
    calm = [fate.took for fate in load.fates if fate.came < over and fate.status == 200]
    pressed = [fate for fate in load.fates if over <= fate.came < end]
    served = [fate.took for fate in pressed if fate.status == 200]
    refused = [fate for fate in pressed if fate.status != 200]
    # Answers that came in the middle of it, when it had settled.
    good = [fate for fate in load.fates if fate.status == 200 and over + 0.5 <= fate.came + fate.took < end]
    again = [fate for fate in load.fates if fate.again]
    quiet = [fate for fate in load.fates if fate.came >= end and not fate.again]
    facts = {
        "mode": "surge",
        "in_flight": options.in_flight,
        "seconds": options.seconds,
        "connections": options.connections,
        "obedient": options.obedient,
        "capacity": CAPACITY,
        "offered": len(pressed) / options.seconds,
        "goodput": len(good) / (options.seconds - 0.5),
        "calm_p99_ms": at(calm, 0.99),
        "served_p50_ms": at(served, 0.50),
        "served_p99_ms": at(served, 0.99),
        "refused": len(refused),
        "refused_p50_ms": at([fate.took for fate in refused], 0.50),
        "refused_p99_ms": at([fate.took for fate in refused], 0.99),
        "retry_after_most_s": max([fate.wait for fate in refused] or [0]),
        "told_to_return": len(load.returns),
        "returned": len(again),
        "served_on_return": sum(fate.status == 200 for fate in again) / max(1, len(again)),
        "served_after": sum(fate.status == 200 for fate in quiet) / max(1, len(quiet)),
        "rss_before_kib": max([size for when, size in rss if when < over] or [0]),
        "rss_most_kib": max([size for when, size in rss if when >= over + 1] or [0]),
        "generator_lag_p99_ms": at(load.lags, 0.99),
        "marks": marks,
        "per_second": series(load.fates, marks["end"]),
    }
    promises = [
        ("goodput within a tenth of the capacity", facts["goodput"] >= 0.9 * CAPACITY),
        ("refusals are 503 in the vocabulary, with Retry-After",
         all(fate.status == 503 and 1 <= fate.wait <= 300 for fate in refused)
         and load.bodies == {"fr.ammyServiceUnavailable"}),
        ("refused within 50 ms, p99", facts["refused_p99_ms"] < 50),
        ("served within twice the calm time, p99", facts["served_p99_ms"] < 2 * facts["calm_p99_ms"]),
        ("served on the first return in 95 of 100", facts["served_on_return"] >= 0.95),
        ("memory flat: 8 MiB more at most", facts["rss_most_kib"] - facts["rss_before_kib"] < 8192),
    ]
    return facts, promises
