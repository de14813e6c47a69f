#!/usr/bin/env python3
"""When something is missing or goes wrong, a person is told what and what to do; and processes are ended exactly."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from stack import base, java, process, python  # noqa: E402
from stack.base import Problem, wait_until  # noqa: E402
from stack.component import Component  # noqa: E402
from stack.postgres import Postgres  # noqa: E402

EXIT_OF_A_THREAD = 60 if os.uname().machine == "x86_64" else 93  # the kernel's number of exit()


class Stubborn(Component):
    """Says so when it is ready; ends as `script` tells."""

    name = "stubborn"
    start_seconds = 5

    def __init__(self, directory, script):
        super().__init__(directory)
        self.script = script

    def command(self):
        return ["bash", "-c", self.script]

    def is_ready(self):
        return "ready" in self.said()


class FailuresTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="daybook-stack-")
        self.addCleanup(scratch.cleanup)
        self.path = pathlib.Path(scratch.name)
        for module in (base, java, python):
            patched = mock.patch.object(module, "CACHE", self.path / "cache")
            patched.start()
            self.addCleanup(patched.stop)

    def fake(self, name, script):
        """A program of this name and nothing else is on the PATH."""
        folder = self.path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/bash\n{script}\n", "utf-8")
        (folder / name).chmod(0o755)
        return mock.patch.dict(os.environ, {"PATH": str(folder)})

    def test_missing_programs_are_named_with_their_package(self):
        with mock.patch.dict(os.environ, {"PATH": str(self.path)}):
            with self.assertRaisesRegex(Problem, "apt-get install openjdk-17-jre-headless"):
                java.java()
            with self.assertRaisesRegex(Problem, "apt-get install maven"):
                java.jars("kafka")
        with mock.patch("stack.postgres.BINARIES", self.path), self.assertRaisesRegex(Problem, "apt-get install postg"):
            Postgres(self.path / "pg").start()

    def test_jars_that_cannot_be_fetched_say_why_and_are_fetched_the_next_time(self):
        with self.fake("mvn", "echo 'Could not transfer artifact: Unknown host'; exit 1"):
            with self.assertRaisesRegex(Problem, "(?s)Unknown host.*call this again"):
                java.jars("kafka")
        made = 'for a; do case $a in -DoutputDirectory=*) /bin/mkdir -p "${a#*=}"; : >"${a#*=}/b.jar";; esac; done'
        with self.fake("mvn", made):
            self.assertEqual([jar.name for jar in java.jars("kafka")], ["b.jar"])
        with self.fake("mvn", "exit 1"):  # offline afterwards
            self.assertEqual([jar.name for jar in java.jars("kafka")], ["b.jar"])

    def test_python_packages_that_cannot_be_installed_say_why(self):
        requirements = self.path / "requirements.txt"
        requirements.write_text(f"{self.path}/nothing-here.whl\n", "utf-8")
        with self.assertRaisesRegex(Problem, "(?s)nothing-here.*call this again"):
            python.environment("none", requirements)
        self.assertFalse(list((self.path / "cache").glob("none-venv-*/complete")))

    def test_a_component_that_ends_is_told_with_its_last_words(self):
        component = Stubborn(self.path / "c", "echo first; echo 'no space left'; exit 3")
        with self.assertRaisesRegex(Problem, "(?s)stubborn ended:.*no space left.*stubborn.log"):
            component.start()
        self.assertFalse(component.is_running())

    def test_a_component_that_is_never_ready_is_ended(self):
        component = Stubborn(self.path / "c", "echo hello; sleep 1000")
        component.start_seconds = 0.5
        with self.assertRaisesRegex(Problem, "is not ready"):
            component.start()
        self.assertFalse(component.is_running())

    def test_one_that_ignores_or_cannot_hear_the_signal_is_killed(self):
        for script in ("trap '' TERM; echo ready; while :; do sleep 0.1; done", "echo ready; kill -STOP $$"):
            component = Stubborn(self.path / "c", script).start()
            pid, ticks = component.pid, process.started_at(component.pid)
            process.end(pid, ticks, signal.SIGTERM, 0.5)
            self.assertFalse(process.is_alive(pid, ticks))
            component.stop()

    def test_a_process_whose_first_thread_has_ended_lives_as_long_as_another_does(self):
        script = ("import ctypes, threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n"
                  f"ctypes.CDLL(None).syscall({EXIT_OF_A_THREAD}, 0)")
        with subprocess.Popen([sys.executable, "-c", script]) as other:
            state = pathlib.Path(f"/proc/{other.pid}/stat")
            self.assertTrue(wait_until(lambda: ") Z " in state.read_text("utf-8"), 10))
            ticks = process.started_at(other.pid)
            process.end(other.pid, ticks)
            still_there = other.poll() is None and process.started_at(other.pid) is not None
            other.kill()
        self.assertIsNotNone(ticks)
        self.assertFalse(still_there)

    def test_another_process_with_the_same_id_is_left_alone(self):
        with subprocess.Popen(["sleep", "1000"]) as other:
            ticks = process.started_at(other.pid)
            process.end(other.pid, ticks + 1)  # as noted before the ids wrapped around
            self.assertIsNone(other.poll())
            process.end(other.pid, ticks)
        self.assertIsNotNone(other.returncode)

    def test_another_object_finds_the_process_by_its_directory(self):
        first = Stubborn(self.path / "c", "echo ready; exec sleep 1000").start()
        second = Stubborn(self.path / "c", "exit 1")
        self.assertTrue(second.is_running())
        second.start()  # it runs already: nothing is started
        self.assertEqual(first.pid, second.pid)
        second.stop()
        self.assertTrue(wait_until(lambda: not first.is_running(), 10))

    def test_free_ports_differ_and_lie_below_those_of_outgoing_connections(self):
        ports = base.free_ports(20)
        self.assertEqual(len(set(ports)), 20)
        self.assertLess(max(ports), base.first_ephemeral_port())
        self.assertTrue(all(base.is_free(port) for port in ports))


if __name__ == "__main__":
    unittest.main(verbosity=2)
