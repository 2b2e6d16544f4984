"""The figures and the chart of docs/overload.md, from one run."""

STYLE = """text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 } .small { font-size: 11px; fill: #59636e } .end { text-anchor: end }
.ground { fill: #ffffff } .grid { stroke: #d1d9e0 } .line { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .ground { fill: #0d1117 } .grid { stroke: #3d444d }
}"""
WIDTH, HEIGHT, LEFT, RIGHT = 860, 460, 60, 20
KINDS = [("served", "#3a9d5d"), ("refused", "#cf4a3c"), ("returned and served", "#3b6fc4")]


def publish(fates, marks, facts, docs):
    (docs / "charts/overload.svg").write_text(svg(fates, marks, facts))
    page = docs / "overload.md"
    begin, end = "<!-- figures -->\n", "<!-- end of figures -->"
    before, rest = page.read_text().split(begin, 1)
    page.write_text(before + begin + table(facts) + end + rest.split(end, 1)[1])


def table(facts):
    ms = lambda name: f"{facts[name]:.1f} ms"
    rows = [
        ("offered", f"{facts['offered']:.0f} a second, for {facts['seconds']:.0f} s", "three times 400"),
        ("served", f"{facts['goodput']:.0f} a second", "360 at least"),
        ("time of an answer, calm, p99", ms("calm_p99_ms"), ""),
        ("time of an answer, overload, p50 / p99", f"{ms('served_p50_ms')} / {ms('served_p99_ms')}",
         "under twice the calm one, p99"),
        ("time of a refusal, p50 / p99", f"{ms('refused_p50_ms')} / {ms('refused_p99_ms')}", "under 50 ms, p99"),
        ("refused clients served on their first return",
         f"{100 * facts['served_on_return']:.1f} % of {facts['returned']}", "95 % at least"),
        ("resident memory before / most", f"{facts['rss_before_kib'] / 1024:.1f} / {facts['rss_most_kib'] / 1024:.1f} MiB",
         "8 MiB more at most"),
    ]
    lines = ["| | Measured | Promised |", "|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows]) + "\n"


def svg(fates, marks, facts):
    end = marks["end"]
    step = 0.5
    count = int(end / step)
    series = {name: [0] * count for name, _ in KINDS}
    for came, took, status, _, again in fates:
        at = int((came + took) / step)
        if at < count:
            name = "refused" if status != 200 else "returned and served" if again else "served"
            series[name][at] += 1
    most = max(max(values) for values in series.values()) / step
    top = (int(most / 200) + 1) * 200
    bottom, height = HEIGHT - 50, HEIGHT - 130
    x = lambda second: LEFT + second / end * (WIDTH - LEFT - RIGHT)
    y = lambda rate: bottom - rate / top * height
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
           f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
           "<title>Three times the capacity for some seconds</title>", f"<style>\n{STYLE}\n</style>",
           f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
           '<text x="20" y="28" class="title">Three times the capacity for some seconds</text>',
           f'<text x="20" y="46" class="small">answers a second; the upstream can do {facts["capacity"]:.0f}; '
           f'in_flight = {facts["in_flight"]}</text>']
    for rate in range(0, top + 1, 200):
        out.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(rate):.1f}" y2="{y(rate):.1f}"/>')
        out.append(f'<text class="small end" x="{LEFT - 8}" y="{y(rate) + 4:.1f}">{rate}</text>')
    for second in range(0, int(end) + 1, 5):
        out.append(f'<text class="small" x="{x(second):.1f}" y="{bottom + 18}">{second} s</text>')
    for at, (name, colour) in enumerate(KINDS):
        points = " ".join(f"{x((i + 0.5) * step):.1f},{y(value / step):.1f}" for i, value in enumerate(series[name]))
        out.append(f'<polyline class="line" stroke="{colour}" points="{points}"/>')
        out.append(f'<rect x="{20 + at * 190}" y="58" width="14" height="4" fill="{colour}"/>')
        out.append(f'<text x="{40 + at * 190}" y="64">{name}</text>')
    return "\n".join(out + ["</svg>"]) + "\n"
