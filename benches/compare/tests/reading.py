"""What tools and the kernel print is read rightly, and wrong answers are never counted as right."""

import os
import unittest

from bench import account, parse, tls
from bench.process import Failure

WRK = """Running 1s test @ http://localhost:1/o/small
  1 threads and 32 connections
  31274 requests in 1.10s, 9.96MB read
Requests/sec:  28431.10
Transfer/sec:      9.05MB
"""

H2LOAD = """finished in 727.04ms, 32449.33 req/s, 5.80MB/s
requests: 23590 total, 23590 started, 23590 done, 23590 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 23590 2xx, 0 3xx, 0 4xx, 0 5xx
"""

S_CLIENT = """Server Temp Key: X25519, 253 bits
New, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256
ALPN protocol: h2
"""


class Wrk(unittest.TestCase):
    def test_counts_requests_and_time(self):
        load = parse.wrk(WRK)
        self.assertEqual((load.requests, load.good, load.bad, load.broken), (31274, 31274, 0, 0))
        self.assertAlmostEqual(load.seconds, 1.1)
        self.assertIsNone(load.wrong(200))

    def test_an_error_where_success_was_expected_is_wrong(self):
        load = parse.wrk(WRK + "  Non-2xx or 3xx responses: 7\n")
        self.assertIn("7 of 31274", load.wrong(200))

    def test_a_success_where_an_error_was_expected_is_wrong(self):
        self.assertIn("31274 of 31274", parse.wrk(WRK).wrong(503))
        self.assertIsNone(parse.wrk(WRK + "  Non-2xx or 3xx responses: 31274\n").wrong(503))

    def test_a_socket_error_is_wrong_whatever_was_expected(self):
        load = parse.wrk(WRK + "  Socket errors: connect 0, read 2, write 0, timeout 1\n")
        self.assertEqual(load.broken, 3)
        self.assertIsNotNone(load.wrong(200))
        self.assertIsNotNone(load.wrong(503))

    def test_no_answer_at_all_is_wrong(self):
        self.assertEqual(
            parse.wrk("  0 requests in 1.10s, 0.00B read\n").wrong(200), "not one answer"
        )

    def test_other_words_are_a_failure(self):
        with self.assertRaises(Failure):
            parse.wrk("unable to connect to localhost:1 Connection refused")


class H2load(unittest.TestCase):
    def test_counts_requests_and_time(self):
        load = parse.h2load(H2LOAD)
        self.assertEqual((load.requests, load.good, load.bad, load.broken), (23590, 23590, 0, 0))
        self.assertAlmostEqual(load.seconds, 0.72704)

    def test_what_is_in_no_class_is_bad(self):
        load = parse.h2load(H2LOAD.replace("23590 2xx", "0 2xx"))
        self.assertEqual((load.good, load.bad), (0, 23590))
        self.assertIsNone(load.wrong(426))

    def test_errored_requests_are_broken(self):
        load = parse.h2load(H2LOAD.replace("0 errored, 0 timeout", "4 errored, 1 timeout"))
        self.assertIn("5 connections", load.wrong(200))

    def test_times_are_read(self):
        self.assertEqual(
            parse.h2load_times("1000\t200\t37\n2000\t503\t41\n\n"),
            [(1000, 200, 37), (2000, 503, 41)],
        )


class Handshakes(unittest.TestCase):
    def test_processes_are_added_up(self):
        line = '{"done": 10, "good": 10, "broken": 0, "resumed": 0, "seconds": 1.5}\n'
        load = parse.handshakes(line + line)
        self.assertEqual((load.requests, load.good, load.seconds), (20, 20, 1.5))
        self.assertIsNone(load.wrong(200))

    def test_a_resumed_one_is_no_full_handshake(self):
        told = parse.handshakes('{"done": 10, "good": 10, "broken": 0, "resumed": 3, "seconds": 1}')
        self.assertIsNotNone(told.wrong(200))

    def test_what_was_agreed_on(self):
        seen = tls.read_handshake(S_CLIENT)
        self.assertEqual(seen, tls.Handshake("TLSv1.3", "TLS_AES_128_GCM_SHA256", "X25519", "h2"))
        self.assertEqual(tls.read_handshake("").version, "none")


class Kernel(unittest.TestCase):
    def test_a_name_may_hold_brackets_and_blanks(self):
        self.assertEqual(account.fields_of_stat("12 (a) b (c) S 7 8")[:2], ["S", "7"])

    def test_this_process_is_in_its_own_tree_and_its_parents(self):
        self.assertIn(os.getpid(), account.tree(os.getpid()))
        self.assertIn(os.getpid(), account.tree(os.getppid()))

    def test_cpu_time_grows_with_work(self):
        before = account.cpu_time([os.getpid()])
        sum(range(300_000))
        self.assertGreater(account.cpu_time([os.getpid()]).since(before).total, 0)

    def test_shares_are_no_more_than_what_is_resident(self):
        memory = account.memory([os.getpid()])
        self.assertGreater(memory.rss, 1)
        self.assertLessEqual(memory.pss, memory.rss)
