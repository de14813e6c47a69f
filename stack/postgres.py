"""PostgreSQL 15 on loopback, set up for logical decoding. Its only user is bos, without a password: nothing but this
machine reaches it, and nothing in it is real."""

import hashlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from stack import process
from stack.base import HOST, Problem, accepts, free_ports
from stack.component import Component

BINARIES = pathlib.Path("/usr/lib/postgresql/15/bin")
USER = "bos"

SETTINGS = """
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
wal_level = logical
max_wal_senders = 16
max_replication_slots = 16
shared_buffers = 128MB
max_connections = 100
timezone = 'UTC'
log_timezone = 'UTC'
"""


class Postgres(Component):
    """One cluster. Root may not run it: then it runs as the user postgres that Debian's package makes."""

    name = "postgres"
    working_directory = "/"
    stop_signal = signal.SIGINT  # ends its sessions; SIGTERM would wait for them
    removed_by = "stop"  # a killed one's sessions end a little later by themselves

    def __init__(self, directory, attached=True):
        super().__init__(directory, attached)
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 and _has_user("postgres") else None
        self._port_file = self.directory / "port"
        self.data = self._reachable() / "data"

    @property
    def port(self):
        return int(self._port_file.read_text("ascii"))

    def prepare(self):
        if not (BINARIES / "initdb").exists():
            raise Problem("PostgreSQL 15 is not installed", "Install it: apt-get install postgresql-15")
        if os.geteuid() == 0 and not self.user:
            raise Problem("PostgreSQL does not run as root, and there is no user postgres", "Install postgresql-15.")
        if not (self.data / "PG_VERSION").exists():
            shutil.rmtree(self.data, ignore_errors=True)
            self.data.mkdir(mode=0o700, parents=True)
            if self.user:
                os.chown(self.data, self.user.pw_uid, self.user.pw_gid)
            log = self.directory / "initdb.log"
            child = process.start(
                [BINARIES / "initdb", "-D", self.data, "-U", USER, "--auth=trust", "--encoding=UTF8",
                 "--locale=C.UTF-8", "--no-sync", "--no-instructions"], log, attached=True, user=self.user, cwd="/")
            if child.wait() != 0:
                raise Problem(f"initdb failed:\n{process.tail(log)}", f"All it said is in {log}.")
            self._port_file.write_text(str(free_ports(1)[0]), "ascii")
        text = SETTINGS.format(host=HOST, port=self.port)
        (self.data / "postgresql.auto.conf").write_text(text, "utf-8")
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # of one that was killed: this directory is ours alone

    def _reachable(self):
        """The directory, or one that is open to the user that it must run as (a clone below /root is not)."""
        closed = [p for p in self.directory.parents if p.exists() and not p.stat().st_mode & 0o001]
        if not self.user or not closed:
            return self.directory
        name = hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]
        return pathlib.Path(tempfile.gettempdir(), f"daybook-postgres-{name}")

    def remove(self):
        super().remove()
        if self.data.parent != self.directory:
            shutil.rmtree(self.data.parent, ignore_errors=True)

    def command(self):
        return [BINARIES / "postgres", "-D", self.data]

    def is_ready(self):
        return "ready to accept connections" in self.said() and accepts(self.port)

    def about(self):
        return {"address": f"{HOST}:{self.port}", "user": USER,
                "psql": f"psql -h {HOST} -p {self.port} -U {USER} bos_uk"}

    def sql(self, text, database="postgres"):
        """Runs statements in one session, stops at the first error; what they return, unaligned, one row a line.

        psql leaves out of a text what is no character to it (U+10FFFF, say): ask for hex where that matters.
        """
        done = subprocess.run(
            [BINARIES / "psql", "-h", HOST, "-p", str(self.port), "-U", USER, "-d", database, "-v", "ON_ERROR_STOP=1",
             "-X", "-q", "-A", "-t", "-f", "-"], input=text, capture_output=True, encoding="utf-8", check=False,
            env={**os.environ, "PGCLIENTENCODING": "UTF8"})
        if done.returncode != 0:
            raise Problem(f"SQL failed in {database}: {done.stderr.strip()}", f"See also {self.log}.")
        return done.stdout

    def ensure_database(self, name):
        if not self.sql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'").strip():
            self.sql(f'CREATE DATABASE "{name}"')


def _has_user(name):
    try:
        pwd.getpwnam(name)
        return True
    except KeyError:
        return False
