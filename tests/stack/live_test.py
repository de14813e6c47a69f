#!/usr/bin/env python3
"""The whole way, live: two BOS instances change while the gateway, the command service, the query service and the
connector are killed with -9 and started again, one after the other. Then every beneficiary is what SQL says and every
client what BOS's own endpoint says, byte for byte; no answer showed half a transaction, nothing was published twice.

    live_test.py BINARIES [--seconds 30] [--rate 8] [--seed N]     BINARIES: as in build/release/examples/beneficiary
"""

import argparse
import base64
import http.client
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(pathlib.Path(__file__).parent)]
import compare  # noqa: E402
import definitive  # noqa: E402
from stack import records  # noqa: E402
from stack.connect import TABLES  # noqa: E402
from stack.stack import Stack  # noqa: E402

ARGUMENTS = None
COMMANDS = ("beneficiary.beneficiary.commands.v1", "beneficiary.client.commands.v1")
CHANGES = r"^bos(-eu)?\.public\.(?!dbz_signal).*"
EVENTS = ("beneficiary.beneficiary.events.v1", "beneficiary.client.events.v1")

WAITING = ("gateway_input_lag_records", "gateway_dirty", "gateway_outbox", "gateway_open_transactions")


class Reader(threading.Thread):
    """Asks for beneficiaries while they change, and remembers answers in which one transaction is half seen."""

    def __init__(self, service, ids, seed):
        super().__init__(daemon=True)
        self.service = service
        self.ids = ids
        self.rng = random.Random(seed)
        self.stopping = threading.Event()
        self.halves = []
        self.seen = 0

    def run(self):
        while not self.stopping.is_set():
            try:
                with compare.Asker(self.service.address("http")) as asker:
                    while not self.stopping.is_set():
                        self.look(*asker.ask(f"/v1/beneficiaries/{self.rng.choice(self.ids)}"))
            except (OSError, http.client.HTTPException):
                self.stopping.wait(0.2)  # it was killed

    def look(self, status, _, body):
        if status != 200:
            return
        shown = json.loads(body)
        token = shown["reference_information"] or ""
        if not token.startswith("together "):
            return
        self.seen += 1
        holders = {account["account_holder"] for account in shown["bank_accounts"]}
        city = (shown["address"] or {"city": token})["city"]
        if shown["name"] != token or holders - {token} or city != token:
            self.halves.append(shown)


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
        while time.monotonic() < until:
            name = names[len(killed) % len(names)]
            self.stack.find(name).stop(clean=False)
            killed.append(name)
            time.sleep(self.rng.uniform(0, 1))  # a machine takes a while to notice
            self.stack.find(name).start()
            time.sleep(self.rng.uniform(0, 1.5))
        return killed

    def differences(self):
        found = {}
        postgres, address = self.stack.postgres, self.query.address("http")
        for bos in self.stack.bos:
            count, found[f"definitive {bos.instance}"] = compare.definitive_differences(postgres, bos, address)
            self.assertGreaterEqual(count, 80)
        count, found["compat uk"] = compare.compat_differences(postgres, self.stack.bos[0], address)
        self.assertGreater(count, 20)
        return {name: wrong for name, wrong in found.items() if wrong}

    def test_kills_on_the_way_lose_double_and_tear_nothing(self):
        torn = self.stack.bos[1]
        ids = list(definitive.beneficiaries(self.stack.postgres, torn.database, torn.instance))
        reader = Reader(self.query, ids, ARGUMENTS.seed)
        reader.start()
        changes = self.start_changes()
        killed = self.kill_one_after_the_other(time.monotonic() + ARGUMENTS.seconds)
        for child in changes:
            told = json.loads(child.communicate(timeout=300)[0].splitlines()[-1])
            print(told, file=sys.stderr)
            self.assertGreater(told["committed"], told["transactions"] // 2, told)
        print(f"killed: {killed}", file=sys.stderr)
        self.assertGreaterEqual(len(killed), 4)

        deadline = time.monotonic() + 120  # an open transaction of a killed producer is taken over in that time
        wrong = self.differences()
        while wrong and time.monotonic() < deadline:
            time.sleep(1)
            wrong = self.differences()
        self.assertEqual({name: (len(found), found[:2]) for name, found in wrong.items()}, {})
        reader.stopping.set()
        reader.join(60)
        self.assertGreater(reader.seen, 0, "no answer had a transaction that could be seen by half")
        self.assertEqual(reader.halves[:2], [])
        self.assert_nothing_was_published_twice()
        self.assert_states_are_called_what_bos_says()
        self.assert_no_command_tells_half_a_transaction(torn.instance)
        self.assert_snapshots_make_no_commands()

    def assert_nothing_was_published_twice(self):
        read = records.read(["--bootstrap", self.stack.kafka.bootstrap, "--read-committed", *EVENTS])
        positions, ids = [], []
        for record in read:
            headers = dict(record["headers"])
            positions.append(int(headers["ce_sequence"]))
            ids.append((headers["ce_source"], headers["ce_id"]))
        self.assertEqual(len(set(ids)), len(ids))
        self.assertEqual(sorted(positions), list(range(1, len(positions) + 1)), "each position of the log, once")

    def assert_states_are_called_what_bos_says(self):
        """Where a transaction wrote a logical message, its type; else created, updated or deleted."""
        def read(*topics):
            return records.read(["--bootstrap", self.stack.kafka.bootstrap, "--read-committed", *topics])

        contents = [json.loads(record["value"])["message"] for record in read(r"^bos(-eu)?\.message$")]
        said = {json.loads(base64.b64decode(m["content"]))["type"] for m in contents if m["prefix"] == "bos.context"}
        called = {dict(record["headers"])["ce_type"] for record in read("beneficiary.beneficiary.state.v1")}
        own = {"beneficiary.created", "beneficiary.updated", "beneficiary.deleted"}
        self.assertLessEqual(called - own, said)
        # One command may tell of several transactions, and is called what the newest says: not each is found again.
        self.assertGreaterEqual(len(called & said), 3, (called, said))

    def assert_no_command_tells_half_a_transaction(self, instance):
        """Each one on the topics, however soon the next one followed: two texts of write_together are two halves."""
        seen, halves = 0, []
        for record in records.read(["--bootstrap", self.stack.kafka.bootstrap, "--read-committed", *COMMANDS]):
            if dict(record["headers"]).get("ce_bosinstance") != instance:
                continue
            value = base64.b64decode(record.get("value_base64", "")) or (record.get("value") or "").encode("utf-8")
            texts = set(re.findall(rb"together [0-9]{8}", value))
            seen += len(texts) > 0
            if len(texts) > 1:
                halves.append((record["topic"], record["partition"], record["offset"], texts))
        self.assertGreater(seen, 0)
        self.assertEqual(halves[:3], [])

    def gateway_is_idle(self):
        """Nothing to read, to emit or to publish, as its metrics tell."""
        status, page = self.stack.find("beneficiary-gateway").admin("/metrics")
        waiting = [line for line in page.decode("utf-8").splitlines() if line.startswith(WAITING)]
        return status == 200 and len(waiting) >= len(WAITING) and all(line.endswith(" 0") for line in waiting)

    def wait_for_the_gateway(self):
        idle, deadline = 0, time.monotonic() + 120
        while idle < 6:  # the ends of the topics that it compares with are a little old
            self.assertLess(time.monotonic(), deadline, "the gateway is not done")
            time.sleep(0.5)
            idle = idle + 1 if self.gateway_is_idle() else 0

    def assert_snapshots_make_no_commands(self):
        """Neither a full snapshot, nor a killed connector, nor an incremental one, when nothing has changed."""
        def count(*topics):
            return len(records.read(["--bootstrap", self.stack.kafka.bootstrap, "--read-committed", *topics]))

        self.wait_for_the_gateway()
        before, changes_before = count(*COMMANDS), count(CHANGES)
        self.stack.connect.start_over()
        self.stack.connect.stop(clean=False)
        self.stack.connect.start()
        rows = 0
        for bos, source in zip(self.stack.bos, self.stack.sources):
            self.stack.connect.snapshot_again(source)
            rows += sum(int(self.stack.postgres.sql(f"SELECT count(*) FROM {table}", bos.database)) for table in TABLES)
        deadline = time.monotonic() + 180
        while count(CHANGES) < changes_before + 2 * rows:
            self.assertLess(time.monotonic(), deadline, "the snapshots do not end")
            time.sleep(0.5)
        self.wait_for_the_gateway()
        self.assertEqual(count(*COMMANDS), before)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binaries")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=float, default=8, help="transactions a second, in each BOS")
    parser.add_argument("--seed", type=int, default=20261122)
    ARGUMENTS = parser.parse_args()
    unittest.main(argv=sys.argv[:1], verbosity=2)
