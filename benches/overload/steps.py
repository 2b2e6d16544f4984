"""Half of the capacity, all of it, twice and five times; beside it a probe for which room is kept."""

import asyncio

from rig import Load, Upstream, at, every, gateway

SLOTS, SERVICE, WAIT = 20, 0.050, "20ms"
CAPACITY = SLOTS / SERVICE
# A fifth of the gateway's 25 is kept, so that the upstream's 20 slots are everybody else's.
TABLES = f"""[overload]
in_flight = 25
queue = {{ wait = "{WAIT}" }}
reserve = {{ routes = ["health"], share = "20%" }}
[upstream.slow]
endpoints = ["UPSTREAM"]
[[route]]
name = "health"
match = "GET /health"
upstream = "slow"
"""


async def measure(options, folder):
    upstream = Upstream(SLOTS, SERVICE)
    await upstream.listen()
    rows = []
    for times in (0.5, 1, 2, 5):
        async with gateway(options.binary, folder, upstream.port, TABLES) as (_, port, _):
            load, probe, probes = Load(port, 0.0), Load(port, 0.0), []

            async def look():
                came = probe.now()
                status, _, _ = await probe.once("/health")
                probes.append((status, probe.now() - came))

            watching = asyncio.get_running_loop().create_task(every(0.05, look))
            await load.phase(CAPACITY * times, options.seconds)
            watching.cancel()
            rows.append(row(times, load, probes, options.seconds))
    least = rows[0]["served_p99_ms"]
    peak = max(row["goodput"] for row in rows)
    five = rows[-1]
    promises = [
        ("nobody is refused at half of the capacity", rows[0]["refused"] == 0),
        ("goodput at five times is within a tenth of the best", five["goodput"] >= 0.9 * peak),
        ("every refusal is a 503 with Retry-After", all(row["other"] == 0 for row in rows)),
        ("refused within 50 ms, p99", all(row["refused_p99_ms"] < 50 for row in rows)),
        ("served within twice the calm time, p99", all(row["served_p99_ms"] < 2 * least for row in rows)),
        ("the probe is 200 throughout", all(row["probes_200"] == row["probes"] > 0 for row in rows)),
    ]
    return {"mode": "steps", "seconds": options.seconds, "capacity": CAPACITY, "rows": rows}, promises


def row(times, load, probes, seconds):
    served = [fate for fate in load.fates if fate.status == 200]
    refused = [fate for fate in load.fates if fate.status == 503 and fate.wait >= 1]
    return {
        "times": times,
        "offered": len(load.fates) / seconds,
        "goodput": sum(0.5 <= fate.came + fate.took < seconds for fate in served) / (seconds - 0.5),
        "served_p50_ms": at([fate.took for fate in served], 0.5),
        "served_p99_ms": at([fate.took for fate in served], 0.99),
        "refused": len(refused),
        "refused_p50_ms": at([fate.took for fate in refused], 0.5),
        "refused_p99_ms": at([fate.took for fate in refused], 0.99),
        "other": len(load.fates) - len(served) - len(refused),
        "probes": len(probes),
        "probes_200": sum(status == 200 for status, _ in probes),
        "probe_p99_ms": at([took for _, took in probes], 0.99),
        "generator_lag_p99_ms": at(load.lags, 0.99),
    }
