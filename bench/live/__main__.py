"""./dev bench live: from COMMIT in PostgreSQL to an answer of the query API, through Debezium, Kafka and Daybook."""

import argparse
import contextlib
import json
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

import figures  # noqa: E402
import machine  # noqa: E402
import page  # noqa: E402
import report  # noqa: E402
from stack.base import Problem, say  # noqa: E402
from stack.connect import TABLES  # noqa: E402
from stack.postgres import USER  # noqa: E402
from stack.stack import Stack  # noqa: E402

DESCRIPTION = """Starts the stack (PostgreSQL, Kafka, Debezium, BOS, Daybook's processes) in a directory of its own,
changes BOS's tables by plain SQL at 10 and at 200 transactions a second, and measures from outside when each commit
is visible in the query API, with the share of each stage. Ends everything, and leaves a table, a JSON file and a
page."""

EPILOG = """The load is one transaction in each interval, at a random moment of it: of ten five change one row, four
change a beneficiary, its address and its accounts, one creates a beneficiary with all that (five rows). Up to 25 a
second are followed, by a client of their own; the rest is load. The rounds of the rates alternate. Leave the machine
alone."""

FOLLOWED_MAX = 25  # transactions a second
WARM_UP = (200, 45)  # transactions a second, seconds
LIMIT_SECONDS = 350

TOPICS = ("beneficiary.beneficiary.commands.v1", "beneficiary.beneficiary.events.v1")
SERVICES = ("beneficiary-gateway", "beneficiary-command", "beneficiary-query")

ROWS_SQL = """
SELECT json_agg(b.id ORDER BY b.id) FROM beneficiaries_beneficiary b WHERE NOT b.is_deleted AND b.address_id IS NOT NULL
AND EXISTS (SELECT FROM core_bankaccount a WHERE a.beneficiary_id = b.id AND a.kind = 'beneficiary')"""


class Bench:
    """A stack that is up, and what is done with it."""

    def __init__(self, stack, probe, scratch, step_us):
        self.stack = stack
        self.probe = probe
        self.scratch = scratch
        self.step_us = step_us
        self.bos = stack.bos[0]
        self.number = 0
        rows = json.loads(stack.postgres.sql(ROWS_SQL, self.bos.database))
        self.followed_rows, self.other_rows = rows[: len(rows) // 2], rows[len(rows) // 2 :]

    def scrape(self):
        return {name: figures.histograms(self.stack.find(name).admin("/metrics")[1].decode("utf-8"))
                for name in SERVICES}

    def start_load(self, rate, seconds, prefix, rows, **more):
        settings = {"dsn": f"host=127.0.0.1 port={self.stack.postgres.port} user={USER} dbname={self.bos.database}",
                    "instance": self.bos.instance, "rate": rate, "seconds": seconds, "prefix": prefix, "rows": rows,
                    "seed": self.number, **more.pop("settings", {})}
        program = [self.bos.binaries() / "python", pathlib.Path(__file__).with_name("load.py")]
        return subprocess.Popen([*map(str, program), json.dumps(settings)], stderr=subprocess.PIPE, text=True, **more)

    def start_probe(self, out):
        source = self.stack.sources[0]
        topics = [*TOPICS, f"{source.prefix}.transaction", *(f"{source.prefix}.public.{table}" for table in TABLES)]
        argv = [self.probe, f"--brokers={self.stack.kafka.bootstrap}", f"--topics={','.join(topics)}", f"--out={out}",
                f"--api={self.stack.find('beneficiary-query').address('http')}", f"--step={self.step_us}us"]
        child = subprocess.Popen([str(part) for part in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        if not select.select([child.stdout], [], [], 30)[0] or child.stdout.readline() != "ready\n":
            child.kill()
            raise Problem(f"the probe is not ready:\n{child.communicate()[1]}", "See the stack's logs.")
        return child

    def warm_up(self, rate, seconds):
        """Until every process has run its code often; a machine that is too slow for this rate shows in the rounds."""
        with contextlib.suppress(figures.Unseen):
            self.round(rate, seconds)

    def round(self, rate, seconds):
        """(samples, histograms before and after, processor time) of this many seconds at this rate."""
        self.number += 1
        followed, out = min(rate, FOLLOWED_MAX), self.scratch / f"probe-{self.number}"
        noted = self.scratch / f"load-{self.number}"
        before = self.scrape()
        with contextlib.ExitStack() as children:
            probe = children.enter_context(ended(self.start_probe(out)))
            load = children.enter_context(ended(self.start_load(
                followed, seconds, "live-", self.followed_rows, stdout=probe.stdin,
                settings={"out": str(noted)})))
            probe.stdin.close()
            probe.stdin = None  # the load alone holds it now: its end is the input's end
            pids = {c.name: c.pid for c, _ in self.stack.components if c is not self.bos}
            use = machine.Use(pids)
            rest = []
            if rate > followed:
                rest.append(children.enter_context(ended(self.start_load(
                    rate - followed, seconds + 0.5, "load-", self.other_rows, settings={"writers": 4}))))
            told = [finish(child, seconds + 60) for child in (load, *rest)]
            finish(probe, 60, json_too=False)
            used = use.since()
        with open(out, encoding="utf-8") as lines:
            made = figures.samples(json.loads(noted.read_text("utf-8")), lines)
        made_rate = sum(one["transactions"] / one["seconds"] for one in told)
        return {"samples": made, "before": before, "after": self.scrape(), "used": used, "seconds": seconds,
                "rate": made_rate, "late_ms": max(one["late_max_ms"] for one in told)}


@contextlib.contextmanager
def ended(child):
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()


def finish(child, seconds, json_too=True):
    """Waits for its end; what it told on standard error, as JSON."""
    try:
        said = child.communicate(timeout=seconds)[1]
    except subprocess.TimeoutExpired:
        raise Problem(f"{child.args[0]} does not end", "Look at the machine's load, and call this again.") from None
    if child.returncode != 0:
        raise Problem(f"{child.args[0]} failed:\n{said[-2000:]}", "See the logs of the stack's processes.")
    return json.loads(said.splitlines()[-1]) if json_too else None


def measure(bench, rates, rounds):
    """{rate: [round]}."""
    say(f"warming up: {WARM_UP[0]} transactions a second for {WARM_UP[1]} s")
    bench.warm_up(*WARM_UP)
    made = {rate: [] for rate in rates}
    for number in range(rounds):
        for rate, seconds in rates.items():
            done = bench.round(rate, seconds)
            made[rate].append(done)
            whole = [sample.ms(figures.WHOLE) for sample in done["samples"]]
            say(f"round {number + 1} of {rounds}, {rate:g} a second for {seconds:g} s: {len(whole)} followed, end to "
                f"end p50 {figures.quantile(whole, 0.5):.1f} ms, p99 {figures.quantile(whole, 0.99):.1f} ms")
    return made


def too_long(*_):
    raise Problem(f"it took longer than {LIMIT_SECONDS} s",
                  "Look at what else the machine does; --rounds=1 or --seconds make it shorter.")


def run(arguments):
    probe = pathlib.Path(arguments.binaries, "bench", "live_probe")
    if not probe.exists():
        raise Problem(f"{probe} is not built", "Build it: ./dev build")
    signal.signal(signal.SIGALRM, too_long)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.alarm(LIMIT_SECONDS)
    binaries = pathlib.Path(arguments.binaries)
    rates = {10: arguments.seconds or 20, 200: (arguments.seconds or 20) * 0.6}
    rates = {rate: seconds for rate, seconds in rates.items() if not arguments.rate or rate in arguments.rate}
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-live-", dir=ROOT / "build") as scratch:
        pathlib.Path(scratch).chmod(0o711)  # PostgreSQL may have to run as another user
        with Stack(pathlib.Path(scratch, "stack"), ["uk"], binaries=binaries / "examples" / "beneficiary") as stack:
            stack.up(clients=20, beneficiaries=1500)
            bench = Bench(stack, binaries / "bench" / "live_probe", pathlib.Path(scratch), arguments.step_us)
            made = measure(bench, rates, arguments.rounds)
            if arguments.keep:
                say(f"the stack stays until Enter: python3 -m stack --dir {scratch}/stack status")
                signal.alarm(0)
                sys.stdin.readline()
        signal.alarm(0)
    found = report.make(made, machine.about(), arguments.step_us)
    pathlib.Path(arguments.json).write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    pathlib.Path(arguments.html).write_text(page.make(found), "utf-8")
    print(report.table(found))
    say(f"written: {arguments.json}, {arguments.html}")
    return 0


def main(argv=None):
    release = ROOT / "build" / "release"
    parser = argparse.ArgumentParser(prog="./dev bench live", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--rounds", type=int, default=3, help="of each rate")
    parser.add_argument("--seconds", type=float, help="of a round at 10 a second (default: 20); 0.6 of it at 200")
    parser.add_argument("--rate", type=int, action="append", choices=(10, 200), help="this rate only")
    parser.add_argument("--step-us", type=int, default=500, help="microseconds between two questions to the API")
    parser.add_argument("--binaries", default=release, help="where the build is (default: build/release)")
    parser.add_argument("--json", default=release / "bench-live.json", help="where the figures go")
    parser.add_argument("--html", default=release / "bench-live.html", help="where the page goes")
    parser.add_argument("--keep", action="store_true", help="at the end leave the stack up until Enter, to look at it")
    arguments = parser.parse_args(argv)
    begin = time.monotonic()
    try:
        return run(arguments)
    except (Problem, figures.Unseen) as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; everything it had started has ended.", file=sys.stderr)
        return 130
    finally:
        say(f"it took {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
