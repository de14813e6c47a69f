"""One Kafka broker (KRaft, its own controller) on loopback.

    python3 -m stack.kafka run [--dir DIR] [--ports-file FILE] [--until-stdin-closes] …

prints one line of JSON when it serves, e.g. {"bootstrap": "127.0.0.1:21314", "pid": 4711, "dir": "…"}, and goes on
until SIGTERM, SIGINT or, if asked, the end of its standard input. Then nothing is left: no process and, unless --dir
named one, no directory. A directory that was named keeps its data and its ports: the same call again is a restart. The
pid is the broker's own, to be stopped or killed by tests of faults; this command then ends with code 1.
"""

import argparse
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile

from stack import java, process, tls, topics
from stack.base import CACHE, HOST, Problem, accepts, free_ports, is_free, locked, say
from stack.component import Component

CLUSTER_ID = "ZGF5Ym9va3N0YWNrMDAwMQ"
SASL_USER, SASL_PASSWORD = "daybook", "not-a-secret"
SCRAM_USER = f"SCRAM-SHA-256=[name={SASL_USER},password={SASL_PASSWORD}]"
READY = "Kafka Server started"

PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "200",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
    "broker.heartbeat.interval.ms": "100",
    "log.segment.delete.delay.ms": "1000",
    "controlled.shutdown.max.retries": "1",
}


class Options:
    """What a broker is started with besides its directory.

    with_tls: a listener SSL that demands a certificate of its clients; the files for both sides lie in the directory's
    tls/, as does tls/stranger with a client of an authority that the broker does not know.
    with_sasl: a listener SASL_SSL that demands a user and a password (PLAIN or SCRAM-SHA-256), and no certificate.
    session_ms: how long a silent broker counts as alive. After a restart in the same directory it serves only when its
    predecessor's session is over, so tests that restart take 1000; but a starved machine then fences it.
    extra: Kafka's own properties, which win over those here.
    """

    def __init__(self, session_ms=30000, heap_mb=512, with_tls=False, with_sasl=False, extra=None):
        self.session_ms = session_ms
        self.heap_mb = heap_mb
        self.with_tls = with_tls
        self.with_sasl = with_sasl
        self.extra = extra or {}


class Broker(Component):
    """A broker. Its directory may be started again after a stop or a kill: same data, same ports."""

    name = "kafka"
    start_seconds = 120

    def __init__(self, directory, options=None, attached=True, **archives):
        self.options = options or Options()
        self.archives = archives  # of java.command; for the one that makes the archive
        self.ports = {}
        super().__init__(directory, attached)

    @property
    def _ports_file(self):
        return self.directory / "ports.json"

    def reload(self):
        super().reload()
        self.ports = json.loads(self._ports_file.read_text("utf-8")) if self._ports_file.exists() else {}

    @property
    def bootstrap(self):
        return f"{HOST}:{self.ports['PLAINTEXT']}"

    def about(self):
        """For those who use it: addresses, process, directory, files and passwords to connect with."""
        told = {"bootstrap": self.bootstrap, "pid": self.pid, "dir": str(self.directory), "log": str(self.log)}
        files = self.directory / "tls"
        if "SSL" in self.ports:
            told["ssl"] = {"bootstrap": f"{HOST}:{self.ports['SSL']}", "ca": str(files / "ca.pem"),
                           "certificate": str(files / "client.pem"), "key": str(files / "client.key"),
                           "stranger_certificate": str(files / "stranger" / "client.pem"),
                           "stranger_key": str(files / "stranger" / "client.key")}
        if "SASL_SSL" in self.ports:
            told["sasl_ssl"] = {"bootstrap": f"{HOST}:{self.ports['SASL_SSL']}", "ca": str(files / "ca.pem"),
                                "username": SASL_USER, "password": SASL_PASSWORD}
        return told

    def prepare(self):
        self.archives = self.archives or {"archive": archive()}
        data = self.directory / "data"
        is_first = not data.exists()
        if is_first:
            shutil.copytree(formatted(), data)
        self._choose_ports(is_first)
        self._write_properties()

    def command(self):
        return java.command(java.jars("kafka"), "kafka.Kafka", [self.directory / "server.properties"],
                            heap_mb=self.options.heap_mb, **self.archives)

    def is_ready(self):
        return READY in self.said() and accepts(self.ports["PLAINTEXT"])

    def ensure_topics(self, partitions, configuration=None):
        """partitions: {name: how many}. Topics that exist are left as they are."""
        topics.change(self.bootstrap, create=partitions, configuration=configuration)

    def delete_topics(self, names):
        topics.change(self.bootstrap, delete=names)

    def _choose_ports(self, may_choose):
        names = ["PLAINTEXT", "CONTROLLER"]
        names += ["SSL"] * self.options.with_tls + ["SASL_SSL"] * self.options.with_sasl
        if set(names) == set(self.ports) and all(is_free(p) for p in self.ports.values()):
            return
        if not may_choose and self.ports:
            raise Problem(f"the broker in {self.directory} has other listeners than asked, or their ports are taken: "
                          f"{self.ports}", "End what listens there, or use another directory.")
        self.ports = dict(zip(names, free_ports(len(names))))
        self._ports_file.write_text(json.dumps(self.ports), "utf-8")

    def _write_properties(self):
        listeners = ",".join(f"{name}://{HOST}:{port}" for name, port in self.ports.items())
        public = ",".join(f"{n}://{HOST}:{p}" for n, p in self.ports.items() if n != "CONTROLLER")
        protocols = {"CONTROLLER": "PLAINTEXT"}
        lines = {
            **PROPERTIES,
            "listeners": listeners,
            "advertised.listeners": public,
            "listener.security.protocol.map": ",".join(f"{n}:{protocols.get(n, n)}" for n in self.ports),
            "controller.quorum.voters": f"1@{HOST}:{self.ports['CONTROLLER']}",
            "log.dirs": str(self.directory / "data"),
            "broker.session.timeout.ms": str(self.options.session_ms),
            **self._security(),
            **self.options.extra,
        }
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        (self.directory / "server.properties").write_text(text, "utf-8")

    def _security(self):
        if not (self.options.with_tls or self.options.with_sasl):
            return {}
        authority = tls.Authority(self.directory / "tls")
        key, certificate = authority.issue_server("broker")
        authority.issue_client()
        tls.Authority(authority.directory / "stranger", "an authority nobody knows").issue_client()
        together = authority.directory / "broker-keystore.pem"
        together.write_text("".join(p.read_text("ascii") for p in (key, certificate, authority.certificate)), "ascii")
        lines = {}
        for name in ("ssl", "sasl_ssl"):
            lines |= {
                f"listener.name.{name}.ssl.keystore.type": "PEM",
                f"listener.name.{name}.ssl.keystore.location": str(together),
                f"listener.name.{name}.ssl.truststore.type": "PEM",
                f"listener.name.{name}.ssl.truststore.location": str(authority.certificate),
                f"listener.name.{name}.ssl.client.auth": "required" if name == "ssl" else "none",
            }
        lines["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256"
        lines["listener.name.sasl_ssl.plain.sasl.jaas.config"] = (
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'user_{SASL_USER}="{SASL_PASSWORD}";')
        lines["listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config"] = (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;")
        return lines


def formatted():
    """A formatted, empty data directory, made once: it depends on no port, so brokers start from a copy."""
    folder = CACHE / "kafka-formatted-with-scram"
    jars = java.jars("kafka")
    with locked("kafka-formatted"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
                data, properties = pathlib.Path(scratch, "data"), pathlib.Path(scratch, "server.properties")
                properties.write_text(
                    "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n"
                    f"listeners=PLAINTEXT://{HOST}:1,CONTROLLER://{HOST}:2\ncontroller.quorum.voters=1@{HOST}:2\n"
                    f"log.dirs={data}\n", "utf-8")
                done = subprocess.run(
                    java.command(jars, "kafka.tools.StorageTool", ["format", "-t", CLUSTER_ID, "-c", properties,
                                                                 "--add-scram", SCRAM_USER]),
                    capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    raise Problem(f"Kafka's storage tool failed:\n{done.stdout}{done.stderr}")
                data.rename(folder)
    return folder


def archive():
    """The broker's class-data archive: with it a broker starts in a third of the time. Made once, by a broker that is
    started for it and ended."""
    jars = java.jars("kafka")
    path = java.archive_of(jars, "kafka.Kafka")
    with locked("kafka-archive"):
        if not path.exists():
            say("preparing quick starts of Kafka (once)")
            with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
                made = pathlib.Path(scratch, "archive.jsa")
                broker = Broker(pathlib.Path(scratch, "broker"), make_archive=made).start()
                broker.stop()
                if made.exists():
                    made.rename(path)
                else:  # it is only a convenience: go on without it
                    say(f"no class-data archive was written:\n{process.tail(broker.log, 3)}")
    return path


# --- the command -----------------------------------------------------------------------------------------------------


def run(arguments):
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    directory = arguments.dir or tempfile.mkdtemp(prefix="daybook-kafka-")
    extra = dict(pair.split("=", 1) for pair in arguments.property)
    broker = Broker(directory, Options(arguments.session_ms, arguments.heap_mb, arguments.tls, arguments.sasl, extra))
    if broker.is_running():
        raise Problem(f"process {broker.pid} already runs the broker in {directory}", "End that one, or take another.")
    try:
        broker.start()
        about = json.dumps(broker.about())
        if arguments.ports_file:
            scratch = pathlib.Path(f"{arguments.ports_file}.part")
            scratch.write_text(about + "\n", "utf-8")
            scratch.rename(arguments.ports_file)
        print(about, flush=True)
        return _wait_for_end(broker, ended, arguments.until_stdin_closes)
    finally:
        broker.stop(clean=bool(arguments.dir))
        if arguments.ports_file:
            pathlib.Path(arguments.ports_file).unlink(missing_ok=True)
        if not arguments.dir:
            shutil.rmtree(directory, ignore_errors=True)


def _wait_for_end(broker, ended, until_stdin_closes):
    sources = [ended, *([sys.stdin.fileno()] if until_stdin_closes else [])]
    while True:
        for source in select.select(sources, [], [])[0]:
            said = os.read(source, 4096)
            if source != ended:
                if not said:
                    return 0
            elif set(said) - {signal.SIGCHLD}:
                return 0
        if not broker.is_running():
            print(f"the broker ended by itself; its last lines:\n{process.tail(broker.log)}", file=sys.stderr)
            return 1


def parser():
    made = argparse.ArgumentParser(prog="python3 -m stack.kafka", description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = made.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="start a broker and serve until told to end")
    runs.add_argument("--dir", help="keep the data there; the same directory again is a restart on the same ports")
    runs.add_argument("--ports-file", help="write the JSON there too, once it serves; removed at the end")
    runs.add_argument("--until-stdin-closes", action="store_true",
                      help="end when standard input does: give it a pipe and it ends with its parent")
    runs.add_argument("--tls", action="store_true", help="a listener with TLS and client certificates as well")
    runs.add_argument("--sasl", action="store_true", help="a listener with TLS and passwords as well (PLAIN, SCRAM)")
    runs.add_argument("--session-ms", type=int, default=30000, help="broker.session.timeout.ms; 1000: quick restarts")
    runs.add_argument("--heap-mb", type=int, default=512)
    runs.add_argument("--property", action="append", default=[], metavar="KEY=VALUE", help="one of Kafka's own")
    commands.add_parser("prepare", help="fetch and make what a broker needs, and exit")
    return made


def main(argv=None):
    arguments = parser().parse_args(argv)
    try:
        if arguments.command == "prepare":
            formatted()
            archive()
            return 0
        return run(arguments)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
