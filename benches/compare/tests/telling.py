"""Figures, tables, charts and the page: made from a record, and true to it."""

import json
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

from bench import chart, figures, page, record, table
from bench.measure.turns import Result, order, turns
from bench.process import Failure
from bench.rows import row


def run() -> dict:
    """A record with a won row, a lost one, and every way to have no figure."""

    def cost(*values):
        return [
            {
                "cpu_us": value,
                "user_us": value / 4,
                "system_us": value * 3 / 4,
                "per_second": 1e6 / value,
            }
            for value in values
        ]

    def peer(key, title, **more):
        return {
            "key": key,
            "title": title,
            "version": "1.0",
            "absent": None,
            "floor": False,
            **more,
        }

    def line(key, rounds, **more):
        one = row(key)
        return {
            "key": key,
            "title": one.title,
            "kind": one.kind,
            "note": "",
            "failed": {},
            "lacks": {},
            "rounds": rounds,
            **more,
        }

    latency = [{"p50_ms": 0.5, "p99_ms": 2.0, "p999_ms": 4.0}]
    return {
        "format": 1,
        "date": "2026-11-25T22:00:00Z",
        "commit": "abc",
        "quick": False,
        "rounds": 3,
        "seconds": 3,
        "machine": {
            "cpu": "A CPU",
            "cpus": 2,
            "kernel": "6.1",
            "memory_gib": 4,
            "load_average": 0.1,
        },
        "tools": {"wrk": "4.1"},
        "handshakes": {},
        "peers": [
            peer("guichet", "guichet"),
            peer("nginx", "nginx"),
            peer("sozu", "Sōzu", absent="cargo install sozu"),
            peer("relay", "relay", floor=True),
        ],
        "rows": [
            line(
                "small",
                {"guichet": cost(18, 20, 22), "nginx": cost(20, 20, 20), "relay": cost(10, 10, 10)},
            ),
            line(
                "refuse-404",
                {"guichet": cost(11, 11, 12), "nginx": cost(10, 10, 10)},
                lacks={"relay": "the relay knows no HTTP"},
            ),
            line(
                "error",
                {"guichet": cost(11)},
                failed={"nginx": "3 of 9 answers\nmore"},
                lacks={"relay": "the relay knows no HTTP"},
            ),
            line("latency", {"guichet": latency, "nginx": latency}, note="100 requests a second"),
        ],
    }


class Figures(unittest.TestCase):
    def test_the_ratio_is_taken_pair_by_pair(self):
        own, other = [{"x": 10}, {"x": 40}, {"x": 12}], [{"x": 20}, {"x": 20}, {"x": 10}]
        # The ratio of medians would be 12 / 20.
        self.assertEqual(figures.ratio(own, other, "x"), figures.Spread(1.2, 0.5, 2.0))

    def test_nothing_to_divide_is_no_ratio(self):
        self.assertIsNone(figures.ratio([], [{"x": 1}], "x"))
        self.assertIsNone(figures.ratio([{"x": 1}], [{"x": 0}], "x"))

    def test_lost_is_what_the_table_shows_as_lost(self):
        less, more = (
            figures.Measure("a", "", "", 1),
            figures.Measure("b", "", "", 1, more_is_better=True),
        )
        self.assertFalse(figures.lost(less, figures.Spread(1.004, 1, 1)))
        self.assertTrue(figures.lost(less, figures.Spread(1.01, 1, 1)))
        self.assertTrue(figures.lost(more, figures.Spread(0.9, 1, 1)))
        self.assertFalse(figures.lost(more, figures.Spread(1.5, 1, 1)))

    def test_percentiles_are_of_the_nearest_rank(self):
        values = [float(value) for value in range(1, 1001)]
        self.assertEqual(
            [figures.percentile(values, share) for share in (0.5, 0.99, 0.999, 1)],
            [500, 990, 999, 1000],
        )
        self.assertEqual(figures.percentile([7.0], 0.999), 7.0)


class Turns(unittest.TestCase):
    def test_every_other_round_goes_backwards(self):
        self.assertEqual([order(["a", "b"], number) for number in (0, 1)], [["a", "b"], ["b", "a"]])

    def test_who_fails_once_leaves_the_row_and_the_others_stay(self):
        asked = []

        def once(key):
            asked.append(key)
            if key == "b" and asked.count("b") == 2:
                raise Failure("3 of 9 answers")
            return {"x": 1}

        result = turns(Result(row("small")), ["a", "b"], 3, once)
        self.assertEqual(asked, ["a", "b", "b", "a", "a"])
        self.assertEqual(result.rounds, {"a": [{"x": 1}] * 3})
        self.assertEqual(result.failed, {"b": "3 of 9 answers"})


class Tables(unittest.TestCase):
    def setUp(self):
        self.lines = table.tables(run()).splitlines()

    def line(self, start):
        return next(line for line in self.lines if line.lstrip("|* ").startswith(start))

    def test_a_won_row_is_plain(self):
        self.assertEqual(
            self.line("HTTP/1.1, 90 B"),
            "| HTTP/1.1, 90 B | 20.0 (18.0 to 22.0) | 20.0 · 1.00 | not run | 10.0 · 2.00 |",
        )

    def test_a_lost_row_is_bold(self):
        self.assertEqual(
            self.line("404"),
            "| **404 for an unknown path, by the proxy itself** | 11.0 (11.0 to 12.0) | **10.0 · 1.10** | not run | – |",
        )

    def test_nothing_is_never_less_than_nothing(self):
        self.assertEqual(table.shown(figures.Spread(-0.001, -0.001, -0.001), 2), "0.00")

    def test_a_failure_is_told(self):
        self.assertIn("| failed |", self.line("503"))
        self.assertTrue(any("nginx FAILED: 3 of 9 answers" in line for line in self.lines))

    def test_every_row_has_a_cell_for_every_peer(self):
        widths = {line.count("|") for line in self.lines if line.startswith("|")}
        self.assertEqual(widths, {6})


class Charts(unittest.TestCase):
    def test_they_are_xml_and_follow_the_colour_scheme(self):
        made = chart.all_of(run())
        self.assertEqual(set(made), {"cost.svg", "latency.svg"})
        for drawn in made.values():
            ElementTree.fromstring(drawn)
            self.assertIn("prefers-color-scheme: dark", drawn)

    def test_nothing_measured_is_nothing_drawn(self):
        self.assertEqual(chart.all_of({**run(), "rows": []}), {})

    def test_one_is_on_the_axis(self):
        for ends in ((0.7, 1.3), (0.55, 10.5), (0.05, 60), (1e-6, 1e6)):
            ticks = chart.ticks(*ends)
            self.assertIn(1, ticks)
            self.assertLessEqual(len(ticks), 12)


class Page(unittest.TestCase):
    def test_only_what_is_between_the_markers_changes(self):
        text = f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n"
        self.assertEqual(
            page.between(text, "new \\1\n"), f"before\n{page.BEGIN}\nnew \\1\n{page.END}\nafter\n"
        )
        self.assertEqual(page.between(page.between(text, "a"), "b"), page.between(text, "b"))

    def test_a_page_without_markers_is_refused(self):
        with self.assertRaises(ValueError):
            page.between("nothing", "new")

    def test_the_page_of_this_clone_has_them(self):
        self.assertIn("new", page.between(page.PAGE.read_text(), "new"))

    def test_a_quick_run_says_that_it_means_nothing(self):
        self.assertIn(
            "no figure means anything", page.section({**run(), "quick": True}, "x.json", "")
        )
        self.assertNotIn("no figure means anything", page.section(run(), "x.json", ""))


class Records(unittest.TestCase):
    def test_a_second_run_of_a_day_gets_a_name_of_its_own(self):
        with tempfile.TemporaryDirectory() as folder:
            names = [record.write(run(), Path(folder)).name for _ in range(2)]
            self.assertEqual(names, ["2026-11-25.json", "2026-11-25-2.json"])
            self.assertEqual(record.read(Path(folder) / names[0]), run())
            later = {**run(), "date": "2026-11-25T23:00:00Z"}
            newest = record.write(later, Path(folder))
            self.assertEqual(record.latest(Path(folder)), newest)

    def test_something_else_is_no_record(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.json"
            path.write_text(json.dumps({"format": 2}))
            with self.assertRaises(ValueError):
                record.read(path)
