"""The few shapes of SVG that the charts need, in colours that hold on light and dark pages.

A chart brings its own ground and follows the reader's colour scheme, so it never stands dark on dark.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 } .small { font-size: 11px; fill: #59636e } .end { text-anchor: end } .mid { text-anchor: middle }
.ground { fill: #ffffff } .grid { stroke: #d1d9e0 } .one { stroke: #1f2328; stroke-width: 1.5 } .whisker { stroke: #1f2328; stroke-opacity: .55 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .ground { fill: #0d1117 } .grid { stroke: #3d444d } .one { stroke: #e6edf3 } .whisker { stroke: #e6edf3 }
}
"""

# Peers keep colour and mark from chart to chart; the marks are for those who do not see the colours.
COLOURS = {
    "guichet": "#cf4a3c",
    "nginx": "#3a9d5d",
    "haproxy": "#3f7fc1",
    "envoy": "#b0589f",
    "caddy": "#d08a1d",
    "pingora": "#7a6ff0",
    "sozu": "#2a9d9d",
    "relay": "#8b949e",
}
MARKS = ("circle", "square", "diamond", "up", "down", "cross")


def document(width: float, height: float, title: str, parts: list[str]) -> str:
    """A whole file; the title is what a screen reader says."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n"
        f'<rect class="ground" width="{width:g}" height="{height:g}" rx="6"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """A line of text; `kind` is its classes."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A line of a class."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    """A bar."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:g}" fill="{colour}" rx="2"/>'


def mark(kind: str, x: float, y: float, colour: str) -> str:
    """A mark of about nine units across."""
    points = {
        "square": [(-4, -4), (4, -4), (4, 4), (-4, 4)],
        "diamond": [(0, -5.5), (5.5, 0), (0, 5.5), (-5.5, 0)],
        "up": [(0, -5), (5, 4), (-5, 4)],
        "down": [(0, 5), (5, -4), (-5, -4)],
        "cross": [
            (-5, -2),
            (-2, -2),
            (-2, -5),
            (2, -5),
            (2, -2),
            (5, -2),
            (5, 2),
            (2, 2),
            (2, 5),
            (-2, 5),
            (-2, 2),
            (-5, 2),
        ],
    }
    if kind == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>'
    corners = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in points[kind])
    return f'<polygon points="{corners}" fill="{colour}"/>'
