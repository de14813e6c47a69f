"""The components together: which there are, in which order they start, and what each waits for."""

import contextlib
import fcntl
import json
import pathlib
import shutil
import time

from stack import daybook
from stack.base import ROOT, Problem, say
from stack.bos import Bos
from stack.connect import Connect, Source
from stack.kafka import Broker, Options
from stack.postgres import Postgres

DIRECTORY = ROOT / "build" / "stack"
DEFAULT_INSTANCES = ("uk",)


def prefix_of(number, instance):
    """Of the topics of an instance: the first one's are bos.…, as everywhere in the documents."""
    return "bos" if number == 0 else f"bos-{instance}"


class Stack:
    """Everything in one directory. attached: it ends with this process; otherwise another process finds it there.

    instances: of BOS, each with a database, a server and a connector. binaries: where the build put Daybook's processes
    (build/release/examples/beneficiary); without it they are left out. What was chosen at the first start is kept.
    Further keywords go to Connect.
    """

    def __init__(self, directory=DIRECTORY, instances=None, attached=True, binaries=None, broker_options=None,
                 **connect):
        self.directory = pathlib.Path(directory).resolve()
        self._choice = self.directory / "stack.json"
        kept = json.loads(self._choice.read_text("utf-8")) if self._choice.exists() else {}
        if instances and kept and list(instances) != kept["instances"]:
            raise Problem(f"the stack in {self.directory} has the BOS instances {', '.join(kept['instances'])}",
                          "End it first: ./dev stack down")
        self.instances = list(instances or kept.get("instances") or DEFAULT_INSTANCES)
        self.binaries = binaries or kept.get("binaries")
        self.kafka = Broker(self.directory / "kafka", broker_options or Options(), attached)
        self.postgres = Postgres(self.directory / "postgres", attached)
        self.bos = [Bos(self.directory / f"bos-{name}", self.postgres, name, attached) for name in self.instances]
        self.sources = [Source(b.instance, b.database, prefix_of(n, b.instance)) for n, b in enumerate(self.bos)]
        self.connect = Connect(self.directory / "connect", self.kafka, self.postgres, self.sources, attached, **connect)

        # Every process of the stack, in the order in which they start, and the ones that must serve before it starts.
        self.components = [
            (self.kafka, []),
            (self.postgres, []),
            *((bos, [self.postgres]) for bos in self.bos),
            (self.connect, [self.kafka, *self.bos]),
            *(daybook.processes(self, self.binaries, attached) if self.binaries else ()),
        ]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def is_there(self):
        return self._choice.exists()

    def find(self, name):
        for component, _ in self.components:
            if component.name == name:
                return component
        names = ", ".join(component.name for component, _ in self.components)
        raise Problem(f"there is no component {name}", f"There are: {names}.")

    def up(self, clients=20, beneficiaries=200):
        """Starts what does not run, and returns when all of it serves. Seeds BOS before it is captured, if empty."""
        with self._locked():
            choice = {"instances": self.instances, "binaries": self.binaries and str(self.binaries)}
            self._choice.write_text(json.dumps(choice), "utf-8")
            begin, starting = time.monotonic(), set()

            def wait(component):
                component.wait()
                if component.name in starting:
                    starting.remove(component.name)
                    say(f"{component.name} serves, {time.monotonic() - begin:.1f} s after the call")

            for component, needs in self.components:
                for need in needs:
                    wait(need)
                if component.is_running():
                    say(f"{component.name} runs already")
                else:
                    say(f"{component.name} is starting")
                    starting.add(component.name)
                    component.launch()
                if isinstance(component, Bos) and beneficiaries:
                    component.seed_if_empty(clients, beneficiaries)
            for component, _ in self.components:
                wait(component)
        return self

    def stop(self):
        """Ends every process and keeps what they stored."""
        with self._locked():
            for component, _ in reversed(self.components):
                component.stop()

    def remove(self):
        """Ends every process and removes all that they stored."""
        if self.directory.exists():
            with self._locked():
                self.connect.stop()  # in peace: it has something to leave for the next one
                for component, _ in reversed(self.components):
                    component.remove()
            shutil.rmtree(self.directory, ignore_errors=True)

    @contextlib.contextmanager
    def _locked(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.directory / "lock", "w", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another call is at work on this stack; waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
            for component, _ in self.components:
                component.reload()
            yield
