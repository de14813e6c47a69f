"""What is measured: each side says how it is asked, of which processes it consists, and what its answers are."""

import json
import os
import pathlib
import subprocess

from bench.queries import data as rows
from stack.base import ROOT, Problem, wait_until
from stack.process import start

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids):
    """Of these processes and all below them, ended ones included. Processes of the kernel have no share in it."""
    parents, used = {}, {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(stat.parent.name)
        parents[pid] = int(fields[1])
        used[pid] = [int(field) for field in fields[11:15]]

    def below(pid):
        while pid in parents:
            if pid in pids:
                return True
            pid = parents[pid]
        return False

    ours = [pid for pid in used if below(pid)]
    return sum(sum(used[pid][:2]) + sum(used[pid][2:]) for pid in ours) / TICKS


class Side:
    """name: of one word; label: for people; pids(): of its server."""

    name = label = ""
    is_bos = False

    def prepare(self, size):
        """Before anything is asked about clients of this size."""

    def pids(self):
        raise NotImplementedError

    def digests(self, size):
        """{client: rows.digest_of its page}"""
        raise NotImplementedError

    def load(self, size, connections, seconds):
        """argv of a process that asks for so long and prints a line of JSON."""
        raise NotImplementedError

    def stop(self):
        pass


class HttpSide(Side):
    """port: a function, as it is known only when the server runs."""

    def __init__(self, bench, name, label, port, pids, variant=""):
        self.bench, self.name, self.label = bench, name, label
        self.port, self.pids, self.variant = port, pids, variant

    def _path(self, client):
        return rows.path_of(client, self.variant)

    def path(self, size):
        return self._path(self.bench.mix.refs(size)[0])

    def prepare(self, size):
        lines = (f"GET {self._path(client)}\n" for client in self.bench.mix.refs(size))
        self.bench.scratch(f"{self.name}-{size}.requests").write_text("".join(lines), "ascii")

    def digests(self, size):
        refs = self.bench.mix.refs(size)
        answers = rows.ask_all(self.port(), map(self._path, refs))
        return {ref: rows.digest_of(answer) for ref, answer in zip(refs, answers)}

    def load(self, size, connections, seconds):
        requests = self.bench.scratch(f"{self.name}-{size}.requests")
        return [self.bench.http_load, f"--port={self.port()}", f"--requests={requests}",
                f"--connections={connections}", f"--duration={seconds}s"]


class StatementSide(Side):
    """The statement by psycopg. Its server is PostgreSQL; its digest has no headers."""

    name, label = "statement", "the same statement without HTTP (psycopg)"

    def __init__(self, bench):
        self.bench = bench

    def pids(self):
        return {self.bench.data.postgres.pid}

    def _argv(self, size, *more):
        clients = self.bench.scratch(f"clients-{size}")
        postgres = self.bench.data.postgres
        return [self.bench.data.bos.binaries() / "python", ROOT / "bench/queries/statement_load.py",
                f"--port={postgres.port}", f"--database={self.bench.data.bos.database}", f"--clients={clients}", *more]

    def prepare(self, size):
        self.bench.scratch(f"clients-{size}").write_text("\n".join(self.bench.mix.refs(size)), "ascii")

    def digests(self, size):
        done = subprocess.run(self._argv(size, "--digests"), stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Problem("the statement failed; the reason stands above")
        told = json.loads(done.stdout)
        wanted = self.bench.data.reference  # what only HTTP has is taken from there
        return {ref: [200, wanted[ref][1], str(total), *wanted[ref][3:5], digest]
                for ref, (digest, total) in told.items()}

    def load(self, size, connections, seconds):
        return self._argv(size, f"--connections={connections}", f"--seconds={seconds}")


class BareSide(HttpSide):
    """A server of Beast's that sends BOS's bytes, whatever is asked: one page, or the pages of all clients in turn."""

    def __init__(self, bench, name, label, pages):
        super().__init__(bench, name, label, lambda: self.running[1], lambda: {self.running[0].pid})
        self.pages = pages
        self.running = self.size = None

    def prepare(self, size):
        super().prepare(size)
        if self.size == size:
            return
        self.stop()
        argv = [self.bench.bare_beast, *self.pages(self.bench.data.page_files(size))]
        log = self.bench.scratch(f"{self.name}.log")
        log.unlink(missing_ok=True)
        child = start(argv, log, attached=True)
        wait_until(lambda: log.read_text("utf-8").endswith("\n") or child.poll() is not None, 10)
        if child.poll() is not None or not log.read_text("utf-8").strip().isdigit():
            raise Problem(f"the bare server did not start: {log.read_text('utf-8')}")
        self.running, self.size = (child, int(log.read_text("utf-8"))), size

    def digests(self, size):
        """It names no totals; of its pages the set must be right, since it does not look at what is asked."""
        wanted = self.bench.data.reference
        refs = self.bench.mix.refs(size)[: len(self.pages(self.bench.mix.refs(size)))]
        asker = rows.Asker(self.port())
        answers = [asker.ask(self._path(ref)) for ref in refs]
        return {ref: [a[0], a[1][0], *wanted[ref][2:5], rows.digest_of(a)[-1]] for ref, a in zip(refs, answers)}

    def stop(self):
        if self.running:
            self.running[0].terminate()
            self.running[0].wait(10)
            self.running = self.size = None


class WrittenTo(HttpSide):
    """Daybook, while aliases of beneficiaries on these very pages are put and deleted through its REST API."""

    rate, connections = 200, 4

    def __init__(self, bench, name, label, port, pids):
        super().__init__(bench, name, label, port, pids)
        self.begun = {}  # by size: requests sent so far, so that each one changes something

    def prepare(self, size):
        super().prepare(size)
        file = self.bench.scratch(f"writes-{size}.requests")
        if not file.exists():
            ids = self.bench.data.first_beneficiaries(size)
            lines = (f"{method} /v1/beneficiaries/{i}/aliases/while-read" for method in ("PUT", "DELETE") for i in ids)
            file.write_text("\n".join(lines) + "\n", "ascii")
        self.cycle = 2 * len(self.bench.mix.refs(size))

    def writes(self, size, seconds, rate=None):
        return [self.bench.http_load, f"--port={self.port()}", f"--connections={self.connections}",
                f"--requests={self.bench.scratch(f'writes-{size}.requests')}", f"--rate={rate or self.rate}",
                f"--first={self.begun.get(size, 0)}", f"--duration={seconds}s"]

    def wrote(self, size, count):
        self.begun[size] = self.begun.get(size, 0) + count

    def left_of_cycle(self, size):
        """How many writes undo what the ones before did: each alias that was put is deleted again."""
        return -self.begun.get(size, 0) % self.cycle


def all_sides(bench):
    data = bench.data

    def bos():
        return data.bos.port

    def bos_pids():
        return {data.bos.pid, data.postgres.pid}

    def daybook():
        return int(data.daybook.address("http").rpartition(":")[2])

    def daybook_pids():
        return {data.daybook.pid}

    made = [
        HttpSide(bench, "django", "Django as written", bos, bos_pids),
        HttpSide(bench, "prefetched", "Django with prefetching", bos, bos_pids, "-prefetched"),
        HttpSide(bench, "sql", "one SQL statement in Django", bos, bos_pids, "-sql"),
        StatementSide(bench),
        BareSide(bench, "bare", "bare Beast, the same page from one place", lambda pages: pages[:1]),
        BareSide(bench, "bare-turn", "bare Beast, the same pages in turn", lambda pages: pages),
        HttpSide(bench, "daybook", "Daybook", daybook, daybook_pids),
        WrittenTo(bench, "daybook-written", "Daybook beside 200 writes a second", daybook, daybook_pids),
    ]
    for side in made[:3]:
        side.is_bos = True
    return made
