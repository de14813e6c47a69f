"""BOS, the Django application in examples/beneficiary/bos, in a virtual environment of its own, behind gunicorn."""

import json
import os
import signal
import subprocess

from stack import python
from stack.base import HOST, ROOT, Problem, accepts, free_ports
from stack.component import Component
from stack.postgres import USER

APPLICATION = ROOT / "examples" / "beneficiary" / "bos"


class Bos(Component):
    """One instance: a database of its own, migrated, and a server.

    After prepare() its tables exist; `manage` runs its commands, `seed` and `change` among them.
    """

    stop_signal = signal.SIGINT  # at once; SIGTERM would wait for connections that are kept open
    removed_by = "stop"  # a killed one's workers end a little later by themselves

    def __init__(self, directory, postgres, instance="uk", attached=True, workers=2, threads=4,
                 silence_seconds=30):
        self.name = f"bos-{instance}"
        super().__init__(directory, attached)
        self.postgres = postgres
        self.instance = instance
        self.workers = workers
        self.threads = threads
        self.silence_seconds = silence_seconds  # a worker that says nothing for so long is killed
        # gunicorn takes a connection whose request waits for its turn for one that is idle.
        self.idle_seconds = max(60, silence_seconds)
        self._port_file = self.directory / "port"
        self._binaries = None

    @property
    def database(self):
        return f"bos_{self.instance}"

    @property
    def port(self):
        return int(self._port_file.read_text("ascii"))

    @property
    def url(self):
        return f"http://{HOST}:{self.port}"

    def binaries(self):
        self._binaries = self._binaries or python.environment("bos", APPLICATION / "requirements.txt") / "bin"
        return self._binaries

    def environment(self):
        return {"BOS_DATABASE_HOST": HOST, "BOS_DATABASE_PORT": str(self.postgres.port), "BOS_DATABASE_USER": USER,
                "BOS_DATABASE_NAME": self.database, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}

    def prepare(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self.postgres.ensure_database(self.database)
        self.manage("migrate", "--no-input")
        if not self._port_file.exists():
            self._port_file.write_text(str(free_ports(1)[0]), "ascii")

    def command(self):
        return [self.binaries() / "gunicorn", "bos.wsgi", "--chdir", APPLICATION, "--bind", f"{HOST}:{self.port}",
                "--workers", str(self.workers), "--worker-class", "gthread", "--threads", str(self.threads),
                "--keep-alive", str(self.idle_seconds), "--timeout", str(self.silence_seconds),
                "--worker-tmp-dir", "/dev/shm"]

    def is_ready(self):
        return "Listening at" in self.said() and accepts(self.port)

    def about(self):
        return {"url": self.url}

    def manage_command(self, *arguments):
        """argv and environment of one of its commands, for those who start it themselves."""
        program = [self.binaries() / "python", APPLICATION / "manage.py"]
        return [str(part) for part in (*program, *arguments)], self.environment()

    def manage(self, *arguments):
        """Runs one of its commands and returns what it printed."""
        argv, environment = self.manage_command(*arguments)
        done = subprocess.run(argv, env={**os.environ, **environment}, capture_output=True,
                              encoding="utf-8", stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise Problem(f"BOS's command {' '.join(map(str, arguments))} failed:\n{done.stderr[-1000:]}")
        return done.stdout

    def seed(self, clients, beneficiaries, seed=1, **options):
        """Fills an empty database."""
        return self.manage("seed", *_flags(clients=clients, beneficiaries=beneficiaries, seed=seed, **options))

    def seed_if_empty(self, clients, beneficiaries):
        self.manage("seed", "--if-empty", *_flags(clients=clients, beneficiaries=beneficiaries))

    def change(self, count, rate=0, seed=1, **options):
        """Makes `count` transactions and returns how they ended, as a dictionary."""
        printed = self.manage("change", *_flags(count=count, rate=rate, seed=seed, **options))
        return json.loads(printed.splitlines()[-1])


def _flags(**options):
    return [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
