"""Daybook's own processes as components: a binary, its flags, ready when its admin address says so."""

import json
import pathlib
import urllib.error
import urllib.request

from stack.base import HOST, Problem, free_ports
from stack.component import Component


class Service(Component):
    """One process. It gets --data_dir and an address for each of its edges, on ports that stay the same.

    flags: a function without parameters that gives the other flags as a dictionary. It is called when the process
    starts: by then the components that it needs serve, so their addresses are known.
    """

    def __init__(self, directory, name, binary, flags=dict, edges=("http", "admin"), attached=True):
        self.name = name
        super().__init__(directory, attached)
        self.binary = pathlib.Path(binary).resolve()
        self.flags = flags
        self.edges = edges
        self._ports_file = self.directory / "ports.json"

    def address(self, edge):
        return f"{HOST}:{json.loads(self._ports_file.read_text('utf-8'))[edge]}"

    def prepare(self):
        if not self.binary.exists():
            raise Problem(f"{self.binary} is not built", "Build it: ./dev build")
        if not self._ports_file.exists():
            ports = dict(zip(self.edges, free_ports(len(self.edges))))
            self._ports_file.write_text(json.dumps(ports), "utf-8")

    def command(self):
        given = {"data_dir": self.directory / "data"}
        given |= {f"{edge}_address": self.address(edge) for edge in self.edges} | self.flags()
        return [self.binary, *(f"--{name}={value}" for name, value in given.items())]

    def is_ready(self):
        return self.admin("/readyz")[0] == 200

    def admin(self, path):
        """(status, body) of its admin address; status 0 while nothing answers."""
        try:
            with urllib.request.urlopen(f"http://{self.address('admin')}{path}", timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def about(self):
        return {edge: f"http://{self.address(edge)}" for edge in self.edges}


def processes(stack, binaries, attached):
    """Daybook's processes around a stack, each with the components it needs, in the order in which they start.

    binaries: where the build put them, as in build/release/examples/beneficiary.
    """
    binaries = pathlib.Path(binaries)
    sources = ",".join(f"{source.instance}:{source.prefix}" for source in stack.sources)

    def kafka():
        return {"kafka_brokers": stack.kafka.bootstrap}

    def service(name, folder, flags, *edges):
        return Service(stack.directory / name, name, binaries / folder / name, flags, edges, attached)

    command = service("beneficiary-command", "command_service", kafka, "admin")
    gateway = service("beneficiary-gateway", "gateway_service", lambda: {**kafka(), "bos": sources}, "admin")
    query = service("beneficiary-query", "query_service",
                    lambda: {**kafka(), "compat_instance": stack.instances[0]}, "http", "grpc", "admin")
    switch = service("beneficiary-switch", "switch", lambda: {
        "bos_address": f"{HOST}:{stack.bos[0].port}", "daybook_address": query.address("http")}, "http", "admin")
    return [(command, [stack.kafka]), (gateway, [stack.connect, command]), (query, [command]),
            (switch, [stack.bos[0], query])]


def set_mode(switch, mode, by, reason):
    """The mode for all clients of a beneficiary-switch, from now on."""
    body = json.dumps({"mode": mode, "by": by, "reason": reason}).encode()
    request = urllib.request.Request(f"http://{switch.address('admin')}/api/modes/all", body, method="PUT",
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30):
        pass
