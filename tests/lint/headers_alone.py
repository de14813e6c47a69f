#!/usr/bin/env python3
"""Compiles each public header by itself, as the target all_verify_interface_header_sets does, but without optimising
and debug information: only whether it compiles is asked, and that takes half the time. One that a source of the library
includes before anything else compiles by itself if the build does, and is left out. What takes longest in most of the
others, absl::StatusOr, is compiled once, for those that include it themselves or by what they include.

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
SHARED = "absl/status/statusor.h"
QUICK = ["-O0", "-g0", "-pthread"]  # the last changes macros, which must be the same for what is shared


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


def includes(header, seen):
    """Adds all that the header includes, by whatever way, to `seen`."""
    path = ROOT / "framework" / header
    for name in INCLUDE.findall(path.read_text("utf-8")) if path.is_file() else []:
        if name not in seen:
            seen.add(name)
            includes(name, seen)
    return seen


def share(build, argv, folder):
    """Compiles SHARED as `argv` compiles a header; the options to use it by."""
    header = build / "headers_alone" / "shared.h"
    header.parent.mkdir(parents=True, exist_ok=True)
    header.write_text(f"#include <{SHARED}>\n", "utf-8")
    options = argv[:argv.index("-o")]
    command = [*options, *QUICK, "-x", "c++-header", "-c", str(header), "-o", f"{header}.gch"]
    subprocess.run(command, cwd=folder, check=True)
    return ["-include", str(header), "-Winvalid-pch"]


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
        made.append((header.strip("/").removesuffix(".cxx"), [*argv, *QUICK], entry["directory"]))
    return made


def with_shared(build, work):
    """The same commands; those of headers that include SHARED get it compiled."""
    sharing = {header for header, _, _ in work if SHARED in includes(header, set())}
    options = next((share(build, argv, folder) for header, argv, folder in work if header in sharing), [])
    return [(header, [*argv, *options] if header in sharing else argv, folder) for header, argv, folder in work]


def compile_one(header, argv, folder):
    """What the compiler says; "" if it compiles."""
    output = pathlib.Path(argv[argv.index("-o") + 1])
    output.parent.mkdir(parents=True, exist_ok=True)
    launcher = [found] if (found := shutil.which("ccache")) else []
    done = subprocess.run([*launcher, *argv], cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, "CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1",
                               "CCACHE_SLOPPINESS": "time_macros,pch_defines"})
    output.unlink(missing_ok=True)
    return "" if done.returncode == 0 else f"{header} does not compile by itself:\n{done.stderr}"


def main(build):
    build = pathlib.Path(build).resolve()
    work = commands(build)
    if not work:
        print(f"{build} has no sources that include one header each: configure it again", file=sys.stderr)
        return 1
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = [one for one in pool.map(lambda each: compile_one(*each), with_shared(build, work)) if one]
    said.append(f"{len(work)} headers that no source begins with, {len(said)} of them do not compile by themselves")
    print("\n".join(said))
    return 1 if len(said) > 1 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
