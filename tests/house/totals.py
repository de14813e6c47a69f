"""Prints "N passed, N failed" from the CTest results of one or more build folders; exit code 1 unless all passed.

usage: totals.py BUILD-FOLDER…

Reads test-results.xml (ctest --output-junit) of each folder that has one. A test is counted once by its name: failed
if it failed or did not run in any folder, passed if it passed somewhere, else skipped. No results at all is a failure.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as xml

FAILED, SKIPPED, PASSED = "failed", "skipped", "passed"


def result_of(case):
    status = case.get("status", "")
    if case.find("failure") is not None or case.find("error") is not None:
        return FAILED
    if status == "run":
        return PASSED
    # CTest: "disabled" is the project's wish; "notrun" with a <skipped> message is SKIP_RETURN_CODE or a missing file.
    message = "" if case.find("skipped") is None else case.find("skipped").get("message", "")
    return SKIPPED if status == "disabled" or "SKIP" in message else FAILED


def results_in(file):
    # What tests print is copied into the file as it is, and may hold what XML forbids.
    text = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", file.read_text("utf-8", "replace"))
    return {case.get("name"): result_of(case) for case in xml.fromstring(text.encode()).iter("testcase")}


def merge(all_results):
    """By name: failed anywhere is failed, else passed anywhere is passed."""
    merged = {}
    for results in all_results:
        for name, result in results.items():
            known = merged.get(name, SKIPPED)
            if FAILED in (known, result):
                merged[name] = FAILED
            elif PASSED in (known, result):
                merged[name] = PASSED
            else:
                merged[name] = SKIPPED
    return merged


def main(folders):
    found = [(f, pathlib.Path(f) / "test-results.xml") for f in folders]
    found = [(folder, file) for folder, file in found if file.is_file()]
    everything = []
    for folder, file in found:
        results = results_in(file)
        everything.append(results)
        counts = [sum(r == kind for r in results.values()) for kind in (PASSED, FAILED, SKIPPED)]
        print(f"{folder}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped")
    merged = merge(everything)
    for name in sorted(name for name, result in merged.items() if result == FAILED):
        print(f"failed: {name}")
    passed = sum(r == PASSED for r in merged.values())
    failed = sum(r == FAILED for r in merged.values())
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
