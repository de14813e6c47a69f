#!/usr/bin/env python3
"""kill -9 at random moments under a write load of REST requests with idempotency keys.

After every restart: each acknowledged write is there exactly once, a retried key gives the first outcome, and
--verify finds the positions dense and the read models equal to a rebuild from zero.

    kill_test.py BINARY [--rounds 50] [--seed N]
"""

import argparse
import http.client
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "process"))
from service import Service, verify  # noqa: E402

CLIENTS = [f"EBPCLI{n:06}" for n in range(1, 9)]
WRITERS = 8


class Write:
    """One request with its key, and what was answered to it, if anything was."""

    def __init__(self, kind, target, key, body):
        self.kind = kind  # "create" or "screen"
        self.target = target
        self.key = key
        self.body = body
        self.outcome = None  # (resource, version, consistency token) of the first answer


class Load:
    """Writers that send until the service dies; every write is remembered, answered or not."""

    def __init__(self, service, writes, resources, rng, round_number):
        self.service = service
        self.writes = writes
        self.resources = resources  # of acknowledged creations
        self.seeds = [rng.random() for _ in range(WRITERS)]
        self.round = round_number
        self.lock = threading.Lock()
        self.acknowledged = 0
        self.stopping = threading.Event()
        self.errors = []
        self.threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def _next(self, rng, number, count):
        key = f"r{self.round}-w{number}-{count}"
        with self.lock:
            known = list(self.resources[-200:])
        if known and rng.random() < 0.6:
            return Write("screen", f"{rng.choice(known)}:screening-result", key,
                         json.dumps({"status": rng.choice(["clear", "blocked"]), "checked_at": "2026-01-02T03:04:05Z"}))
        return Write("create", f"/v1/clients/{rng.choice(CLIENTS)}/beneficiaries", key,
                     json.dumps({"name": f"Name {key}", "type": "business", "aliases": [key]}))

    def _run(self, number):
        rng = random.Random(self.seeds[number])
        connection = http.client.HTTPConnection("127.0.0.1", self.service.ports["rest"], timeout=20)
        count = 0
        while not self.stopping.is_set():
            write = self._next(rng, number, count)
            count += 1
            with self.lock:
                self.writes.append(write)
            try:
                outcome = send(connection, write)
            except (OSError, http.client.HTTPException):
                return  # killed: whether it was stored is not known
            except AssertionError as error:
                self.errors.append(str(error))
                return
            with self.lock:
                write.outcome = outcome
                self.acknowledged += 1
                if write.kind == "create":
                    self.resources.append(outcome[0])

    def join(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def send(connection, write):
    """Sends without waiting for read models; gives what the service promised."""
    connection.request("POST", write.target, body=write.body,
                       headers={"Idempotency-Key": write.key, "Content-Type": "application/json"})
    reply = connection.getresponse()
    body = reply.read()
    assert reply.status == 202, f"{write.target} {write.key}: {reply.status} {body[:300]}"
    operation = json.loads(body)
    assert operation["status"] == "succeeded", operation
    return operation["resource"], operation["version"], operation["consistency_token"]


def list_all(service, client):
    """Every beneficiary of the client, through the pages."""
    items, cursor = [], ""
    while True:
        status, _, body = service.request("GET", f"/v1/clients/{client}/beneficiaries?limit=200&cursor={cursor}")
        assert status == 200, body
        page = json.loads(body)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = page["next_cursor"]


def check(service, writes, fresh):
    """All acknowledged writes once, and retries of the latest ones get the first outcome."""
    by_alias = {}
    for client in CLIENTS:
        for item in list_all(service, client):
            assert len(item["aliases"]) == 1, item
            key = item["aliases"][0]
            assert key not in by_alias, f"{key} is there twice"
            by_alias[key] = item
    keys = {write.key for write in writes if write.kind == "create"}
    assert set(by_alias) <= keys, f"nobody wrote {set(by_alias) - keys}"
    for write in writes:
        if write.kind == "create" and write.outcome is not None:
            assert write.key in by_alias, f"acknowledged and lost: {write.key}"
            assert write.outcome[0].endswith(by_alias[write.key]["id"]), write.key
    connection = http.client.HTTPConnection("127.0.0.1", service.ports["rest"], timeout=20)
    for write in fresh:
        outcome = send(connection, write)
        if write.outcome is None:
            write.outcome = outcome  # it counts from now on, whether it was stored before or not
        else:
            assert outcome == write.outcome, f"{write.key}: {outcome} is not the first outcome {write.outcome}"
        assert send(connection, write) == outcome, f"{write.key}: the retry has another outcome"
    connection.close()


def run(arguments):
    rng = random.Random(arguments.seed)
    data_dir = tempfile.mkdtemp(prefix="daybook-kill-")
    writes, resources = [], []
    acknowledged = 0
    begun = time.monotonic()
    for round_number in range(arguments.rounds):
        with Service(arguments.binary, data_dir) as service:
            first_of_round = len(writes)
            load = Load(service, writes, resources, rng, round_number)
            threading.Event().wait(rng.uniform(0.02, 0.6))
            service.kill()
            load.join()
            assert not load.errors, load.errors
            acknowledged += load.acknowledged
        with Service(arguments.binary, data_dir) as service:
            fresh = writes[first_of_round:]
            check(service, writes, rng.sample(fresh, min(len(fresh), 60)))
            # Half of the restarts end by another kill, with read models behind the log.
            if rng.random() < 0.5:
                assert service.stop() == 0
        if round_number % 5 == 4 or round_number == arguments.rounds - 1:
            code, text = verify(arguments.binary, data_dir)
            assert code == 0, text
            print(f"round {round_number + 1}: {acknowledged} acknowledged writes; {text.strip()}", flush=True)
    shutil.rmtree(data_dir)
    assert acknowledged > arguments.rounds * 5, f"hardly a load: {acknowledged} writes were acknowledged"
    print(f"{arguments.rounds} kills, {acknowledged} acknowledged writes, all there once "
          f"({time.monotonic() - begun:.0f} s)")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    run(arguments)


if __name__ == "__main__":
    main()
