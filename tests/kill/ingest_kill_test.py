#!/usr/bin/env python3
"""Kills the real binary with -9 while it ingests recorded changes, again and again, then lets it finish: everything
it serves equals what an ingestion served that nobody disturbed, and ingesting once more adds no event. (Revisions may
differ: rows of a snapshot belong to no transaction, and what was read of them when the gateway had to start again may
be emitted first. See rule R4.)

    ingest_kill_test.py [--kills N] [--seed N] BINARY
"""

import argparse
import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "process"))
from service import Service, verify  # noqa: E402

SET = os.path.join(HERE, "..", "fixtures", "bos-a")


def flags():
    with open(os.path.join(SET, "instance")) as file:
        return [f"--bos_records={SET}/records.ndjson.gz", f"--bos_instance={file.read().strip()}"]


def served(service):
    """Every beneficiary that SQL knows of, as it is served."""
    bodies = {}
    with gzip.open(os.path.join(SET, "definitive.ndjson.gz"), "rt", encoding="utf-8") as file:
        for line in file:
            target = f"/v1/beneficiaries/{json.loads(line)['id']}"
            status, _, body = service.request("GET", target)
            assert status == 200, target
            bodies[target] = json.loads(body)
            del bodies[target]["version"]
    assert bodies
    return bodies


def events_in(binary, data_dir):
    code, text = verify(binary, data_dir)
    assert code == 0, text
    found = re.search(r"(\d+) events", text)
    assert found, text
    return int(found.group(1))


def ingest_to_the_end(binary, data_dir):
    with Service(binary, data_dir, *flags()) as service:
        bodies = served(service)
        assert service.stop() == 0
    return bodies, events_in(binary, data_dir)


def kill_after(binary, data_dir, seconds):
    """Starts an ingestion and kills it; returns how many events its log then holds."""
    process = subprocess.Popen(
        [binary, f"--data_dir={data_dir}", "--http_address=127.0.0.1:0", "--grpc_address=127.0.0.1:0",
         "--admin_address=127.0.0.1:0", *flags()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    threading.Event().wait(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    try:
        return events_in(binary, data_dir)
    except AssertionError:
        return 0  # killed before there was a log


class Moment:
    """When to kill, in seconds after the start. What fell too early or too late narrows where the next one falls, so
    that a slow machine, or one that was slow only at first, needs few attempts."""

    def __init__(self, rng, latest):
        self.rng = rng
        self.earliest = 0.02
        self.latest = latest
        self.drawn = 0

    def draw(self):
        self.drawn += 1
        assert self.drawn <= 200, "hardly a kill falls into an ingestion: this test shows nothing"
        return self.rng.uniform(self.earliest, self.latest)

    def was_too_early(self, seconds):
        self.earliest += (min(seconds, self.latest) - self.earliest) / 2

    def was_too_late(self, seconds):
        self.latest -= (self.latest - max(seconds, self.earliest)) / 2


def kill_until_through(binary, directory, moment, all_events, kills):
    """Kills an ingestion into `directory`, and goes on with it, until it is nearly through or was hit `kills` times;
    returns how many kills hit."""
    hits = 0
    while hits < kills:
        seconds = moment.draw()
        events = kill_after(binary, directory, seconds)
        if events == 0:
            moment.was_too_early(seconds)
        elif events >= 0.75 * all_events:  # a whole ingestion may make a few more or less: rule R4
            if hits == 0:
                moment.was_too_late(seconds)
            return hits
        else:
            hits += 1
            print(f"killed after {seconds:.2f} s: {events} of {all_events} events in the log", flush=True)
    return hits


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--kills", type=int, default=5, help="that fall into the middle of an ingestion")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="daybook-ingest-") as undisturbed:
        began = time.monotonic()
        want, all_events = ingest_to_the_end(arguments.binary, undisturbed)
        took = time.monotonic() - began
    moment = Moment(rng, took)
    with tempfile.TemporaryDirectory(prefix="daybook-ingest-") as data_dir:
        hits = 0
        while hits < arguments.kills:
            # Killed until it is through, and begun anew in another directory until enough kills have hit.
            directory = tempfile.mkdtemp(dir=data_dir)
            found = kill_until_through(arguments.binary, directory, moment, all_events, arguments.kills - hits)
            if found == 0:
                continue  # nobody disturbed this one
            hits += found
            have, have_events = ingest_to_the_end(arguments.binary, directory)
            again = ingest_to_the_end(arguments.binary, directory)
            assert again == (have, have_events), "a second time changed something"
            for target, body in want.items():
                assert have[target] == body, f"{target}: {have[target]} instead of {body}"
    print(f"{hits} kills in the middle, of {moment.drawn}: nothing lost, nothing twice")


if __name__ == "__main__":
    main()
