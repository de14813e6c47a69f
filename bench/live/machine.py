"""What this machine is, and who used its processors meanwhile."""

import datetime
import os
import pathlib
import platform

TICKS = os.sysconf("SC_CLK_TCK")


def about():
    cpu = next((line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), "unknown")
    return {"kernel": platform.release(), "cpu": cpu, "cores": os.cpu_count(),
            "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
            "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}


def _processes():
    """{pid: (parent, seconds of processor time, its ended children's too)}."""
    found = {}
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        found[int(folder.name)] = (int(fields[1]), sum(int(ticks) for ticks in fields[11:15]) / TICKS)
    return found


def _total():
    """Seconds of processor time of the whole machine that were not idle."""
    fields = pathlib.Path("/proc/stat").read_text("ascii").splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, softirq, steal = (int(ticks) for ticks in fields[:8])
    return (user + nice + system + irq + softirq + steal) / TICKS


class Use:
    """Processor time of some processes below this one, each with all below it, of the rest (the load, what
    measures), and of the machine."""

    def __init__(self, pids):
        self.pids = pids  # {name: pid}
        self.own, self.total = self._now()

    def _now(self):
        processes = _processes()
        children = {}
        for pid, (parent, _) in processes.items():
            children.setdefault(parent, []).append(pid)

        def sum_of(pid):
            own = processes[pid][1] if pid in processes else 0
            return own + sum(sum_of(child) for child in children.get(pid, ()))

        spent = {name: sum_of(pid) for name, pid in self.pids.items()}
        everything = sum_of(os.getpid())  # the processes above are below this one
        return {**spent, "load and probe": everything - sum(spent.values())}, _total()

    def since(self):
        """({name: seconds}, seconds of the whole machine) since this was made."""
        own, total = self._now()
        return {name: max(0, own[name] - self.own[name]) for name in own}, total - self.total
