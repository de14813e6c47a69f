#!/usr/bin/env python3
"""beneficiary-command on a real broker, killed with -9 under load: commands decided once, events published once.

usage: kill_test.py BINARY [--kills N] [--broker-kills N] [--commands N] [--per-second N] [--seed N]
"""

import argparse
import json
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))
from stack import python, records  # noqa: E402
from stack.base import Problem  # noqa: E402
from stack.kafka import Broker, Options  # noqa: E402

PREFIX = "beneficiary.client"


class Command:
    """One process of beneficiary-command."""

    def __init__(self, binary, data_dir, bootstrap):
        self.process = subprocess.Popen(
            [binary, f"--data_dir={data_dir}", "--admin_address=127.0.0.1:0", f"--kafka_brokers={bootstrap}"],
            stderr=subprocess.PIPE, text=True)
        self.lines, self.admin, self.serving = [], "", threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if not self.serving.wait(120) or not self.admin:
            self.end(signal.SIGKILL)
            raise RuntimeError("it did not start:\n" + "".join(self.lines[-20:]))

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            if '"message":"serving"' in line:
                self.admin = json.loads(line)["admin"]
                self.serving.set()
        self.serving.set()

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait(self, what, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise RuntimeError(f"{what}: not within {seconds} s; {self.get('/readyz?verbose')}\n"
                                   + self.get("/status")[1] + "".join(self.lines[-20:]))
            threading.Event().wait(0.02)

    def wait_ready(self):
        self.wait("ready", lambda: self.get("/readyz")[0] == 200, 120)

    def metric(self, name):
        found = re.search(rf"^{name}(?:{{.*}})? (\S+)$", self.get("/metrics")[1], flags=re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def end(self, how):
        self.process.send_signal(how)
        code = self.process.wait(60)
        self.reader.join()
        self.process.stderr.close()
        return code


def median_ms(metrics, name):
    """The upper bound of the bucket that holds a histogram's middle, over all its labels."""
    buckets = {}
    for bound, count in re.findall(rf'^{name}_bucket{{.*le="([^"]+)"}} (\d+)$', metrics, flags=re.MULTILINE):
        buckets[float(bound)] = buckets.get(float(bound), 0) + int(count)
    total = buckets.get(float("inf"), 0)
    return next((bound * 1000 for bound, count in sorted(buckets.items()) if count * 2 >= total), 0.0)


def headers(record):
    return dict(record["headers"])


def check(sent, bootstrap):
    """What is wrong, one line each."""
    wrong = []
    events = records.read(["--bootstrap", bootstrap, f"{PREFIX}.events.v1"])
    sequences = [int(headers(e)["ce_sequence"]) for e in events]
    if sequences != list(range(1, len(events) + 1)):
        wrong.append(f"the events' sequences are not 1 to {len(events)}, each once in order")
    previous = [int(headers(e).get("ce_previoussequence", "0")) for e in events]
    if previous != list(range(len(events))):
        wrong.append("an event names another one before it")
    commands = [headers(e)["ce_commandid"] for e in events]
    if sorted(commands) != sorted(c["id"] for c in sent):
        wrong.append(f"{len(sent)} sent; there are {len(commands)} events of {len(set(commands))} of them")
    by_key = {}
    for command in sent:
        by_key.setdefault(command["key"], []).append(command)
    for key, expected in by_key.items():
        got = [headers(e)["ce_commandid"] for e in events if e["key"] == key]
        if got != [c["id"] for c in expected]:
            wrong.append(f"{key}: the commands were not decided in the order in which they were sent")
    states = records.read(["--bootstrap", bootstrap, f"{PREFIX}.state.v1"])
    if [int(headers(s)["ce_sequence"]) for s in states] != sequences:
        wrong.append("the states' sequences are not those of the events")
    last = {s["key"]: s for s in states}
    for key, expected in by_key.items():
        if expected[-1]["name"] not in last[key].get("value", ""):
            wrong.append(f"{key}: the last state is not what was sent last")
    if records.read(["--bootstrap", bootstrap, f"{PREFIX}.commands.v1.dlq"]):
        wrong.append("there are dead letters")
    return wrong


def start_again(broker, seconds=60):
    """Its clients knock at its port all the time, and now and then one holds it for a moment."""
    end = time.monotonic() + seconds
    while True:
        try:
            return broker.start()
        except Problem:
            if time.monotonic() > end:
                raise
            threading.Event().wait(0.2)


def run(arguments, directory):
    rng = random.Random(arguments.seed)
    broker = Broker(directory / "kafka", Options(session_ms=1000 if arguments.broker_kills else 30000))
    broker.launch()
    command = None
    try:
        broker.wait()
        data = directory / "data"
        command = Command(arguments.binary, data, broker.bootstrap)
        command.wait_ready()
        interpreter = python.environment("records", records.REQUIREMENTS) / "bin" / "python"
        load = subprocess.Popen(
            [interpreter, HERE / "send_commands.py", broker.bootstrap, "20", str(arguments.commands),
             str(arguments.per_second), str(arguments.seed)], stdout=subprocess.PIPE, text=True)
        sent = []
        reader = threading.Thread(target=lambda: sent.extend(json.loads(line) for line in load.stdout))
        reader.start()
        for _ in range(arguments.kills):
            threading.Event().wait(rng.uniform(0.05, 1.0))
            command.end(signal.SIGKILL)
            command = Command(arguments.binary, data, broker.bootstrap)
        for _ in range(arguments.broker_kills):
            broker.stop(clean=False)
            start_again(broker)
        if load.wait(120) != 0:
            raise RuntimeError("the load failed")
        reader.join()
        command.wait_ready()
        command.wait("everything published", lambda: (command.metric("command_topic_lag_records") == 0
                                                      and command.metric("store_durable_position") == len(sent)
                                                      and command.metric("publisher_position") == len(sent)))
        metrics = command.get("/metrics")[1]
        code = command.end(signal.SIGTERM)
        wrong = check(sent, broker.bootstrap)
        if code != 0:
            wrong.append(f"SIGTERM ended it with {code}")
        print(f"{len(sent)} commands, {arguments.kills} kills, {arguments.broker_kills} of the broker; "
              f"p50 from durable to topic at most "
              f"{median_ms(metrics, 'durable_to_topic_seconds'):.1f} ms, from decision to topic "
              f"{median_ms(metrics, 'decided_to_topic_seconds'):.1f} ms, from command topic to decision "
              f"{median_ms(metrics, 'command_topic_to_decided_seconds'):.1f} ms")
        return wrong
    finally:
        if command is not None and command.process.poll() is None:
            command.end(signal.SIGKILL)
        broker.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--broker-kills", type=int, default=0)
    parser.add_argument("--commands", type=int, default=3000)
    parser.add_argument("--per-second", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    print("seed", arguments.seed, flush=True)
    with tempfile.TemporaryDirectory(prefix="daybook-command-") as directory:
        wrong = run(arguments, pathlib.Path(directory))
    print("\n".join(wrong) or "sound")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
