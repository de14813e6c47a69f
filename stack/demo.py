"""What ./dev demo does on a stack that serves: BOS changes while its callers ask through the switch, which answers from
BOS and compares that with Daybook's answer."""

import json
import random
import threading
import time
import urllib.error
import urllib.request

from stack.base import Problem, say
from stack.daybook import set_mode

SETTLE_SECONDS = 30  # within which what was asked is compared; a difference is watched for some seconds first
ASK_SECONDS = 10


class Callers:
    """Ask the switch for random clients' beneficiaries, as BOS's callers do, from the start until `stop`."""

    def __init__(self, address, clients, seed, pause_seconds=0.1):
        self.asked = 0
        self.failed = []
        self._address = address
        self._clients = clients
        self._random = random.Random(seed)
        self._pause = pause_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        self._over.set()
        self._thread.join(ASK_SECONDS + 1)
        if self.failed:
            raise Problem(f"{len(self.failed)} requests to the switch failed, the first with {self.failed[0]}",
                          "What it said: ./dev stack logs beneficiary-switch")

    def _run(self):
        while not self._over.wait(self._pause):
            client = self._random.choice(self._clients)
            target = f"http://{self._address}/client/beneficiaries?client_id={client}&page_size=20"
            try:
                with urllib.request.urlopen(target, timeout=ASK_SECONDS) as answer:
                    answer.read()
                self.asked += 1
            except (OSError, urllib.error.URLError) as error:
                self.failed.append(f"{target}: {error}")


def evidence(switch):
    status, body = switch.admin("/api/evidence?course=fine")
    if status != 200:
        raise Problem(f"the switch does not show its evidence ({status})",
                      "What it said: ./dev stack logs beneficiary-switch")
    return json.loads(body)


def run(stack, count, rate, seed):
    """Changes every BOS, and prints how the two sides compared meanwhile."""
    callers = None
    if stack.binaries:
        switch = stack.find("beneficiary-switch")
        clients = stack.postgres.sql("SELECT client_ref FROM clients_client", stack.bos[0].database).split()
        set_mode(switch, "shadow", by="./dev demo", reason="to compare")
        before = evidence(switch)
        say("the switch answers from BOS and compares with Daybook; ten requests a second go through it")
        callers = Callers(switch.address("http"), clients, seed)
    for instance in stack.bos:
        say(f"{count} transactions in {instance.name}, {rate:g} a second")
        print(json.dumps(instance.change(count, rate, seed=seed)))
    if callers:
        callers.stop()
        show(wait_until_compared(switch, before, callers.asked), before)


def wait_until_compared(switch, before, asked):
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        now = evidence(switch)
        if sum(since(before, now, "comparisons").values()) >= asked or time.monotonic() > deadline:
            return now
        time.sleep(0.2)


def since(before, now, total):
    """A total of the evidence without what was there before."""
    old = before["totals"][total]
    return {name: value - old.get(name, 0) for name, value in now["totals"][total].items() if value > old.get(name, 0)}


def show(now, before):
    verdicts = since(before, now, "comparisons")
    print("\nComparisons while BOS changed: " + (", ".join(f"{n} {name}" for name, n in verdicts.items()) or "none"))
    for side in ("bos", "daybook"):
        latency = now["latency"][side]
        print(f"  {side:8} p50 at most {latency['p50_ms']:.1f} ms, p99 {latency['p99_ms']:.1f} ms")
