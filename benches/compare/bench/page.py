"""The section of docs/performance.md that a run writes, between two markers, and its charts."""

from __future__ import annotations

import re
from pathlib import Path

from . import chart, record
from .peers.guichet import CLONE
from .table import tables

PAGE = CLONE / "docs" / "performance.md"
# Charts of the page stand in a folder beside it.
CHARTS = "charts"
SCRATCH = CLONE / "target" / "compare"

BEGIN = "<!-- compare: begin -->"
END = "<!-- compare: end -->"

ALTERNATIVES = {
    "cost.svg": "CPU time of a request, each peer divided by guichet",
    "latency.svg": "Latency of each peer at half of saturation",
    "memory.svg": "Memory that an idle TLS connection holds",
    "start.svg": "Time from start to the first answer",
}


def section(run: dict, name: str, folder: str) -> str:
    """The text between the markers; `folder` is where its charts are, seen from the page."""
    machine = run["machine"]
    tools = ", ".join(f"{tool} {version}" for tool, version in run["tools"].items())
    pictures = [f"![{ALTERNATIVES[file]}]({folder}{file})" for file in chart.all_of(run)]
    handshakes = {
        (seen["version"], seen["suite"], seen["group"]) for seen in run["handshakes"].values()
    }
    titles = {peer["key"]: peer["title"] for peer in run["peers"]}
    forgetful = [titles[key] for key, seen in run["handshakes"].items() if not seen["resumes"]]
    return "\n".join(
        [
            f"Written by `benches/compare/page` from `{name}`: {run['date'][:10]}, commit {run['commit']}, {run['rounds']} round(s) of "
            f"{run['seconds']} s, {machine['cpu']} ({machine['cpus']} CPUs), Linux {machine['kernel']}; {tools} (nginx as the origin too).",
            *[
                f"Every handshake was {version}, {suite}, {group}."
                for version, suite, group in sorted(handshakes)
            ],
            *([f"No sessions to resume: {', '.join(forgetful)}."] if forgetful else []),
            *(
                ["**A quick run: it shows that the bench works, and no figure means anything.**"]
                if run["quick"]
                else []
            ),
            "Bold is where guichet costs more than a peer.",
            "",
            *[part for picture in pictures for part in (picture, "")],
            tables(run),
        ]
    )


def between(text: str, new: str) -> str:
    """The page with the section replaced; a ValueError where the markers are not there exactly once."""
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"{BEGIN} … {END} does not stand there exactly once")
    return pattern.sub(lambda _: f"{BEGIN}\n{new.strip()}\n{END}", text)


def draw(run: dict, folder: Path) -> list[Path]:
    """Writes the charts into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, drawn in chart.all_of(run).items():
        (folder / name).write_text(drawn)
        written.append(folder / name)
    return written


def publish(source: Path) -> list[Path]:
    """Puts a run into the page; which files were written."""
    run = record.read(source)
    name = source.resolve()
    shown = str(name.relative_to(CLONE)) if name.is_relative_to(CLONE) else name.name
    PAGE.write_text(between(PAGE.read_text(), section(run, shown, f"{CHARTS}/")))
    return [PAGE, *draw(run, PAGE.parent / CHARTS)]
