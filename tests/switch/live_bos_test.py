#!/usr/bin/env python3
"""The switch in front of the real BOS, with BOS itself as both sides while it is being changed: what it passes on is
BOS's answer byte for byte, and not one of the moving differences is taken for a real one. A second BOS that stands
still is found out.

    live_bos_test.py SWITCH
"""

import http.client
import os
import random
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", ".."))
from stack.bos import Bos  # noqa: E402
from stack.postgres import Postgres  # noqa: E402
from switch_process import SwitchProcess  # noqa: E402

SWITCH = ""
CLIENTS = [f"EBPCLI{number:06}" for number in range(1, 7)]
PAGES = [f"/client/beneficiaries?client_id={client}&page=1&page_size=50" for client in CLIENTS]


def ask(address, target, headers=None):
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request("GET", target, headers=headers or {})
        reply = connection.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read()
    finally:
        connection.close()


class LiveBosTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="daybook-switch-bos-")
        cls.addClassCleanup(cls.directory.cleanup)
        cls.postgres = Postgres(os.path.join(cls.directory.name, "postgres"))
        cls.addClassCleanup(cls.postgres.remove)
        cls.postgres.start()
        cls.bos, cls.still = (Bos(os.path.join(cls.directory.name, name), cls.postgres, name, workers=1)
                              for name in ("uk", "eu"))
        for bos in (cls.bos, cls.still):
            cls.addClassCleanup(bos.remove)
            bos.start()
            bos.seed(clients=6, beneficiaries=60)

    def switch(self, name, other, *flags):
        switch = SwitchProcess(SWITCH, os.path.join(self.directory.name, name), f"127.0.0.1:{self.bos.port}",
                               f"127.0.0.1:{other.port}", "--initial_mode=shadow", "--compare_timeout=30s", *flags)
        self.addCleanup(switch.__exit__, None, None, None)
        return switch

    def test_what_is_passed_on_is_bos_own_answer(self):
        switch = self.switch("pass", self.bos)
        odd = ["", "?client_id=", "?client_id=NOBODY", "?client_id=EBPCLI000001&page=0",
               "?client_id=EBPCLI000001&page=x",
               "?client_id=EBPCLI000001&page=99&page_size=9999", "?client_id=EBPCLI000001&iban=%20es%2091", "?a=%ff&&"]
        for target in [*PAGES, *(f"/client/beneficiaries{query}" for query in odd)]:
            direct = ask(f"127.0.0.1:{self.bos.port}", target)
            through = ask(f"127.0.0.1:{switch.ports['rest']}", target)
            self.assertEqual(through[0], direct[0], target)
            self.assertEqual(through[2], direct[2], target)
            for header in ("Content-Type", "X-Total-Count", "X-Page", "X-Page-Size", "Server", "Vary", "Allow"):
                self.assertEqual(through[1].get(header), direct[1].get(header), (target, header))
        switch.wait_for(lambda: sum(switch.comparisons().values()) == len(PAGES) + len(odd), "a verdict for each")
        self.assertEqual(switch.comparisons()["equal"], len(PAGES) + len(odd))

    def test_a_bos_that_changes_does_not_differ_from_itself(self):
        switch = self.switch("same", self.bos, "--settling_time=20s")
        seed = random.randrange(1000)
        print(f"seed {seed}", end=" ", flush=True)
        changing = threading.Thread(target=lambda: self.bos.change(200, rate=30, seed=seed))
        answers = []

        def ask_on():
            while changing.is_alive():
                answers.extend(switch.get(client)[0] for client in CLIENTS)

        askers = [threading.Thread(target=ask_on) for _ in range(3)]
        for thread in (changing, *askers):
            thread.start()
        for thread in (changing, *askers):
            thread.join()
        asked = len(answers)
        self.assertLessEqual(set(answers), {200, 404})  # BOS's users give clients other references, too
        switch.wait_for(lambda: sum(switch.comparisons().values()) == asked, "a verdict for each", seconds=60)
        verdicts = switch.comparisons()
        print(verdicts, end=" ", flush=True)
        self.assertEqual(verdicts["different"], 0, switch.evidence()["differences"])
        self.assertEqual(verdicts["unanswered"], 0)
        self.assertEqual(verdicts["equal"] + verdicts["lag"], asked - verdicts["dropped"])

    def test_a_side_that_stands_still_is_found_out_although_bos_moves_on(self):
        switch = self.switch("still", self.still, "--settling_time=2s")
        self.bos.change(40, seed=7)
        changing = threading.Thread(target=lambda: self.bos.change(120, rate=30, seed=8))
        changing.start()
        for client in CLIENTS:
            switch.get(client)
        changing.join()
        switch.wait_for(lambda: sum(switch.comparisons().values()) == len(CLIENTS), "a verdict for each")
        self.assertGreaterEqual(switch.comparisons()["different"], len(CLIENTS) - 1, switch.comparisons())


if __name__ == "__main__":
    SWITCH = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
