"""A process of the stack with a directory of its own: start and wait, know it again later, stop."""

import json
import pathlib
import shutil
import signal

from stack import process
from stack.base import Problem, wait_until


class Component:
    """One process. Subclasses say what to run and when it serves; everything they keep lies in `directory`.

    attached: it ends with the process that started it. Otherwise it goes on, and another process that makes the same
    Component of the same directory finds it by the id and the start time noted there.
    """

    name = ""
    start_seconds = 120
    stop_signal = signal.SIGTERM
    user = None  # a pwd entry to run as
    working_directory = None  # by default its own
    removed_by = "kill"  # how it is stopped when nothing of it is kept: "kill" is quicker than "stop"

    def __init__(self, directory, attached=True):
        self.directory = pathlib.Path(directory).resolve()
        self.attached = attached
        self.log = self.directory / f"{self.name}.log"
        self._note = self.directory / "process.json"
        self.pid = None
        self._ticks = None
        self._log_begin = 0
        self.reload()

    def reload(self):
        """Looks again whether another process has started or ended it."""
        noted = {"pid": None, "ticks": None, "log_begin": 0}
        if self._note.exists():
            noted = json.loads(self._note.read_text("utf-8"))
        self.pid, self._ticks, self._log_begin = noted["pid"], noted["ticks"], noted["log_begin"]

    # What subclasses give:

    def prepare(self):
        """Makes what must be there before the process starts. May be called any number of times."""

    def command(self):
        """argv."""
        raise NotImplementedError

    def environment(self):
        return {}

    def is_ready(self):
        raise NotImplementedError

    def about(self):
        """Addresses and the like, for people and programs."""
        return {}

    # What all have:

    def is_running(self):
        return self.pid is not None and process.is_alive(self.pid, self._ticks)

    def start(self):
        """Returns when it serves; at once if it already runs and does."""
        self.launch()
        self.wait()
        return self

    def launch(self):
        """Starts it if it does not run, and returns at once; wait() waits."""
        if self.is_running():
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        self.prepare()
        self._log_begin = self.log.stat().st_size if self.log.exists() else 0
        child = process.start(self.command(), self.log, self.attached, user=self.user,
                              cwd=self.working_directory or self.directory,
                              env=self.environment())
        self.pid, self._ticks = child.pid, process.started_at(child.pid)
        child.returncode = 0  # reaped by process.is_alive, not by the destructor of this object
        noted = {"pid": self.pid, "ticks": self._ticks, "log_begin": self._log_begin}
        self._note.write_text(json.dumps(noted), "utf-8")

    def wait(self):
        wait_until(lambda: not self.is_running() or self.is_ready(), self.start_seconds)
        if self.is_running() and self.is_ready():
            return
        why = "is not ready" if self.is_running() else "ended"
        self.stop(clean=False)
        raise Problem(f"{self.name} {why}:\n{self.last_words()}", f"All it said is in {self.log}.")

    def last_words(self):
        """The part of its log that a person should see when it fails."""
        return process.tail(self.log)

    def said(self):
        """What it has written to its log since it was started last, as far as that is known."""
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                file.seek(self._log_begin)
                return file.read()
        except OSError:
            return ""

    def stop(self, clean=True):
        """clean: asks it to end, and kills it if it does not; otherwise kills it."""
        if self.pid is not None:
            process.end(self.pid, self._ticks, self.stop_signal if clean else signal.SIGKILL)
        self.pid = self._ticks = None
        self._note.unlink(missing_ok=True)

    def remove(self):
        """Stops it and removes everything that it kept."""
        self.stop(clean=self.removed_by == "stop")
        shutil.rmtree(self.directory, ignore_errors=True)
