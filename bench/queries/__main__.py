"""The command line behind ./dev bench queries."""

import argparse
import dataclasses
import http.client
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from bench.queries import measure, report, sides
from bench.queries.data import Data, Mix
from stack.base import ROOT, Problem, say

DESCRIPTION = """BOS (Django on PostgreSQL), a bare server and Daybook answer client/beneficiaries from the same rows:
requests a second at 64 connections, p50 and p99 at one. Before anything is timed each side must answer the same bytes
as BOS. From nothing it takes about twenty minutes; what was loaded stays in --directory for the next call. Leave the
machine alone meanwhile."""


def parser():
    made = argparse.ArgumentParser(prog="./dev bench queries", description=DESCRIPTION)
    made.add_argument("--rounds", type=int, default=3, help="in which every side is asked in turn (default: 3)")
    made.add_argument("--seconds", type=float, default=1.2, help="of one measurement (default: 1.2)")
    made.add_argument("--beneficiaries", type=int, default=Mix.beneficiaries, help="in BOS (default: 200000)")
    made.add_argument("--asked", type=int, default=Mix.asked, help="clients of each size (default: 200)")
    made.add_argument("--sizes", default="10,50,500", help="of clients, at least the first (default: 10,50,500)")
    made.add_argument("--only", default="", metavar="REGEX", help="only the sides whose name matches: django, "
                      "prefetched, sql, statement, bare, bare-turn, daybook, daybook-written")
    made.add_argument("--directory", type=pathlib.Path, default=ROOT / "build" / "bench-queries",
                      help="where the loaded data is kept (default: build/bench-queries)")
    made.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help=argparse.SUPPRESS)
    made.add_argument("--forget", action="store_true", help="only remove what is kept")
    return made


def run(given):
    mix = Mix(given.beneficiaries, asked=given.asked, sizes=tuple(int(size) for size in given.sizes.split(",")))
    if not set(mix.sizes) <= set(mix.cycle):
        raise Problem(f"--sizes can name {', '.join(map(str, mix.cycle))}: such clients there are")
    data = Data(given.directory, mix, given.build / "examples/beneficiary")
    if given.forget:
        data.forget()
        return 0
    begin = time.monotonic()
    with data:
        bench = measure.Bench(data, given.build, given.rounds, given.seconds)
        every = sides.all_sides(bench)
        chosen = [side for side in every if re.search(given.only, side.name)]
        if not chosen:
            raise Problem(f"--only={given.only} names no side", f"There are: {', '.join(s.name for s in every)}.")
        try:
            bench.check(chosen)
            bench.count_queries(chosen)
            measure.warm(bench, chosen)
            bench.run(chosen)
            bench.check_after_writes(chosen)
        finally:
            for side in every:
                side.stop()
        result = {"machine": report.machine(), "mix": dataclasses.asdict(mix),
                  "rounds": given.rounds, "seconds": given.seconds, "prepared_seconds": data.seconds,
                  "rows": report.figures(bench, chosen), "writes": measure.write_rows_of(bench),
                  "targets": report.targets(bench, chosen)}
    print(report.text_of(result))
    files = given.build / "bench-queries.json", given.build / "bench-queries.html"
    report.write(result, *files)
    say(f"{time.monotonic() - begin:.0f} s; also in {files[0]} and, with bars, in {files[1]}")
    return 0


def interrupted(*_):
    raise KeyboardInterrupt


def main(argv=None):
    given = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, interrupted)
    try:
        return run(given)
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except (OSError, http.client.HTTPException, subprocess.TimeoutExpired) as error:
        print(f"\n{type(error).__name__}: {error}\nA process under measurement ended or did not answer; what it said "
              f"is below {given.directory}. Everything that was started has ended.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; everything that was started has ended.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.exit(main())
