"""The figures and the charts of docs/overload.md, from the runs that were kept."""

STYLE = """text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 } .small { font-size: 11px; fill: #59636e } .end { text-anchor: end }
.ground { fill: #ffffff } .grid { stroke: #d1d9e0 } .line { fill: none; stroke-width: 2 }
.dashed { stroke-dasharray: 5 4 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .ground { fill: #0d1117 } .grid { stroke: #3d444d }
}"""
WIDTH, LEFT, RIGHT = 860, 60, 20
GREEN, RED, BLUE, GREY = "#3a9d5d", "#cf4a3c", "#3b6fc4", "#8b949e"


def publish(facts, docs):
    """Puts a run where its mode has its place on the page."""
    many = facts.get("connections", 0) >= 10_000
    place = facts["mode"] + ("-10000" if many else "")
    page = docs / "overload.md"
    begin, end = f"<!-- {place} -->\n", f"<!-- end of {place} -->"
    before, rest = page.read_text().split(begin, 1)
    lines = {"surge": surge, "steps": steps, "halving": halving, "memory": bounded}[facts["mode"]](facts)
    told = f"\n{facts['date']}, `{facts['command']}`.\n"
    page.write_text(before + begin + "\n".join(lines) + "\n" + told + end + rest.split(end, 1)[1])
    if place == "surge":
        (docs / "charts/overload.svg").write_text(surge_chart(facts))
    if place == "halving":
        (docs / "charts/adaptive.svg").write_text(halving_chart(facts))


def ms(value):
    return f"{value:.1f} ms"


def row(*cells):
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def surge(facts):
    mib = lambda name: f"{facts[name] / 1024:.1f}"
    return [
        "| | Measured | Promised |", "|---|---|---|",
        row("offered", f"{facts['offered']:.0f} a second, for {facts['seconds']:.0f} s", "three times 400"),
        row("served", f"{facts['goodput']:.0f} a second", "360 at least"),
        row("time of an answer, calm, p99", ms(facts["calm_p99_ms"]), ""),
        row("time of an answer, overload, p50 / p99", f"{ms(facts['served_p50_ms'])} / {ms(facts['served_p99_ms'])}",
            "under twice the calm one, p99"),
        row("time of a refusal, p50 / p99", f"{ms(facts['refused_p50_ms'])} / {ms(facts['refused_p99_ms'])}",
            "under 50 ms, p99"),
        row("refused clients served on their first return",
            f"{100 * facts['served_on_return']:.1f} % of {facts['returned']}", "95 % at least"),
        row("others served meanwhile", f"{100 * facts['served_after']:.1f} %", ""),
        row("resident memory before / most", f"{mib('rss_before_kib')} / {mib('rss_most_kib')} MiB", "8 MiB more at most"),
    ]


def steps(facts):
    lines = ["| Offered | Served | Answer, p50 / p99 | Refused | Refusal, p50 / p99 | Probe |", "|---|---|---|---|---|---|"]
    for it in facts["rows"]:
        refusal = f"{ms(it['refused_p50_ms'])} / {ms(it['refused_p99_ms'])}" if it["refused"] else ""
        lines.append(row(f"{it['times']:g} times, {it['offered']:.0f} a second", f"{it['goodput']:.0f} a second",
                         f"{ms(it['served_p50_ms'])} / {ms(it['served_p99_ms'])}", it["refused"], refusal,
                         f"{it['probes_200']} of {it['probes']} are 200, p99 {ms(it['probe_p99_ms'])}"))
    return lines


def halving(facts):
    phases = ["whole", "halved", "recovered"]
    lines = ["| `in_flight` | In time, of all | " + " | ".join(phases) + " | Answer, p99 |", "|---" * 6 + "|"]
    for run in [facts["adaptive"], *facts["fixed"]]:
        name = f"{run['in_flight']} (best)" if run["in_flight"] == facts["best"] else run["in_flight"]
        cells = [f"{run['by_phase'][phase]:.0f}" for phase in phases]
        if run["in_flight"] == "adaptive":
            name = "**adaptive**"
            cells = [f"{cell}, limit {run['limit'][phase]:.0f}" for cell, phase in zip(cells, phases)]
        lines.append(row(name, f"{run['goodput']:.0f} a second", *cells, ms(run["served_p99_ms"])))
    return lines


def bounded(facts):
    flow, small = facts["flow"], facts["bounded"]
    mib = lambda name: f"{flow[name] / 1024:.1f} MiB"
    return [
        "| | Measured | Promised |", "|---|---|---|",
        row(f"{flow['clients']} bodies of {flow['body_mib']} MiB, half of them uploads, for {flow['seconds']:.0f} s",
            f"{flow['moved_mib']:.0f} MiB moved", "all flow"),
        row("resident: before, once they flow, most", f"{mib('rss_before_kib')}, {mib('rss_settled_kib')}, {mib('rss_most_kib')}",
            "8 MiB more at most, once they flow"),
        row(f"{small['clients']} requests to an upstream that stands still, {small['kind']} of {small['limit_mib']} MiB",
            f"{small['held']} held, {small['refused']} refused, {small['closed']} closed", ""),
        row("memory taken at most", f"{small['most_mib']:.1f} MiB", f"under {small['limit_mib']} MiB"),
        row("killed", small["oom_kills"], "0"),
        row("time of a refusal, p50 / p99", f"{ms(small['refused_p50_ms'])} / {ms(small['refused_p99_ms'])}", ""),
        row("held requests answered once the upstream goes on", f"{small['served']} of {small['held']}", "all"),
        row("serves again afterwards", "yes" if small["serves_again"] else "no", "yes"),
    ]


class Chart:
    """A plot over time: lines, a grid, a legend."""

    def __init__(self, title, words, seconds, most, height=460):
        self.seconds, self.most, self.height = seconds, most, height
        self.bottom, self.legend = height - 50, 0
        self.out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
                    f'viewBox="0 0 {WIDTH} {height}" role="img">',
                    f"<title>{title}</title>", f"<style>\n{STYLE}\n</style>",
                    f'<rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>',
                    f'<text x="20" y="28" class="title">{title}</text>',
                    f'<text x="20" y="46" class="small">{words}</text>']

    def x(self, second):
        return LEFT + second / self.seconds * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return self.bottom - value / self.most * (self.height - 130)

    def grid(self, value_step, second_step):
        for value in range(0, self.most + 1, value_step):
            y = self.y(value)
            self.out.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            self.out.append(f'<text class="small end" x="{LEFT - 8}" y="{y + 4:.1f}">{value}</text>')
        for second in range(0, int(self.seconds) + 1, second_step):
            self.out.append(f'<text class="small" x="{self.x(second):.1f}" y="{self.bottom + 18}">{second} s</text>')

    def line(self, name, colour, points, dashed=False):
        shown = " ".join(f"{self.x(second):.1f},{self.y(min(value, self.most)):.1f}" for second, value in points)
        kind = "line dashed" if dashed else "line"
        self.out.append(f'<polyline class="{kind}" stroke="{colour}" points="{shown}"/>')
        at = 20 + self.legend * 190
        self.out.append(f'<rect x="{at}" y="58" width="14" height="4" fill="{colour}"/>')
        self.out.append(f'<text x="{at + 20}" y="64">{name}</text>')
        self.legend += 1

    def svg(self):
        return "\n".join(self.out + ["</svg>"]) + "\n"


def surge_chart(facts):
    series = facts["per_second"]
    top = (int(max(max(values) for values in series.values()) / 200) + 1) * 200
    words = (f"answers a second; the upstream can do {facts['capacity']:.0f}; in_flight = {facts['in_flight']}; "
             "every refused client returns once")
    chart = Chart(f"Three times the capacity for {facts['seconds']:.0f} seconds", words, facts["marks"]["end"], top)
    chart.grid(200, 30)
    for (name, values), colour in zip(series.items(), (GREEN, RED, BLUE)):
        chart.line(name, colour, [(second + 0.5, value) for second, value in enumerate(values)])
    return chart.svg()


def halving_chart(facts):
    adaptive = facts["adaptive"]
    best = next(run for run in facts["fixed"] if run["in_flight"] == facts["best"])
    marks, capacity = adaptive["marks"], facts["capacity"]
    words = (f"answers in time a second at {facts['rate']:.0f} offered, and the limit; "
             f"the best fixed number over all is {facts['best']}")
    chart = Chart("Half of the capacity is lost, and comes back", words, marks[-1], int(capacity * 1.2 // 50 + 1) * 50)
    chart.grid(50, 5)
    can = [(marks[0], capacity), (marks[1], capacity), (marks[1], capacity / 2), (marks[2], capacity / 2),
           (marks[2], capacity), (marks[3], capacity)]
    chart.line("what it can do", GREY, can, dashed=True)
    halves = lambda run: [(step / 2 + 0.25, value) for step, value in enumerate(run["per_half_second"])]
    chart.line(f"in_flight = {facts['best']}", BLUE, halves(best))
    chart.line("in_flight = adaptive", GREEN, halves(adaptive))
    chart.line("the adaptive limit", RED, adaptive["limits"])
    return chart.svg()
