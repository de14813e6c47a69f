#!/usr/bin/env python3
"""Each recorded set, ingested by the real binary: the definitive API equals what SQL computed, and the compatibility
endpoint is BOS's own answer byte for byte, its errors and paging too.

    recorded_sets_test.py BINARY
"""

import gzip
import hashlib
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from service import Service  # noqa: E402

BINARY = ""
FIXTURES = os.path.join(HERE, "..", "fixtures")


def lines_of(name):
    with gzip.open(os.path.join(FIXTURES, name), "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def comparable(beneficiary):
    """Without what BOS does not know."""
    del beneficiary["version"]
    del beneficiary["screening"]["checked_at"]
    return beneficiary


class RecordedSetsTest(unittest.TestCase):
    maxDiff = 2000

    def ingest(self, name):
        with open(os.path.join(FIXTURES, name, "instance")) as file:
            instance = file.read().strip()
        directory = tempfile.TemporaryDirectory(prefix="daybook-sets-")
        self.addCleanup(directory.cleanup)
        records = os.path.join(FIXTURES, name, "records.ndjson.gz")
        service = Service(BINARY, directory.name, f"--bos_records={records}", f"--bos_instance={instance}")
        self.addCleanup(service.kill)
        return service

    def check_definitive(self, service, name):
        count = 0
        listed = {}
        for want in lines_of(f"{name}/definitive.ndjson.gz"):
            status, headers, body = service.request("GET", f"/v1/beneficiaries/{want['id']}")
            self.assertEqual(status, 200, want["id"])
            have = json.loads(body)
            self.assertEqual(headers["ETag"], f'"{have["version"]}"')
            if have["status"] != "deleted":
                listed.setdefault(have["client_id"], []).append(have)
            self.assertEqual(comparable(json.loads(body)), comparable(want))
            count += 1
        self.assertGreater(count, 80)
        # The lists hold the same, by id; the client_id can be any text, so only those that are plain are asked for.
        for client, want in listed.items():
            status, _, body = service.request("GET", f"/v1/clients/{client}/beneficiaries?limit=200")
            self.assertEqual(status, 200)
            self.assertEqual(json.loads(body)["items"], sorted(want, key=lambda b: b["id"]))

    def check_compat(self, service, name):
        count = 0
        for want in lines_of(f"{name}/compat.ndjson.gz"):
            status, headers, body = service.request(
                "GET", f"/client/beneficiaries?client_id={want['client_id']}&page={want['page']}&page_size=50")
            self.assertEqual(status, want["status"])
            self.assertEqual(int(headers["X-Total-Count"]), want["total"])
            self.assertEqual(hashlib.sha256(body).hexdigest(), want["sha256"], want["client_id"])
            count += 1
        self.assertGreater(count, 5)

    def check_set(self, name):
        service = self.ingest(name)
        self.check_definitive(service, name)
        self.check_compat(service, name)
        return service

    def test_the_sample(self):
        self.check_set("sample")

    def test_bos_b_with_schemas_binary_decimals_and_a_second_snapshot(self):
        self.check_set("bos-b")

    def test_bos_a_and_the_odd_requests_made_of_it(self):
        service = self.check_set("bos-a")
        count = 0
        for want in lines_of("bos-a/compat-edge.ndjson.gz"):
            status, headers, body = service.request("GET", want["request"])
            told = [headers.get(name) for name in ("Content-Type", "X-Total-Count", "X-Page", "X-Page-Size")]
            self.assertEqual([status, *told], [want["status"], want["content_type"], want["total"], want["page"],
                                               want["page_size"]], want["request"])
            self.assertEqual(hashlib.sha256(body).hexdigest(), want["sha256"], want["request"])
            count += 1
        self.assertEqual(count, 122)


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
