#!/usr/bin/env python3
"""From BOS to the API through the real PostgreSQL, Debezium and Kafka: after transactions of several writers, a killed
connector and a snapshot on request, Daybook's gateway makes of the topics exactly what BOS holds.

    ingest_test.py BINARY          the one-process service; the topics reach it as a file
"""

import gzip
import json
import pathlib
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(pathlib.Path(__file__).parent)]
import arrival  # noqa: E402
import compare  # noqa: E402
from stack import records  # noqa: E402
from stack.daybook import Service  # noqa: E402
from stack.stack import Stack  # noqa: E402

BINARY = ""
SEED = 20261122


class IngestTest(unittest.TestCase):
    def setUp(self):
        (ROOT / "build").mkdir(exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix="ingest-test-", dir=ROOT / "build")
        self.addCleanup(scratch.cleanup)
        self.path = pathlib.Path(scratch.name)
        self.path.chmod(0o711)  # PostgreSQL may run as another user
        self.stack = Stack(self.path / "stack")
        self.addCleanup(self.stack.remove)
        self.stack.up(clients=12, beneficiaries=150)

    def write_records(self):
        """A file of everything there is on the topics."""
        file = self.path / "records.ndjson.gz"
        with gzip.open(file, "wt", encoding="utf-8") as out:
            for record in arrival.everything(self.stack, self.stack.sources[0]):
                out.write(json.dumps(record) + "\n")
        return file

    def ingest(self):
        """The service with all that is on the topics; what it said of it."""
        file, bos = self.write_records(), self.stack.bos[0]
        daybook = Service(self.path / "beneficiary", "beneficiary", BINARY,
                          lambda: {"bos_records": file, "bos_instance": bos.instance}, ("http", "grpc", "admin"))
        self.addCleanup(daybook.remove)
        daybook.start()
        said = [line for line in daybook.said().splitlines() if "ingested recorded changes" in line]
        return daybook, json.loads(said[-1])

    def change(self):
        """Transactions, some of them with a connector killed between or a snapshot beside them."""
        bos = self.stack.bos[0]
        print(f"seed {SEED}", file=sys.stderr)
        told = [bos.change(250, writers=3, seed=SEED)]
        self.stack.connect.stop(clean=False)
        told.append(bos.change(150, writers=3, seed=SEED + 1))
        self.stack.connect.start()
        self.stack.connect.snapshot_again(self.stack.sources[0])
        told.append(bos.change(100, rate=25, seed=SEED + 2))
        self.assertGreater(sum(t["committed"] for t in told), 350, told)

    def test_daybook_makes_of_the_topics_what_bos_holds_and_nothing_of_what_it_knows(self):
        postgres, bos = self.stack.postgres, self.stack.bos[0]
        self.change()
        daybook, report = self.ingest()
        self.assertGreater(report["commands"], 150, report)
        address = daybook.address("http")
        count, differences = compare.definitive_differences(postgres, bos, address)
        self.assertGreater(count, 150)
        self.assertEqual(differences[:3], [], f"{len(differences)} of {count} beneficiaries differ")
        count, differences = compare.compat_differences(postgres, bos, address)
        self.assertGreater(count, 30)
        self.assertEqual(differences[:3], [], f"{len(differences)} of {count} answers differ")
        self.assertEqual(compare.unknown_to_bos(postgres, [bos], address), set())
        daybook.stop()

        # Nothing has changed: neither a restart, nor an incremental snapshot, nor a full one makes a command.
        self.stack.connect.start_over()
        self.stack.connect.stop(clean=False)
        self.stack.connect.start()
        self.snapshot_on_request()
        daybook, again = self.ingest()
        self.assertGreater(again["records"] - again["skipped"], 2 * count, again)
        self.assertEqual(again["commands"], 0, again)

        # And the comparisons do see a difference: of what Daybook has not read.
        bos.change(5, only="edit", rolled_back=0)
        bos.change(1, only="create", rolled_back=0)
        address = daybook.address("http")
        self.assertGreater(len(compare.definitive_differences(postgres, bos, address)[1]), 1)
        self.assertTrue(compare.compat_differences(postgres, bos, address)[1])

    def snapshot_on_request(self):
        """An incremental snapshot of every table, until its last table is read."""
        source = self.stack.sources[0]
        last = f"{source.prefix}.public.beneficiaries_regulatory"

        def read():
            found = records.read(["--bootstrap", self.stack.kafka.bootstrap, last])
            return sum('"snapshot":"incremental"' in (record["value"] or "") for record in found)

        before, deadline = read(), time.monotonic() + 120
        rows = int(self.stack.postgres.sql("SELECT count(*) FROM beneficiaries_regulatory", source.database))
        self.assertGreater(rows, 0)
        self.stack.connect.snapshot_again(source)
        while read() < before + rows:
            self.assertLess(time.monotonic(), deadline, "the snapshot does not end")


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
