"""Tests of .ci/run with a stand-in for ./dev. Run by ctest; by hand: python3 tests/house/ci_test.py"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Notes how it was called, and leaves CTest's results as told.
FAKE_DEV = """#!/bin/bash
echo "$*" >> calls
build=release
if [[ $* == *--asan* ]]; then build=asan; fi
if [[ $* == *--tsan* ]]; then build=tsan; fi
mkdir -p build/$build
if [[ $1 == test ]]; then
  echo "<testsuite><testcase name='a' status='run'/>$EXTRA</testsuite>" > build/$build/test-results.xml
fi
if [[ $1$2 == "$SLOW" ]]; then sleep 60; fi
if [[ $1$2 == "$BROKEN" ]]; then exit 8; fi
"""
FAILED = "<testcase name='b' status='fail'><failure message=''/></testcase>"


class CiTest(unittest.TestCase):
    def run_ci(self, **settings):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name in (".ci", "tests/house"):
                (root / name).mkdir(parents=True)
            for name in (".ci/run", "tests/house/totals.py"):
                (root / name).write_text((ROOT / name).read_text())
            (root / "dev").write_text(FAKE_DEV)
            (root / "dev").chmod(0o755)
            env = dict(os.environ, **settings)
            result = subprocess.run(["bash", str(root / ".ci/run")], env=env, capture_output=True, text=True,
                                    stdin=subprocess.DEVNULL, timeout=60)
            return result, (root / "calls").read_text().splitlines()

    def test_it_runs_the_tests_the_second_compiler_and_the_sanitizers(self):
        result, calls = self.run_ci()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(calls, ["test", "build --clang", "test --asan", "test --tsan"])
        self.assertEqual(result.stdout.splitlines()[-1], "1 passed, 0 failed")
        for stage in ("tests", "second compiler", "AddressSanitizer", "ThreadSanitizer"):
            self.assertRegex(result.stdout, rf"(?m)^{stage}: \d+ s; compiled \d+, found in the compiler's cache \d+$")

    def test_failed_tests_end_it_and_the_last_line_counts_them(self):
        result, calls = self.run_ci(BROKEN="test", EXTRA=FAILED)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(calls, ["test"])
        self.assertIn("tests failed with exit code 8", result.stdout)
        self.assertEqual(result.stdout.splitlines()[-1], "1 passed, 1 failed")

    def test_a_build_that_fails_fails_it_though_all_tests_passed(self):
        result, calls = self.run_ci(BROKEN="build--clang")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(calls), 4)
        self.assertIn("Again by hand: ./dev build --clang", result.stdout)

    def test_what_does_not_fit_is_named_and_is_no_failure(self):
        result, calls = self.run_ci(DAYBOOK_CI_SECONDS="10", DAYBOOK_CI_SECONDS_AT_END="1", SLOW="test--asan")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertEqual(calls, ["test", "build --clang", "test --asan"])
        self.assertIn("AddressSanitizer: cut off when the 10 s were over. By hand: ./dev test --asan", result.stdout)
        self.assertIn("ThreadSanitizer: skipped", result.stdout)

    def test_the_tests_themselves_must_fit(self):
        result, calls = self.run_ci(DAYBOOK_CI_SECONDS="6", DAYBOOK_CI_SECONDS_AT_END="1", SLOW="test")
        self.assertEqual((result.returncode, calls), (1, ["test"]))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
