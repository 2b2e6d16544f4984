"""The command line, the rows, and the configurations of the peers."""

import contextlib
import io
import json
import tempfile
import unittest
from dataclasses import dataclass, field
from pathlib import Path

from bench import options, origin, rows
from bench.figures import MEASURES
from bench.measure import KINDS, latency
from bench.peers import PEERS, house
from bench.svg import COLOURS
from bench.tls import Tls


@dataclass
class Empty:
    """A seat in which nobody sits."""

    folder: Path
    binary: str = "/bin/peer"
    origin: int = 4001
    workers: int = 1
    ports: dict = field(default_factory=lambda: {"plain": 4002, "tls": 4003, "refuse": 4004})

    @property
    def tls(self):
        return Tls(
            *(self.folder / name for name in ("cert.pem", "key.pem", "both.pem", "client.cnf"))
        )

    @property
    def log(self):
        return self.folder / "access.log"

    @property
    def said(self):
        return self.folder / "said"


class CommandLine(unittest.TestCase):
    def test_nothing_said_is_a_complete_run(self):
        given = options.parse([])
        self.assertEqual(
            (given.rounds, given.seconds, given.soak, given.memory_connections), (5, 3, 60, 10_000)
        )
        self.assertTrue(given.complete)

    def test_quick_is_short_and_may_be_overruled(self):
        self.assertEqual(options.parse(["--quick"]).rounds, 1)
        self.assertEqual(options.parse(["--quick", "--rounds", "2"]).rounds, 2)

    def test_a_part_is_not_a_complete_run(self):
        for part in (["--quick"], ["--rows", "small"], ["--peers", "nginx"]):
            self.assertFalse(options.parse(part).complete, part)

    def test_guichet_is_always_there_and_first(self):
        self.assertEqual(
            options.parse(["--peers", "haproxy,nginx"]).peers, ("guichet", "nginx", "haproxy")
        )

    def test_what_is_unknown_is_refused(self):
        for wrong in (["--rows", "smal"], ["--peers", "apache"], ["--rounds", "0"], ["--rows", ""]):
            with self.assertRaises(SystemExit) as ended, contextlib.redirect_stderr(io.StringIO()):
                options.parse(wrong)
            self.assertEqual(ended.exception.code, 2)


class Rows(unittest.TestCase):
    def test_keys_are_unique_and_kinds_are_known(self):
        keys = [row.key for row in rows.ROWS]
        self.assertEqual(len(keys), len(set(keys)))
        self.assertEqual({row.kind for row in rows.ROWS}, set(KINDS))
        self.assertEqual(set(KINDS), set(MEASURES))

    def test_nobody_is_paced_above_half_of_its_own_saturation_or_guichets(self):
        self.assertEqual(latency.pace(32_000, 64_000, 32), 500)
        self.assertEqual(latency.pace(32_000, 6_400, 32), 100)
        self.assertEqual(latency.pace(32_000, 1, 32), 1)

    def test_what_a_peer_lacks_is_a_row(self):
        keys = {row.key for row in rows.ROWS}
        for peer in PEERS:
            self.assertLessEqual(set(peer.lacks), keys, peer.key)

    def test_the_origins_answers_are_as_long_as_the_rows_say(self):
        lengths = {name: len(text) for name, text in origin.answers().items()}
        self.assertEqual(lengths, {"small": 90, "64k": 65536, "1m": 1048576, "broken.html": 6144})
        json.loads(origin.answers()["small"])


class Peers(unittest.TestCase):
    def test_each_has_a_colour_and_a_way_to_get_it(self):
        for peer in PEERS:
            self.assertIn(peer.key, COLOURS)
            self.assertTrue(peer.fix)

    def test_each_is_configured_for_its_seat(self):
        for peer in PEERS:
            with self.subTest(peer.key), tempfile.TemporaryDirectory() as folder:
                seat = Empty(Path(folder))
                command = peer.command(seat)
                written = "".join(path.read_text() for path in seat.folder.iterdir())
                all_of_it = " ".join([written, *command.argv, *command.env.values()])
                self.assertIn("4001", all_of_it)
                self.assertIn("4002", all_of_it)
                if not peer.bare:
                    self.assertIn("4003", all_of_it)
                    self.assertTrue(peer.logs_to_stdout or str(seat.log) in all_of_it)
                if not peer.bare and "refuse-426" not in peer.lacks:
                    self.assertIn("4004", all_of_it)
                for row in rows.ROWS:
                    place = row.path.rpartition("/")[0]
                    if row.after and row.key not in peer.lacks:
                        self.assertIn(f"{place}/", written, row.key)

    def test_the_origin_has_what_a_limit_lets_through(self):
        written = origin.config(Path("/x"), Path("/x/www"), 4001)
        for row in rows.ROWS:
            if row.after:
                self.assertIn(f"location {row.path.rpartition('/')[0]}/ ", written)
        self.assertIn(f"location = {origin.HELD} ", written)

    def test_the_houses_bodies_are_json(self):
        for status in house.MESSAGES:
            body = json.loads(house.body(status, "an id"))
            self.assertEqual((body["status"], body["request_id"]), (status, "an id"))
