#!/usr/bin/env python3
"""The switch in front of the real service: every odd request that was recorded of BOS gets the same bytes through the
switch as without it, in every mode, and the comparison of the service with itself finds nothing.

    real_sides_test.py SWITCH BENEFICIARY
"""

import gzip
import hashlib
import http.client
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "process"))
from service import Service  # noqa: E402
from switch_process import SwitchProcess  # noqa: E402

SWITCH = BENEFICIARY = ""
FIXTURES = os.path.join(HERE, "..", "fixtures", "bos-a")
HEADERS = ("Content-Type", "X-Total-Count", "X-Page", "X-Page-Size")


def lines_of(name):
    with gzip.open(os.path.join(FIXTURES, name), "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class RealSidesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="daybook-real-sides-")
        with open(os.path.join(FIXTURES, "instance")) as file:
            instance = file.read().strip()
        cls.service = Service(BENEFICIARY, os.path.join(cls.directory.name, "service"),
                              f"--bos_records={FIXTURES}/records.ndjson.gz", f"--bos_instance={instance}")

    @classmethod
    def tearDownClass(cls):
        cls.service.kill()
        cls.directory.cleanup()

    def check(self, mode):
        address = f"127.0.0.1:{self.service.ports['rest']}"
        data_dir = os.path.join(self.directory.name, mode)
        requests = lines_of("compat-edge.ndjson.gz")
        with SwitchProcess(SWITCH, data_dir, address, address, f"--initial_mode={mode}",
                           "--compare_in_flight_max=10000", "--daybook_timeout=10s") as switch:
            connection = http.client.HTTPConnection("127.0.0.1", switch.ports["rest"], timeout=30)
            for want in requests:
                connection.request("GET", want["request"])
                reply = connection.getresponse()
                body = reply.read()
                self.assertEqual([reply.status, *map(reply.getheader, HEADERS)],
                                 [want[name] for name in ("status", "content_type", "total", "page", "page_size")],
                                 want["request"])
                self.assertEqual(hashlib.sha256(body).hexdigest(), want["sha256"], want["request"])
            connection.close()
            if "shadow" in mode:
                switch.wait_for(lambda: sum(switch.comparisons().values()) == len(requests), "a verdict for each")
                self.assertEqual(switch.comparisons()["equal"], len(requests))
            self.assertEqual(switch.stop(), 0)

    def test_every_recorded_request_passes_through_in_every_mode(self):
        for mode in ("bos", "shadow", "daybook-shadowed", "daybook"):
            with self.subTest(mode):
                self.check(mode)


if __name__ == "__main__":
    SWITCH, BENEFICIARY = map(os.path.abspath, (sys.argv.pop(1), sys.argv.pop(1)))
    unittest.main(verbosity=2)
