#!/usr/bin/env python3
"""The throw-away broker: it serves when it says so, ends as it was asked to, and leaves nothing behind."""

import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from stack import process  # noqa: E402
from stack.base import HOST, accepts, wait_until  # noqa: E402


class Run:
    """`python3 -m stack.kafka run …` as a test of another language would use it."""

    def __init__(self, *arguments, **options):
        self.child = subprocess.Popen([sys.executable, "-m", "stack.kafka", "run", "--session-ms", "1000", *arguments],
                                      cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
        line = self.child.stdout.readline()
        self.about = json.loads(line) if line else {}
        self.ticks = process.started_at(self.about.get("pid", 0))

    def port(self):
        return int(self.about["bootstrap"].rpartition(":")[2])

    def broker_is_gone(self):
        return wait_until(lambda: not process.is_alive(self.about["pid"], self.ticks), 10)

    def close(self):
        self.child.kill()
        self.child.stdin.close()
        self.child.stdout.close()
        return self.child.wait(60)


class KafkaTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="daybook-stack-")
        self.addCleanup(self.scratch.cleanup)
        self.path = pathlib.Path(self.scratch.name)

    def run_broker(self, *arguments, **options):
        run = Run(*arguments, **options)
        self.addCleanup(run.close)
        self.assertTrue(run.about, "it said nothing")
        return run

    def test_sigterm_ends_it_and_leaves_nothing(self):
        ports = self.path / "ports"
        run = self.run_broker("--ports-file", str(ports))
        self.assertTrue(accepts(run.port()))
        self.assertEqual(json.loads(ports.read_text("utf-8")), run.about)
        run.child.send_signal(signal.SIGTERM)
        self.assertEqual(run.child.wait(60), 0)
        self.assertTrue(run.broker_is_gone())
        self.assertFalse(os.path.exists(run.about["dir"]))
        self.assertFalse(ports.exists())

    def test_the_end_of_standard_input_ends_it_when_asked(self):
        run = self.run_broker("--until-stdin-closes")
        run.child.stdin.close()
        self.assertEqual(run.child.wait(60), 0)
        self.assertTrue(run.broker_is_gone())
        self.assertFalse(os.path.exists(run.about["dir"]))

    def test_the_broker_does_not_outlive_a_killed_starter(self):
        run = self.run_broker("--dir", str(self.path / "broker"))
        run.child.kill()
        self.assertTrue(run.broker_is_gone())

    def test_a_broker_that_dies_is_told(self):
        run = self.run_broker(stderr=subprocess.PIPE)
        os.kill(run.about["pid"], signal.SIGKILL)
        self.assertEqual(run.child.wait(60), 1)
        self.assertIn("ended by itself", run.child.stderr.read())
        run.child.stderr.close()

    def test_the_same_directory_again_is_a_restart_on_the_same_ports(self):
        directory = str(self.path / "broker")
        first = self.run_broker("--dir", directory)
        os.kill(first.about["pid"], signal.SIGKILL)
        first.child.wait(60)
        begin = time.monotonic()
        second = self.run_broker("--dir", directory)
        self.assertEqual(first.about["bootstrap"], second.about["bootstrap"])
        self.assertLess(time.monotonic() - begin, 60)
        third = Run("--dir", directory, stderr=subprocess.PIPE)  # while the second runs
        self.assertEqual(third.child.wait(60), 1)
        self.assertIn("already runs the broker", third.child.stderr.read())
        third.child.stderr.close()
        third.close()

    def test_its_tls_listeners_prove_who_they_are_and_one_asks_for_a_certificate(self):
        run = self.run_broker("--tls", "--sasl")
        certificate = run.about["ssl"]
        authority = ssl.create_default_context(cafile=certificate["ca"])
        with authority.wrap_socket(connect(run.about["sasl_ssl"]), server_hostname=HOST) as secured:
            self.assertIn(secured.version(), ("TLSv1.2", "TLSv1.3"))
        for chosen, is_let_in in ((None, False), ("stranger_", False), ("", True)):
            context = ssl.create_default_context(cafile=certificate["ca"])
            context.maximum_version = ssl.TLSVersion.TLSv1_2  # there the handshake itself shows a refusal
            if chosen is not None:
                context.load_cert_chain(certificate[f"{chosen}certificate"], certificate[f"{chosen}key"])
            if is_let_in:
                context.wrap_socket(connect(certificate), server_hostname=HOST).close()
            else:
                with self.assertRaises(OSError, msg=chosen), connect(certificate) as plain:
                    context.wrap_socket(plain, server_hostname=HOST).close()
        with self.assertRaises(ssl.SSLCertVerificationError), connect(certificate) as plain:
            ssl.create_default_context().wrap_socket(plain, server_hostname=HOST).close()


def connect(listener):
    host, _, port = listener["bootstrap"].rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
