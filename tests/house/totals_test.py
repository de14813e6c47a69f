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


LONG = "".join(f"{i}\n" for i in range(100))
OUTPUT = f"""[ RUN      ] A.Passes
noise of A
[       OK ] A.Passes (1 ms)
[ RUN      ] B.Fails
b.cc:7: Failure
Expected equality
[  FAILED  ] B.Fails (1 ms)
[ RUN      ] C.Passes
[       OK ] C.Passes (1 ms)
[  FAILED  ] 1 test, listed below:
"""


def failed(output):
    return f'<testcase name="bad" status="fail"><failure message=""/><system-out>{output}</system-out></testcase>'


class TotalsTest(unittest.TestCase):
    def totals_of(self, *builds):
        code, lines = self.run_on(*builds)
        return code, lines[-1]

    def run_on(self, *builds):
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
        return code, printed.getvalue().splitlines()

    def test_a_test_that_did_not_run_for_want_of_its_executable_is_failed(self):
        self.assertEqual(self.totals_of([GOOD, BAD, MISSING, SKIPPED, DISABLED]), (1, "1 passed, 2 failed"))

    def test_skipped_and_disabled_ones_count_as_neither(self):
        self.assertEqual(self.totals_of([GOOD, SKIPPED, DISABLED]), (0, "1 passed, 0 failed"))

    def test_a_test_of_two_builds_counts_once_and_failed_if_it_failed_in_one(self):
        self.assertEqual(self.totals_of([GOOD], [GOOD], None), (0, "1 passed, 0 failed"))
        failed_here = GOOD.replace('"run"', '"fail"').replace("</testcase>", '<failure message=""/></testcase>')
        self.assertEqual(self.totals_of([GOOD], [failed_here]), (1, "0 passed, 1 failed"))

    def test_what_googletest_says_of_the_failed_tests_is_shown_without_those_that_passed(self):
        lines = self.run_on([GOOD], [failed(OUTPUT)])[1]
        at = lines.index("failed: bad")
        self.assertRegex(lines[at + 1], "^  in .*/1:$")
        shown = ["[ RUN      ] B.Fails", "b.cc:7: Failure", "Expected equality", "[  FAILED  ] B.Fails (1 ms)"]
        self.assertEqual(lines[at + 2 : -2], ["    " + line for line in shown])

    def test_a_test_that_ended_the_program_is_shown_to_its_end(self):
        lines = self.run_on([failed("[ RUN      ] A.Dies\nERROR: AddressSanitizer: heap-use-after-free\n")])[1]
        self.assertEqual(lines[-3], "    ERROR: AddressSanitizer: heap-use-after-free")

    def test_of_a_sanitizers_report_the_projects_own_frames_are_shown(self):
        report = """==1==ERROR: AddressSanitizer: stack-use-after-scope on address 0x7f1
READ of size 4 at 0x7f1 thread T5
    #0 0x55f in memcpy (/lib/x86_64-linux-gnu/libc.so.6+0x1)
    #1 0x55e in std::copy(char*) /usr/include/c++/12/copy.h:1
    #2 0x55d in std::invoke(Handler) /usr/include/c++/12/invoke.h:60
    #3 0x55c in beneficiary::Switch::Ask() examples/beneficiary/switch/switch.cc:7
    #4 0x55b in start_thread (/lib/x86_64-linux-gnu/libc.so.6+0x89133)
=>0x100: 00 f1
  0x110: 00 00
"""
        lines = self.run_on([failed("[ RUN      ] A.Dies\n" + report)])[1]
        shown = [
            "    ==1==ERROR: AddressSanitizer: stack-use-after-scope on address 0x7f1",
            "    READ of size 4 at 0x7f1 thread T5",
            "        #0 memcpy (/lib/x86_64-linux-gnu/libc.so.6+0x1)",
            "        #1 std::copy(char*) /usr/include/c++/12/copy.h:1",
            "        #3 beneficiary::Switch::Ask() examples/beneficiary/switch/switch.cc:7",
        ]
        self.assertEqual(lines[-7:-2], shown)

    def test_the_names_of_all_failed_ones_stand_just_above_the_total(self):
        lines = self.run_on([GOOD, BAD, MISSING])[1]
        self.assertEqual(lines[-2:], ["failed tests: bad, missing", "1 passed, 2 failed"])

    def test_of_long_output_what_follows_the_first_failure_is_shown(self):
        for reason in ("a.cc:7: Failure", "==1==ERROR: LeakSanitizer: detected memory leaks", "FAIL: test_x (x.Test)"):
            lines = self.run_on([failed("[ RUN      ] A.IsLoud\n" + LONG + reason + "\n" + LONG)])[1]
            at = lines.index("    " + reason)
            self.assertEqual(lines[at - 1][:5], "  in ")
            self.assertEqual(lines[at + 1 : at + 3], ["    0", "    1"])
            self.assertEqual(lines[-3], "    (30 of 202 lines at most)")

    def test_of_long_output_without_a_failure_the_end_is_shown(self):
        self.assertEqual(self.run_on([failed(LONG)])[1][-4], "    99")

    def test_a_leak_found_after_every_test_passed_is_shown(self):
        passed = "[ RUN      ] A.Passes\n[       OK ] A.Passes (1 ms)\n"
        lines = self.run_on([failed(passed + LONG + "==1==ERROR: LeakSanitizer: leaks\nDirect leak of 8 bytes\n")])[1]
        self.assertIn("    Direct leak of 8 bytes", lines)

    def test_no_results_at_all_is_a_failure(self):
        self.assertEqual(self.totals_of(None), (1, "0 passed, 0 failed"))


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
