"""Tests of ./dev itself: its help, its checks, and `./dev run` with a stand-in for the service.

Run by ctest; by hand: python3 tests/house/dev_test.py
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from stack.base import free_ports  # noqa: E402

DEV = str(ROOT / "dev")

# Answers what ./dev run asks of the service: /readyz on the admin port, one client's list on the HTTP port.
FAKE_SERVICE = '''#!/usr/bin/env python3
import http.server, os, signal, sys, threading
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
flags = dict(a.lstrip("-").split("=", 1) for a in sys.argv[1:] if "=" in a)
print("FLAGS", sorted(flags.items()), flush=True)
if flags.get("fail"):
    sys.exit(int(flags["fail"]))
assert os.path.isdir(flags["data_dir"]) and not os.listdir(flags["data_dir"])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.path == "/readyz" or "EBPCLI000003" in self.path
        body = b'{"items":[{"id":"3f0e0000-0000-5000-8000-000000000001"}]}' if known else b'{"items":[]}'
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
def serve(address):
    host, port = address.rsplit(":", 1)
    server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
serve(flags["http_address"]); serve(flags["admin_address"])
signal.sigwait([signal.SIGTERM])
print("DRAINED", flush=True)
'''


def dev(*args, **kwargs):
    return subprocess.run([DEV, *args], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, **kwargs)


class HelpTest(unittest.TestCase):
    def test_help_names_every_command_and_each_command_has_its_own(self):
        top = dev("--help")
        self.assertEqual(top.returncode, 0)
        for command in ["run", "test", "bench", "stack", "demo", "fmt", "build", "docs", "clean"]:
            self.assertRegex(top.stdout, rf"(?m)^  {command} ")
            one = dev(command, "--help")
            self.assertEqual(one.returncode, 0, one.stderr)
            self.assertIn(f"usage: ./dev {command}", one.stdout)

    def test_an_unknown_command_or_option_is_a_usage_error_that_names_it(self):
        for args, named in [(["walk"], "walk"), (["test", "--fast"], "--fast"), (["run", "--data_dir=x"], "--")]:
            result = dev(*args)
            self.assertEqual(result.returncode, 2)
            self.assertIn(named, result.stderr)


class PackagesTest(unittest.TestCase):
    def test_without_root_it_names_what_to_install_and_exits_3(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to become nobody")
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            (pathlib.Path(folder) / "cmake").mkdir(mode=0o755)
            (pathlib.Path(folder) / "dev").write_text((ROOT / "dev").read_text())
            (pathlib.Path(folder) / "dev").chmod(0o755)
            (pathlib.Path(folder) / "cmake/packages.txt").write_text("# a comment\nbash\nno-such-package-1\n")
            result = subprocess.run([folder + "/dev", "build"], capture_output=True, text=True, user=65534, group=65534,
                                    extra_groups=[], cwd="/", timeout=60)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertRegex(result.stderr, r"apt-get install .* no-such-package-1\n")
        self.assertNotIn("bash", result.stderr)


class RunTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        fake = pathlib.Path(self.folder.name) / "fake"
        fake.write_text(FAKE_SERVICE)
        fake.chmod(0o755)
        self.env = dict(os.environ, DAYBOOK_RUN_BINARY=str(fake))
        self.ports = dict(zip(("http_address", "grpc_address", "admin_address"), free_ports(3)))
        self.addresses = [f"--{name}=127.0.0.1:{port}" for name, port in self.ports.items()]

    def start(self, *flags):
        process = subprocess.Popen([DEV, "run", "--", *self.addresses, *flags], env=self.env, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        return process

    def read_until_ready(self, process):
        text = ""
        limit = time.monotonic() + 50
        while "Ctrl-C ends it" not in text and time.monotonic() < limit:
            line = process.stdout.readline()
            if not line:
                break
            text += line
        return text

    def test_it_prints_requests_with_real_ids_and_ends_cleanly_on_a_signal(self):
        for sent in (signal.SIGINT, signal.SIGTERM):
            process = self.start()
            text = self.read_until_ready(process)
            self.assertIn("/v1/clients/EBPCLI000003/beneficiaries", text)
            self.assertIn("/v1/beneficiaries/3f0e0000-0000-5000-8000-000000000001", text)
            self.assertIn(f"127.0.0.1:{self.ports['grpc_address']}", text)
            self.assertIn("('bos_instance', 'uk'), ('bos_records', 'tests/fixtures/sample/records.ndjson.gz')", text)
            data_dir = ROOT / re.search(r"\('data_dir', '([^']+)'\)", text).group(1)
            self.assertTrue(data_dir.is_dir())
            process.send_signal(sent)
            out, err = process.communicate(timeout=50)
            self.assertEqual(process.returncode, 0, err)
            self.assertIn("DRAINED", out)
            self.assertFalse(data_dir.exists(), "the data directory is removed")

    def test_flags_replace_the_defaults_and_a_given_data_directory_is_kept(self):
        kept = tempfile.mkdtemp(dir=self.folder.name)
        process = self.start(f"--data_dir={kept}", "--bos_instance=eu", "--bos_records=")
        text = self.read_until_ready(process)
        self.assertIn("('bos_instance', 'eu'), ('bos_records', '')", text)
        self.assertIn(f"('data_dir', '{kept}')", text)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=50)
        self.assertEqual(process.returncode, 0)
        self.assertTrue(os.path.isdir(kept))

    def test_a_killed_services_data_stays_and_the_command_that_goes_on_with_it_is_named(self):
        process = self.start("--log_level=debug")
        text = self.read_until_ready(process)
        data_dir = re.search(r"\('data_dir', '([^']+)'\)", text).group(1)
        self.addCleanup(shutil.rmtree, ROOT / data_dir, ignore_errors=True)
        os.kill(int(re.search(r"kill -9 (\d+) ends it", text).group(1)), signal.SIGKILL)
        _, err = process.communicate(timeout=50)
        self.assertEqual(process.returncode, 128 + signal.SIGKILL, err)
        self.assertIn(f"./dev run -- --data_dir={data_dir} ", err)
        self.assertIn("--log_level=debug", err)
        self.assertTrue((ROOT / data_dir).is_dir())

    def test_a_service_that_fails_at_start_gives_its_exit_code(self):
        process = self.start("--fail=7")
        _, err = process.communicate(timeout=50)
        self.assertEqual(process.returncode, 7)
        self.assertIn("code 7", err)

    def test_a_port_in_use_is_named_with_the_flag_that_changes_it(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", self.ports["grpc_address"]))
            s.listen()
            process = self.start()
            _, err = process.communicate(timeout=50)
        self.assertEqual(process.returncode, 1)
        self.assertIn(f"127.0.0.1:{self.ports['grpc_address']} is in use", err)
        self.assertIn("./dev run -- --grpc_address=127.0.0.1:", err)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
