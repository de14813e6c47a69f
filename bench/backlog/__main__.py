"""Catching up with a backlog of a million recorded changes, beside the cost of parsing them alone.

The records are copies of the recording in tests/fixtures/bos-a, each with keys, clients, transactions and offsets of
its own. They are parsed, taken in from memory, and then put on the topics of a broker that is started for it, from
which the real processes catch up: first beneficiary-gateway on an empty directory, until every record is applied and
every command is out, then beneficiary-command and beneficiary-query together, until every read model shows the last
event. Everything that was started is ended, and everything that was stored is removed.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.request

from stack.base import ROOT, Problem, say
from stack.daybook import Service
from stack.kafka import Broker, Options

BUILD = ROOT / "build" / "release"
BINARIES = BUILD / "examples" / "beneficiary"
TOOL = BUILD / "bench" / "daybook_backlog"
BOS = "uk"
STEP_SECONDS = 0.05
TELL_SECONDS = 5
BROKER = {"log.retention.ms": "-1", "message.max.bytes": "8388608"}


class Lost(Problem):
    """What was caught up with is not what was put in."""


# --- what the records are, and measures of one process ---------------------------------------------------------------


def tool(arguments, action, *more):
    """What daybook_backlog says of an action."""
    argv = [TOOL, f"--action={action}", f"--copies={arguments.copies}", f"--directory={arguments.dir}", *more]
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    if done.returncode != 0:
        raise Problem(f"daybook_backlog --action={action} ended with code {done.returncode}")
    return json.loads(done.stdout)


def cpu_seconds(component):
    """Of the process so far, user and system."""
    text = pathlib.Path(f"/proc/{component.pid}/stat").read_text("utf-8")
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watch:
    """Waits for processes to have done something, says how far they are, and how long it took."""

    def __init__(self, components, seconds):
        self.components = components
        self.began = time.monotonic()
        self.give_up = self.began + seconds
        self.said = self.began
        self.cpu = {c.name: cpu_seconds(c) for c in components}

    def until(self, is_done, describe):
        """is_done() gives what was asked for, or None while it is not so. (that, seconds)"""
        while True:
            found = is_done()
            now = time.monotonic()
            if found is not None:
                return found, now - self.began
            if now - self.said >= TELL_SECONDS:
                self.said = now
                print(f"    {now - self.began:.0f} s: {describe()}", file=sys.stderr, flush=True)
            for component in self.components:
                if not component.is_running():
                    raise Problem(f"{component.name} ended:\n{component.last_words()}")
            if now > self.give_up:
                raise Problem(f"not done after {now - self.began:.0f} s: {describe()}")
            time.sleep(STEP_SECONDS)

    def cpu_used(self):
        return {c.name: cpu_seconds(c) - self.cpu[c.name] for c in self.components}


def status_of(component):
    """Its /status; None while it does not answer."""
    code, body = component.admin("/status")
    return json.loads(body) if code == 200 else None


# --- the live path ---------------------------------------------------------------------------------------------------


class Processes:
    """The broker with the captured topics, and Daybook's processes; nothing is started yet but the broker."""

    def __init__(self, directory, described, broker):
        prefix = next(t for t in described["topics"] if t.endswith(".transaction")).removesuffix(".transaction")
        self.broker = broker
        self.broker.ensure_topics(described["topics"], {"retention.ms": "-1"})

        def service(name, folder, *edges, **flags):
            return Service(directory / name, name, BINARIES / folder / name,
                           lambda: {"kafka_brokers": broker.bootstrap, **flags}, edges)

        self.gateway = service("beneficiary-gateway", "gateway_service", "admin", bos=f"{BOS}:{prefix}")
        self.command = service("beneficiary-command", "command_service", "admin")
        self.query = service("beneficiary-query", "query_service", "http", "grpc", "admin", compat_instance=BOS)

    def stop(self):
        for component in (self.query, self.command, self.gateway):
            component.stop(clean=False)


def catch_up_gateway(processes, records, seconds):
    """From an empty directory until everything is applied and published."""
    gateway = processes.gateway
    gateway.launch()
    watch = Watch([gateway, processes.broker], seconds)

    def is_done():
        status = status_of(gateway)
        if status is None:
            return None
        one = status["instances"][0]
        count = one["counters"]
        waiting = one["input_lag_records"] + count["outbox"] + count["dirty"] + count["open_transactions"]
        if status["phase"] != "active" or not status["caught_up"] or waiting > 0 or count["records"] < records:
            return None
        return status

    def describe():
        status = status_of(gateway)
        if status is None:
            return "starting"
        count = status["instances"][0]["counters"]
        return (f"{status['phase']}, {count['records']} of {records} records applied, {count['commands']} commands, "
                f"{count['published']} published, {count['open_transactions']} transactions open")

    status, took = watch.until(is_done, describe)
    count = status["instances"][0]["counters"]
    if count["dead_letters"]:
        raise Lost(f"the gateway set {count['dead_letters']} records aside")
    figures = {"seconds": took, "records": records, "commands": count["commands"],
               "suppressed": count["suppressed"], "kafka_transactions": status["transactions"],
               "transactions_timed_out": count["transactions_timed_out"],
               "cpu_seconds": watch.cpu_used()}
    gateway.stop()
    return figures


def catch_up_queries(processes, commands, seconds):
    """From empty directories until every read model shows the last event."""
    command, query = processes.command, processes.query
    command.launch()
    query.launch()
    watch = Watch([command, query, processes.broker], seconds)

    def is_done():
        told, models = status_of(command), status_of(query)
        if told is None or models is None:
            return None
        stages = told["stages"]
        answered = metric(command, "command_topic_answered")
        position = stages["events"]["durable_position"]
        shown = min(model["position"] for model in models["models"])
        if answered < commands or stages["events"]["lag_events"] > 0 or position == 0 or shown < position:
            return None
        return {"events": position}

    def describe():
        told, models = status_of(command), status_of(query)
        if told is None or models is None:
            return "starting"
        shown = min((model["position"] for model in models["models"]), default=0)
        events = told["stages"]["events"]
        return (f"{metric(command, 'command_topic_answered'):.0f} of {commands} commands carried out, "
                f"{events['published_position']} of {events['durable_position']} events published, {shown} shown")

    found, took = watch.until(is_done, describe)
    return {"seconds": took, "commands": commands, **found, "cpu_seconds": watch.cpu_used()}


def metric(component, name):
    for line in component.admin("/metrics")[1].decode("utf-8").splitlines():
        if line.startswith(f"{name} ") or line.startswith(f"{name}{{"):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def check_copies(processes, described):
    """The same clients of the first, of a middle and of the last copy have as many beneficiaries; some have many."""
    copies, stride = described["copies"], described["client_stride"]
    address = processes.query.address("http")
    totals = {}
    for copy in sorted({0, copies // 2, copies - 1}):
        totals[copy] = []
        for number in range(1, stride + 1):
            client = f"EBPCLI{number + copy * stride:06d}"
            url = f"http://{address}/client/beneficiaries?client_id={client}&page_size=1"
            with urllib.request.urlopen(url, timeout=10) as answer:
                totals[copy].append(int(answer.headers["X-Total-Count"]))
    first = totals[0]
    if sum(first) == 0 or any(other != first for other in totals.values()):
        raise Lost(f"clients of different copies have different numbers of beneficiaries: "
                   f"{ {copy: sum(t) for copy, t in totals.items()} }")
    return sum(first) * copies


def live_path(arguments, described):
    directory = pathlib.Path(arguments.dir)
    with contextlib.ExitStack() as stack:
        say("starting a broker")
        broker = Broker(directory / "kafka", Options(heap_mb=1024, extra=BROKER))
        stack.callback(broker.remove)
        broker.start()
        processes = Processes(directory, described, broker)
        stack.callback(processes.stop)
        say(f"putting {described['records']} records on its topics")
        produced = tool(arguments, "produce", f"--kafka_brokers={broker.bootstrap}")
        say("beneficiary-gateway catches up")
        gateway = catch_up_gateway(processes, described["records"], arguments.limit)
        say("beneficiary-command and beneficiary-query catch up")
        queries = catch_up_queries(processes, gateway["commands"], arguments.limit)
        shown = check_copies(processes, described)
        return {"produced": produced, "gateway": gateway, "queries": queries, "beneficiaries": shown}


# --- the figures -----------------------------------------------------------------------------------------------------


def rows(result):
    """(what, seconds, rate, its unit, ratio to parsing or None, processor seconds or None)"""
    records, parse = result["described"]["records"], result["parse"]["seconds"]

    def per_record(what, seconds, cpu=None):
        return what, seconds, records / seconds, "records/s", parse / seconds, cpu

    yield per_record("parsing alone", parse)
    if "commands" in result:
        yield per_record("from memory to commands", result["commands"]["seconds"])
        yield per_record("from memory to every read model", result["models"]["seconds"])
    if "live" in result:
        gateway, queries = result["live"]["gateway"], result["live"]["queries"]
        yield per_record("topics to published commands", gateway["seconds"],
                         gateway["cpu_seconds"]["beneficiary-gateway"])
        yield "    in commands", gateway["seconds"], gateway["commands"] / gateway["seconds"], "commands/s", None, None
        cpu = queries["cpu_seconds"]
        yield ("published commands to read models", queries["seconds"], queries["commands"] / queries["seconds"],
               "commands/s", None, cpu["beneficiary-command"] + cpu["beneficiary-query"])
        yield per_record("BOS's topics to read models", gateway["seconds"] + queries["seconds"])


def table(result):
    lines = [f"{'':<36} {'seconds':>9} {'a second':>10} {'':<10} {'of parsing':>10} {'cpu s':>7}"]
    for what, seconds, rate, unit, ratio, cpu in rows(result):
        lines.append(f"{what:<36} {seconds:>9.2f} {rate / 1000:>8.1f} k {unit:<10} "
                     f"{'' if ratio is None else f'{ratio:.3f}':>10} {'' if cpu is None else f'{cpu:.1f}':>7}")
    return "\n".join(lines)


def measure(arguments):
    described = tool(arguments, "describe")
    say(f"{described['copies']} copies of the recording, {described['records']} records")
    result = {"described": described}
    say("parsing them alone")
    result["parse"] = tool(arguments, "parse")
    if not arguments.live_only:
        say("from memory into a gateway on disk")
        result["commands"] = tool(arguments, "commands")
        say("from memory to every read model")
        result["models"] = tool(arguments, "models")
    if not arguments.memory_only:
        result["live"] = live_path(arguments, described)
    return result


def parser():
    made = argparse.ArgumentParser(prog="./dev bench backlog", description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--copies", type=int, default=152, help="of the recording's 6,585 records (default: 152)")
    only = made.add_mutually_exclusive_group()
    only.add_argument("--live-only", action="store_true", help="only parsing alone and the live path")
    only.add_argument("--memory-only", action="store_true", help="without the live path: no broker is started")
    made.add_argument("--dir", default=str(ROOT / "build" / "bench-backlog"),
                      help="scratch directory; removed at the end")
    made.add_argument("--json", default=str(BUILD / "bench-backlog.json"), help="also write the figures there")
    made.add_argument("--limit", type=float, default=240, help="seconds that a catch-up may take")
    return made


def main(argv=None):
    arguments = parser().parse_args(argv)
    try:
        result = measure(arguments)
        pathlib.Path(arguments.json).write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        print(table(result))
        if "live" in result:
            live = result["live"]
            print(f"{live['gateway']['commands']} commands, {live['queries']['events']} events, "
                  f"{live['beneficiaries']} beneficiaries shown; {live['gateway']['transactions_timed_out']} source "
                  f"transactions were taken as complete after their time-out")
        return 0
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(arguments.dir, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
