"""What every module here needs: where things lie, errors that name the next step, free ports, waiting."""

import contextlib
import fcntl
import pathlib
import random
import socket
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
CACHE = ROOT / "build" / "stack-cache"  # what is fetched or made once: jars, environments, class-data archives


class Problem(Exception):
    """What went wrong and what to do next, fit to be shown to a person."""

    def __init__(self, what, next_step=""):
        super().__init__(f"{what}\n{next_step}".rstrip())


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def locked(name):
    """One process at a time: tests that run side by side fill the cache once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def first_ephemeral_port():
    try:
        return int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 32768


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count):
    """Ports nobody listens on, from below the range the kernel gives to outgoing connections: one of those must not
    take a port while the process that listens on it is being restarted."""
    first, last = 10240, max(first_ephemeral_port() - 1, 12000)
    found, rng = [], random.SystemRandom()
    for _ in range(1000):
        port = rng.randint(first, last)
        if port not in found and is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise Problem(f"no {count} free ports between {first} and {last} on {HOST}", "End what listens there.")


def accepts(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def wait_until(is_so, seconds, step=0.05):
    """True as soon as is_so() is true, False when the time is over."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(step)
    return True
