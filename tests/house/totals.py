"""Prints "N passed, N failed" from the CTest results of one or more build folders; exit code 1 unless all passed.

usage: totals.py BUILD-FOLDER…

Reads test-results.xml (ctest --output-junit) of each folder that has one. A test is counted once by its name: failed
if it failed or did not run in any folder, passed if it passed somewhere, else skipped. No results at all is a failure.
Of each failed one it prints, by folder, what its output says of the failure: the last that is read of a long log must
tell what to mend. The names of all stand once more just above the total, which is all that a log cut short may show.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as xml

FAILED, SKIPPED, PASSED = "failed", "skipped", "passed"
LINES_MAX = 30  # of one failed test's output
REASON = re.compile(r": Failure$|ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: |^(FAIL|ERROR): ")

# A frame of a sanitizer's stack, without its address: whose it is, and where. And the bytes around the address.
FRAME = re.compile(r"^( *#(\d+)) (?:0x[0-9a-f]+ (?:in )?)?(.*)$")
SHADOW = re.compile(r"^(=>|  )0x[0-9a-f]+:")
FIRST_FRAMES = 2  # shown whoever's they are: it may be memcpy that was called with what is wrong
FRAME_CHARACTERS_MAX = 160


def result_of(case):
    status = case.get("status", "")
    if case.find("failure") is not None or case.find("error") is not None:
        return FAILED
    if status == "run":
        return PASSED
    # CTest: "disabled" is the project's wish; "notrun" with a <skipped> message is SKIP_RETURN_CODE or a missing file.
    message = "" if case.find("skipped") is None else case.find("skipped").get("message", "")
    return SKIPPED if status == "disabled" or "SKIP" in message else FAILED


def cases_in(file):
    # What tests print is copied into the file as it is, and may hold what XML forbids.
    text = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", file.read_text("utf-8", "replace"))
    return list(xml.fromstring(text.encode()).iter("testcase"))


def shortened(lines):
    """A sanitizer's report without what does not help: the frames of the libraries, addresses, the bytes around."""
    for line in lines:
        frame = FRAME.match(line)
        if frame is None:
            if not SHADOW.match(line):
                yield line
        elif int(frame[2]) < FIRST_FRAMES or not ("/usr/" in frame[3] or "(/lib" in frame[3]):
            text = frame[3]
            if len(text) > FRAME_CHARACTERS_MAX:  # the place stands at the end
                half = FRAME_CHARACTERS_MAX // 2
                text = f"{text[:half]} … {text[-half:]}"
            yield f"{frame[1]} {text}"


def about_failure(case):
    """The lines of a failed test's output that say why: all of GoogleTest's failed tests, without those that passed;
    where that is too long, from the first failure or sanitizer's report on; where there is neither, the end."""
    lines = (case.findtext("system-out") or "").splitlines()
    kept, current = [], []
    for line in lines:
        if line.startswith("[ RUN "):
            current = [line]
        elif line.startswith("[       OK ]"):
            current = []
        elif current:
            current.append(line)
            if line.startswith("[  FAILED  ]"):
                kept, current = kept + current, []
    kept = list(shortened(kept + current or lines))  # current: it ended inside that test
    if len(kept) <= LINES_MAX:
        return kept
    first = next((i for i, line in enumerate(kept) if REASON.search(line)), len(kept) - LINES_MAX)
    return kept[first : first + LINES_MAX] + [f"({LINES_MAX} of {len(kept)} lines at most)"]


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
    reasons = {}
    for folder, file in found:
        cases = cases_in(file)
        results = {case.get("name"): result_of(case) for case in cases}
        everything.append(results)
        for case in cases:
            if result_of(case) == FAILED:
                reasons.setdefault(case.get("name"), []).append((folder, about_failure(case)))
        counts = [sum(r == kind for r in results.values()) for kind in (PASSED, FAILED, SKIPPED)]
        print(f"{folder}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped")
    merged = merge(everything)
    failed_names = sorted(name for name, result in merged.items() if result == FAILED)
    for name in failed_names:
        print(f"failed: {name}")
        for folder, lines in reasons[name]:
            print(f"  in {folder}:")
            for line in lines:
                print(f"    {line}")
    if failed_names:
        print("failed tests: " + ", ".join(failed_names))
    passed = sum(r == PASSED for r in merged.values())
    print(f"{passed} passed, {len(failed_names)} failed")
    return 0 if passed and not failed_names else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
