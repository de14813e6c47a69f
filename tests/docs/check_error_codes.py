#!/usr/bin/env python3
"""Every reason and violation code in the code is on docs/reference/errors.md, and every one there is in the code."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/errors.md"
# Where codes are given to callers; anything UPPER_SNAKE with an underscore in a string there is one.
SOURCES = [
    *(f"framework/daybook/{folder}" for folder in ("runtime", "projection", "http", "grpc", "store", "bus")),
    *(f"examples/beneficiary/{folder}" for folder in ("api", "app", "domain", "gateway_service", "projections")),
]
CODE = re.compile(r'"([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)"')
# One word, so that only the page and its row say that it is a code.
SINGLE = re.compile(r'(?:Reject\{[^;]*?|WithReason\([^;]*?)"([A-Z]{4,})"', re.DOTALL)
NO_CODE = {"VALUE_CONVERTER", "TASK_PUT"}  # Connect's names of where a record failed


def codes_in_sources():
    found = {}
    for folder in SOURCES:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix not in (".cc", ".json") or "tests" in file.parts or "testing" in file.parts:
                continue
            if file.name == "openapi.json":
                continue
            text = re.sub(r"//[^\n]*", "", file.read_text("utf-8"))
            for m in [*CODE.finditer(text), *SINGLE.finditer(text)]:
                found.setdefault(m.group(1), file.relative_to(ROOT))
    return found


def main():
    page = PAGE.read_text("utf-8")
    first_cells = re.findall(r"^\| ((?:`[A-Z][A-Z0-9_]+`(?:, )?)+) \|", page, flags=re.MULTILINE)
    listed = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", "\n".join(first_cells)))
    found = codes_in_sources()
    problems = [f"{file}: {code} is not in docs/reference/errors.md" for code, file in sorted(found.items())
                if code not in listed | NO_CODE]
    everything = "".join(f.read_text("utf-8", "replace") for folder in SOURCES for f in (ROOT / folder).rglob("*")
                         if f.suffix in (".cc", ".h", ".json"))
    problems += [f"docs/reference/errors.md: {code} is nowhere in the code" for code in sorted(listed)
                 if f'"{code}"' not in everything]
    for problem in problems:
        print(problem)
    print(f"error codes: {len(listed)} listed, {len(found)} in the code, {len(problems)} problems")
    return 1 if problems or not found else 0


if __name__ == "__main__":
    sys.exit(main())
