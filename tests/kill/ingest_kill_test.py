#!/usr/bin/env python3
"""Kills the real binary with -9 while it ingests recorded changes, again and again, then lets it finish: everything
it serves equals what an ingestion served that nobody disturbed, and ingesting once more adds no event. (Revisions may
differ: rows of a snapshot belong to no transaction, and what was read of them when the gateway had to start again may
be emitted first. See rule R4.)

    ingest_kill_test.py [--kills N] [--seed N] BINARY
"""

import argparse
import contextlib
import glob
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


def log_files(data_dir):
    return set(glob.glob(os.path.join(data_dir, "events", "*", "*.log")))


def bytes_in(files):
    total = 0
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            total += os.path.getsize(file)
    return total


def ingest_to_the_end(binary, data_dir):
    """What is served then, how many events there are, and how many bytes this ingestion added to their log."""
    known = log_files(data_dir)
    with Service(binary, data_dir, *flags()) as service:
        bodies = served(service)
        grown = bytes_in(log_files(data_dir) - known)
        assert service.stop() == 0
    return bodies, events_in(binary, data_dir), grown


def kill_when(binary, data_dir, grown):
    """Starts an ingestion and kills it once its event log has grown by so many bytes, which happens at every speed of
    the machine; or when it is through. Returns how many events the log then holds."""
    known = log_files(data_dir)
    with tempfile.NamedTemporaryFile() as errors:
        process = subprocess.Popen(
            [binary, f"--data_dir={data_dir}", "--http_address=127.0.0.1:0", "--grpc_address=127.0.0.1:0",
             "--admin_address=127.0.0.1:0", *flags()], stdout=subprocess.DEVNULL, stderr=errors)

        def said():
            # Opened anew: seeking in the process's own file would move where it writes.
            with open(errors.name, encoding="utf-8", errors="replace") as file:
                return file.read()

        end = time.monotonic() + 60
        while bytes_in(log_files(data_dir) - known) < grown and '"ingested recorded changes"' not in said():
            assert process.poll() is None and time.monotonic() < end, "the ingestion stands still:\n" + said()[-2000:]
            threading.Event().wait(0.0005)
        process.send_signal(signal.SIGKILL)
        process.wait()
    try:
        return events_in(binary, data_dir)
    except AssertionError:
        return 0  # killed before there was a log


def kill_until_through(binary, directory, rng, whole, kills):
    """Kills an ingestion into `directory`, and goes on with it, until it is nearly through or was hit `kills` times;
    returns how many kills hit. `whole`: events and bytes of the log of an ingestion that nobody disturbed."""
    all_events, all_bytes = whole
    hits = events = 0
    for _ in range(10 * kills):
        if hits == kills:
            break
        grown = rng.uniform(0, 0.75) * (1 - events / all_events) * all_bytes
        before = events
        events = kill_when(binary, directory, grown)
        if events >= 0.75 * all_events:  # a whole ingestion may make a few more or less: rule R4
            break
        if events > before:
            hits += 1
            print(f"killed after {grown:.0f} bytes more: {events} of {all_events} events in the log", flush=True)
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
        want, *whole = ingest_to_the_end(arguments.binary, undisturbed)
    with tempfile.TemporaryDirectory(prefix="daybook-ingest-") as data_dir:
        hits = directories = 0
        while hits < arguments.kills:
            directories += 1
            assert directories <= 10 * arguments.kills, "hardly a kill falls into an ingestion: this shows nothing"
            # Killed until it is through, and begun anew in another directory until enough kills have hit.
            directory = tempfile.mkdtemp(dir=data_dir)
            found = kill_until_through(arguments.binary, directory, rng, whole, arguments.kills - hits)
            if found == 0:
                continue  # nobody disturbed this one
            hits += found
            have, have_events, _ = ingest_to_the_end(arguments.binary, directory)
            again, again_events, _ = ingest_to_the_end(arguments.binary, directory)
            assert (again, again_events) == (have, have_events), "a second time changed something"
            for target, body in want.items():
                assert have[target] == body, f"{target}: {have[target]} instead of {body}"
    print(f"{hits} kills in the middle of {directories} ingestions: nothing lost, nothing twice")


if __name__ == "__main__":
    main()
