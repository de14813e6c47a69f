"""What must hold of a whole stack that changes, however its processes are treated: shared by the short live test and
the long one (soak.py)."""

import base64
import http.client
import json
import random
import re
import threading
import time

import compare
from stack import records
from stack.base import Problem, wait_until
from stack.connect import TABLES

COMMANDS = ("beneficiary.beneficiary.commands.v1", "beneficiary.client.commands.v1")
EVENTS = ("beneficiary.beneficiary.events.v1", "beneficiary.client.events.v1")
STATES = ("beneficiary.beneficiary.state.v1", "beneficiary.client.state.v1")
CHANGES = r"^bos(-[a-z]+)?\.public\.(?!dbz_signal)[^.]*"
DEAD_LETTERS = r"^.*\.dlq"

# Of a gateway's metrics: what is still to be read, emitted or published.
WAITING = ("gateway_input_lag_records", "gateway_dirty", "gateway_outbox", "gateway_open_transactions")


class Reader(threading.Thread):
    """Asks for beneficiaries while they change, and remembers answers in which one transaction is half seen. All that
    happens to them must be write_together."""

    def __init__(self, service, ids, seed):
        super().__init__(daemon=True)
        self.service = service
        self.ids = ids
        self.rng = random.Random(seed)
        self.stopping = threading.Event()
        self.halves = []
        self.seen = 0
        self.interval = 0

    def run(self):
        while not self.stopping.is_set():
            try:
                with compare.Asker(self.service.address("http")) as asker:
                    while not self.stopping.wait(self.interval):
                        self.look(*asker.ask(f"/v1/beneficiaries/{self.rng.choice(self.ids)}"))
            except (OSError, http.client.HTTPException):
                self.stopping.wait(0.2)  # it was killed

    def look(self, status, _, body):
        if status != 200:
            return
        shown = json.loads(body)
        token = shown["reference_information"] or ""
        if not token.startswith("together "):
            return
        self.seen += 1
        holders = {account["account_holder"] for account in shown["bank_accounts"]}
        city = (shown["address"] or {"city": token})["city"]
        if shown["name"] != token or holders - {token} or city != token:
            self.halves.append(shown)

    def end(self):
        self.stopping.set()
        self.join(60)


def differences(stack, address):
    """{what: [differences]} of what Daybook shows at `address` from what BOS holds; what is equal is left out."""
    found = {}
    for bos in stack.bos:
        count, found[f"definitive {bos.instance}"] = compare.definitive_differences(stack.postgres, bos, address)
        if count < 50:
            found[f"definitive {bos.instance}"] = [f"only {count} were compared"]
    count, found["compat"] = compare.compat_differences(stack.postgres, stack.bos[0], address)
    if count < 20:
        found["compat"] = [f"only {count} were compared"]
    return {name: wrong for name, wrong in found.items() if wrong}


def differences_that_stay(stack, address, seconds):
    """Those that are still there when everything has had `seconds` to arrive."""
    wrong, deadline = differences(stack, address), time.monotonic() + seconds
    while wrong and time.monotonic() < deadline:
        time.sleep(1)
        wrong = differences(stack, address)
    return wrong


def read_all(stack, *topics):
    return records.read(["--bootstrap", stack.kafka.bootstrap, *topics])


def published_wrongly(stack):
    """What is wrong with the events topics: each position of the log must be on one of them, once. (events, [what])"""
    positions, ids = [], []
    for record in read_all(stack, *EVENTS):
        headers = dict(record["headers"])
        positions.append(int(headers["ce_sequence"]))
        ids.append((headers["ce_source"], headers["ce_id"]))
    wrong = [f"event {one} is there twice" for one in _repeated(ids)]
    wrong += [f"position {one} is there twice" for one in _repeated(positions)]
    missing = sorted(set(range(1, max(positions, default=0) + 1)) - set(positions))
    return len(positions), wrong + [f"position {one} is missing" for one in missing]


def command_ids(stack):
    """Of all commands on the topics, in no order."""
    return [dict(record["headers"])["ce_id"] for record in read_all(stack, *COMMANDS)]


def _repeated(values):
    seen = set()
    return [value for value in values if value in seen or seen.add(value)]


def repeated_commands(ids):
    return [f"command {one} is there twice" for one in _repeated(ids)]


def halves_in_commands(stack, instance):
    """Each command on the topics, however soon the next one followed: two texts of write_together are two halves.
    (commands with such a text, [where there are two])"""
    seen, halves = 0, []
    for record in read_all(stack, *COMMANDS):
        if dict(record["headers"]).get("ce_bosinstance") != instance:
            continue
        value = base64.b64decode(record.get("value_base64", "")) or (record.get("value") or "").encode("utf-8")
        texts = set(re.findall(rb"together [0-9]{8}", value))
        seen += len(texts) > 0
        if len(texts) > 1:
            halves.append((record["topic"], record["partition"], record["offset"], texts))
    return seen, halves


def states_called_wrongly(stack):
    """What is wrong with the types on the state topic: where a transaction wrote a logical message, that is its type;
    else created, updated or deleted."""
    contents = [json.loads(record["value"])["message"] for record in read_all(stack, r"^bos(-eu)?\.message$")]
    said = {json.loads(base64.b64decode(m["content"]))["type"] for m in contents if m["prefix"] == "bos.context"}
    called = {dict(record["headers"])["ce_type"] for record in read_all(stack, STATES[0])}
    own = {"beneficiary.created", "beneficiary.updated", "beneficiary.deleted"}
    wrong = [f"{name} is what no transaction said" for name in called - own - said]
    # One command may tell of several transactions, and is called what the newest says: not each is found again.
    return wrong if len(called & said) >= 3 else [*wrong, f"{called & said} is all that is called what BOS said"]


def metric_lines(service, names):
    status, page = service.admin("/metrics")
    lines = page.decode("utf-8").splitlines() if status == 200 else []
    return [line for line in lines if line.startswith(names)]


def _has_none(gateway, waiting):
    lines = metric_lines(gateway, waiting)
    return len(lines) >= len(waiting) and all(line.endswith(" 0") for line in lines)


def wait_for_gateways(gateways, seconds=120, waiting=WAITING):
    """Until nothing waits in any of them, and it stays so: the ends of the topics that they compare with are a little
    old."""
    idle, deadline = 0, time.monotonic() + seconds
    while idle < 6:
        if time.monotonic() > deadline:
            busy = [line for g in gateways for line in metric_lines(g, waiting) if not line.endswith(" 0")]
            raise Problem(f"the gateways are not done after {seconds} s: {busy}")
        time.sleep(0.5)
        idle = idle + 1 if all(_has_none(gateway, waiting) for gateway in gateways) else 0


def snapshots_that_change_nothing(stack, gateways, seconds=180):
    """A full snapshot, a killed connector and an incremental one, when nothing has changed: how many commands came of
    it."""
    def count(*topics):
        return len(read_all(stack, *topics))

    wait_for_gateways(gateways)
    before, changes_before = count(*COMMANDS), count(CHANGES)
    stack.connect.start_over()
    stack.connect.stop(clean=False)
    stack.connect.start()
    rows = 0
    for bos, source in zip(stack.bos, stack.sources):
        stack.connect.snapshot_again(source)
        rows += sum(int(stack.postgres.sql(f"SELECT count(*) FROM {table}", bos.database)) for table in TABLES)
    if not wait_until(lambda: count(CHANGES) >= changes_before + 2 * rows, seconds, 0.5):
        raise Problem(f"the snapshots do not end within {seconds} s")
    wait_for_gateways(gateways)
    return count(*COMMANDS) - before
