#!/usr/bin/env python3
"""Compiles each public header by itself, as the target all_verify_interface_header_sets does, but without optimising
and debug information: only whether it compiles is asked, and that takes half the time. One that a source of the library
includes before anything else compiles by itself if the build does, and is left out.

    headers_alone.py BUILD_FOLDER
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARK = "_verify_interface_header_sets"
INCLUDE = re.compile(r'^#include ["<]([^">]+)[">]', re.MULTILINE)


def compiled_first(entries):
    """Headers that a source of the build begins with, and nothing before it: tests have a precompiled header."""
    first = set()
    for entry in entries:
        source = pathlib.Path(entry["file"])
        if MARK in entry["file"] or "cmake_pch" in entry["command"] or not source.is_relative_to(ROOT / "framework"):
            continue
        if found := INCLUDE.search(source.read_text("utf-8")):
            first.add(found.group(1))
    return first


def commands(build):
    """[(header, argv, folder)] of the sources that CMake made for its own check, without those that need none."""
    entries = json.loads((build / "compile_commands.json").read_text("utf-8"))
    shown, made = compiled_first(entries), []
    for entry in entries:
        folder, found, header = entry["file"].rpartition(MARK)
        if not found or header.strip("/").removesuffix(".cxx") in shown:
            continue
        argv = shlex.split(entry["command"])
        output = argv.index("-o") + 1
        argv[output] = str(build / "headers_alone" / f"{pathlib.Path(folder).name}{header}.o")
        made.append((header.strip("/").removesuffix(".cxx"), [*argv, "-O0", "-g0"], entry["directory"]))
    return made


def compile_one(header, argv, folder):
    """What the compiler says; "" if it compiles."""
    output = pathlib.Path(argv[argv.index("-o") + 1])
    output.parent.mkdir(parents=True, exist_ok=True)
    launcher = [found] if (found := shutil.which("ccache")) else []
    done = subprocess.run([*launcher, *argv], cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, "CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"})
    output.unlink(missing_ok=True)
    return "" if done.returncode == 0 else f"{header} does not compile by itself:\n{done.stderr}"


def main(build):
    work = commands(pathlib.Path(build).resolve())
    if not work:
        print(f"{build} has no sources that include one header each: configure it again", file=sys.stderr)
        return 1
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = [one for one in pool.map(lambda each: compile_one(*each), work) if one]
    said.append(f"{len(work)} headers that no source begins with, {len(said)} of them do not compile by themselves")
    print("\n".join(said))
    return 1 if len(said) > 1 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
