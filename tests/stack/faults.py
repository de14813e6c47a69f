"""What the long run does to a stack under load: each fault by itself, and what an operator does about it."""

import base64
import json
import os
import shutil
import signal
import time
import uuid

import live
from stack import process
from stack.base import Problem, wait_until
from stack.connect import TABLES

LIMIT = 300  # seconds for anything that must happen: generous, for the machine may be busy
STOPS = ("OFFSET_OUT_OF_RANGE", "TOPIC_RECREATED", "PARTITION_GONE")
GATEWAYS = ("beneficiary-gateway", "beneficiary-gateway-2")
SERVICES = (*GATEWAYS, "beneficiary-command", "beneficiary-query", "beneficiary-switch")


class Faults:
    """The faults by name. `run` has the stack, the loads, `down` (see Watch) and a generator of chances."""

    def __init__(self, run):
        self.run = run
        self.stack = run.stack
        self.rng = run.rng
        self.past_commands = []  # ids on command topics that were deleted
        self.all = {}
        for name in SERVICES:
            self.all[f"kill {name}"] = lambda name=name: self.restart(name, clean=False)
            self.all[f"restart {name}"] = lambda name=name: self.restart(name, clean=True)
        self.all |= {
            "hang the gateway that publishes": self.hang_gateway,
            "kill connect": lambda: self.restart("connect", clean=False),
            "restart connect": lambda: self.restart("connect", clean=True),
            "kill kafka": lambda: self.restart("kafka", clean=False),
            "restart kafka": lambda: self.restart("kafka", clean=True),
            "restart postgres": lambda: self.restart_postgres(signal.SIGINT),
            "crash postgres": lambda: self.restart_postgres(signal.SIGQUIT),
            "full snapshot": self.full_snapshot,
            "incremental snapshot": self.incremental_snapshot,
            "rebuild the read models": self.rebuild_query,
            "make a table's topic anew": self.recreate_table_topic,
            "make the transaction topic anew": self.recreate_transaction_topic,
            "make the command topics anew": self.recreate_command_topics,
            "make the event topics anew": self.recreate_event_topics,
        }

    # --- helpers ---

    def service(self, name):
        return self.stack.find(name)

    def gateways(self):
        return [self.service(name) for name in GATEWAYS]

    def start_once(self, name, **flags):
        """Starts it with flags that only this start has."""
        service = self.service(name)
        always = service.flags
        service.flags = lambda: always() | flags
        try:
            service.start()
        finally:
            service.flags = always

    def await_stop(self, name):
        """Until it says that it cannot go on, and why: one of the reasons of a topic that is not the one it was."""
        service = self.service(name)

        def reason():
            body = b"".join(service.admin(path)[1] for path in ("/readyz?verbose", "/status")).decode("utf-8")
            return next((one for one in STOPS if one in body), None)

        if not wait_until(lambda: reason() is not None, LIMIT, 0.2):
            raise Problem(f"{name} does not say that a topic was made anew:\n{service.admin('/readyz?verbose')[1]}")
        return reason()

    def await_lag_zero(self):
        """The command service has decided everything, and published it."""
        def done():
            status, body = self.service("beneficiary-command").admin("/status")
            stages = json.loads(body)["stages"] if status == 200 else {}
            return (stages and stages["commands"]["lag_records"] == 0 and stages["commands"]["in_flight"] == 0
                    and stages["events"]["lag_events"] == 0)

        in_a_row = 0

        def stays_done():
            nonlocal in_a_row
            in_a_row = in_a_row + 1 if done() else 0
            return in_a_row >= 4

        if not wait_until(stays_done, LIMIT, 0.5):
            raise Problem(f"the command service lags behind: {self.service('beneficiary-command').admin('/status')}")

    def remake(self, partitions, configuration=None):
        self.stack.kafka.delete_topics(list(partitions))
        self.stack.kafka.ensure_topics(partitions, configuration)

    # --- processes ---

    def restart(self, name, clean):
        with self.run.down(name):
            component = self.service(name)
            component.stop(clean=clean)
            time.sleep(self.rng.uniform(0, 1))  # a machine takes a while to notice
            return start(component)

    def hang_gateway(self):
        """SIGSTOP for longer than its session: the other one takes over, and nothing of the first one's comes late."""
        hung = self.publishing_gateway()
        other = next(name for name in GATEWAYS if name != hung)
        before = self.takeovers(other)
        pid = self.service(hung).pid
        os.kill(pid, signal.SIGSTOP)
        try:
            if not wait_until(lambda: self.takeovers(other) > before, LIMIT, 0.2):
                raise Problem(f"{other} does not take over from {hung}, which hangs")
            time.sleep(self.rng.uniform(0, 5))
        finally:
            os.kill(pid, signal.SIGCONT)
        if not wait_until(lambda: self.service(hung).is_ready(), LIMIT, 0.2):
            raise Problem(f"{hung} does not go on after it hung")
        return f"{hung}; {other} took over"

    def publishing_gateway(self):
        found = []

        def one():
            found[:] = [name for name in GATEWAYS if _metric(self.service(name), "gateway_active") == 1]
            return len(found) == 1

        if not wait_until(one, LIMIT, 0.2):
            raise Problem(f"these gateways publish: {found}")
        return found[0]

    def takeovers(self, name):
        status, body = self.service(name).admin("/status")
        return json.loads(body)["takeovers"] if status == 200 else 0

    def restart_postgres(self, number):
        """Without load: its connections would break. BOS and the connector stay up."""
        self.run.pause()
        postgres = self.stack.postgres
        with self.run.down("postgres"):
            process.end(postgres.pid, postgres._ticks, number)  # pylint: disable=protected-access
            postgres.stop()
            told = start(postgres)
        self.run.resume()
        return told + self.heal_connect()

    def heal_connect(self):
        """Waits until the connectors run; starts Connect again if one has failed for good, as an operator would."""
        def states():
            return [_connector_state(self.stack.connect, source) for source in self.stack.sources]

        if wait_until(lambda: "FAILED" in states() or set(states()) == {"RUNNING"}, LIMIT, 0.5):
            if "FAILED" not in states():
                return ""
        told = f"connectors were {states()}: connect was started again"
        self.restart("connect", clean=True)
        return told

    # --- snapshots ---

    def full_snapshot(self):
        """As after a lost offset. What is deleted between the slot and the snapshot would be in neither, so nothing is
        written until the snapshot is over; what was written before is still on its way."""
        self.run.pause()
        for source in self.stack.sources:
            self.await_connector(source)
        with self.run.down("connect"):
            try:
                self.stack.connect.start_over()
            except Problem:
                start(self.stack.connect)
        self.run.resume()
        return ""

    def await_connector(self, source):
        """Until it has read everything that is committed: a message written now is on its topic."""
        marker = str(uuid.uuid4())
        self.stack.postgres.sql(f"SELECT pg_logical_emit_message(true, 'soak.marker', '{marker}')", source.database)
        coded = base64.b64encode(marker.encode()).decode()

        def is_there():
            return any(coded in (record["value"] or "") for record in self.records_of(f"{source.prefix}.message"))

        if not wait_until(is_there, LIMIT, 0.5):
            raise Problem(f"the connector of {source.instance} does not read what is committed")

    def records_of(self, topic):
        return live.records.read(["--bootstrap", self.stack.kafka.bootstrap, topic])

    def incremental_snapshot(self):
        for source in self.stack.sources:
            self.stack.connect.snapshot_again(source)
        return ""

    # --- what is made anew ---

    def rebuild_query(self):
        with self.run.down("beneficiary-query"):
            query = self.service("beneficiary-query")
            query.stop(clean=False)
            shutil.rmtree(query.directory / "data")
            query.start()
        return ""

    def recreate_table_topic(self):
        """Of a table whose changes were read: where nothing was, there is nothing to notice."""
        names = [f"{source.prefix}.public.{table}" for source in self.stack.sources for table in TABLES]
        self.rng.shuffle(names)
        return self.recreate_change_topic(next(name for name in names if self.records_of(name)))

    def recreate_transaction_topic(self):
        return self.recreate_change_topic(f"{self.rng.choice(self.stack.sources).prefix}.transaction")

    def recreate_change_topic(self, topic):
        """With changes in BOS going on: the connector is stopped, everything is read, then the topic goes. The slot
        keeps what comes meanwhile, so no snapshot is needed."""
        with self.run.down("connect", *GATEWAYS):
            self.stack.connect.stop()
            # A transaction may be open: its other half comes when the connector goes on.
            live.wait_for_gateways(self.gateways(), LIMIT, ("gateway_input_lag_records",))
            self.remake({topic: self.stack.connect.topics()[topic]})
            self.stack.connect.launch()
            reasons = [self.await_stop(name) for name in GATEWAYS]
            for name in GATEWAYS:
                self.service(name).stop()
            for name in GATEWAYS:
                self.start_once(name, forget_positions=topic)
            start(self.stack.connect)
        return f"{topic}: {', '.join(reasons)}"

    def recreate_command_topics(self):
        """Everything that was published is decided first: a command that is deleted undecided is not sent again. And
        each gateway has read all of it back: it would send again what it has not. One that has read nothing does not
        know that there was another topic."""
        self.publishing_gateway()
        if not wait_until(lambda: all(map(has_read_commands, self.gateways())), LIMIT, 0.2):
            raise Problem("a gateway reads no commands back")
        with self.run.down("connect", "beneficiary-command", *GATEWAYS):
            self.stack.connect.stop()
            live.wait_for_gateways(self.gateways(), LIMIT, ("gateway_input_lag_records", "gateway_outbox"))
            for name in GATEWAYS:
                self.service(name).stop()
            self.await_lag_zero()
            ids = live.command_ids(self.stack)
            if not ids:
                raise Problem("nothing was sent since the command topics were made anew")
            self.past_commands += ids
            self.remake({topic: 1 for topic in live.COMMANDS})
            reasons = [self.await_stop("beneficiary-command")]
            forget = ",".join(live.COMMANDS)
            self.service("beneficiary-command").stop()
            self.start_once("beneficiary-command", forget_positions=forget)
            for name in GATEWAYS:
                self.service(name).launch()
                reasons.append(self.await_stop(name))
                self.service(name).stop()
                self.start_once(name, forget_positions=forget)
            start(self.stack.connect)
        return ", ".join(reasons)

    def recreate_event_topics(self):
        """All of them, while the command service is down: it makes and fills them again; read models begin anew."""
        with self.run.down("beneficiary-command", "beneficiary-query"):
            self.service("beneficiary-command").stop()
            self.stack.kafka.delete_topics([*live.EVENTS, *live.STATES])
            self.service("beneficiary-command").start()
            self.await_lag_zero()
            reason = self.await_stop("beneficiary-query")
            self.rebuild_query()
        return reason


def has_read_commands(gateway):
    status, body = gateway.admin("/status")
    partitions = json.loads(body)["partitions"] if status == 200 else []
    return any(partition["topic"] in live.COMMANDS and partition["next"] > 0 for partition in partitions)


def start(component):
    """Starts it; what is not Daybook's once more if it gives up, as Connect does that reaches no broker in a minute."""
    for attempt in range(3):
        try:
            component.start()
            return f"after {attempt} attempts that failed " if attempt else ""
        except Problem:
            if component.name in SERVICES or attempt == 2:
                raise
    return ""


def _metric(service, name):
    lines = live.metric_lines(service, (name,))
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def _connector_state(connect, source):
    told = connect.status(source.instance)
    states = [task["state"] for task in told.get("tasks", [])] + [told.get("connector", {}).get("state", "UNKNOWN")]
    return "FAILED" if "FAILED" in states else states[0]
