"""Kafka Connect in standalone mode with Debezium's PostgreSQL connector, one for each BOS instance."""

import json
import os
import re
import urllib.error
import urllib.request

from stack import java
from stack.base import HOST, ROOT, Problem, free_ports, wait_until
from stack.component import Component
from stack.postgres import USER

FAILED = ("uncaught and unrecoverable exception", "Failed to create job", "Failed to start connector",
          "Stopping due to error")
MAIN = "org.apache.kafka.connect.cli.ConnectStandalone"
CAPTURE_SQL = ROOT / "stack" / "config" / "capture.sql"

# [tables]
TABLES = ("clients_client", "core_address", "core_bank", "core_bankaccount", "beneficiaries_beneficiary",
          "beneficiaries_alias", "beneficiaries_email", "beneficiaries_regulatory")
# [tables]

WORKER = {
    "key.converter": "org.apache.kafka.connect.json.JsonConverter",
    "key.converter.schemas.enable": "false",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "plugin.discovery": "service_load",
    "offset.flush.interval.ms": "1000",
    "producer.linger.ms": "0",
    "topic.creation.enable": "true",
}

CONNECTOR = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "tasks.max": "1",
    "plugin.name": "pgoutput",
    "publication.name": "daybook",
    "publication.autocreate.mode": "disabled",
    "signal.data.collection": "public.dbz_signal",
    "provide.transaction.metadata": "true",
    "decimal.handling.mode": "string",
    "tombstones.on.delete": "true",
    "skipped.operations": "none",
    "heartbeat.interval.ms": "10000",
    "database.sslmode": "disable",
    "snapshot.mode": "initial",
    "topic.creation.default.replication.factor": "1",
    "topic.creation.groups": "single",
    "topic.creation.single.replication.factor": "1",
    "topic.creation.single.partitions": "1",
}


class Source:
    """A BOS instance to capture: its database, and the prefix of its topics."""

    def __init__(self, instance, database, prefix="bos"):
        self.instance = instance
        self.database = database
        self.prefix = prefix


class Connect(Component):
    """A worker with a connector for each source. Ready when all of them stream, that is, after their snapshots.

    poll_ms: how long the connector sleeps when there is nothing; a floor of the latency, paid with processor time.
    partitions: of each table's topic. extra: Debezium's own settings, which win over those here.
    """

    name = "connect"
    start_seconds = 300  # a snapshot of many rows takes its time

    def __init__(self, directory, broker, postgres, sources, attached=True, poll_ms=5, partitions=4, heap_mb=512,
                 extra=None):
        super().__init__(directory, attached)
        self.broker = broker
        self.postgres = postgres
        self.sources = sources
        self.poll_ms = poll_ms
        self.partitions = partitions
        self.heap_mb = heap_mb
        self.extra = extra or {}
        self._new_archive = None
        self._port_file = self.directory / "port"

    @property
    def url(self):
        return f"http://{HOST}:{self._port_file.read_text('ascii')}"

    def prepare(self):
        if not self._port_file.exists():
            self._port_file.write_text(str(free_ports(1)[0]), "ascii")
        self.broker.ensure_topics(self.topics())
        for source in self.sources:
            self.postgres.sql(CAPTURE_SQL.read_text("utf-8"), source.database)
            write_properties(self.directory / f"{source.instance}.properties", self._connector(source))
        write_properties(self.directory / "worker.properties", {
            **WORKER, "bootstrap.servers": self.broker.bootstrap, "listeners": self.url,
            "offset.storage.file.filename": str(self.directory / "offsets"), "plugin.path": str(self.directory)})

    def _connector(self, source):
        return {
            **CONNECTOR,
            "name": source.instance,
            "topic.prefix": source.prefix,
            "table.include.list": ",".join(f"public.{table}" for table in (*TABLES, "dbz_signal")),
            "slot.name": f"daybook_{source.instance}",
            "database.hostname": HOST,
            "database.port": str(self.postgres.port),
            "database.user": USER,
            "database.password": "none",
            "database.dbname": source.database,
            "poll.interval.ms": str(self.poll_ms),
            "topic.creation.default.partitions": str(self.partitions),
            # BEGIN and END have different keys, so these would be spread over partitions
            "topic.creation.single.include":
                rf"{re.escape(source.prefix)}\\.(transaction|message),__debezium-heartbeat\\..*",
            **self.extra,
        }

    def topics(self):
        """{name: partitions}. Connect would create each with its first record; who reads them wants them at once."""
        made = {f"__debezium-heartbeat.{source.prefix}": 1 for source in self.sources}
        for source in self.sources:
            made |= {f"{source.prefix}.{name}": 1 for name in ("transaction", "message")}
            made |= {f"{source.prefix}.public.{table}": self.partitions for table in TABLES}
        return made

    def command(self):
        """The first one that is stopped in peace leaves the class-data archive: the next start in half the time."""
        jars = java.jars("connect")
        archive = java.archive_of(jars, MAIN)
        self._new_archive = None if archive.exists() else archive.with_suffix(f".{os.getpid()}")
        files = ["worker", *(source.instance for source in self.sources)]
        return java.command(jars, MAIN, [self.directory / f"{name}.properties" for name in files], archive,
                            self._new_archive, self.heap_mb)

    def is_ready(self):
        said = self.said()
        if any(sign in said for sign in FAILED):
            for source in self.sources:
                state = self.status(source.instance)
                failed = [t["trace"] for t in [state.get("connector", {}), *state.get("tasks", [])] if "trace" in t]
                if failed:
                    raise Problem(f"the connector of {source.instance} failed:\n{failed[0]}", f"See {self.log}.")
        return said.count("Starting streaming") >= len(self.sources)

    def last_words(self):
        lines = self.said().splitlines()
        first = next((n for n, line in enumerate(lines) if " ERROR " in line), None)
        telling = [line for line in lines[first:] if not line.startswith("\tat ") and " INFO " not in line]
        return super().last_words() if first is None else "\n".join(telling[:15])

    def stop(self, clean=True):
        super().stop(clean)
        if self._new_archive and self._new_archive.exists():
            if clean:  # a killed one may have left half of it
                self._new_archive.rename(java.archive_of(java.jars("connect"), MAIN))
            else:
                self._new_archive.unlink()

    def status(self, instance):
        """What Connect's own API says of a connector; nothing while it does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}/connectors/{instance}/status", timeout=5) as answer:
                return json.load(answer)
        except (OSError, urllib.error.URLError, ValueError):
            return {}

    def about(self):
        return {"url": self.url, "topics": [f"{s.prefix}.public.*, {s.prefix}.transaction" for s in self.sources]}

    def start_over(self):
        """Forgets how far each source was read, and starts: a full snapshot, then streaming.

        As after a lost offset: a row that is deleted meanwhile is in neither, so write nothing until it returns.
        """
        self.stop()
        (self.directory / "offsets").unlink(missing_ok=True)
        for source in self.sources:
            slot = f"slot_name = 'daybook_{source.instance}'"
            is_free = f"SELECT 1 FROM pg_replication_slots WHERE {slot} AND active"
            if not wait_until(lambda sql=is_free: not self.postgres.sql(sql).strip(), 30):
                raise Problem(f"the replication slot of {source.instance} stays in use", f"See {self.postgres.log}.")
            self.postgres.sql(f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE {slot}")
        self.start()

    def snapshot_again(self, source, *tables):
        """Asks for an incremental snapshot of these tables (all captured ones if none is named)."""
        names = ", ".join(f'"public.{table}"' for table in tables or TABLES)
        self.postgres.sql("INSERT INTO dbz_signal VALUES (gen_random_uuid()::text, 'execute-snapshot', "
                          f"'{{\"data-collections\": [{names}], \"type\": \"incremental\"}}')", source.database)


def write_properties(path, properties):
    path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()), "utf-8")
