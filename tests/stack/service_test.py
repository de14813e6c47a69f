#!/usr/bin/env python3
"""A process of Daybook as a component of the stack: it gets its addresses, is waited for, found again, and ended.

    service_test.py BINARY
"""

import pathlib
import sys
import tempfile
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from stack.base import Problem  # noqa: E402
from stack.daybook import Service  # noqa: E402

BINARY = ""
SAMPLE = ROOT / "tests" / "fixtures" / "sample" / "records.ndjson.gz"


class ServiceTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="daybook-stack-")
        self.addCleanup(scratch.cleanup)
        self.path = pathlib.Path(scratch.name, "beneficiary")

    def service(self, binary=None, **flags):
        made = Service(self.path, "beneficiary", binary or BINARY, lambda: flags, ("http", "grpc", "admin"))
        self.addCleanup(made.remove)
        return made

    def test_it_serves_on_the_addresses_it_was_given_and_keeps_them_over_a_kill(self):
        first = self.service(bos_records=SAMPLE, bos_instance="uk").start()
        page = f"http://{first.address('http')}/client/beneficiaries?client_id=EBPCLI000001"
        with urllib.request.urlopen(page, timeout=30) as answer:
            before = answer.read()
        self.assertEqual(first.admin("/nowhere")[0], 404)
        first.stop(clean=False)
        self.assertEqual(first.admin("/readyz")[0], 0)
        second = self.service(bos_records=SAMPLE, bos_instance="uk").start()
        self.assertEqual(second.about(), first.about())
        with urllib.request.urlopen(page, timeout=30) as answer:
            self.assertEqual(answer.read(), before)

    def test_wrong_flags_are_told(self):
        with self.assertRaisesRegex(Problem, "(?s)beneficiary ended:.*nonsense.*beneficiary.log"):
            self.service(nonsense=1).start()

    def test_a_binary_that_is_not_built_is_told(self):
        with self.assertRaisesRegex(Problem, "(?s)is not built.*./dev build"):
            self.service(binary="/nonexistent/beneficiary").start()


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
