"""A load on BOS that can be paused between two transactions: its generator of changes, as a process."""

import json
import os
import signal
import subprocess

from stack.base import Problem


class Load:
    """Transactions in one BOS instance. Each start goes on with another seed derived from the first, so the whole is
    repeatable as far as the pauses are."""

    def __init__(self, bos, directory, seed, only=""):
        self.bos = bos
        self.seed = seed
        self.only = only
        self.log = directory / f"load-{bos.instance}.jsonl"
        self.totals = {"transactions": 0, "committed": 0, "rolled_back": 0, "refused": 0}
        self._left = 0
        self._rate = 0
        self._child = None
        self._starts = 0
        self._log_begin = 0

    def begin(self, count, rate):
        self._left = count
        self._rate = rate
        self.resume()

    def resume(self):
        """Goes on with what is left. Called by the main thread only: the process ends with it."""
        if self._child is not None or self._left <= 0:
            return
        self._starts += 1
        argv, environment = self.bos.manage_command(
            "change", f"--count={self._left}", f"--rate={self._rate}", "--writers=2", "--each",
            f"--seed={self.seed + 1000 * self._starts}", f"--only={self.only}")
        self._log_begin = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as output:
            self._child = subprocess.Popen(argv, env={**os.environ, **environment}, stdout=output)

    def pause(self):
        """Returns when no transaction is open."""
        if self._child is not None:
            self._child.send_signal(signal.SIGTERM)
            self._collect()

    def is_over(self):
        """Everything was made. Raises if the generator failed."""
        if self._child is not None and self._child.poll() is not None:
            self._collect()
        return self._child is None and self._left <= 0

    def made(self):
        """Transactions so far."""
        return self.totals["transactions"] + (len(self._lines()) if self._child is not None else 0)

    def kill(self):
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def _lines(self):
        with open(self.log, "rb") as file:
            file.seek(self._log_begin)
            return [line for line in file.read().splitlines() if b'"outcome"' in line]

    def _collect(self):
        child, self._child = self._child, None
        code = child.wait(timeout=600)
        made = [json.loads(line)["outcome"] for line in self._lines()]
        # A signal that it did not hear: before it was ready to, or when it was through and about to end.
        deaf = code == -signal.SIGTERM and len(made) in (0, self._left)
        if code != 0 and not deaf:
            raise Problem(f"the load on {self.bos.name} ended with code {code}", f"See {self.log}.")
        for outcome in made:
            self.totals[outcome.replace(" ", "_")] += 1
        self.totals["transactions"] += len(made)
        self._left -= len(made)
