#!/usr/bin/env python3
"""A page shows what a program's --help says: docs/reference/configuration.md, or the one given.

usage: check_configuration.py [--update] BINARY [PAGE]
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/configuration.md"
MARKED = re.compile(r"(<!-- settings: .*? -->\n).*?(<!-- end of settings -->)", re.DOTALL)


def table_of(help_text):
    """The settings of --help as Markdown, a table for each group."""
    out = []
    for group, body in re.findall(r"^([A-Z][\w ]*):\n((?:  .*\n)+)", help_text, flags=re.MULTILINE):
        if group == "Always":
            continue
        out.append(f"### {group}\n\n| Setting | Default | |\n|---|---|---|\n")
        for name, default, text in re.findall(r"^  --(\w+)  \(default (.*)\)\n      (.*)$", body, flags=re.MULTILINE):
            out.append(f"| `--{name}` | `{default}` | {text} |\n")
        out.append("\n")
    return "".join(out).rstrip("\n") + "\n"


def main(arguments):
    update = "--update" in arguments
    binary, *given = [a for a in arguments if a != "--update"]
    file = ROOT / given[0] if given else PAGE
    text = subprocess.run([binary, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    table = table_of(text)
    if table.count("| `--") < 5:
        print(f"{binary} --help is not of the form that this script knows:\n{text}")
        return 1
    page = file.read_text("utf-8")
    renewed = MARKED.sub(lambda m: f"{m.group(1)}\n{table}\n{m.group(2)}", page)
    if renewed == page:
        print(f"configuration: {table.count('| `--')} settings, as --help says")
        return 0
    if update:
        file.write_text(renewed, "utf-8")
        return 0
    print(f"{file.relative_to(ROOT)} differs from --help: "
          f"python3 tests/docs/check_configuration.py --update {binary} {' '.join(given)}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
