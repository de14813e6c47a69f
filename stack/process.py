"""Starting a process, knowing it again later, and ending it by its id."""

import ctypes
import os
import pathlib
import signal
import subprocess

from stack.base import Problem, wait_until

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(argv, log, attached, user=None, cwd=None, env=None):
    """Starts argv with its output in the file `log`.

    attached: it is killed when this process ends, however that happens. Otherwise it goes on in a session of its own.
    user: a pwd entry to run as.
    """
    options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    with open(log, "ab") as output:
        return subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=_die_with_parent if attached else None, cwd=cwd,
            env={**os.environ, **(env or {})}, **options)


def started_at(pid):
    """When the kernel started it, in clock ticks since boot: (pid, this) names a process even after pids wrapped. None
    when there is no such process, or only its remains."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    # A first thread that has ended looks like the remains of all: others may go on, and hold ports.
    is_over = fields[0] == "X" or (fields[0] == "Z" and int(fields[17]) <= 1)
    return None if is_over else int(fields[19])


def reap(pid):
    """Clears a child of ours that has ended, so that it is seen to be gone."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def is_alive(pid, ticks):
    reap(pid)
    return ticks is not None and started_at(pid) == ticks


def end(pid, ticks, first=signal.SIGTERM, seconds=20):
    """Ends exactly this process: asks by `first`, and kills it when it takes longer than that."""
    for number, limit in ((first, seconds), (signal.SIGKILL, 20)):
        if not is_alive(pid, ticks):
            return
        try:
            os.kill(pid, number)
            if number != signal.SIGKILL:
                os.kill(pid, signal.SIGCONT)  # a stopped one could not answer
        except ProcessLookupError:
            return
        if wait_until(lambda: not is_alive(pid, ticks), limit, 0.02):
            return
    raise Problem(f"process {pid} does not end, not even by SIGKILL", "See what the kernel holds it for: ps -l.")


def tail(log, lines=15):
    try:
        return "\n".join(pathlib.Path(log).read_text("utf-8", "replace").splitlines()[-lines:])
    except OSError:
        return ""
