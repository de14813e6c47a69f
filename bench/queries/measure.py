"""Asks every side in turn, round by round, after all of them have shown that they answer the same bytes."""

import dataclasses
import json
import os
import statistics
import subprocess
import time

from bench.queries import sides
from stack.base import Problem, say, wait_until

CONNECTIONS = (64, 1)
CORES = len(os.sched_getaffinity(0))


@dataclasses.dataclass
class Figure:
    """The rounds of one side, size and number of connections."""

    rounds: list = dataclasses.field(default_factory=list)

    def of(self, name):
        return [told[name] for told in self.rounds]

    def median(self, name):
        return statistics.median(self.of(name))


class Bench:
    """mix, data: what is asked about; binaries: the build's folder."""

    def __init__(self, data, build, rounds, seconds):
        self.data, self.mix = data, data.mix
        self.http_load, self.bare_beast = build / "bench/http_load", build / "bench/bare_beast"
        self.rounds, self.seconds = rounds, seconds
        self.figures = {}  # (side, size, connections): Figure
        self.writes = {}  # (size, connections): Figure, of the writers beside the reads
        self.queries = {}  # (side, size): statements that BOS sends to PostgreSQL for one answer

    def scratch(self, name):
        folder = self.data.directory / "scratch"
        folder.mkdir(exist_ok=True)
        return folder / name

    def mean_bytes(self, size):
        return statistics.mean(file.stat().st_size for file in self.data.page_files(size))

    def check(self, chosen):
        """A difference in any byte fails the bench before anything is timed."""
        for side in chosen:
            for size in self.mix.sizes:
                side.prepare(size)
                compare(side, size, self.data.reference)
        say(f"all {len(chosen)} sides answer the same bytes as BOS, for clients of "
            f"{', '.join(map(str, self.mix.sizes))} beneficiaries")

    def count_queries(self, chosen):
        asked = [(side, size) for side in chosen if side.is_bos for size in self.mix.sizes]
        counts = self.data.queries(side.path(size) for side, size in asked) if asked else []
        self.queries = {(side.name, size): count for (side, size), count in zip(asked, counts)}

    def run(self, chosen):
        for number in range(self.rounds):
            for size in self.mix.sizes:
                # The order turns round, so that none always comes after the same one.
                for side in chosen if number % 2 == 0 else reversed(chosen):
                    for connections in CONNECTIONS:
                        self._measure(number, side, size, connections)

    def _measure(self, number, side, size, connections):
        side.prepare(size)
        writer = None
        if isinstance(side, sides.WrittenTo):
            writer = subprocess.Popen(side.writes(size, self.seconds + 0.2), stdout=subprocess.PIPE)
        try:
            told = measure(side.load(size, connections, self.seconds), side.pids())
        finally:
            wrote = writer and finish(writer)
        if wrote:
            side.wrote(size, wrote["answered"])
            self.writes.setdefault((size, connections), Figure()).rounds.append(wrote)
        self.figures.setdefault((side.name, size, connections), Figure()).rounds.append(told)
        beside = f", {wrote['per_second']:.0f} writes/s, p99 {wrote['p99_us'] / 1000:.1f} ms" if wrote else ""
        say(f"round {number + 1}/{self.rounds}, {size:3} beneficiaries, {connections:2} connections, {side.label}: "
            f"{told['per_second']:,.0f}/s, p50 {told['p50_us']:,.0f} us, p99 {told['p99_us']:,.0f} us{beside}")

    def check_after_writes(self, chosen):
        """What was put is deleted again; then the pages are BOS's once more, byte for byte."""
        for side in chosen:
            if not isinstance(side, sides.WrittenTo):
                continue
            for size in self.mix.sizes:
                side.prepare(size)
                left = side.left_of_cycle(size)
                if left:
                    finish(subprocess.Popen(side.writes(size, (left - 0.5) / 1000, rate=1000), stdout=subprocess.PIPE))
                if not wait_until(lambda: differing(side, size, self.data.reference) is None, 20, 0.2):
                    compare(side, size, self.data.reference)
        say("after the writes have been undone, Daybook's pages are the same bytes again")


def differing(side, size, reference):
    """(client, what it should be, what it is) of the first page that differs; None: none does."""
    told = side.digests(size)
    if not told:
        raise Problem(f"{side.label} was not compared")
    return next(((ref, reference[ref], digest) for ref, digest in told.items() if digest != reference[ref]), None)


def compare(side, size, reference):
    found = differing(side, size, reference)
    if found:
        ref, wanted, got = found
        raise Problem(f"{side.label} answers other bytes than BOS for {ref} ({size} beneficiaries):\n"
                      f"  BOS  {wanted}\n  here {got}", "Nothing was timed. See status, headers, SHA-256 of the body.")


def finish(child):
    told = json.loads(child.communicate(timeout=300)[0] or "{}")
    if child.returncode != 0:
        raise Problem(f"{' '.join(map(str, child.args))} ended with code {child.returncode}: {told}")
    return told


def measure(argv, servers):
    """What the load told, and the CPU time that the server's processes took meanwhile."""
    used, begin = sides.cpu_seconds(servers), time.monotonic()
    told = finish(subprocess.Popen(argv, stdout=subprocess.PIPE))
    elapsed = time.monotonic() - begin
    told["server_cpu_us"] = 1e6 * (sides.cpu_seconds(servers) - used) / max(told["answered"], 1)
    told["client_cpu_us"] = 1e6 * told["client_cpu_seconds"] / max(told["answered"], 1)
    told["client_cpu_share"] = told["client_cpu_seconds"] / elapsed / CORES
    return told


def warm(bench, chosen):
    """What is loaded at the first request, and pages not yet in a cache, are no part of a round."""
    for side in chosen:
        for size in bench.mix.sizes:
            side.prepare(size)
            measure(side.load(size, 8, 0.3), side.pids())


def write_rows_of(bench):
    """The writers' figures as JSON-like rows."""
    return [{"size": size, "connections": connections, "per_second": figure.median("per_second"),
             "p50_us": figure.median("p50_us"), "p99_us": figure.median("p99_us"), "errors": sum(figure.of("errors"))}
            for (size, connections), figure in bench.writes.items()]

