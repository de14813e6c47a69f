#!/usr/bin/env python3
"""The stack as ./dev stack starts it: it comes up and ends without a trace, and what is committed in BOS is on the
topics, all of it and nothing else, over a killed connector too."""

import concurrent.futures
import decimal
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(pathlib.Path(__file__).parent)]
import arrival  # noqa: E402
from recorded import TABLES  # noqa: E402
from stack import process, records  # noqa: E402
from stack.stack import Stack  # noqa: E402

GUARD = "import sys; sys.stdin.read(); from stack.stack import Stack; Stack(sys.argv[1], attached=False).remove()"
TIMES = ("created", "modified")


class StackTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        (ROOT / "build").mkdir(exist_ok=True)
        cls.scratch = tempfile.TemporaryDirectory(prefix="stack-test-", dir=ROOT / "build")
        cls.addClassCleanup(cls.scratch.cleanup)
        pathlib.Path(cls.scratch.name).chmod(0o711)
        cls.directory = pathlib.Path(cls.scratch.name, "stack")
        # ./dev leaves processes running, as it should. If this test is killed, this ends them.
        guard = [sys.executable, "-c", GUARD, cls.directory]
        cls.guard = subprocess.Popen(guard, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True)
        cls.addClassCleanup(cls.guard.wait, 120)
        cls.addClassCleanup(cls.guard.stdin.close)
        begin = time.monotonic()
        ask = ("up", "--without-daybook", "--instances=uk,eu", "--clients=6", "--beneficiaries=40")
        with concurrent.futures.ThreadPoolExecutor() as pool:  # two calls at once start each component once
            both = list(pool.map(lambda _: cls.dev(*ask), range(2)))
        assert [done.returncode for done in both] == [0, 0], [done.stderr for done in both]
        said = "".join(done.stderr for done in both)
        assert said.count("kafka is starting") == said.count("kafka runs already") == 1, said
        print(f"up after {time.monotonic() - begin:.1f} s", file=sys.stderr)
        cls.stack = Stack(cls.directory, attached=False)

    @classmethod
    def dev(cls, command, *arguments):
        return subprocess.run([ROOT / "dev", "stack", "--dir", cls.directory, command, *arguments], capture_output=True,
                              text=True, check=False, timeout=400)

    @classmethod
    def tearDownClass(cls):
        processes = [(c.pid, process.started_at(c.pid)) for c, _ in Stack(cls.directory, attached=False).components]
        done = cls.dev("down")
        assert done.returncode == 0, done.stderr
        assert "nothing is left" in done.stderr, done.stderr
        assert not cls.directory.exists()
        left = [pid for pid, ticks in processes if process.is_alive(pid, ticks)]
        assert not left, f"still there: {left}"

    def setUp(self):
        self.uk, self.eu = self.stack.bos

    def read(self, *topics):
        return records.read(["--bootstrap", self.stack.kafka.bootstrap, *topics])

    def messages(self, source):
        """(record, content) of each logical message, in order."""
        for record in self.read(f"{source.prefix}.message"):
            value = json.loads(record["value"])
            yield value, arrival.content_of(record)

    def rows_of_topics(self, source):
        """{table: {key: row}} as the records tell, each partition in its order."""
        rows = {table: {} for table in TABLES}
        for record in self.read(f"^{source.prefix}\\.public\\.(?!dbz_signal).*"):
            table = record["topic"].rpartition(".")[2]
            after = json.loads(record["value"])["after"] if record["value"] else None
            if after is None:
                rows[table].pop(record["key"], None)
            else:
                rows[table][record["key"]] = after
        return rows

    def assert_topics_hold_the_database(self, source):
        for table, found in self.rows_of_topics(source).items():
            in_hex = f"SELECT encode(convert_to(row_to_json(t)::text, 'UTF8'), 'hex') FROM {table} t"
            said = [bytes.fromhex(line) for line in self.stack.postgres.sql(in_hex, source.database).split()]
            stored = [json.loads(row, parse_float=decimal.Decimal, parse_int=decimal.Decimal) for row in said]
            self.assertEqual(sorted(map(comparable, found.values())), sorted(map(comparable, stored)), table)
            self.assertTrue(stored, f"{table} is empty: nothing was compared")

    def test_status_is_good_and_up_again_starts_nothing(self):
        before = [component.pid for component, _ in self.stack.components]
        self.assertEqual(self.dev("status").returncode, 0)
        again = self.dev("up", "--without-daybook")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertNotIn("is starting", again.stderr)
        after = [component.pid for component, _ in Stack(self.directory, attached=False).components]
        self.assertEqual(before, after)
        self.assertIn("http://127.0.0.1", again.stdout)

    def test_a_component_that_died_is_told_and_started_by_up(self):
        killed = self.eu.pid
        os.kill(killed, signal.SIGKILL)
        told = self.dev("status")
        self.assertEqual(told.returncode, 1)
        self.assertIn("DOES NOT RUN", told.stdout)
        self.assertIn("./dev stack up", told.stdout)
        again = self.dev("up", "--without-daybook")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(again.stderr.count("is starting"), 1, again.stderr)
        type(self).stack = Stack(self.directory, attached=False)
        self.assertNotEqual(self.stack.find("bos-eu").pid, killed)
        with urllib.request.urlopen(f"{self.stack.find('bos-eu').url}/healthz", timeout=30) as answer:
            self.assertEqual(answer.status, 200)

    def test_logs_shows_what_a_component_said_and_names_those_there_are(self):
        self.assertIn("Kafka Server started", self.dev("logs", "kafka", "--lines=2000").stdout)
        unknown = self.dev("logs", "zookeeper")
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("kafka, postgres, bos-uk, bos-eu, connect", unknown.stderr)

    def test_other_instances_are_refused_with_the_next_step(self):
        done = self.dev("up", "--without-daybook", "--instances=us")
        self.assertEqual(done.returncode, 1)
        self.assertIn("./dev stack down", done.stderr)

    def test_changes_arrive_with_their_transactions_and_make_up_the_database(self):
        source = self.stack.sources[0]
        first = int(self.stack.postgres.sql("SELECT txid_current()", source.database))
        told = self.uk.change(120, seed=3)
        self.assertGreater(told["committed"], 80, told)
        arrival.everything(self.stack, source)
        self.assert_topics_hold_the_database(source)
        counted, ended = {}, {}
        for record in self.read(f"^{source.prefix}\\.public\\..*"):
            value = json.loads(record["value"]) if record["value"] else {}
            if value.get("transaction") and value["source"]["txId"] > first:
                name = value["transaction"]["id"].partition(":")[0], f"public.{value['source']['table']}"
                counted.setdefault(name, set()).add(value["transaction"]["total_order"])
        for record in self.read(f"{source.prefix}.transaction"):
            value = json.loads(record["value"])
            if value["status"] == "END" and int(value["id"].partition(":")[0]) > first:
                for part in value["data_collections"]:
                    if part["data_collection"].startswith("public."):
                        ended[value["id"].partition(":")[0], part["data_collection"]] = part["event_count"]
        self.assertGreater(len(ended), 80)
        self.assertEqual({name: len(orders) for name, orders in counted.items()}, ended)

    def test_what_a_transaction_says_about_itself_arrives_with_it(self):
        source = self.stack.sources[0]
        arrival.everything(self.stack, source)
        before = len(list(self.messages(source)))
        self.uk.change(3, only="soft_delete", rolled_back=0, seed=5)
        arrival.everything(self.stack, source)
        said = list(self.messages(source))[before:-1]
        self.assertEqual([json.loads(text) for _, text in said], [{"type": "beneficiary.removed"}] * 3)
        self.assertEqual({m["message"]["prefix"] for m, _ in said}, {"bos.context"})
        removed = [json.loads(r["value"]) for r in self.read(f"{source.prefix}.public.beneficiaries_beneficiary")
                   if r["value"]]
        numbers = {v["source"]["txId"] for v in removed if v["after"] and v["after"]["is_deleted"]}
        self.assertLessEqual({m["source"]["txId"] for m, _ in said}, numbers)

    def test_what_is_rolled_back_does_not_arrive(self):
        source = self.stack.sources[0]
        arrival.everything(self.stack, source)
        before = len(self.read(f"^{source.prefix}\\..*"))
        self.assertEqual(self.uk.change(20, rolled_back=1)["rolled_back"], 20)
        arrival.everything(self.stack, source)
        arrived = len(self.read(f"^{source.prefix}\\..*")) - before
        self.assertEqual(arrived, 3, "BEGIN, the marker and END")

    def test_a_killed_connector_loses_nothing(self):
        source = self.stack.sources[0]
        self.uk.change(30, seed=11)
        self.stack.connect.stop(clean=False)
        self.uk.change(30, seed=12)
        self.stack.connect.start()
        arrival.everything(self.stack, source)
        self.assert_topics_hold_the_database(source)

    def test_starting_over_reads_everything_again(self):
        source = self.stack.sources[1]
        topic = f"{source.prefix}.public.clients_client"

        def read():
            values = [json.loads(record["value"]) for record in self.read(topic) if record["value"]]
            return sum(v["op"] == "r" and v["source"]["snapshot"] != "incremental" for v in values)

        before = read()
        self.stack.connect.start_over()
        arrival.everything(self.stack, source)
        rows = int(self.stack.postgres.sql("SELECT count(*) FROM clients_client", source.database))
        self.assertEqual(read() - before, rows)
        self.assert_topics_hold_the_database(source)

    def test_a_snapshot_on_request_reads_every_row(self):
        source = self.stack.sources[1]
        count = int(self.stack.postgres.sql("SELECT count(*) FROM beneficiaries_beneficiary", source.database))
        self.stack.connect.snapshot_again(source, "beneficiaries_beneficiary")
        deadline, read = time.monotonic() + 60, set()
        while len(read) < count:
            self.assertLess(time.monotonic(), deadline, f"{len(read)} of {count} rows")
            records_read = self.read(f"{source.prefix}.public.beneficiaries_beneficiary")
            values = [json.loads(record["value"]) for record in records_read if record["value"]]
            read = {v["after"]["id"] for v in values if v["op"] == "r" and v["source"]["snapshot"] == "incremental"}
        self.assert_topics_hold_the_database(source)

    def test_instances_have_the_same_keys_and_topics_of_their_own(self):
        first, second = (self.rows_of_topics(source)["core_bank"] for source in self.stack.sources)
        self.assertTrue(set(first) & set(second))
        self.assert_topics_hold_the_database(self.stack.sources[1])

    def test_bos_answers_what_its_database_holds(self):
        url = f"{self.uk.url}/client/beneficiaries?client_id=EBPCLI000001&page_size=500"
        with urllib.request.urlopen(url, timeout=60) as answer:
            shown = [element["beneficiary_id"] for element in json.load(answer)]
        ids = self.stack.postgres.sql(
            "SELECT b.id FROM beneficiaries_beneficiary b JOIN clients_client c ON c.id = b.client_id "
            "WHERE c.client_ref = 'EBPCLI000001' AND NOT b.is_deleted ORDER BY b.id", self.uk.database)
        self.assertEqual(shown, ids.split())


def comparable(row):
    """A row as text, without what the two sides write differently: times, and zeros at the end of numbers."""
    values = {}
    for column, value in row.items():
        if column == "daily_limit" and value is not None:
            value = str(decimal.Decimal(value).normalize())
        elif isinstance(value, decimal.Decimal):
            value = int(value)
        if column not in TIMES:
            values[column] = value
    return json.dumps(values, sort_keys=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
