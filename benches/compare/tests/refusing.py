"""Nothing but refusals is measured as one: limits are used up first, and the one place is taken."""

import socket
import unittest
from types import SimpleNamespace
from unittest import mock

from bench import refusal, rows
from bench.account import CpuTime
from bench.measure import cost
from bench.origin import HELD
from bench.parse import Load
from bench.process import Failure
from bench.rows import row


def answers(*statuses):
    """What stands for the answers of a proxy, the last of them for ever."""
    left = list(statuses)
    return mock.patch.object(
        refusal, "ask", side_effect=lambda *_: (left.pop(0) if left[1:] else left[0], {}, b"")
    )


class Loads(unittest.TestCase):
    """`cost.loaded` where the loads come to what is said."""

    def loaded(self, key, *loads):
        self.left = list(loads)
        seat = SimpleNamespace(empty_log=lambda: 0, cpu_time=lambda: CpuTime(1.0, 1.0, 0.0))
        loader = SimpleNamespace(prepare=lambda *_: lambda: self.left.pop(0))
        with answers(429), mock.patch.object(cost, "SETTLE", 0):
            return cost.loaded(SimpleNamespace(loader=loader), row(key), seat, 1)[0]

    def test_one_that_a_limit_let_through_meanwhile_is_another_load(self):
        pure = Load(10, 0, 10, 0, 1.0)
        self.assertIs(self.loaded("refuse-429", Load(10, 1, 9, 0, 1.0), pure), pure)

    def test_a_pure_load_is_taken_at_once(self):
        pure = Load(10, 0, 10, 0, 1.0)
        self.assertIs(self.loaded("refuse-429", pure, Load(10, 10, 0, 0, 1.0)), pure)
        self.assertEqual(len(self.left), 1)

    def test_a_limit_that_lets_more_through_is_a_failure(self):
        mixed = Load(10, 1, 9, 0, 1.0)
        for loads in ([mixed, mixed], [Load(10, 2, 8, 0, 1.0)]):
            with self.assertRaises(Failure):
                self.loaded("refuse-429", *loads)

    def test_other_rows_have_no_second_load(self):
        with self.assertRaises(Failure):
            self.loaded("refuse-404", Load(10, 1, 9, 0, 1.0), Load(10, 0, 10, 0, 1.0))
        self.assertEqual(len(self.left), 1)


class Refusing(unittest.TestCase):
    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.listener.settimeout(5)
        ports = {"plain": self.listener.getsockname()[1]}
        self.seat = SimpleNamespace(ports=ports, peer=SimpleNamespace(title="it"))
        pause = mock.patch.object(refusal, "PAUSE", 0.001)
        pause.start()
        self.addCleanup(pause.stop)

    def accepted(self):
        client, _ = self.listener.accept()
        self.addCleanup(client.close)
        client.settimeout(5)
        return client

    def arrived(self, holder):
        """Until there is something to read, or the end."""
        holder.settimeout(5)
        holder.recv(1, socket.MSG_PEEK)

    def test_what_needs_nothing_is_not_asked(self):
        with answers(200) as asked, refusal.refusing(row("refuse-404"), self.seat):
            asked.assert_not_called()

    def test_a_limit_is_used_up_where_the_row_asks(self):
        over_tls = row("refuse-429-h2")
        with answers(200) as asked, refusal.refusing(over_tls, self.seat):
            asked.assert_called_once_with(self.seat, "tls", over_tls.path, None)

    def test_the_place_is_held_until_the_end(self):
        with answers(503), refusal.refusing(row("refuse-503"), self.seat):
            holder = self.accepted()
            self.assertTrue(holder.recv(99).startswith(f"GET {HELD} HTTP/1.1\r\n".encode()))
            holder.setblocking(False)
            self.assertRaises(BlockingIOError, holder.recv, 1)
        holder.settimeout(5)
        self.assertRaises(ConnectionResetError, holder.recv, 1)

    def test_the_place_is_asked_for_until_others_are_refused(self):
        with answers(200, 200, 503) as asked, refusal.refusing(row("refuse-503"), self.seat):
            self.assertEqual(asked.call_count, 3)

    def test_who_never_refuses_is_a_failure(self):
        with answers(200), mock.patch.object(refusal, "PATIENCE", 0.02):
            with self.assertRaisesRegex(Failure, "still answers 200"):
                refusal.hold(row("refuse-503"), self.seat)

    def test_a_holder_that_is_refused_or_closed_holds_nothing(self):
        holder = socket.create_connection(self.listener.getsockname())
        self.addCleanup(holder.close)
        proxy = self.accepted()
        self.assertEqual(refusal.begins(holder), b"")
        proxy.sendall(b"HTTP/1.1 503 Service Unavailable\r\n")
        self.arrived(holder)
        self.assertEqual(refusal.begins(holder), b"HTTP/1.1 503")
        holder.recv(99)
        proxy.close()
        self.arrived(holder)
        self.assertEqual(refusal.begins(holder), b"closed")


class Rows(unittest.TestCase):
    def test_only_refusals_need_something_first(self):
        for one in rows.ROWS:
            if one.after:
                self.assertGreaterEqual(one.status, 400, one.key)
                # Only there somebody sees to it.
                self.assertEqual(one.kind, "cost", one.key)
