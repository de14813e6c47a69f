"""Tests of totals.py with CTest's own form of results. Run by ctest; by hand: python3 tests/house/totals_test.py"""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import totals  # noqa: E402

GOOD = '<testcase name="good" status="run"><system-out>\x1b[32m</system-out></testcase>'
BAD = '<testcase name="bad" status="fail"><failure message=""/></testcase>'
MISSING = '<testcase name="missing" status="notrun"><skipped message="Unable to find executable"/></testcase>'
SKIPPED = '<testcase name="skipped" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>'
DISABLED = '<testcase name="off" status="disabled"/>'


class TotalsTest(unittest.TestCase):
    def totals_of(self, *builds):
        with tempfile.TemporaryDirectory() as folder:
            folders = []
            for i, cases in enumerate(builds):
                build = pathlib.Path(folder) / str(i)
                build.mkdir()
                folders.append(str(build))
                if cases is not None:
                    text = '<?xml version="1.0" encoding="UTF-8"?><testsuite>' + "".join(cases) + "</testsuite>"
                    (build / "test-results.xml").write_text(text)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                code = totals.main(folders)
        return code, printed.getvalue().splitlines()[-1]

    def test_a_test_that_did_not_run_for_want_of_its_executable_is_failed(self):
        self.assertEqual(self.totals_of([GOOD, BAD, MISSING, SKIPPED, DISABLED]), (1, "1 passed, 2 failed"))

    def test_skipped_and_disabled_ones_count_as_neither(self):
        self.assertEqual(self.totals_of([GOOD, SKIPPED, DISABLED]), (0, "1 passed, 0 failed"))

    def test_a_test_of_two_builds_counts_once_and_failed_if_it_failed_in_one(self):
        self.assertEqual(self.totals_of([GOOD], [GOOD], None), (0, "1 passed, 0 failed"))
        failed_here = GOOD.replace('"run"', '"fail"').replace("</testcase>", '<failure message=""/></testcase>')
        self.assertEqual(self.totals_of([GOOD], [failed_here]), (1, "0 passed, 1 failed"))

    def test_no_results_at_all_is_a_failure(self):
        self.assertEqual(self.totals_of(None), (1, "0 passed, 0 failed"))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
