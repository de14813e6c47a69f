#!/usr/bin/env python3
"""beneficiary-query on a real broker, killed with -9 while it catches up and while changes come.

A recorded set of BOS is ingested by the one process; its log goes to the topics through beneficiary-command; two
beneficiary-query read them, one of them killed again and again. In the end every answer of both is, byte for byte, that
of the one process on the same log, and the tables are those of a third one that is built from nothing.

usage: kill_test.py BENEFICIARY COMMAND QUERY DUMP_TABLES [--kills N] [--commands N] [--per-second N] [--seed N]

--kills 0 measures: the stages of the way without disturbance.
"""

import argparse
import base64
import gzip
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "process")]
from service import Service  # noqa: E402
from stack import python, records  # noqa: E402
from stack.daybook import Service as Daybook  # noqa: E402
from stack.kafka import Broker  # noqa: E402

SET = "sample"
FIXTURE = ROOT / "tests" / "fixtures" / SET
INSTANCE = (FIXTURE / "instance").read_text("ascii").strip()
TOPICS = ["beneficiary.beneficiary.events.v1", "beneficiary.client.events.v1"]
LIVE_CLIENTS = 20


def token(position):
    return base64.urlsafe_b64encode(f"1:beneficiary:0:{position}".encode()).decode().rstrip("=")


def lines_of(name):
    with gzip.open(FIXTURE / name, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def requests():
    """Everything that is asked of a process to compare it with another."""
    clients = {b["client_id"] for b in lines_of("definitive.ndjson.gz")}
    clients |= {f"EBPCLI{n:06}" for n in range(LIVE_CLIENTS)}
    for beneficiary in lines_of("definitive.ndjson.gz"):
        yield f"/v1/beneficiaries/{beneficiary['id']}"
        yield f"/v1/beneficiaries/{beneficiary['id']}/validation"
    for client in sorted(clients):
        if client.isalnum():
            yield f"/v1/clients/{client}/beneficiaries?limit=200"
            yield f"/v1/clients/{client}/beneficiaries?limit=3&status=deleted"
            yield f"/client/beneficiaries?client_id={client}"
            yield f"/client/beneficiaries?client_id={client}&page=2&page_size=7"


def answers(service, position):
    """{request: (status, what matters of the head, body)} once the process shows `position`."""
    found = {}
    for target in requests():
        status, headers, body = service.request("GET", target, {"Consistency-Token": token(position)})
        found[target] = (status, headers.get("ETag"), headers.get("X-Total-Count"), body)
    return found


class Query(Service):
    def __init__(self, binary, data_dir, bootstrap):
        super().__init__(binary, data_dir, f"--kafka_brokers={bootstrap}", f"--compat_instance={INSTANCE}")

    def status(self):
        return json.loads(self.request("GET", "/status", edge="admin")[2])


def differences(name, have, want):
    wrong = [target for target in want if have[target] != want[target]]
    return [f"{name}: {len(wrong)} of {len(want)} answers differ, the first: {wrong[0]}: {have[wrong[0]]} is not "
            f"{want[wrong[0]]}"] if wrong else []


def tables(dump, data_dir):
    return subprocess.run([dump, data_dir], capture_output=True, text=True, check=True).stdout


def published(command, commands):
    """The position up to which everything is on the topics, once so many commands are decided; None: not yet."""
    figures = {}
    for line in command.admin("/metrics")[1].decode().splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            figures[name] = float(value)
    durable = figures.get("store_durable_position")
    if figures.get("command_topic_answered", 0) < commands or durable != figures.get("publisher_position"):
        return None
    return int(durable)


def wait(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {seconds} s")
        threading.Event().wait(0.02)


class Run:
    def __init__(self, arguments, directory):
        self.arguments, self.directory = arguments, directory
        self.rng = random.Random(arguments.seed)
        self.broker = Broker(directory / "kafka")
        self.command = None
        self.queries = {}
        self.wrong = []

    def ingest(self):
        """The log of a recorded set, in the directory of the command service."""
        with Service(self.arguments.beneficiary, self.directory / "embedded", f"--bos_instance={INSTANCE}",
                     f"--bos_records={FIXTURE / 'records.ndjson.gz'}") as service:
            if service.stop() != 0:
                raise RuntimeError("the one process did not end well")
        shutil.copytree(self.directory / "embedded" / "events", self.directory / "command" / "data" / "events")

    def query(self, name):
        if name in self.queries:
            self.queries[name].kill()
        self.queries[name] = Query(self.arguments.query, self.directory / name, self.broker.bootstrap)
        return self.queries[name]

    def start_and_kill(self, name, seconds):
        """Wherever it is then: starting, catching up, or up to date."""
        if name in self.queries:
            self.queries.pop(name).kill()
        process = subprocess.Popen(
            [self.arguments.query, f"--data_dir={self.directory / name}", "--http_address=127.0.0.1:0",
             "--grpc_address=", "--admin_address=127.0.0.1:0", f"--kafka_brokers={self.broker.bootstrap}"],
            stderr=subprocess.DEVNULL)
        threading.Event().wait(seconds)
        process.kill()
        process.wait()

    def kill_while_changes_come(self):
        interpreter = python.environment("records", records.REQUIREMENTS) / "bin" / "python"
        load = subprocess.Popen(
            [interpreter, ROOT / "tests" / "command_service" / "send_commands.py", self.broker.bootstrap,
             str(LIVE_CLIENTS), str(self.arguments.commands), str(self.arguments.per_second),
             str(self.arguments.seed)], stdout=subprocess.DEVNULL)
        kills = 0
        while self.arguments.kills > 0 and (load.poll() is None or kills < self.arguments.kills):
            if kills % 3 == 2:
                self.query("one")  # is killed by its successor, some time after it was ready
                threading.Event().wait(self.rng.uniform(0, 0.3))
            else:
                self.start_and_kill("one", self.rng.uniform(0, 0.8))
            kills += 1
        if load.wait(120) != 0:
            raise RuntimeError("the load failed")
        self.query("one")
        return kills

    def oracle(self, position):
        """What the one process answers on the same log."""
        shutil.rmtree(self.directory / "embedded")
        shutil.copytree(self.directory / "command" / "data" / "events", self.directory / "embedded" / "events")
        with Service(self.arguments.beneficiary, self.directory / "embedded",
                     f"--compat_instance={INSTANCE}") as service:
            found = answers(service, position)
        served = sum(status == 200 for status, *_ in found.values())
        if served * 10 < len(found) * 9:
            self.wrong.append(f"only {served} of {len(found)} requests are served at all")
        return found

    def check_writes_are_refused(self, query):
        for method, target in [("POST", "/v1/clients/EBPCLI000001/beneficiaries"),
                               ("DELETE", "/v1/beneficiaries/3f0e28f5-9d43-4d0e-8c6a-0b7f3a5c1d20"),
                               ("GET", "/v1/operations/0-3f0e28f5-9d43-4d0e-8c6a-0b7f3a5c1d20")]:
            status, _, body = query.request(method, target)
            if status != 501 or b"not-served-here" not in body:
                self.wrong.append(f"{method} {target}: {status} {body}")

    def check_tokens(self, query, position):
        target = "/client/beneficiaries?client_id=EBPCLI000001"
        begin = time.monotonic()
        status, headers, _ = query.request("GET", target, {"Consistency-Token": token(position + 1)})
        if status != 503 or "Retry-After" not in headers or time.monotonic() - begin < 1.5:
            self.wrong.append(f"a token of the future: {status} {headers}")

    def check_rebuilt(self, want):
        """Stops all, builds one from nothing, and compares the tables."""
        rebuilt = self.query("rebuilt")
        self.wrong += differences("rebuilt", answers(rebuilt, self.position), want)
        for query in self.queries.values():
            if query.stop() != 0:
                self.wrong.append("SIGTERM did not end it with 0")
        dumps = {name: tables(self.arguments.dump, self.directory / name) for name in self.queries}
        if len(set(dumps.values())) != 1 or dumps["one"].count("\n") != 3:
            self.wrong.append(f"the tables differ: {dumps}")

    def check_topics_made_anew(self):
        self.command.stop()
        self.broker.delete_topics(TOPICS)
        self.broker.ensure_topics({name: 1 for name in TOPICS})
        query = subprocess.Popen(
            [self.arguments.query, f"--data_dir={self.directory / 'one'}", "--http_address=127.0.0.1:0",
             "--grpc_address=", "--admin_address=127.0.0.1:0", f"--kafka_brokers={self.broker.bootstrap}"],
            stderr=subprocess.PIPE, text=True)
        limit = threading.Timer(60, query.kill)
        limit.start()
        stopped = []
        while len(stopped) < 3 and (line := query.stderr.readline()):
            if "projection stopped" in line:
                stopped.append(json.loads(line))
        limit.cancel()
        query.kill()
        query.wait()
        query.stderr.close()
        if len(stopped) != 3 or not all("delete the read models" in line["error"] for line in stopped):
            self.wrong.append(f"topics made anew: {stopped}")

    def run(self):
        self.ingest()
        self.broker.launch()
        try:
            self.broker.wait()
            self.command = Daybook(self.directory / "command", "command", self.arguments.command,
                                   lambda: {"kafka_brokers": self.broker.bootstrap}, edges=["admin"]).start()
            for _ in range(3):  # while it reads the recorded set for the first time
                self.start_and_kill("one", self.rng.uniform(0.1, 1.0))
            two = self.query("two")
            kills = self.kill_while_changes_come()
            wait("the commands are decided", lambda: self.command.is_ready())
            self.position = wait("everything is published", lambda: published(self.command, self.arguments.commands))
            lags = {stage["stage"]: (stage["p50_ms"], stage["p99_ms"]) for model in two.status()["models"]
                    if model["name"] == "compat.v1" for stage in model["stages"]}
            have = {name: answers(query, self.position) for name, query in self.queries.items()}
            self.check_writes_are_refused(two)
            self.check_tokens(two, self.position)
            self.command.stop()
            want = self.oracle(self.position)
            for name, found in have.items():
                self.wrong += differences(name, found, want)
            self.command.start()
            self.check_rebuilt(want)
            self.check_topics_made_anew()
            print(f"{self.position} events, {kills} kills, {len(want)} answers; p50 and p99 in ms: "
                  + ", ".join(f"{name} {p50:.1f} {p99:.1f}" for name, (p50, p99) in lags.items()))
            return self.wrong
        finally:
            for query in self.queries.values():
                if query.process.poll() is None:
                    query.kill()
            if self.command is not None:
                self.command.stop(clean=False)
            self.broker.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("beneficiary")
    parser.add_argument("command")
    parser.add_argument("query")
    parser.add_argument("dump")
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--commands", type=int, default=1500)
    parser.add_argument("--per-second", type=int, default=150)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    arguments = parser.parse_args()
    print("seed", arguments.seed, flush=True)
    with tempfile.TemporaryDirectory(prefix="daybook-query-") as directory:
        wrong = Run(arguments, pathlib.Path(directory)).run()
    print("\n".join(wrong) or "sound")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
