#!/usr/bin/env python3
"""The whole way, live: two BOS instances change while the gateway, the command service, the query service and the
connector are killed with -9 and started again, one after the other. Then every beneficiary is what SQL says and every
client what BOS's own endpoint says, byte for byte; no answer showed half a transaction, nothing was published twice.
soak.py is the long version.

    live_test.py BINARIES [--seconds 30] [--rate 8] [--seed N]     BINARIES: as in build/release/examples/beneficiary
"""

import argparse
import contextlib
import io
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(pathlib.Path(__file__).parent)]
import definitive  # noqa: E402
import live  # noqa: E402
from stack import demo  # noqa: E402
from stack.stack import Stack  # noqa: E402

ARGUMENTS = None


class LiveTest(unittest.TestCase):
    def setUp(self):
        (ROOT / "build").mkdir(exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix="live-test-", dir=ROOT / "build")
        self.addCleanup(scratch.cleanup)
        pathlib.Path(scratch.name).chmod(0o711)
        self.rng = random.Random(ARGUMENTS.seed)
        print(f"seed {ARGUMENTS.seed}", file=sys.stderr)
        self.stack = Stack(pathlib.Path(scratch.name, "stack"), ["uk", "eu"], binaries=ARGUMENTS.binaries)
        self.addCleanup(self.stack.remove)
        self.stack.up(clients=10, beneficiaries=80)
        self.query = self.stack.find("beneficiary-query")

    def start_changes(self):
        """A process for each BOS that changes it, at a rate. In the second one all that happens is write_together, so
        that whatever shows two of its texts at once shows half a transaction."""
        made = []
        for number, bos in enumerate(self.stack.bos):
            argv, environment = bos.manage_command(
                "change", f"--count={int(ARGUMENTS.seconds * ARGUMENTS.rate)}", f"--rate={ARGUMENTS.rate}",
                "--writers=2", f"--seed={ARGUMENTS.seed + number}", f"--only={'write_together' if number else ''}")
            made.append(subprocess.Popen(argv, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True))
        return made

    def kill_one_after_the_other(self, until):
        killed = []
        names = ["beneficiary-gateway", "beneficiary-command", "beneficiary-query", "connect"]
        while time.monotonic() < until or len(killed) < len(names):  # each of them, however slow the machine is
            name = names[len(killed) % len(names)]
            self.stack.find(name).stop(clean=False)
            killed.append(name)
            time.sleep(self.rng.uniform(0, 1))  # a machine takes a while to notice
            self.stack.find(name).start()
            time.sleep(self.rng.uniform(0, 1.5))
        return killed

    def test_kills_on_the_way_lose_double_and_tear_nothing(self):
        torn = self.stack.bos[1]
        ids = list(definitive.beneficiaries(self.stack.postgres, torn.database, torn.instance))
        reader = live.Reader(self.query, ids, ARGUMENTS.seed)
        reader.start()
        changes = self.start_changes()
        killed = self.kill_one_after_the_other(time.monotonic() + ARGUMENTS.seconds)
        for child in changes:
            told = json.loads(child.communicate(timeout=300)[0].splitlines()[-1])
            print(told, file=sys.stderr)
            self.assertGreater(told["committed"], told["transactions"] // 2, told)
        print(f"killed: {killed}", file=sys.stderr)

        # An open transaction of a killed producer is taken over in that time.
        wrong = live.differences_that_stay(self.stack, self.query.address("http"), 120)
        self.assertEqual({name: (len(found), found[:2]) for name, found in wrong.items()}, {})
        reader.end()
        self.assertGreater(reader.seen, 0, "no answer had a transaction that could be seen by half")
        self.assertEqual(reader.halves[:2], [])
        count, wrong = live.published_wrongly(self.stack)
        self.assertGreater(count, 80)
        self.assertEqual(wrong[:5], [])
        self.assertEqual(live.repeated_commands(live.command_ids(self.stack))[:5], [])
        self.assertEqual(live.states_called_wrongly(self.stack), [])
        told, halves = live.halves_in_commands(self.stack, torn.instance)
        self.assertGreater(told, 0)
        self.assertEqual(halves[:3], [])
        gateway = self.stack.find("beneficiary-gateway")
        self.assertEqual(live.snapshots_that_change_nothing(self.stack, [gateway]), 0)
        self.show_a_demo()

    def show_a_demo(self):
        """What ./dev demo does once everything serves: it comes to comparisons, and none is a difference."""
        with contextlib.redirect_stdout(io.StringIO()) as told:
            demo.run(self.stack, count=20, rate=10, seed=ARGUMENTS.seed)
        print(told.getvalue(), file=sys.stderr)
        self.assertRegex(told.getvalue(), r"Comparisons while BOS changed: \d+ equal")
        self.assertNotIn("different", told.getvalue())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binaries")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=float, default=8, help="transactions a second, in each BOS")
    parser.add_argument("--seed", type=int, default=20261122)
    ARGUMENTS = parser.parse_args()
    unittest.main(argv=sys.argv[:1], verbosity=2)
