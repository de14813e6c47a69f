"""Java programs: their jars, fetched once by Maven from a pinned list, and a class-data archive for quick starts."""

import hashlib
import os
import pathlib
import shutil
import subprocess

from stack import process
from stack.base import CACHE, ROOT, Problem, locked, say

MAVEN = ROOT / "stack" / "maven"
LOGGING = ROOT / "stack" / "config" / "log4j.properties"


def java():
    found = shutil.which("java")
    if not found:
        raise Problem("java is not installed", "Install it: apt-get install openjdk-17-jre-headless")
    return pathlib.Path(found).resolve()


def jars(name):
    """The jars of stack/maven/NAME.xml in a folder below the cache, in one order. Fetches them the first time."""
    pom = MAVEN / f"{name}.xml"
    folder = CACHE / f"{name}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    with locked(name):
        if not folder.is_dir():
            _fetch(name, pom, folder)
    return sorted(folder.glob("*.jar"))


def _fetch(name, pom, folder):
    maven = shutil.which("mvn")
    if not maven:
        raise Problem("mvn is not installed", "Install it: apt-get install maven")
    say(f"fetching the jars of {name} (once)")
    scratch, log = folder.with_suffix(".part"), folder.with_suffix(".log")
    shutil.rmtree(scratch, ignore_errors=True)
    with open(log, "wb") as output:
        done = subprocess.run(
            [maven, "--batch-mode", "--file", pom, "dependency:copy-dependencies", "-DincludeScope=runtime",
             f"-DoutputDirectory={scratch}"], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            cwd=CACHE, check=False)
    if done.returncode != 0 or not any(scratch.glob("*.jar")):
        raise Problem(f"Maven could not fetch the jars that {pom.relative_to(ROOT)} names:\n{process.tail(log)}",
                      f"All it said is in {log}. It needs Maven's central repository once; call this again then.")
    scratch.rename(folder)
    log.unlink()


def archive_of(folder_jars, main):
    """Where the class-data archive for this program with these jars and this Java is, or will be."""
    runtime = java().parent.parent / "lib" / "modules"
    stamp = f"{main} {runtime} {os.stat(runtime).st_mtime_ns if runtime.exists() else 0}"
    return folder_jars[0].parent / f"{hashlib.sha256(stamp.encode()).hexdigest()[:12]}.jsa"


def command(folder_jars, main, arguments, archive=None, make_archive=None, heap_mb=512, defines=()):
    """argv that runs `main`. archive: use it if it exists. make_archive: write one there when the program exits."""
    argv = [java(), f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-Djava.awt.headless=true",
            f"-Dlog4j.configuration=file:{LOGGING}", *defines]
    if archive and archive.exists():
        argv += ["-Xshare:auto", f"-XX:SharedArchiveFile={archive}"]
    if make_archive:
        argv += [f"-XX:ArchiveClassesAtExit={make_archive}"]
    return [*argv, "-cp", ":".join(str(j) for j in folder_jars), main, *arguments]
