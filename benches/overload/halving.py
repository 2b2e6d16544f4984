"""An upstream loses half of its capacity and gets it back, under more load than it can take: what an
adaptive limit makes of it, and what each fixed number does."""

import asyncio
import concurrent.futures
import tempfile

from rig import Load, Upstream, at, every, gateway, metric

SLOTS, SERVICE, WAIT = 30, 0.100, "40ms"
CAPACITY = SLOTS / SERVICE
# A third more than it can take at its best.
RATE = CAPACITY * 1.33
# A client waits three times as long as an idle upstream takes.
PATIENCE = 3 * SERVICE
FIXED = ["10", "15", "20", "25", "30", "35", "45"]
PHASES = ["whole", "halved", "recovered"]


async def one(binary, in_flight, seconds):
    upstream = Upstream(SLOTS, SERVICE)
    await upstream.listen()
    tables = f"""[overload.queue]
wait = "{WAIT}"
[upstream.slow]
endpoints = ["UPSTREAM"]
in_flight = {in_flight if in_flight.isdigit() else f'"{in_flight}"'}
"""
    with tempfile.TemporaryDirectory() as folder:
        async with gateway(binary, folder, upstream.port, tables) as (_, port, admin):
            load, limits = Load(port, 0.0), []

            async def look():
                limit = await metric(admin, 'guichet_concurrency_limit{scope="upstream:slow"}')
                limits.append((load.now(), limit))

            watching = asyncio.get_running_loop().create_task(every(0.25, look))
            marks = []
            for change in (0, -SLOTS // 2, SLOTS // 2):
                upstream.grow(change)
                marks.append(load.now())
                await load.phase(RATE, seconds)
            watching.cancel()
    served = [fate for fate in load.fates if fate.status == 200]
    good = sorted(fate.came + fate.took for fate in served if fate.took <= PATIENCE)
    whole = marks[-1] + seconds
    between = lambda start, end: sum(start <= when < end for when in good) / (end - start)
    phase = lambda at: (marks[at], marks[at + 1] if at < 2 else whole)
    return {
        "in_flight": in_flight,
        "goodput": between(0, whole),
        "by_phase": {name: between(*phase(at)) for at, name in enumerate(PHASES)},
        # What it had come to by the last third of each phase.
        "limit": {name: median([limit for when, limit in limits
                                if phase(at)[1] - seconds / 3 <= when < phase(at)[1]])
                  for at, name in enumerate(PHASES)},
        "served_p99_ms": at([fate.took for fate in served], 0.99),
        "refused_p99_ms": at([fate.took for fate in load.fates if fate.status == 503], 0.99),
        "generator_lag_p99_ms": at(load.lags, 0.99),
        "marks": marks + [whole],
        "limits": limits,
        "per_half_second": [between(step / 2, step / 2 + 0.5) for step in range(int(whole * 2))],
    }


def median(values):
    return sorted(values)[len(values) // 2] if values else 0


def run_one(binary, in_flight, seconds):
    return asyncio.run(one(binary, in_flight, seconds))


def measure(options):
    """A process for each: they share nothing but the machine, which has little to do."""
    kinds = ["adaptive", *FIXED]
    with concurrent.futures.ProcessPoolExecutor(max_workers=options.at_once) as pool:
        jobs = [pool.submit(run_one, options.binary, kind, options.seconds) for kind in kinds]
        adaptive, *fixed = [job.result() for job in jobs]
    best = max(fixed, key=lambda run: run["goodput"])
    promises = [("adaptive within a fifth of the best fixed number", adaptive["goodput"] >= 0.8 * best["goodput"])]
    for name in PHASES:
        most = max(run["by_phase"][name] for run in fixed)
        promises.append((f"the same, {name}", adaptive["by_phase"][name] >= 0.8 * most))
    facts = {"mode": "halving", "seconds": options.seconds, "capacity": CAPACITY, "rate": RATE,
             "patience_ms": PATIENCE * 1000, "best": best["in_flight"], "adaptive": adaptive, "fixed": fixed}
    return facts, promises
