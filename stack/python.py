"""Virtual environments from pinned requirements, made once in the cache."""

import hashlib
import shutil
import subprocess
import sys

from stack import process
from stack.base import CACHE, Problem, locked, say


def environment(name, requirements):
    """The folder of a virtual environment that holds what the file `requirements` names."""
    stamp = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = CACHE / f"{name}-venv-{stamp}"
    done, log = folder / "complete", CACHE / f"{name}-venv.log"
    with locked(f"{name}-venv"):
        if done.exists():
            return folder
        say(f"installing the Python packages of {name} (once)")
        shutil.rmtree(folder, ignore_errors=True)  # scripts hold its path, so it cannot be made elsewhere and renamed
        install = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]
        with open(log, "wb") as output:
            for argv in ([sys.executable, "-m", "venv", folder], install):
                code = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                      check=False).returncode
                if code != 0:
                    raise Problem(f"pip could not install what {requirements} names:\n{process.tail(log)}",
                                  f"All it said is in {log}. It needs the Python package index once; call this again.")
        done.touch()
        log.unlink()
    return folder
