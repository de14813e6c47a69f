"""Watches the processes of a stack from beside: none ends by itself, and how much memory each of them takes."""

import contextlib
import pathlib
import threading

import live

INTERVAL = 2


class Watch(threading.Thread):
    """Use it as a context. What is stopped on purpose is announced by down()."""

    def __init__(self, components):
        super().__init__(daemon=True)
        self.components = components
        self.ended = []  # by themselves: (name, last words)
        self.memory = {component.name: [] for component in components}  # resident bytes, one a sample
        self._down = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self.join(60)

    @contextlib.contextmanager
    def down(self, *names):
        """These may be down meanwhile; afterwards they run again. May not be nested for one name."""
        with self._lock:
            self._down |= set(names)
        yield
        with self._lock:  # not after an exception: it ends the run
            self._down -= set(names)

    def run(self):
        while not self._stopping.wait(INTERVAL):
            self.look()

    def look(self):
        for component in self.components:
            with self._lock:
                if component.name in self._down:
                    continue
                if not component.is_running():
                    if component.name not in [name for name, _ in self.ended]:
                        self.ended.append((component.name, component.last_words()))
                    continue
                self.memory[component.name].append(resident(component.pid))

    def memory_table(self):
        """[(name, first, largest, last)] in MiB."""
        return [(name, *(round(value / 2**20) for value in (seen[0], max(seen), seen[-1])))
                for name, seen in self.memory.items() if seen]


def resident(pid):
    """Of the process and its children, in bytes; 0 when it is gone."""
    try:
        pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except (OSError, IndexError):
        return 0
    return pages * 4096 + sum(resident(int(child)) for child in children)


class Prober(threading.Thread):
    """A caller of the switch, which should not notice much of what happens behind it: counts the answers."""

    def __init__(self, switch, clients, rng):
        super().__init__(daemon=True)
        self.switch = switch
        self.clients = clients
        self.rng = rng
        self.answers = {}
        self._stopping = threading.Event()

    def run(self):
        while not self._stopping.wait(0.25):
            try:
                with live.compare.Asker(self.switch.address("http")) as asker:
                    while not self._stopping.wait(0.25):
                        path = f"/client/beneficiaries?client_id={self.rng.choice(self.clients)}&page_size=10"
                        asker.connection.request("GET", path)
                        answer = asker.connection.getresponse()
                        answer.read()
                        self.count(f"{answer.status} of {answer.getheader('X-Answered-By')}")
            except (OSError, live.http.client.HTTPException):
                self.count("no connection")

    def count(self, what):
        self.answers[what] = self.answers.get(what, 0) + 1

    def end(self):
        self._stopping.set()
        self.join(60)
