"""The same rows in BOS and in Daybook, and what BOS answers of them. Kept for the next call below the directory."""

import concurrent.futures
import dataclasses
import hashlib
import http.client
import itertools
import json
import pathlib
import re
import shutil
import subprocess
import threading
import time
import uuid

from stack.base import HOST, ROOT, Problem, free_ports, say, wait_until
from stack.bos import APPLICATION, Bos
from stack.daybook import Service
from stack.postgres import Postgres

INSTANCE = "uk"
PAGE_SIZE = 50
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "beneficiary.daybook")
# What decides how Daybook stores the rows; the loaded data is made anew when any of it changes.
SEEDED_BY = tuple(f"examples/beneficiary/bos/{path}" for path in (
    "beneficiaries/management", "beneficiaries/migrations", "beneficiaries/models.py", "beneficiaries/made_up.py",
    "clients", "core"))
STORED_BY = ("examples/beneficiary/domain", "examples/beneficiary/gateway", "examples/beneficiary/projections", "proto",
             *(f"framework/daybook/{module}" for module in ("cdc", "codec", "projection", "runtime", "store")))
LOAD_SECONDS_MAX = 600


@dataclasses.dataclass(frozen=True)
class Mix:
    """Clients get cycle[0], cycle[1] … beneficiaries in turn until there are `beneficiaries`. Of each size the first
    `asked` clients are asked about, in an order that jumps about; sizes: those that are measured."""

    beneficiaries: int = 200_000
    cycle: tuple = (10, 50, 500)
    seed: int = 1
    asked: int = 200
    sizes: tuple = cycle

    def counts(self):
        """How many each client gets, in the order of their numbers."""
        left = self.beneficiaries
        for size in itertools.cycle(self.cycle):
            if left <= 0:
                return
            yield min(size, left)
            left -= size

    def refs(self, size):
        counts = enumerate(zip(self.counts(), itertools.cycle(self.cycle)), 1)
        found = [f"EBPCLI{n:06}" for n, (count, wanted) in counts if wanted == size == count][: self.asked]
        if not found:
            raise Problem(f"of {self.beneficiaries} beneficiaries no client has {size}", "Give more of them.")
        step = next(prime for prime in (79, 83, 89) if len(found) % prime)
        return [found[i * step % len(found)] for i in range(len(found))]


def path_of(client, variant=""):
    return f"/client/beneficiaries{variant}?client_id={client}&page=1&page_size={PAGE_SIZE}"


class Asker:
    """One kept connection."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection(HOST, port, timeout=120)

    def ask(self, path, method="GET", headers=None):
        """(status, headers that count, body)"""
        self.connection.request(method, path, headers=headers or {})
        answer = self.connection.getresponse()
        body = answer.read()
        told = [answer.getheader(h) for h in ("Content-Type", "X-Total-Count", "X-Page", "X-Page-Size")]
        return answer.status, told, body


def digest_of(answer):
    """What two answers must have in common, bytes and all."""
    status, told, body = answer
    return [status, *told, hashlib.sha256(body).hexdigest()]


def ask_all(port, paths, at_once=8):
    """The answers, in order, over a few connections at once."""
    mine = threading.local()

    def ask(path):
        if not hasattr(mine, "asker"):
            mine.asker = Asker(port)
        return mine.asker.ask(path)

    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(ask, paths))


def hash_of(*paths, more=()):
    digest = hashlib.sha256(repr(more).encode())
    for path in (ROOT / p for p in paths):
        files = [path] if path.is_file() else path.rglob("*")
        for file in sorted(p for p in files if p.is_file() and p.suffix != ".pyc"):
            digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def start_and_tell(service):
    """Starts a process that takes in records, and says now and then how far it is."""
    service.launch()
    while service.is_running() and not wait_until(service.is_ready, 10, 0.2):
        told = re.findall(r'"percent":\s*(\d+)', service.said())
        if told:
            say(f"{told[-1]} % of the records are in")
    service.wait()


class Data:
    """BOS and Daybook, filled; they run while this is entered. binaries: where the build put Daybook's."""

    def __init__(self, directory, mix, binaries):
        self.directory = pathlib.Path(directory).resolve()
        self.mix = mix
        self.postgres = Postgres(self.directory / "postgres")
        # Where each of its threads has all the work it can do, a worker's own loop may wait long for its turn.
        self.bos = Bos(self.directory / "bos", self.postgres, INSTANCE, silence_seconds=300)
        self.loaded = self.directory / "daybook-loaded"
        self.binary = pathlib.Path(binaries) / "beneficiary"
        self.daybook = self._service(self.directory / "daybook", {})
        self.reference = {}  # by client: digest_of what BOS answers
        self.seconds = {}  # what was made in this call, and how long it took
        self._seeded_as = hash_of(*SEEDED_BY, more=(mix.beneficiaries, mix.cycle, mix.seed))
        self._answered_as = hash_of(APPLICATION, more=(self._seeded_as, mix.asked))
        self._loaded_as = hash_of(*STORED_BY, "bench/queries/snapshot.py", more=self._seeded_as)

    def _service(self, directory, flags):
        flags = {"bos_instance": INSTANCE, "grpc_address": "", **flags}
        service = Service(directory, "beneficiary", self.binary, lambda: flags)
        service.start_seconds = LOAD_SECONDS_MAX
        return service

    def __enter__(self):
        try:
            self._claim()
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.daybook.remove()
        self.bos.stop()
        self.postgres.stop()

    def _claim(self):
        """The directory is emptied when what it keeps is of no use any more, so it must be ours."""
        mark = self.directory / "bench-queries"
        if self.directory.exists() and any(self.directory.iterdir()) and not mark.exists():
            raise Problem(f"{self.directory} holds something else", "Give --directory an empty or a new one.")
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o711)  # PostgreSQL may run as another user
        mark.touch()

    def forget(self):
        """Removes everything kept."""
        self._claim()
        self.__exit__()
        self.postgres.remove()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _open(self):
        if self._stamp("seeded") != self._seeded_as:
            self.forget()
            self._claim()
        for component in (self.postgres, self.bos):  # other ports than last time: those may be taken by now
            if (component.directory / "port").exists():
                (component.directory / "port").write_text(str(free_ports(1)[0]), "ascii")
        self.postgres.start()
        self.bos.start()
        if self._stamp("seeded") != self._seeded_as:
            self._timed("seed", self._seed)
        self._check_counts()
        if self._stamp("loaded") != self._loaded_as:
            self._load()
        self._read_reference()
        say("Daybook is starting on a copy of the loaded data")
        self.daybook.remove()
        self.daybook.directory.mkdir(parents=True)
        shutil.copytree(self.loaded / "data", self.daybook.directory / "data")
        self.daybook.start()

    def _timed(self, name, function):
        begin = time.monotonic()
        function()
        self.seconds[name] = round(time.monotonic() - begin, 1)

    def _stamp(self, name, value=None):
        file = self.directory / f"{name}.stamp"
        if value is not None:
            file.write_text(value, "ascii")
        return file.read_text("ascii") if file.exists() else None

    def _seed(self):
        say(f"seeding BOS with {self.mix.beneficiaries:,} beneficiaries: one to two minutes, once")
        self.bos.seed(sum(1 for _ in self.mix.counts()), self.mix.beneficiaries, self.mix.seed, deleted=0,
                      per_client=",".join(map(str, self.mix.cycle)))
        self.postgres.sql("VACUUM ANALYZE", self.bos.database)
        self._stamp("seeded", self._seeded_as)

    def _check_counts(self):
        told = self.postgres.sql("SELECT client_ref, count(b.id) FILTER (WHERE NOT is_deleted) FROM clients_client c "
                                 "LEFT JOIN beneficiaries_beneficiary b ON b.client_id = c.id GROUP BY 1",
                                 self.bos.database)
        counts = dict(line.split("|") for line in told.splitlines())
        if sum(map(int, counts.values())) != self.mix.beneficiaries:
            raise Problem("BOS does not hold what it was seeded with", f"Remove {self.directory} and call again.")
        for size in self.mix.cycle:
            for ref in self.mix.refs(size):
                if int(counts[ref]) != size:
                    raise Problem(f"client {ref} has {counts[ref]} beneficiaries, not {size}",
                                  f"Remove {self.directory} and call again.")

    def _load(self):
        records = self.directory / "records.ndjson"
        self._timed("snapshot", lambda: self._write_records(records))
        say(f"Daybook takes in {self.records:,} records by --bos_records, the way a recorded backlog comes in")
        shutil.rmtree(self.loaded, ignore_errors=True)
        loading = self._service(self.loaded, {"bos_records": records})
        try:
            self._timed("load", lambda: start_and_tell(loading))
        finally:
            loading.stop()
        records.unlink()
        self._stamp("loaded", self._loaded_as)

    def _write_records(self, file):
        say("writing BOS's rows as the records of a snapshot")
        done = subprocess.run(
            [self.bos.binaries() / "python", ROOT / "bench/queries/snapshot.py", "--port", str(self.postgres.port),
             "--database", self.bos.database, file],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, encoding="ascii", check=False)
        if done.returncode != 0:
            raise Problem("BOS's rows could not be read; the reason stands above")
        self.records = int(done.stdout)

    def _read_reference(self):
        """What BOS's own view answers: its rows do not change, so it is asked once."""
        kept = self.directory / "reference.json"
        if self._stamp("reference") == self._answered_as:
            self.reference = json.loads(kept.read_text("ascii"))
            return
        refs = [ref for size in self.mix.cycle for ref in self.mix.refs(size)]
        say(f"asking BOS for the {len(refs)} pages that everything else is compared with")
        begin = time.monotonic()
        answers = ask_all(self.bos.port, map(path_of, refs))
        self.seconds["reference"] = round(time.monotonic() - begin, 1)
        self.reference = {ref: digest_of(answer) for ref, answer in zip(refs, answers)}
        for ref, answer in zip(refs, answers):
            if answer[0] != 200:
                raise Problem(f"BOS answered {answer[0]} for {ref}: {answer[2][:200]}", f"See {self.bos.log}.")
            (self.directory / "pages").mkdir(exist_ok=True)
            (self.directory / "pages" / ref).write_bytes(answer[2])
        kept.write_text(json.dumps(self.reference), "ascii")
        self._stamp("reference", self._answered_as)

    def queries(self, paths):
        """How many statements BOS sends to PostgreSQL for each path."""
        code = ("import json, sys\nfrom django.db import connection\nfrom django.test import Client\n"
                "from django.test.utils import CaptureQueriesContext as Capture\n"
                "def count(path):\n  with Capture(connection) as seen:\n"
                f"    assert Client(HTTP_HOST={HOST!r}).get(path).status_code == 200\n  return len(seen)\n"
                f"print(json.dumps([count(path) for path in {list(paths)!r}]))")
        return json.loads(self.bos.manage("shell", "--command", code).splitlines()[-1])

    def page_files(self, size):
        """The bodies of the pages that are asked for, as BOS answered them."""
        return [self.directory / "pages" / ref for ref in self.mix.refs(size)]

    def first_beneficiaries(self, size):
        """Daybook's ids of one beneficiary on the page of each client asked."""
        told = self.postgres.sql("SELECT client_ref, min(b.id) FROM clients_client c JOIN beneficiaries_beneficiary b "
                                 "ON b.client_id = c.id GROUP BY 1", self.bos.database)
        first = dict(line.split("|") for line in told.splitlines())
        return [uuid.uuid5(NAMESPACE, f"bos-{INSTANCE}:beneficiary:{first[ref]}") for ref in self.mix.refs(size)]
