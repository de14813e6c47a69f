#!/usr/bin/env python3
"""The long version of live_test.py: thousands of changes in two BOS instances while everything that can happen to a
deployment happens to this one, again and again, in an order that the seed gives. At quiet points in between and at the
end, what Daybook shows is compared with BOS, byte for byte, and the topics with the log.

    ./dev stack soak [--minutes 60] [--changes 10000] [--seed N]

It works on a stack of its own and a copy of the binaries. Progress goes to standard error; report.txt and report.json,
and after a failure everything that the processes wrote, stay in --dir.
"""

import argparse
import json
import pathlib
import random
import shutil
import signal
import sys
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(pathlib.Path(__file__).parent)]
import compare  # noqa: E402
import definitive  # noqa: E402
import live  # noqa: E402
from faults import GATEWAYS, LIMIT, SERVICES, Faults  # noqa: E402
from load import Load  # noqa: E402
from stack import daybook  # noqa: E402
from stack.base import Problem  # noqa: E402
from stack.kafka import Options  # noqa: E402
from stack.stack import Stack  # noqa: E402
from watch import Prober, Watch  # noqa: E402

BINARIES = ROOT / "build" / "release" / "examples" / "beneficiary"
PROGRAMS = ("gateway_service/beneficiary-gateway", "command_service/beneficiary-command",
            "query_service/beneficiary-query", "switch/beneficiary-switch")
MEMORY_MAX = 1024  # MiB of each of Daybook's processes


class Run:
    """One run: a stack, its loads, its faults, and what was seen."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.directory = pathlib.Path(arguments.dir).resolve()
        self.rng = random.Random(arguments.seed)
        self.begin = time.monotonic()
        self.events = []  # what was done: {"at", "what", "seconds", "told"}
        self.checkpoints = []
        self.problems = []
        self.stack = Stack(self.directory / "stack", ["uk", "eu"], binaries=self.copied_binaries(),
                           broker_options=Options(session_ms=18000, heap_mb=768))
        self.add_second_gateway()
        self.faults = Faults(self)
        self.loads = []
        self.watch = self.reader = self.prober = None

    def copied_binaries(self):
        copied = self.directory / "binaries"
        for program in PROGRAMS:
            (copied / program).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(pathlib.Path(self.arguments.binaries, program), copied / program)
        return copied

    def add_second_gateway(self):
        first = self.stack.find(GATEWAYS[0])
        second = daybook.Service(self.stack.directory / GATEWAYS[1], GATEWAYS[1], first.binary, first.flags,
                                 first.edges)
        self.stack.components.append((second, [self.stack.find(GATEWAYS[0])]))

    # --- what faults use ---

    def down(self, *names):
        return self.watch.down(*names)

    def pause(self):
        for load in self.loads:
            load.pause()

    def resume(self):
        for load in self.loads:
            load.resume()

    # --- the run ---

    def say(self, text):
        seconds = int(time.monotonic() - self.begin)
        made = sum(load.made() for load in self.loads)
        print(f"[{seconds // 60:3}:{seconds % 60:02}] {made:6} changes  {text}", file=sys.stderr, flush=True)

    def start(self):
        self.stack.up(clients=12, beneficiaries=160)
        self.say("everything serves")
        self.loads = [Load(bos, self.directory, self.arguments.seed + number, "write_together" if number else "")
                      for number, bos in enumerate(self.stack.bos)]
        torn = self.stack.bos[1]
        ids = list(definitive.beneficiaries(self.stack.postgres, torn.database, torn.instance))
        self.reader = live.Reader(self.stack.find("beneficiary-query"), ids, self.arguments.seed)
        self.reader.interval = 0.01
        self.reader.start()
        switch = self.stack.find("beneficiary-switch")
        daybook.set_mode(switch, "daybook", by="soak", reason="the long run")
        clients = self.stack.postgres.sql("SELECT client_ref FROM clients_client", self.stack.bos[0].database).split()
        self.prober = Prober(switch, clients, random.Random(self.arguments.seed))
        self.prober.start()

    def all(self):
        self.start()
        with Watch([component for component, _ in self.stack.components]) as self.watch:
            until = self.begin + 60 * self.arguments.minutes
            segments = max(1, round(self.arguments.minutes / self.arguments.segment))
            deck = Deck(self.rng, self.chosen())
            for number in range(segments):
                reserve = max((one["seconds"] for one in self.checkpoints), default=30)
                seconds = max(10, (until - time.monotonic()) / (segments - number) - reserve)
                self.segment(self.arguments.changes // len(self.loads) // segments, seconds, deck)
                self.checkpoint(f"checkpoint {number + 1} of {segments}")
            self.final()

    def chosen(self):
        names = [name for name in self.faults.all if self.arguments.only in name]
        if not names:
            raise Problem(f"no fault is named {self.arguments.only}", f"There are: {', '.join(self.faults.all)}.")
        return names

    def segment(self, count, seconds, deck):
        for load in self.loads:
            load.begin(count, count / seconds)
        self.say(f"{count} changes in each BOS, over about {seconds:.0f} s")
        while not all([load.is_over() for load in self.loads]):
            self.do(deck.next())
            wait_for_load(self.loads, self.rng.uniform(0.5, self.arguments.calm))

    def do(self, name):
        begin = time.monotonic()
        told = self.faults.all[name]()
        seconds = time.monotonic() - begin
        self.events.append({"at": round(begin - self.begin, 1), "what": name, "seconds": round(seconds, 1),
                            "told": told})
        self.say(f"{name}: {seconds:.1f} s{'  ' + told if told else ''}")
        self.raise_if_ended()

    def raise_if_ended(self):
        if self.watch.ended:
            raise Problem("".join(f"{name} ended by itself:\n{words}\n" for name, words in self.watch.ended))

    def checkpoint(self, name):
        begin = time.monotonic()
        self.faults.heal_connect()
        address = self.stack.find("beneficiary-query").address("http")
        wrong = live.differences_that_stay(self.stack, address, LIMIT)
        problems = [f"{what}: {len(found)} differences, such as {found[0]}" for what, found in wrong.items()]
        live.wait_for_gateways(self.faults.gateways(), LIMIT)
        self.faults.await_lag_zero()
        problems += self.what_is_wrong()
        events, twice = live.published_wrongly(self.stack)
        ids = self.faults.past_commands + live.command_ids(self.stack)
        problems += twice[:5] + live.repeated_commands(ids)[:5]
        seconds = time.monotonic() - begin
        memory = self.watch.memory_table()
        self.checkpoints.append({"name": name, "at": round(begin - self.begin, 1), "seconds": round(seconds, 1),
                                 "events": events, "commands": len(ids), "problems": problems, "memory": memory})
        self.say(f"{name}: {events} events, {len(ids)} commands, {len(problems)} problems; MiB "
                 + ", ".join(f"{n.removeprefix('beneficiary-')} {last}" for n, _, _, last in memory))
        self.problems += problems
        self.raise_if_ended()
        if problems:
            raise Problem("\n".join(problems))

    def what_is_wrong(self):
        """Beside the comparison with BOS and the topics' order."""
        address = self.stack.find("beneficiary-query").address("http")
        problems = [f"{one} is shown and unknown to BOS"
                    for one in compare.unknown_to_bos(self.stack.postgres, self.stack.bos, address)]
        switch = self.stack.find("beneficiary-switch")
        _, through_switch = compare.compat_differences(self.stack.postgres, self.stack.bos[0], switch.address("http"))
        problems += [f"through the switch: {one}" for one in through_switch[:2]]
        if mode_of(switch) != "daybook":
            problems.append(f"the switch is in mode {mode_of(switch)}")
        problems += [f"half a transaction was shown: {one}" for one in self.reader.halves[:2]]
        _, halves = live.halves_in_commands(self.stack, self.stack.bos[1].instance)
        problems += [f"a command with half a transaction: {one}" for one in halves[:2]]
        problems += live.states_called_wrongly(self.stack)
        letters = live.records.read(["--bootstrap", self.stack.kafka.bootstrap, live.DEAD_LETTERS])
        problems += [f"a dead letter: {one}" for one in letters[:2]]
        problems += [f"a dead letter: {path}" for path in self.stack.directory.glob("*/data/dead-letters/*")]
        for name in SERVICES:
            status, body = self.stack.find(name).admin("/readyz?verbose")
            if status != 200:
                problems.append(f"{name} is not ready: {body.decode('utf-8')}")
        status, body = self.stack.find("beneficiary-query").admin("/status")
        problems += [f"a read model lags: {model}" for model in json.loads(body)["models"] if model["lag_events"] != 0]
        problems += [f"{name} takes {most} MiB" for name, _, most, _ in self.watch.memory_table()
                     if name in SERVICES and most > MEMORY_MAX]
        return problems

    def final(self):
        with self.down("connect"):
            commands = live.snapshots_that_change_nothing(self.stack, self.faults.gateways(), LIMIT)
        self.say(f"a full snapshot, a killed connector and an incremental snapshot made {commands} commands")
        if commands:
            self.problems.append(f"snapshots made {commands} commands though nothing had changed")
        self.checkpoint("the end")
        if not self.reader.seen:
            self.problems.append("no answer had a transaction that could be seen by half")

    def end(self):
        """Ends all processes; keeps what they wrote if something is wrong."""
        for part in (self.reader, self.prober):
            if part is not None:
                part.end()
        for load in self.loads:
            load.kill()
        if self.problems or self.arguments.keep:
            for component, _ in reversed(self.stack.components):
                component.stop(clean=False)
        else:
            self.stack.remove()


class Deck:
    """Faults in a random order in which each of them comes before any comes again."""

    def __init__(self, rng, names):
        self.rng = rng
        self.names = names
        self.left = []

    def next(self):
        if not self.left:
            self.left = list(self.names)
            self.rng.shuffle(self.left)
        return self.left.pop()


def wait_for_load(loads, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not all([load.is_over() for load in loads]):
        time.sleep(0.1)


def mode_of(switch):
    return json.loads(switch.admin("/api/modes")[1]).get("for_all")


def write_report(run, ended):
    times = {}
    for event in run.events:
        times.setdefault(event["what"], []).append(event["seconds"])
    loads = {load.bos.name: load.totals for load in run.loads}
    report = {"result": "clean" if not run.problems else "NOT CLEAN", "seed": run.arguments.seed,
              "minutes": round((ended - run.begin) / 60, 1), "load": loads, "problems": run.problems,
              "answers_of_the_switch": run.prober.answers if run.prober else {},
              "answers_that_could_show_half_a_transaction": run.reader.seen if run.reader else 0,
              "checkpoints": run.checkpoints, "faults": run.events,
              "memory": run.watch.memory_table() if run.watch else []}
    (run.directory / "report.json").write_text(json.dumps(report, indent=1), "utf-8")
    lines = [f"Soak of {report['minutes']} minutes, seed {report['seed']}: {report['result']}", ""]
    lines += [*run.problems, ""] if run.problems else []
    lines += [f"{name}: {totals}" for name, totals in loads.items()]
    lines += ["", f"{len(run.events)} faults:"]
    lines += [f"  {len(took):4} x {what}, {min(took):.1f} to {max(took):.1f} s" for what, took in sorted(times.items())]
    lines += ["", "Checkpoints (differences from BOS, doubles, gaps, dead letters: none unless listed above):"]
    lines += [f"  {one['at']:7.0f} s  {one['name']}: {one['events']} events, {one['commands']} commands, "
              f"{len(one['problems'])} problems, {one['seconds']} s" for one in run.checkpoints]
    lines += ["", "Resident memory, MiB:           first largest  last"]
    lines += [f"  {name:28} {first:6} {most:7} {last:5}" for name, first, most, last in report["memory"]]
    lines += ["", f"Answers of the switch: {report['answers_of_the_switch']}",
              f"Answers that could have shown half a transaction, and did not: "
              f"{report['answers_that_could_show_half_a_transaction']}", ""]
    (run.directory / "report.txt").write_text("\n".join(lines), "utf-8")
    print("\n".join(lines), flush=True)


def parser():
    made = argparse.ArgumentParser(prog="./dev stack soak", description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--minutes", type=float, default=60)
    made.add_argument("--changes", type=int, default=10_000, help="transactions, over both BOS")
    made.add_argument("--seed", type=int, default=20261128)
    made.add_argument("--segment", type=float, default=6, help="minutes between two checkpoints")
    made.add_argument("--calm", type=float, default=3, help="at most so many seconds between two faults")
    made.add_argument("--only", default="", help="the faults whose name contains this")
    made.add_argument("--dir", default=ROOT / "build" / "soak", help="emptied first (default: build/soak)")
    made.add_argument("--binaries", default=BINARIES, help="where the build put them")
    made.add_argument("--keep", action="store_true", help="keep what the processes stored after a clean run too")
    return made


def main(argv=None):
    arguments = parser().parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):  # one that was started in the background ignores SIGINT
        signal.signal(number, signal.default_int_handler)
    directory = pathlib.Path(arguments.dir)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    run = Run(arguments)
    try:
        run.all()
    except (Exception, KeyboardInterrupt) as error:  # pylint: disable=broad-exception-caught
        traceback.print_exc()
        run.problems.append(f"{type(error).__name__}: {error}")
    ended = time.monotonic()
    run.end()
    write_report(run, ended)
    return 1 if run.problems else 0


if __name__ == "__main__":
    sys.exit(main())
